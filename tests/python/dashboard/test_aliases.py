"""Model Aliases: the list, creating one, and one alias's page with what each change would take away."""

from __future__ import annotations

import re

import pytest
from admin.serving import ADMIN_KEY, Client, Server, answered, created

from .browsing import VIEWER_KEY, words
from .visiting import Visitor, hidden, operator_at, panel, row, signed_in


@pytest.fixture
def api(server: Server) -> Client:
    """Aliases gpt-4 (in the group that teams one and two have), a/b (in none) and lost, which the proxy can't route."""
    client = server.client(ADMIN_KEY)
    for alias, model in (("gpt-4", "openai/gpt-4"), ("a/b", "x/<b>"), ("lost", "unroutable/lost")):
        created(client.post("/api/model-aliases/create", json={"alias": alias, "litellm_model": model}))
    for name, aliases in (("gpt-models", ["gpt-4"]), ("all", ["gpt-4", "lost"])):
        created(client.post("/api/model-access-groups/create", json={"group_name": name, "model_aliases": aliases}))
    created(client.post("/api/organizations/create", json={"organization_id": "org", "name": "Org"}))
    for team, groups in (("one", ["gpt-models"]), ("two", ["gpt-models", "all"])):
        body = {"organization_id": "org", "team_id": team, "access_groups": groups}
        created(client.post("/api/teams/create", json=body))
    return client


@pytest.fixture
def operator(server: Server, api: Client) -> Visitor:
    return operator_at(server)


def test_the_list_shows_groups_teams_and_what_cannot_be_routed(operator: Visitor) -> None:
    page = operator.page("/admin/aliases")
    assert row(page, "gpt-4") == "gpt-4 openai/gpt-4 active gpt-models all 2 0"
    assert row(page, "a/b") == "a/b x/<b> active 0 0"
    assert row(page, "lost") == "lost unroutable/lost no route all 1 0"
    assert "lost has no route. The proxy has no model unroutable/lost . 1 team is granted it" in words(page)


def test_the_list_is_filtered_by_text_and_state(operator: Visitor, api: Client) -> None:
    answered(api.put("/api/model-aliases/gpt-4", json={"active": False, "retires_at": "2100-01-31T10:00:00Z"}))
    for query, names in {
        "search=OPENAI": {"gpt-4"},
        "state=inactive": {"gpt-4"},
        "state=retiring": {"gpt-4"},
        "state=active": {"a%2Fb", "lost"},
        "state=no-route": {"lost"},
        "state=without-groups": {"a%2Fb"},
    }.items():
        page = operator.page(f"/admin/aliases?{query}")
        assert set(re.findall(r'class="name strong" href="/admin/aliases/([^"]+)"', page)) == names, query


def test_creating_one(operator: Visitor, api: Client) -> None:
    fields = {
        "alias": "new/one",
        "litellm_model": "openai/new",
        "description": "New",
        "credits_per_call": "0.25",
        "retires_on": "2100-01-31",
        "successor": "gpt-4",
    }
    answer = operator.send("/admin/aliases?new=1", fields)
    made = answered(api.get("/api/model-aliases/new/one"))
    assert made["credits_per_call"] == 0.25
    assert made["active"] is False  # its box wasn't ticked
    assert (made["retires_at"], made["successor"]) == ("2100-01-31T00:00:00Z", "gpt-4")
    page = operator.page(answer.headers["location"])
    assert "not active" in words(page)
    assert "Its successor is gpt-4" in words(page)


def test_a_refused_one_keeps_what_was_typed(operator: Visitor) -> None:
    typed = {"alias": "has space", "litellm_model": "m", "credits_per_call": "a lot", "retires_on": "", "active": "1"}
    shown = panel(operator.send("/admin/aliases?new=1", typed, status=422).text)
    assert 'value="has space"' in shown
    assert 'value="a lot"' in shown
    assert shown.count('class="err"') >= 1
    taken = typed | {"alias": "gpt-4", "credits_per_call": "1"}
    shown = panel(operator.send("/admin/aliases?new=1", taken, status=409).text)
    assert "already exists" in shown[shown.index('id="e-alias"') :][:300]


def test_an_aliass_page(operator: Visitor, api: Client) -> None:
    page = operator.page("/admin/aliases/gpt-4")
    assert row(page, "gpt-models") == "gpt-models 2 0"
    assert row(page, "one") == "one active 0 not in 7 days"
    assert "Teams that have it 2 Groups 2" in words(page)
    assert "In no group" in operator.page("/admin/aliases/a%2Fb")
    assert "The proxy can't route 'unroutable/lost'" in words(operator.page("/admin/aliases/lost"))


def test_editing_keeps_the_time_of_day_of_its_end(operator: Visitor, api: Client) -> None:
    answered(api.put("/api/model-aliases/a/b", json={"retires_at": "2100-01-31T10:00:00Z", "successor": "gpt-4"}))
    asked = "/admin/aliases/a%2Fb?edit=1"
    shown = panel(operator.page(asked))
    fields = {name: hidden(shown, name) for name in ("etag", "retires_at")}
    fields |= {"do": "edit", "litellm_model": "y/b", "credits_per_call": "2", "retires_on": "2100-01-31"}
    operator.send(asked, fields)
    found = answered(api.get("/api/model-aliases/a/b"))
    assert (found["litellm_model"], found["credits_per_call"]) == ("y/b", 2)
    assert found["retires_at"] == "2100-01-31T10:00:00Z"
    assert "successor" not in found  # none was chosen
    assert found["active"] is True  # the form has no word on it
    page = operator.send(asked, fields, status=412).text  # based on what it was before
    assert "Yours, not saved" in words(panel(page))


@pytest.mark.parametrize("do", ["deactivate", "delete"])
def test_taking_it_away_shows_first_who_loses_it(operator: Visitor, api: Client, do: str) -> None:
    asked = f"/admin/aliases/gpt-4?{do}=1"
    shown = panel(operator.page(asked))
    assert "Teams lose it 2" in words(shown)
    assert row(shown, "one") == "one 0 not in 7 days"
    assert f"{do.title()}, 2 teams lose it" in words(shown)
    answered(api.put("/api/teams/one", json={"access_groups": []}))
    again = panel(operator.send(asked, {"do": do, "seen": hidden(shown, "seen")}, status=409).text)
    assert f"{do.title()}, 1 team loses it" in words(again)
    operator.send(asked, {"do": do, "seen": hidden(again, "seen")})
    found = api.get("/api/model-aliases/gpt-4")
    assert found.status_code == 404 if do == "delete" else found.json()["active"] is False


def test_activating_again(operator: Visitor, api: Client) -> None:
    answered(api.put("/api/model-aliases/gpt-4", json={"active": False}))
    operator.send("/admin/aliases/gpt-4", {"do": "activate"})
    assert answered(api.get("/api/model-aliases/gpt-4"))["active"] is True


def test_a_viewer_has_no_form(server: Server, operator: Visitor) -> None:
    viewer = signed_in(server, VIEWER_KEY)
    for path in ("", "?new=1", "/gpt-4", "/gpt-4?edit=1", "/gpt-4?delete=1"):
        page = viewer.page("/admin/aliases" + path)
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page) == ["/admin/sign-out"], path


def test_forms_of_other_pages_are_not_taken(operator: Visitor) -> None:
    for path in ("/admin/aliases", "/admin/aliases/gpt-4"):
        assert operator.request("POST", path, {"do": "activate"}).status_code == 403
