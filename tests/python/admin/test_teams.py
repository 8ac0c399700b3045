from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client, Server

NEW = {"organization_id": "org_acme", "team_id": "acme-dev"}
TEAM = "/api/teams/acme-prod"
FAR = "2999-01-01T00:00:00Z"


def test_a_create_answers_exactly_the_documented_fields(operator: Client, stocked: Acme) -> None:
    body = {**NEW, "team_alias": "Dev", "access_groups": ["claude-models", "gpt-models"], "credits_allocated": 1000}
    made = created(operator.post("/api/teams/create", json=body))
    assert made.pop("virtual_key").startswith("sk-")
    assert made.pop("created_at").endswith("Z")
    assert made == {
        **body,
        "status": "active",
        "available_models": ["claude-3-opus", "gpt-4", "gpt-3.5-turbo"],
        "credits_used": 0,
        "credits_remaining": 1000,
    }


def test_the_detail_tells_models_with_their_groups_and_keys_without_secrets(operator: Client, stocked: Acme) -> None:
    response = operator.get(TEAM)
    detail = answered(response)
    assert stocked.acme_key not in response.text
    assert detail["models"] == [
        {"alias": "gpt-4", "litellm_model": "openai/gpt-4", "via": ["gpt-models"]},
        {"alias": "gpt-3.5-turbo", "litellm_model": "openai/gpt-3.5-turbo", "via": ["gpt-models"]},
    ]
    [key] = detail["keys"]
    assert (key["last_four"], key["status"], key["last_used_at"]) == (stocked.acme_key[-4:], "active", None)
    assert (detail["budget_mode"], detail["credits_per_dollar"], detail["tokens_per_credit"]) == (
        "job_based",
        10,
        10000,
    )
    assert (detail["rpm_limit"], detail["tpm_limit"], detail["metadata"], detail["grants"]) == (None, None, {}, [])


@pytest.mark.parametrize(
    ("query", "teams"),
    [
        ("", ["acme-prod", "techco-dev"]),
        ("?organization_id=org_techco", ["techco-dev"]),
        ("?access_group=gpt-models", ["acme-prod"]),
        ("?alias=claude-3-opus", ["techco-dev"]),
        ("?low_balance=true", []),
        ("?search=CME", ["acme-prod"]),
        ("?search=production&organization_id=org_techco", ["techco-dev"]),
        ("?search=%25", []),
        ("?search=", ["acme-prod", "techco-dev"]),
        ("?status=suspended", ["techco-dev"]),
        ("?status=active", ["acme-prod"]),
        ("?status=active&organization_id=org_techco", []),
    ],
)
def test_the_list_can_be_filtered(operator: Client, stocked: Acme, query: str, teams: list[str]) -> None:
    answered(operator.put("/api/teams/techco-dev/suspend"))
    found = answered(operator.get(f"/api/teams{query}"))["teams"]
    assert [team["team_id"] for team in found] == teams


def test_a_filter_that_names_something_absent_is_not_found(operator: Client) -> None:
    refused(operator.get("/api/teams?organization_id=nope"), 404)
    refused(operator.get("/api/teams?access_group=nope"), 404)
    refused(operator.get("/api/teams?alias=nope"), 404)
    assert "'active' or 'suspended'" in refused(operator.get("/api/teams?status=asleep"), 422)["message"]


def test_access_groups_in_an_update_replace_the_list(operator: Client, stocked: Acme) -> None:
    changed = answered(operator.put(TEAM, json={"access_groups": ["claude-models"]}))
    assert changed["available_models"] == ["claude-3-opus"]
    assert answered(operator.get(TEAM))["access_groups"] == ["claude-models"]


def test_an_update_of_unknown_groups_names_them_all_and_changes_nothing(operator: Client, stocked: Acme) -> None:
    body = {"access_groups": ["claude-models", "no-1", "no-2"], "team_alias": "changed"}
    message = refused(operator.put(TEAM, json=body), 422)["message"]
    assert "no-1" in message
    assert "no-2" in message
    team = answered(operator.get(TEAM))
    assert (team["access_groups"], team["team_alias"]) == (["gpt-models"], "Production")


def test_credits_allocated_in_an_update_sets_the_total(operator: Client, stocked: Acme) -> None:
    changed = answered(operator.put(TEAM, json={"credits_allocated": 40.5}))
    assert (changed["credits_allocated"], changed["credits_remaining"]) == (40.5, 40.5)
    [newest, *_] = answered(operator.get("/api/credits/transactions?team_id=acme-prod"))["transactions"]
    assert (newest["type"], newest["amount"]) == ("adjustment", -59.5)


def test_a_limit_is_set_kept_and_taken_away(operator: Client, stocked: Acme) -> None:
    assert answered(operator.put(TEAM, json={"rpm_limit": 60, "tpm_limit": 9}))["rpm_limit"] == 60
    assert answered(operator.put(TEAM, json={"team_alias": "P"}))["rpm_limit"] == 60
    cleared = answered(operator.put(TEAM, json={"rpm_limit": None}))
    assert (cleared["rpm_limit"], cleared["tpm_limit"]) == (None, 9)


def test_a_refill_is_set_kept_and_taken_away(operator: Client, stocked: Acme) -> None:
    refill = {"credits": 2.5, "period": "monthly", "mode": "top_up"}
    changed = answered(operator.put(TEAM, json={"refill": refill}))
    assert changed["refill"] == refill
    assert changed["next_refill_at"].endswith("-01T00:00:00Z")
    assert answered(operator.put(TEAM, json={"team_alias": "P"}))["refill"] == refill
    weekly = answered(operator.put(TEAM, json={"refill": {"credits": 1, "period": "weekly"}}))
    assert weekly["refill"]["mode"] == "add"
    [newest, *_] = answered(operator.get("/api/audit?target=acme-prod"))["entries"]
    assert newest["after"]["refill"] == {"credits": 1, "period": "weekly", "mode": "add"}
    tried = answered(operator.put(f"{TEAM}?dry_run=true", json={"refill": None}))
    assert (tried["refill"], tried["next_refill_at"]) == (None, None)
    assert answered(operator.get(TEAM))["refill"] == weekly["refill"]
    assert answered(operator.put(TEAM, json={"refill": None}))["refill"] is None


def test_a_team_is_created_with_refill_and_thresholds(operator: Client, stocked: Acme) -> None:
    body = {**NEW, "refill": {"credits": 5, "period": "daily"}, "low_balance_thresholds": [1, 10]}
    created(operator.post("/api/teams/create", json=body))
    [team] = [team for team in answered(operator.get("/api/teams"))["teams"] if team["team_id"] == "acme-dev"]
    assert team["refill"] == {"credits": 5, "period": "daily", "mode": "add"}
    assert (team["low_balance"], team["low_balance_thresholds"]) == (True, [10, 1])
    assert answered(operator.get("/api/credits/transactions?team_id=acme-dev"))["transactions"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("refill", {"credits": 0, "period": "daily"}),
        ("refill", {"credits": 1, "period": "yearly"}),
        ("refill", {"credits": 1}),
        ("refill", {"credits": 1, "period": "daily", "mode": "set"}),
        ("refill", {"credits": 1, "period": "daily", "amount": 1}),
        ("low_balance_thresholds", [1, 2, 3, 4, 5, 6]),
        ("low_balance_thresholds", [-1]),
        ("low_balance_thresholds", [1.0000001]),
        ("low_balance_thresholds", ["1"]),
        ("low_balance_thresholds", None),
        ("credits_allocated", "1000"),
        ("credits_allocated", -1),
        ("budget_mode", "free"),
        ("tokens_per_credit", 0),
        ("tokens_per_credit", 1.0),
        ("tokens_per_credit", True),
        ("credits_per_dollar", 0),
        ("rpm_limit", 0),
        ("rpm_limit", 2**63),
        ("access_groups", "gpt-models"),
        ("access_groups", [1]),
        ("team_alias", 5),
        ("metadata", []),
        ("metadata", None),
        ("access_group", ["gpt-models"]),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(operator: Client, stocked: Acme, field: str, value: Any) -> None:
    for response in (
        operator.post("/api/teams/create", json={**NEW, field: value}),
        operator.put(TEAM, json={field: value}),
    ):
        assert refused(response, 422)["details"][0]["field"].split(".")[0] == field


def test_ids_cannot_be_changed(operator: Client, stocked: Acme) -> None:
    assert refused(operator.put(TEAM, json={"team_id": "other"}), 422)["details"][0]["problem"] == "is unknown"


def test_suspending_and_resuming(operator: Client, stocked: Acme) -> None:
    assert answered(operator.put(f"{TEAM}/suspend"))["status"] == "suspended"
    assert answered(operator.put(f"{TEAM}/resume"))["status"] == "active"


def test_a_deleted_team_is_gone_for_good_but_its_books_stay(server: Server, operator: Client, stocked: Acme) -> None:
    created(operator.post("/api/jobs/create", json={"team_id": "acme-prod", "job_type": "x"}))
    assert answered(operator.delete(TEAM)) == {"deleted": True, "team_id": "acme-prod"}
    refused(operator.get(TEAM), 404)
    refused(operator.post("/api/teams/create", json={**NEW, "team_id": "acme-prod"}), 409)
    assert refused(server.client(stocked.acme_key).get(TEAM), 401)["reason"] == "key_revoked"
    assert answered(operator.get("/api/credits/balance?team_id=acme-prod"))["credits_remaining"] == 100
    assert len(answered(operator.get("/api/credits/transactions?team_id=acme-prod"))["transactions"]) == 1
    assert len(answered(operator.get(f"{TEAM}/jobs"))["jobs"]) == 1


def test_an_absent_team_is_not_found(operator: Client, stocked: Acme) -> None:
    absent = "/api/teams/nobody"
    refused(operator.get(absent), 404)
    refused(operator.put(absent, json={}), 404)
    refused(operator.put(f"{absent}/suspend"), 404)
    refused(operator.put(f"{absent}/resume"), 404)
    refused(operator.delete(absent), 404)
    refused(operator.get(f"{absent}/jobs"), 404)
    refused(operator.get(f"{absent}/keys"), 404)
    refused(operator.post(f"{absent}/keys", json={}), 404)
    refused(operator.post(f"{absent}/grants", json={"access_group": "gpt-models", "expires_at": FAR}), 404)


def test_a_create_in_an_absent_organization_is_invalid(operator: Client) -> None:
    assert "org_acme" in refused(operator.post("/api/teams/create", json=NEW), 422)["message"]


def test_a_grant_gives_its_group_until_it_is_ended(operator: Client, stocked: Acme) -> None:
    body = {"access_group": "claude-models", "expires_at": FAR, "reason": "Trial"}
    grant = created(operator.post(f"{TEAM}/grants", json=body))
    assert grant.items() > body.items()
    team = answered(operator.get(TEAM))
    assert team["grants"] == [grant]
    assert team["available_models"] == ["gpt-4", "gpt-3.5-turbo", "claude-3-opus"]
    ended = answered(operator.delete(f"{TEAM}/grants/{grant['grant_id']}"))
    assert ended == {"deleted": True, "grant_id": grant["grant_id"]}
    assert answered(operator.get(TEAM))["available_models"] == ["gpt-4", "gpt-3.5-turbo"]
    refused(operator.delete(f"{TEAM}/grants/{grant['grant_id']}"), 404)


def test_a_grant_that_has_not_begun_gives_nothing(operator: Client, stocked: Acme) -> None:
    body = {"access_group": "claude-models", "starts_at": "2998-01-01T00:00:00+02:00", "expires_at": FAR}
    assert created(operator.post(f"{TEAM}/grants", json=body))["starts_at"] == "2997-12-31T22:00:00Z"
    assert answered(operator.get(TEAM))["available_models"] == ["gpt-4", "gpt-3.5-turbo"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"access_group": "nope"}, "access_group"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 4102444800}, "expires_at"),
        ({"starts_at": FAR}, "expires_at"),
    ],
)
def test_a_wrong_grant_is_refused(operator: Client, stocked: Acme, change: dict[str, Any], field: str) -> None:
    body = {"access_group": "claude-models", "expires_at": FAR, **change}
    assert field in [item["field"] for item in refused(operator.post(f"{TEAM}/grants", json=body), 422)["details"]]
