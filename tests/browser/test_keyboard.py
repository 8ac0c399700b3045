"""The dashboard by keyboard alone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from running import ADMIN_KEY, Proxy
from selling import sell

from browser.browsing import Browsing, Site
from browser.hands import Keyboard


def test_the_palette_finds_and_opens(page: Page, proxy: Proxy) -> None:
    for team_id in ("findable-one", "findable-two"):
        sell(proxy, {"chat": "real-a"}, team_id=team_id)
    page.keyboard.press("/")
    palette = page.get_by_role("dialog", name="Find anything")
    expect(palette).to_be_visible()
    expect(palette.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("ndable-")  # any part of a name
    options = palette.get_by_role("option")
    expect(options).to_contain_text(["findable-one", "findable-two"])
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/admin/teams/findable-one"))
    page.keyboard.press("Control+k")
    expect(palette).to_be_visible()
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()


def test_a_slash_that_is_typed_stays_one(page: Page) -> None:
    page.goto("/admin/teams")
    field = page.get_by_label("Part of a team's id or name")
    field.focus()
    page.keyboard.type("a/b")
    expect(field).to_have_value("a/b")
    expect(page.get_by_role("dialog", name="Find anything")).to_be_hidden()


def test_signing_in_and_past_the_menu(browsing: Browsing, site: Site) -> None:
    page = browsing.open(site)
    expect(page.get_by_label("Admin key")).to_be_focused()
    page.keyboard.type(ADMIN_KEY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_group_is_created_and_given(page: Page, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a", "other": "real-b"})
    hands = Keyboard(page)
    hands.press(page.get_by_role("link", name="Model Access"))
    hands.press(page.get_by_role("link", name="Create Access Group").first)
    hands.fill(page.get_by_label("Group Name"), "by-keyboard")
    hands.fill(page.get_by_label("Description"), "Without a mouse")
    hands.fill(page.get_by_label("Find an alias"), "oth")
    page.keyboard.press("Enter")  # takes the match, and doesn't send the form
    hands.press(page.get_by_role("button", name="Create", exact=True).last)
    expect(page.get_by_role("heading", level=1)).to_have_text("by-keyboard")
    page.goto(f"/admin/teams/{customer.team_id}")
    hands.press(page.get_by_role("link", name="Edit Access Groups").first)
    hands.toggle(page.locator("input[value='by-keyboard']"))
    hands.toggle(page.locator(f"input[name=access_groups][value='{customer.groups[0]}']"))
    expect(page.get_by_role("heading", name="Loses 1 model")).to_be_visible()
    hands.press(page.get_by_role("button", name="Save"))
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    with proxy.admin() as admin:
        team = admin.get(f"/api/teams/{customer.team_id}").json()
    assert (team["access_groups"], team["available_models"]) == (["by-keyboard"], ["other"])


def test_a_panel_holds_the_focus_and_gives_it_back(page: Page, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"})
    hands = Keyboard(page)
    page.goto(f"/admin/teams/{customer.team_id}")
    hands.press(page.get_by_role("link", name="Revoke..."))
    panel = page.get_by_role("dialog", name="Revoke key")
    expect(panel).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page).to_have_url(re.compile(f"/admin/teams/{customer.team_id}#keys"))
    hands.press(page.get_by_role("link", name="Revoke..."))
    hands.press(panel.get_by_role("button", name="Revoke"))
    expect(page.get_by_role("table", name="Keys of")).to_contain_text("revoked")


def test_the_matrix_is_one_stop_with_arrows_in_it(page: Page, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a", "other": "real-b"})
    page.goto(f"/admin/matrix?search={customer.team_id}")
    cells = page.locator(".mx td.c > a")
    Keyboard(page).go_to(cells.first)
    page.keyboard.press("ArrowRight")
    expect(cells.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(cells.last).to_be_focused()
    page.keyboard.press("Home")
    expect(cells.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/admin/explain"))
