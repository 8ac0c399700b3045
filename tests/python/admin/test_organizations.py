from __future__ import annotations

from typing import TYPE_CHECKING

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client

ACME = {"organization_id": "org_acme", "name": "ACME Corp", "metadata": {"plan": "pro", "seats": 3, "share": 0.5}}


def test_an_organization_is_answered_as_it_was_created(operator: Client) -> None:
    made = created(operator.post("/api/organizations/create", json=ACME))
    assert made.pop("created_at").endswith("Z")
    assert made == {**ACME, "status": "active"}
    assert answered(operator.get("/api/organizations/org_acme")).items() > made.items()


def test_a_taken_id_conflicts(operator: Client) -> None:
    created(operator.post("/api/organizations/create", json=ACME))
    assert "org_acme" in refused(operator.post("/api/organizations/create", json=ACME), 409)["message"]


def test_a_malformed_id_is_named_with_a_good_example(operator: Client) -> None:
    body = refused(operator.post("/api/organizations/create", json={**ACME, "organization_id": "a b"}), 422)
    assert [item["field"] for item in body["details"]] == ["organization_id"]
    assert "'a b'" in body["message"]


def test_an_update_changes_only_what_it_names(operator: Client) -> None:
    created(operator.post("/api/organizations/create", json=ACME))
    changed = answered(operator.put("/api/organizations/org_acme", json={"name": "ACME Inc"}))
    assert (changed["name"], changed["metadata"]) == ("ACME Inc", ACME["metadata"])


def test_null_is_no_value_for_a_field_that_can_only_be_left_out(operator: Client) -> None:
    created(operator.post("/api/organizations/create", json=ACME))
    body = refused(operator.put("/api/organizations/org_acme", json={"name": None}), 422)
    assert body["details"] == [{"field": "name", "problem": "must be a string, not null"}]


def test_suspending_shows_in_the_organization_and_its_teams_but_is_not_theirs(operator: Client, stocked: Acme) -> None:
    assert answered(operator.put("/api/organizations/org_acme/suspend"))["status"] == "suspended"
    team = answered(operator.get("/api/teams/acme-prod"))
    assert (team["status"], team["organization_status"]) == ("active", "suspended")
    assert answered(operator.put("/api/organizations/org_acme/resume"))["status"] == "active"
    assert answered(operator.get("/api/teams/acme-prod"))["organization_status"] == "active"


def test_its_teams_are_listed(operator: Client, stocked: Acme) -> None:
    teams = answered(operator.get("/api/organizations/org_acme/teams"))["teams"]
    assert [team["team_id"] for team in teams] == ["acme-prod"]


def test_deleting_waits_for_the_last_team(operator: Client, stocked: Acme) -> None:
    refused(operator.delete("/api/organizations/org_acme"), 409)
    answered(operator.delete("/api/teams/acme-prod"))
    deleted = answered(operator.delete("/api/organizations/org_acme"))
    assert deleted == {"deleted": True, "organization_id": "org_acme"}
    assert "org_acme" in refused(operator.get("/api/organizations/org_acme"), 404)["message"]


def test_an_absent_organization_is_not_found(operator: Client) -> None:
    for method, path in [
        ("GET", ""),
        ("GET", "/teams"),
        ("PUT", "/suspend"),
        ("PUT", "/resume"),
        ("DELETE", ""),
    ]:
        refused(operator.request(method, f"/api/organizations/nobody{path}"), 404)
    refused(operator.put("/api/organizations/nobody", json={}), 404)
