"""Signing in and out, and what a browser may hold of it."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, expect
from running import ADMIN_KEY, Proxy

from browser.browsing import Browsing, Site, sign_in
from browser.people import ALICE_KEY, VIEWER_KEY

COOKIE = "saas_access_session"


def test_a_wrong_key_is_refused_and_the_right_one_leads_where_one_wanted_to_go(browsing: Browsing, site: Site) -> None:
    browsing.expect_status(401)
    page = browsing.open(site)
    page.goto("/admin/organizations?search=somebody")
    page.get_by_label("Admin key").fill("a-wrong-key-of-some-length")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert "a-wrong-key" not in page.content()
    assert page.context.cookies() == []
    page.get_by_label("Admin key").fill(ADMIN_KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.admin}/organizations?search=somebody")


def test_the_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(page: Page) -> None:
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE, True, "Strict")
    assert (cookie["path"], cookie["secure"]) == ("/admin", False)  # secure over https only, else nobody could sign in
    assert page.evaluate("document.cookie") == ""


def test_no_key_is_in_any_address_or_storage(browsing: Browsing, site: Site) -> None:
    page = browsing.open(site)
    addresses: list[str] = []
    page.context.on("request", lambda asked: addresses.append(asked.url))
    sign_in(page, ADMIN_KEY)
    page.get_by_role("link", name="Organizations").click()
    assert len(addresses) > 3
    assert not any(ADMIN_KEY in address for address in addresses)
    held = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, document.title])")
    assert ADMIN_KEY not in held
    assert page.evaluate("indexedDB.databases().then(all => all.length)") == 0
    assert ADMIN_KEY not in str(page.context.storage_state())


def test_signing_out_ends_the_session_for_its_cookie_too(page: Page, site: Site) -> None:
    (cookie,) = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.admin}/sign-in")
    page.goto("/admin/teams")
    expect(page).to_have_url(re.compile("/admin/sign-in"))
    with httpx.Client(base_url=site.url, cookies={COOKIE: str(cookie["value"])}) as thief:
        assert thief.get("/admin/organizations").headers["location"].startswith("/admin/sign-in")


def test_a_session_is_its_persons(browsing: Browsing, site: Site) -> None:
    alice, viewer = browsing.open(site, key=ALICE_KEY), browsing.open(site, key=VIEWER_KEY)
    expect(alice.get_by_text("alice", exact=True)).to_be_visible()
    expect(viewer.get_by_text("may only look")).to_be_visible()


def test_a_form_of_another_site_is_not_taken(page: Page, site: Site, proxy: Proxy) -> None:
    """The cookie alone does nothing: neither with no token, nor with a wrong one, nor from another origin."""
    (cookie,) = page.context.cookies()
    page.goto("/admin/organizations?new=1")
    token = page.locator("input[name=csrf]").first.input_value()
    form = {"organization_id": "forged", "name": "Forged"}
    with httpx.Client(base_url=site.url, cookies={COOKIE: str(cookie["value"])}) as forger:
        for extra, headers in (
            ({}, {}),
            ({"csrf": token[::-1]}, {}),
            ({"csrf": token}, {"origin": "https://elsewhere.example"}),
            ({"csrf": token}, {"sec-fetch-site": "cross-site"}),
        ):
            assert forger.post("/admin/organizations", data=form | extra, headers=headers).status_code == 403
    with proxy.admin() as admin:
        assert admin.get("/api/organizations/forged").status_code == 404
    page.get_by_label("Organization id").fill("not-forged")
    page.get_by_role("textbox", name="Name").fill("Not forged")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Not forged")
