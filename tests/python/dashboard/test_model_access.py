"""Model Access: the list of groups, creating one, and one group's page with what each change would take away."""

from __future__ import annotations

import html
import re

import pytest
from admin.serving import ADMIN_KEY, Client, Server, answered, created

from .browsing import VIEWER_KEY, words
from .visiting import Visitor, hidden, operator_at, panel, row, signed_in

HOSTILE = "<script>alert(1)</script>\" ' &amp; \u202egpj"


@pytest.fixture
def api(server: Server) -> Client:
    """Groups gpt-models (gpt-4, gpt-3.5) and basic (gpt-3.5); team prod has both, dev the first."""
    client = server.client(ADMIN_KEY)
    for alias in ("gpt-4", "gpt-3.5", "claude"):
        created(client.post("/api/model-aliases/create", json={"alias": alias, "litellm_model": f"x/{alias}"}))
    for name, aliases in (("gpt-models", ["gpt-4", "gpt-3.5"]), ("basic", ["gpt-3.5"])):
        created(client.post("/api/model-access-groups/create", json={"group_name": name, "model_aliases": aliases}))
    created(client.post("/api/organizations/create", json={"organization_id": "org", "name": "Org"}))
    for team, groups in (("prod", ["gpt-models", "basic"]), ("dev", ["gpt-models"])):
        body = {"organization_id": "org", "team_id": team, "access_groups": groups}
        created(client.post("/api/teams/create", json=body))
    return client


@pytest.fixture
def operator(server: Server, api: Client) -> Visitor:
    return operator_at(server)


def aliases_of(api: Client, group: str) -> list[str]:
    found = answered(api.get(f"/api/model-access-groups/{group}"))["model_aliases"]
    return [each["alias"] for each in found]


def test_the_list_shows_models_in_order_and_counts(operator: Visitor) -> None:
    page = operator.page("/admin/model-access")
    assert row(page, "gpt-models") == "gpt-models gpt-4 gpt-3.5 2 2 0 not in 30 days"
    assert row(page, "basic") == "basic gpt-3.5 1 1 0 not in 30 days"
    assert page.index(">gpt-models<") < page.index(">basic<")  # more teams first
    by_name = operator.page("/admin/model-access?sort=name")
    assert by_name.index(">basic<") < by_name.index(">gpt-models<")


def test_the_list_is_filtered_by_text_alias_and_state(operator: Visitor, api: Client) -> None:
    created(api.post("/api/model-access-groups/create", json={"group_name": "empty", "description": "For LATER"}))
    for query, names in {
        "search=GPT-4": {"gpt-models"},
        "search=later": {"empty"},
        "alias=gpt-3.5": {"gpt-models", "basic"},
        "state=without-teams": {"empty"},
        "state=unused": {"gpt-models", "basic", "empty"},
        "search=nothing-like-it": set(),
    }.items():
        page = operator.page(f"/admin/model-access?{query}")
        assert set(re.findall(r'class="name strong" href="/admin/model-access/([^"]+)"', page)) == names, query
    assert "3 groups without the filter" in words(page)


def test_without_groups_the_page_says_what_they_are_for(server: Server) -> None:
    page = operator_at(server).page("/admin/model-access")
    assert "No access group yet" in page
    assert page.count("Create Access Group") == 2


def test_creating_keeps_the_order_chosen(operator: Visitor, api: Client) -> None:
    fields = {"group_name": "mine", "description": "My own", "model_aliases": ["gpt-3.5", "claude", "gpt-4"]}
    answer = operator.send("/admin/model-access/new", fields)
    assert answer.headers["location"].startswith("/admin/model-access/mine?done=")
    assert aliases_of(api, "mine") == ["gpt-3.5", "claude", "gpt-4"]
    assert "mine" in words(operator.page(answer.headers["location"]).partition('role="status"')[2])


def test_a_refused_name_keeps_what_was_typed_and_offers_a_better_one(operator: Visitor, api: Client) -> None:
    fields = {"group_name": "Support Models", "description": HOSTILE, "model_aliases": ["claude", "gpt-4"]}
    page = operator.send("/admin/model-access/new", fields, status=422).text
    assert 'value="Support Models" aria-invalid="true"' in page
    assert f'value="{html.escape(HOSTILE)}"'.replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
    assert re.findall(r'value="([^"]+)" checked', page) == ["claude", "gpt-4"]
    assert 'name="suggested" value="support-models"' in page
    operator.send("/admin/model-access/new", fields | {"suggested": "support-models"})
    assert aliases_of(api, "support-models") == ["claude", "gpt-4"]
    detail = operator.page("/admin/model-access/support-models")
    assert "<script>alert" not in detail
    assert HOSTILE in words(detail)


def test_a_name_that_is_taken_is_said_beside_the_field(operator: Visitor) -> None:
    page = operator.send("/admin/model-access/new", {"group_name": "basic"}, status=409).text
    assert "already exists" in page[page.index('id="gn-e"') : page.index('id="gn-h"')]


def test_the_same_models_are_told_of_once(operator: Visitor, api: Client) -> None:
    fields = {"group_name": "copy", "model_aliases": ["gpt-3.5", "gpt-4"]}
    page = operator.send("/admin/model-access/new", fields, status=200).text
    assert "Same models as gpt-models . 2 teams have that group already" in words(page)
    part = operator.request("GET", "/admin/model-access/new?part=1&model_aliases=gpt-4&model_aliases=gpt-3.5").text
    assert "Same models as" in part
    operator.send("/admin/model-access/new", fields | {"same_as": hidden(page, "same_as")})
    assert aliases_of(api, "copy") == ["gpt-3.5", "gpt-4"]


def test_a_groups_page_says_who_has_what_only_through_it(operator: Visitor) -> None:
    page = operator.page("/admin/model-access/gpt-models")
    assert row(page, "gpt-4") == "gpt-4 x/gpt-4 0 2 of 2 Remove gpt-4"
    assert row(page, "gpt-3.5") == "gpt-3.5 x/gpt-3.5 0 1 of 2 Remove gpt-3.5"
    assert row(page, "dev") == "dev org 0 not in 7 days"
    assert "created with 2 models" in words(page)


def test_removing_shows_first_who_loses_and_who_keeps_it(operator: Visitor, api: Client) -> None:
    asked = "/admin/model-access/gpt-models?remove=gpt-3.5"
    shown = panel(operator.page(asked))
    assert "Teams lose it 1 of 2 Teams keep it 1" in words(shown)
    assert "Remove from 1 team" in words(shown)
    assert row(shown, "dev") == "dev 0 not in 7 days"
    assert row(shown, "prod") == "prod via basic"
    assert aliases_of(api, "gpt-models") == ["gpt-4", "gpt-3.5"]
    operator.send(asked, {"do": "remove", "alias": "gpt-3.5", "seen": hidden(shown, "seen")})
    assert aliases_of(api, "gpt-models") == ["gpt-4"]


def test_what_is_removed_is_what_was_shown(operator: Visitor, api: Client) -> None:
    asked = "/admin/model-access/gpt-models?remove=gpt-3.5"
    seen = hidden(panel(operator.page(asked)), "seen")
    answered(api.put("/api/teams/prod", json={"access_groups": ["gpt-models"]}))  # it would lose the model, too, now
    page = operator.send(asked, {"do": "remove", "alias": "gpt-3.5", "seen": seen}, status=409).text
    assert "Something changed meanwhile" in words(panel(page))
    assert "Remove from 2 teams" in words(panel(page))
    assert aliases_of(api, "gpt-models") == ["gpt-4", "gpt-3.5"]


def test_removing_gently_grants_the_other_group_for_a_time(operator: Visitor, api: Client) -> None:
    asked = "/admin/model-access/gpt-models?remove=gpt-3.5"
    shown = panel(operator.page(asked))
    assert "give this team a grant of basic" in words(shown)
    fields = {"do": "remove", "alias": "gpt-3.5", "seen": hidden(shown, "seen"), "gently": "basic"}
    operator.send(asked, fields)
    dev = answered(api.get("/api/teams/dev"))
    assert [grant["access_group"] for grant in dev["grants"]] == ["basic"]
    assert dev["available_models"] == ["gpt-4", "gpt-3.5"]
    assert not answered(api.get("/api/teams/prod"))["grants"]
    assert aliases_of(api, "gpt-models") == ["gpt-4"]


def test_deleting_shows_first_which_team_loses_which_models(operator: Visitor, api: Client) -> None:
    asked = "/admin/model-access/gpt-models?delete=1"
    shown = panel(operator.page(asked))
    assert row(shown, "prod") == "prod gpt-4 0 not in 7 days"
    assert row(shown, "dev") == "dev gpt-4 gpt-3.5 0 not in 7 days"
    assert "Delete, 2 teams lose models" in words(shown)
    operator.send(asked, {"do": "delete", "seen": "of something else"}, status=409)
    answer = operator.send(asked, {"do": "delete", "seen": hidden(shown, "seen")})
    assert answer.headers["location"].startswith("/admin/model-access?done=")
    assert api.get("/api/model-access-groups/gpt-models").status_code == 404


def test_adding_models_offers_those_that_it_has_not(operator: Visitor, api: Client) -> None:
    shown = panel(operator.page("/admin/model-access/basic?add=1"))
    assert re.findall(r'name="model_aliases" value="([^"]+)"', shown) == ["gpt-4", "claude"]
    page = operator.send("/admin/model-access/basic?add=1", {"do": "add", "model_aliases": ["nothing"]}, status=422)
    assert "Model alias 'nothing' does not exist" in words(panel(page.text))
    operator.send("/admin/model-access/basic?add=1", {"do": "add", "model_aliases": ["claude", "gpt-4"]})
    assert aliases_of(api, "basic") == ["gpt-3.5", "claude", "gpt-4"]


def test_two_who_edit_one_description_see_both(operator: Visitor, api: Client) -> None:
    asked = "/admin/model-access/basic?edit=1"
    etag = hidden(panel(operator.page(asked)), "etag")
    answered(api.put("/api/model-access-groups/basic", json={"description": "Theirs"}))
    page = operator.send(asked, {"do": "edit", "description": "Mine", "etag": etag}, status=412).text
    assert "Yours, not saved Mine Theirs Theirs" in words(panel(page))
    operator.send(asked, {"do": "edit", "description": "Mine", "etag": hidden(panel(page), "etag")})
    assert answered(api.get("/api/model-access-groups/basic"))["description"] == "Mine"


def test_a_viewer_sees_it_all_and_has_no_form(server: Server, operator: Visitor) -> None:
    viewer = signed_in(server, VIEWER_KEY)
    for path in ("", "/new", "/gpt-models", "/gpt-models?remove=gpt-4", "/gpt-models?delete=1", "/gpt-models?edit=1"):
        page = viewer.page("/admin/model-access" + path)
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page) == ["/admin/sign-out"], path
        assert '<dialog class="panel"' not in page
    assert "2 of 2" in words(viewer.page("/admin/model-access/gpt-models"))


def test_forms_of_other_pages_are_not_taken(operator: Visitor, api: Client) -> None:
    for path in ("/admin/model-access/new", "/admin/model-access/basic"):
        assert operator.request("POST", path, {"do": "delete", "group_name": "x"}).status_code == 403
    assert aliases_of(api, "basic") == ["gpt-3.5"]


def test_a_group_that_does_not_exist_is_not_found(operator: Visitor) -> None:
    assert "does not exist" in operator.page("/admin/model-access/nothing", status=404)


def test_a_group_shows_its_own_changes_and_not_those_of_an_alias_of_its_name(operator: Visitor, api: Client) -> None:
    created(api.post("/api/model-aliases/create", json={"alias": "basic", "litellm_model": "x/basic"}))
    assert operator.page("/admin/model-access/basic").count('<td class="fit faint"><time') == 1
