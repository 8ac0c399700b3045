"""Organizations: the list with sums, and one organization's page with what suspending it means."""

from __future__ import annotations

import re

import pytest
from admin.serving import ADMIN_KEY, Client, Server, answered, created

from .browsing import VIEWER_KEY, words
from .visiting import Visitor, hidden, operator_at, panel, row, signed_in


@pytest.fixture
def api(server: Server) -> Client:
    """ACME has teams one and two (suspended) with 100 credits each; Empty has none."""
    client = server.client(ADMIN_KEY)
    for name, title in (("acme", "ACME <b>"), ("empty", "Empty")):
        created(client.post("/api/organizations/create", json={"organization_id": name, "name": title}))
    for team in ("one", "two"):
        body = {"organization_id": "acme", "team_id": team, "credits_allocated": 100}
        created(client.post("/api/teams/create", json=body))
    answered(client.put("/api/teams/two/suspend"))
    return client


@pytest.fixture
def operator(server: Server, api: Client) -> Visitor:
    return operator_at(server)


def test_the_list_sums_teams_and_credits(operator: Visitor) -> None:
    page = operator.page("/admin/organizations")
    assert row(page, "ACME &lt;b&gt;") == "ACME <b> acme active 2 1 suspended 200 of 200 0 0"
    assert row(page, "Empty") == "Empty empty active 0 0 of 0 0 0"
    assert "ACME" not in words(operator.page("/admin/organizations?search=empt"))


def test_creating_one_and_a_refusal(operator: Visitor) -> None:
    asked = "/admin/organizations?new=1"
    answer = operator.send(asked, {"organization_id": "new", "name": "New"})
    assert answer.headers["location"].startswith("/admin/organizations/new?done=")
    shown = panel(operator.send(asked, {"organization_id": "no spaces", "name": "Kept"}, status=422).text)
    assert 'value="Kept"' in shown
    assert "no spaces" in shown[shown.index('id="e-organization_id"') :]
    shown = panel(operator.send(asked, {"organization_id": "acme", "name": "Again"}, status=409).text)
    assert "already exists" in shown[shown.index('id="e-organization_id"') :]


def test_suspending_says_first_what_it_means(operator: Visitor, api: Client) -> None:
    asked = "/admin/organizations/acme?suspend=1"
    shown = panel(operator.page(asked))
    assert "Teams stop 1 of 2 Calls, 7 days 0" in words(shown)
    assert "two is suspended already" in row(shown, "two")
    assert "Suspend, 1 team stops" in words(shown)
    operator.send(asked, {"do": "suspend"})
    assert answered(api.get("/api/organizations/acme"))["status"] == "suspended"
    assert "Calls of all its 2 teams are refused" in words(operator.page("/admin/organizations/acme"))
    operator.send("/admin/organizations/acme", {"do": "resume"})
    assert answered(api.get("/api/organizations/acme"))["status"] == "active"


def test_two_who_rename_it_see_both(operator: Visitor, api: Client) -> None:
    asked = "/admin/organizations/acme?rename=1"
    etag = hidden(panel(operator.page(asked)), "etag")
    answered(api.put("/api/organizations/acme", json={"name": "Theirs"}))
    page = operator.send(asked, {"do": "rename", "name": "Mine", "etag": etag}, status=412).text
    assert "Yours, not saved Mine Theirs Theirs" in words(panel(page))
    operator.send(asked, {"do": "rename", "name": "Mine", "etag": hidden(panel(page), "etag")})
    assert "renamed, was Theirs" in words(operator.page("/admin/organizations/acme"))


def test_deleting_where_possible(operator: Visitor, api: Client) -> None:
    shown = panel(operator.page("/admin/organizations/acme?delete=1"))
    assert "It still has 2 teams." in words(shown)
    assert "btn danger" not in shown
    refused = operator.send("/admin/organizations/acme?delete=1", {"do": "delete"}, status=409).text
    assert "Not deleted." in words(panel(refused))
    operator.send("/admin/organizations/empty?delete=1", {"do": "delete"})
    assert api.get("/api/organizations/empty").status_code == 404


def test_a_viewer_has_no_form(server: Server, operator: Visitor) -> None:
    viewer = signed_in(server, VIEWER_KEY)
    for path in ("", "?new=1", "/acme", "/acme?suspend=1", "/acme?rename=1"):
        page = viewer.page("/admin/organizations" + path)
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page) == ["/admin/sign-out"], path


def test_forms_of_other_pages_are_not_taken(operator: Visitor, api: Client) -> None:
    assert operator.request("POST", "/admin/organizations/acme", {"do": "suspend"}).status_code == 403
    assert answered(api.get("/api/organizations/acme"))["status"] == "active"
