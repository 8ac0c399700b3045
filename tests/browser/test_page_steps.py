"""The steps that the product's page tells, in its words, in light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from running import ADMIN_KEY, Proxy
from selling import sell

from browser.browsing import SCHEMES, Browsing, Scheme, Site


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_access_group_is_created_and_given_to_a_team(
    browsing: Browsing, site: Site, proxy: Proxy, scheme: Scheme
) -> None:
    customer = sell(proxy, {"chat": "real-a", "other": "real-b"})
    name = f"support-{scheme}"
    page = browsing.open(site, key=ADMIN_KEY, scheme=scheme)
    create_group(page, name, ["other", "chat"])
    with proxy.admin() as admin:
        group = admin.get(f"/api/model-access-groups/{name}").json()
    assert [alias["alias"] for alias in group["model_aliases"]] == ["other", "chat"]  # in the order of choosing
    assert group["description"] == "Models for the support desk"
    edit_groups(page, customer.team_id, give=[name], take=customer.groups)
    with proxy.admin() as admin:
        assert admin.get(f"/api/teams/{customer.team_id}").json()["access_groups"] == [name]


def create_group(page: Page, name: str, aliases: list[str]) -> None:
    page.get_by_role("link", name="Model Access").click()
    page.get_by_role("link", name="Create Access Group").first.click()
    page.get_by_label("Group Name").fill(name)
    page.get_by_label("Description").fill("Models for the support desk")
    models = page.get_by_role("group", name="Model Aliases")
    for alias in aliases:
        models.get_by_label("Find an alias").fill(alias)
        models.locator(f"input[value='{alias}']").check()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_role("status").filter(has_text=name)).to_be_visible()


def edit_groups(page: Page, team_id: str, *, give: list[str], take: list[str]) -> None:
    page.get_by_role("link", name="Teams").first.click()
    page.get_by_label("Part of a team's id or name").fill(team_id)
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name=team_id, exact=True).click()
    page.get_by_role("link", name="Edit Access Groups").first.click()
    for group in give:
        page.locator(f"input[name=access_groups][value='{group}']").check()
    for group in take:
        page.locator(f"input[name=access_groups][value='{group}']").uncheck()
    expect(page.get_by_text("2 changes, not saved")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("table", name="Models that")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)


def test_what_a_team_loses_is_shown_before_save(browsing: Browsing, page: Page, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a", "other": "real-b"})
    with customer.client() as client:
        body = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
        assert client.post("/v1/chat/completions", json=body).status_code == 200
    page.goto(f"/admin/teams/{customer.team_id}/access")
    page.locator(f"input[name=access_groups][value='{customer.groups[0]}']").uncheck()
    expect(page.get_by_role("heading", name="Loses 2 models")).to_be_visible()
    expect(page.get_by_text("1 of the 2 lost models is in use.")).to_be_visible()
    with customer.client() as client:
        assert client.post("/v1/chat/completions", json=body).status_code == 200  # nothing has changed yet
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="It can call nothing")).to_be_visible()
    with customer.client() as client:
        assert client.post("/v1/chat/completions", json=body).status_code == 403
    page.get_by_role("button", name="Undo").click()


def test_the_steps_work_without_a_script(browsing: Browsing, site: Site, proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"})
    page = browsing.open(site, key=ADMIN_KEY, script=False)
    page.goto("/admin/model-access/new")
    page.get_by_label("Group Name").fill("scriptless")
    page.locator("input[value='chat']").check()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_text("Same models as")).to_be_visible()  # told before, as the typing couldn't be followed
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("scriptless")
    page.goto(f"/admin/teams/{customer.team_id}/access")
    page.locator("input[value='scriptless']").check()
    page.locator(f"input[name=access_groups][value='{customer.groups[0]}']").uncheck()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("chat stays, now via scriptless")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("table", name="Models that")).to_contain_text("scriptless")
