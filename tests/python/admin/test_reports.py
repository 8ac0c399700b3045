"""Explanations, audit and health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client, Server

FAR = "2999-01-01T00:00:00Z"


def explain(operator: Client, **body: str) -> Any:
    return answered(operator.post("/api/authorize/explain", json=body))


def actions(explanation: Any) -> list[str]:
    return [remedy["action"] for remedy in explanation["remedies"]]


def test_an_allowed_call_is_explained(operator: Client, stocked: Acme) -> None:
    response = operator.post("/api/authorize/explain", json={"team_id": "acme-prod", "model": "gpt-4"})
    assert answered(response) == {
        "allowed": True,
        "reason": "granted",
        "message": "Team 'acme-prod' may call model 'gpt-4' through access group 'gpt-models'",
        "team_id": "acme-prod",
        "model": "gpt-4",
        "litellm_model": "openai/gpt-4",
        "groups": ["gpt-models"],
        "groups_with_alias": ["gpt-models"],
        "remedies": [],
        "revision": int(response.headers["x-access-revision"]),
    }
    assert answered(operator.get("/api/credits/balance?team_id=acme-prod"))["credits_remaining"] == 100


def test_a_model_not_granted_names_the_groups_that_would(operator: Client, stocked: Acme) -> None:
    found = explain(operator, team_id="acme-prod", model="claude-3-opus")
    assert (found["allowed"], found["reason"], found["litellm_model"]) == (False, "model_not_granted", None)
    assert found["message"] == "Team does not have access to model 'claude-3-opus'"
    assert (found["groups"], found["groups_with_alias"]) == ([], ["claude-models"])
    [remedy] = found["remedies"]
    assert (remedy["action"], remedy["access_group"]) == ("add_access_group", "claude-models")


def test_an_alias_that_does_not_exist(operator: Client, stocked: Acme) -> None:
    assert actions(explain(operator, team_id="acme-prod", model="gpt-9")) == ["create_model_alias"]


def test_an_alias_in_no_group(operator: Client, stocked: Acme) -> None:
    created(operator.post("/api/model-aliases/create", json={"alias": "gpt-9", "litellm_model": "openai/gpt-9"}))
    assert actions(explain(operator, team_id="acme-prod", model="gpt-9")) == ["add_model_to_group"]


def test_an_alias_that_is_not_active_and_not_the_teams(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/model-aliases/gpt-4", json={"active": False}))
    assert actions(explain(operator, team_id="acme-prod", model="gpt-4")) == ["activate_model_alias"]
    both = explain(operator, team_id="techco-dev", model="gpt-4")
    assert actions(both) == ["activate_model_alias", "add_access_group"]
    grant = {"access_group": "gpt-models", "expires_at": FAR}
    created(operator.post("/api/teams/techco-dev/grants", json=grant))
    assert actions(explain(operator, team_id="techco-dev", model="gpt-4")) == ["activate_model_alias"]


def test_a_key_narrowed_to_other_models(operator: Client, stocked: Acme) -> None:
    key = created(operator.post("/api/teams/acme-prod/keys", json={"model_aliases": ["gpt-4"]}))
    found = explain(operator, virtual_key_id=key["key_id"], model="gpt-3.5-turbo")
    assert (found["reason"], found["virtual_key_id"], actions(found)) == (
        "model_not_granted",
        key["key_id"],
        ["create_key"],
    )
    assert explain(operator, virtual_key_id=key["key_id"], model="gpt-4")["allowed"]
    answered(operator.delete(f"/api/teams/acme-prod/keys/{key['key_id']}"))
    found = explain(operator, virtual_key_id=key["key_id"], model="gpt-4")
    assert (found["reason"], actions(found)) == ("key_revoked", ["create_key"])


def test_suspension(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/organizations/org_acme/suspend"))
    found = explain(operator, team_id="acme-prod", model="gpt-4")
    assert (found["reason"], actions(found)) == ("organization_suspended", ["resume_organization"])
    answered(operator.put("/api/teams/acme-prod/suspend"))
    found = explain(operator, team_id="acme-prod", model="gpt-4")
    assert (found["reason"], actions(found)) == ("team_suspended", ["resume_team"])


@pytest.mark.parametrize(
    ("mode", "price", "allocated", "reason", "missing"),
    [
        ("job_based", 1, 0, "credits_exhausted", 1),
        ("job_based", 2.5, 2.4, "credits_exhausted", 1),
        ("job_based", 5, 2.4, "credits_exhausted", 3),
        ("job_based", 2.5, 2.5, "granted", None),
        ("job_based", 0, 0, "granted", None),
        ("consumption_usd", 5, 0, "credits_exhausted", 1),
        ("consumption_tokens", 5, 0.000001, "granted", None),
    ],
)
def test_credits(
    *, operator: Client, stocked: Acme, mode: str, price: float, allocated: float, reason: str, missing: int | None
) -> None:
    answered(operator.put("/api/model-aliases/gpt-4", json={"credits_per_call": price}))
    answered(operator.put("/api/teams/acme-prod", json={"budget_mode": mode, "credits_allocated": allocated}))
    found = explain(operator, team_id="acme-prod", model="gpt-4")
    assert found["reason"] == reason
    if missing is not None:
        assert f"at least {missing} " in found["remedies"][0]["message"]


def test_a_question_must_name_one_thing_that_exists(operator: Client, stocked: Acme) -> None:
    path = "/api/authorize/explain"
    refused(operator.post(path, json={"model": "gpt-4"}), 422)
    refused(operator.post(path, json={"model": "gpt-4", "team_id": "acme-prod", "virtual_key_id": "k"}), 422)
    refused(operator.post(path, json={"team_id": "acme-prod"}), 422)
    for field in ("team_id", "virtual_key_id"):
        body = refused(operator.post(path, json={"model": "gpt-4", field: "nobody"}), 422)
        assert body["details"][0]["field"] == field
        assert "'nobody'" in body["message"]


def test_the_audit_tells_what_was_before_and_after(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/teams/acme-prod", json={"team_alias": "New"}))
    response = operator.get("/api/audit?target=acme-prod")
    newest, first = answered(response)["entries"]
    assert (newest["action"], newest["target_type"], newest["target_id"]) == ("team.update", "team", "acme-prod")
    assert (newest["before"]["team_alias"], newest["after"]["team_alias"]) == ("Production", "New")
    assert newest["revision"] == int(response.headers["x-access-revision"])
    assert (first["action"], first["before"]) == ("team.create", None)
    assert stocked.acme_key not in response.text


def test_the_audit_can_be_narrowed_to_actor_and_time(operator: Client, stocked: Acme) -> None:
    every = answered(operator.get("/api/audit"))["entries"]
    assert answered(operator.get("/api/audit?actor=operator"))["entries"] == every
    assert answered(operator.get("/api/audit?actor=somebody"))["entries"] == []
    assert answered(operator.get("/api/audit", params={"from": every[0]["at"]}))["entries"][0] == every[0]
    later = answered(operator.get("/api/audit", params={"to": every[-1]["at"]}))["entries"]
    assert later == []
    assert answered(operator.get("/api/audit", params={"from": FAR}))["entries"] == []
    assert refused(operator.get("/api/audit?from=yesterday"), 422)["details"][0]["field"] == "from"


def test_the_operator_reads_the_whole_health(operator: Client, stocked: Acme) -> None:
    response = operator.get("/api/health")
    body = answered(response)
    assert body.pop("database").endswith("test.db")
    assert body.pop("sqlite_version").startswith("3.")
    assert body.pop("schema_version") >= 1
    revision = int(response.headers["x-access-revision"])
    assert body == {
        "status": "ok",
        "revision": revision,
        "snapshot_revision": revision,
        "hook_loaded": True,
        "litellm_version": "1.2.3",
        "warnings": [],
    }


def test_others_read_the_status_alone(server: Server, anonymous: Client, stocked: Acme) -> None:
    assert answered(anonymous.get("/api/health")) == {"status": "ok"}
    assert answered(server.client(stocked.acme_key).get("/api/health")) == {"status": "ok"}


def test_a_missing_hook_is_not_healthy(server: Server, operator: Client, anonymous: Client) -> None:
    server.host.hook_is_loaded = False
    response = operator.get("/api/health")
    assert response.status_code == 503
    assert (response.json()["status"], response.json()["hook_loaded"]) == ("unavailable", False)
    assert "hook" in response.json()["warnings"][0]
    anonymous_response = anonymous.get("/api/health")
    assert (anonymous_response.status_code, anonymous_response.json()) == (503, {"status": "unavailable"})


def test_health_tells_the_operator_of_calls_refused_for_a_fault(server: Server, operator: Client) -> None:
    server.host.told = "1 call was refused since the start for a fault here"
    assert server.host.told in answered(operator.get("/api/health"))["warnings"]


def test_a_closed_store_is_not_healthy(server: Server, operator: Client) -> None:
    server.runtime.close()
    response = operator.get("/api/health")
    assert response.status_code == 503
    assert "test.db" in response.json()["warnings"][0]


def test_health_warns_of_active_aliases_that_the_proxy_cannot_route(operator: Client) -> None:
    for number in range(12):
        body = {"alias": f"a{number}", "litellm_model": "unroutable/m", "active": number != 0}
        created(operator.post("/api/model-aliases/create", json=body))
    [warning] = answered(operator.get("/api/health"))["warnings"]
    assert "'a1', 'a2'" in warning
    assert "'a0'" not in warning
    assert "and 1 more" in warning
