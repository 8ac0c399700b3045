"""Writes that meet something in their way: refused ones, two people at once, those who may not, and hostile names."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from running import ADMIN_KEY, Proxy
from selling import sell

from browser.browsing import Browsing, Site
from browser.people import ALICE_KEY, BOB_KEY, VIEWER_KEY


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_refused_save_keeps_what_was_typed(browsing: Browsing, site: Site, proxy: Proxy, script: bool) -> None:
    """With a script it is refused before it is sent."""
    sell(proxy, {"chat": "real-a", "other": "real-b", "third": "real-b"})
    if not script:
        browsing.expect_status(422)
    name = "scripted" if script else "plain"
    page = browsing.open(site, key=ADMIN_KEY, script=script)
    page.goto("/admin/model-access/new")
    page.get_by_label("Group Name").fill(f"{name.title()} Models")
    page.get_by_label("Description").fill('For the "desk" <b>')
    first = "other" if script else "chat"  # no group has the same two
    page.locator(f"input[value='{first}']").check()
    page.locator("input[value='third']").check()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_label("Group Name")).to_have_value(f"{name.title()} Models")
    expect(page.get_by_label("Group Name")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Description")).to_have_value('For the "desk" <b>')
    checked = page.locator("input[name=model_aliases]:checked")
    assert checked.evaluate_all("boxes => boxes.map(box => box.value).sort()") == sorted([first, "third"])
    page.get_by_role("button", name=f"{name}-models").click()  # the correction that is offered
    if script:
        page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{name}-models")
    expect(page.get_by_text('For the "desk" <b>')).to_be_visible()


def test_a_name_that_is_taken_is_told_beside_the_field(browsing: Browsing, page: Page, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"})
    browsing.expect_status(409)
    page.goto("/admin/teams?new=1")
    panel = page.get_by_role("dialog")
    panel.get_by_label("Organization").select_option(value=customer.team_id.replace("team", "org"))
    panel.get_by_label("Team id").fill(customer.team_id)
    panel.get_by_label("Credits", exact=False).first.fill("12")
    panel.get_by_role("button", name="Create", exact=True).click()
    expect(panel.get_by_label("Team id")).to_have_value(customer.team_id)
    expect(panel.get_by_label("Credits", exact=False).first).to_have_value("12")
    expect(panel).to_contain_text("exists")


def test_two_people_edit_the_same_team(browsing: Browsing, site: Site, proxy: Proxy) -> None:
    customer, other = sell(proxy, {"chat": "real-a"}), sell(proxy, {"other": "real-b"})
    extra = sell(proxy, {"chat": "real-a"}).groups[0]
    alice, bob = browsing.open(site, key=ALICE_KEY), browsing.open(site, key=BOB_KEY)
    for person, group in ((alice, other.groups[0]), (bob, extra)):
        person.goto(f"/admin/teams/{customer.team_id}/access")
        person.locator(f"input[name=access_groups][value='{group}']").check()
    alice.get_by_role("button", name="Save").click()
    expect(alice.get_by_role("table", name="Models that")).to_contain_text("other")
    browsing.expect_status(412)
    bob.get_by_role("button", name="Save").click()
    conflict = bob.get_by_role("form", name="Edit Access Groups")
    expect(conflict).to_contain_text("alice changed this team")
    yours, theirs = conflict.locator(".two-versions > div").all()
    expect(yours.locator("ins")).to_have_text([extra])
    expect(theirs.locator("ins")).to_have_text([other.groups[0]])
    conflict.get_by_role("button", name="Add mine to theirs").click()
    bob.get_by_role("button", name="Save").click()
    expect(bob.get_by_role("button", name="Save")).to_have_count(0)
    with proxy.admin() as admin:
        groups = admin.get(f"/api/teams/{customer.team_id}").json()["access_groups"]
        entry = admin.get("/api/audit", params={"target": customer.team_id, "limit": 1}).json()["entries"][0]
    assert groups == [customer.groups[0], other.groups[0], extra]
    assert entry["actor"] == "bob"


def test_a_key_in_use_is_revoked(page: Page, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"})
    body = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
    with customer.client() as client:
        assert client.post("/v1/chat/completions", json=body).status_code == 200
        page.goto(f"/admin/teams/{customer.team_id}")
        page.get_by_role("link", name="Revoke...").click()
        panel = page.get_by_role("dialog", name="Revoke key")
        expect(panel).to_contain_text("In use.")
        expect(panel).to_contain_text("The last active key.")
        assert client.post("/v1/chat/completions", json=body).status_code == 200  # nothing has changed yet
        panel.get_by_role("button", name="Revoke, 2 calls in 7 days").or_(
            panel.get_by_role("button", name="Revoke, 1 call in 7 days")
        ).click()
        expect(page.get_by_role("table", name="Keys of")).to_contain_text("revoked")
        assert client.post("/v1/chat/completions", json=body).status_code == 401


def test_a_new_key_is_shown_once_and_copied(page: Page, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"})
    page.goto(f"/admin/teams/{customer.team_id}/keys/new")
    page.get_by_role("dialog").get_by_label("Name").fill("backend")
    page.get_by_role("button", name="Create", exact=True).click()
    key = page.get_by_label("New key").inner_text()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key
    with proxy.client(authorization=f"Bearer {key}") as client:
        body = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
        assert client.post("/v1/chat/completions", json=body).status_code == 200
    page.goto(f"/admin/teams/{customer.team_id}")
    expect(page.get_by_role("table", name="Keys of")).to_contain_text("backend")
    assert key not in page.content()


def test_a_viewer_sees_everything_and_can_write_nothing(browsing: Browsing, site: Site, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"})
    viewer = browsing.open(site, key=VIEWER_KEY)
    pages = ["", "/model-access", "/matrix", "/teams", "/aliases", "/organizations", "/usage", "/audit", "/first-steps"]
    team, group = f"/teams/{customer.team_id}", f"/model-access/{customer.groups[0]}"
    forms = ["/teams?new=1", "/organizations?new=1", "/model-access/new", f"{team}/access", f"{group}?add=1"]
    for path in [*pages, team, group, "/aliases/chat", f"/explain?team_id={customer.team_id}&model=chat", *forms]:
        viewer.goto(f"/admin{path}")
        posts = viewer.locator("form[method=post]").evaluate_all("forms => forms.map(form => form.action)")
        assert posts == [f"{site.admin}/sign-out"], path
    token = viewer.locator("input[name=csrf]").first.input_value()
    form: dict[str, str | float | bool] = {"csrf": token, "organization_id": "viewers", "name": "Viewer's"}
    assert viewer.request.post("/admin/organizations", form=form).status == 403
    with proxy.admin() as admin:
        assert admin.get("/api/organizations/viewers").status_code == 404


HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202ertl {{7*7}}</title><script>alert(2)</script>"


def test_names_are_text_whatever_they_contain(browsing: Browsing, site: Site, proxy: Proxy) -> None:
    """The watch over the browser would tell of a script that ran or was held back, and of an image asked for."""
    customer = sell(proxy, {"chat": "real-a"}, team_alias=HOSTILE, metadata={HOSTILE: HOSTILE})
    organization = customer.team_id.replace("team", "org")
    with proxy.admin() as admin:
        group = {"group_name": "hostile", "description": HOSTILE, "model_aliases": ["chat", "hostile"]}
        model = "openai/<script>alert(3)</script>'\"&"
        alias = {"alias": "hostile", "litellm_model": model, "description": HOSTILE}
        for method, path, body in (
            ("PUT", f"/api/organizations/{organization}", {"name": HOSTILE}),
            ("POST", "/api/model-aliases/create", alias),
            ("POST", "/api/model-access-groups/create", group),
            ("POST", f"/api/teams/{customer.team_id}/keys", {"name": HOSTILE[:60]}),
        ):
            answer = admin.request(method, path, json=body)
            assert answer.status_code in (200, 201), answer.text
    page = browsing.open(site, key=ADMIN_KEY)
    page.on("dialog", lambda dialog: browsing.complaints.append(f"a dialog: {dialog.message}"))
    for path in (
        f"/organizations/{organization}",
        "/organizations",
        f"/teams/{customer.team_id}",
        "/model-access/hostile",
        "/model-access",
        "/aliases/hostile",
        "/aliases",
        "/audit",
        f"/find?q={customer.team_id}",
        "/matrix?alias=hostile",
        f"/explain?team_id={customer.team_id}&model=hostile",
    ):
        page.goto(f"/admin{path}")
        assert page.locator("main img, main script").count() == 0, path
        if "matrix" not in path and "find" not in path and "explain" not in path:
            expect(page.locator("body")).to_contain_text("<img src=x", use_inner_text=False)
    page.goto("/admin/organizations?search=" + "%3Cscript%3Ealert(3)%3C%2Fscript%3E")
    expect(page.get_by_text('"<script>alert(3)</script>"')).to_be_visible()
