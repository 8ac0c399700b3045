"""What needs an operator today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_access._core import Reason

from .serving import Acme, answered, created
from .test_access_matrix import deny, ends_in
from .test_usage import call, flush_denials

if TYPE_CHECKING:
    from .serving import Client, Server

KINDS = ["trouble", "no_route", "low_balance", "suspended_traffic", "grant_ends", "denied", "retiring", "unused_group"]


def overview(operator: Client) -> Any:
    return answered(operator.get("/api/overview"))


def of_kind(operator: Client, kind: str) -> list[Any]:
    found = overview(operator)
    needs = [need for need in found["needs"] if need["kind"] == kind]
    assert (kind in found["checked"]) == (not needs)
    return needs


def test_nothing_needs_anybody_in_an_empty_store(operator: Client) -> None:
    found = overview(operator)
    assert (found["needs"], found["checked"]) == ([], KINDS)
    for name in ("calls_7d", "credits_7d", "denials_7d"):
        figures = found[name]
        assert (figures["total"], figures["before"], len(figures["days"])) == (0, 0, 7)
        assert {day["value"] for day in figures["days"]} == {0}


def test_the_week_in_figures(server: Server, operator: Client, stocked: Acme) -> None:
    call(server.runtime.engine)
    call(server.runtime.engine)
    deny(server, "acme-prod", "claude-3-opus")
    found = overview(operator)
    assert [found[name]["total"] for name in ("calls_7d", "credits_7d", "denials_7d")] == [2, 2, 1]
    assert [sum(day["value"] for day in found[name]["days"]) for name in ("calls_7d", "credits_7d")] == [2, 2]
    days = [day["day"] for day in found["calls_7d"]["days"]]
    assert days == sorted(days)


def test_an_announced_end_matters_while_the_alias_is_called(server: Server, operator: Client, stocked: Acme) -> None:
    ends = ends_in(server, 20)
    answered(operator.put("/api/model-aliases/gpt-4", json={"retires_at": ends, "successor": "claude-3-opus"}))
    assert of_kind(operator, "retiring") == []
    call(server.runtime.engine)
    [need] = of_kind(operator, "retiring")
    assert (need["alias"], need["successor"], need["team_count"]) == ("gpt-4", "claude-3-opus", 1)
    assert need["retires_at"] in need["message"]
    answered(operator.put("/api/model-aliases/gpt-4", json={"retires_at": ends_in(server, 40)}))
    assert of_kind(operator, "retiring") == []


def test_needs_hold_their_facts_and_say_them(server: Server, operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/teams/acme-prod", json={"low_balance_thresholds": [200, 100.5, 1]}))
    assert of_kind(operator, "low_balance") == [
        {
            "kind": "low_balance",
            "message": "Team 'acme-prod' has 100 credits left; its threshold is 200.",
            "team_id": "acme-prod",
            "credits_remaining": 100,
            "threshold": 200,
        }
    ]
    ends = ends_in(server, 2)
    created(operator.post("/api/teams/acme-prod/grants", json={"access_group": "claude-models", "expires_at": ends}))
    far = {"access_group": "claude-models", "expires_at": ends_in(server, 9)}
    created(operator.post("/api/teams/acme-prod/grants", json=far))
    assert of_kind(operator, "grant_ends") == [
        {
            "kind": "grant_ends",
            "message": f"Team 'acme-prod' has access group 'claude-models' until {ends}.",
            "team_id": "acme-prod",
            "access_group": "claude-models",
            "expires_at": ends,
        }
    ]
    server.host.told = "2 calls were refused for a fault here"
    assert of_kind(operator, "trouble") == [{"kind": "trouble", "message": server.host.told}]


def test_models_that_the_proxy_cannot_route(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/model-aliases/gpt-4", json={"litellm_model": "unroutable/m"}))
    created(operator.post("/api/model-aliases/create", json={"alias": "unsold", "litellm_model": "unroutable/m"}))
    [need] = of_kind(operator, "no_route")
    assert (need["alias"], need["litellm_model"], need["access_groups"]) == ("gpt-4", "unroutable/m", ["gpt-models"])


def test_refusals_that_want_an_upgrade_or_credits(server: Server, operator: Client, stocked: Acme) -> None:
    engine = server.runtime.engine
    for _ in range(2):
        engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", alias="claude-3-opus")
    engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", alias="made-up-by-a-client")
    engine.note_denial(reason=Reason.TEAM_SUSPENDED, team_id="techco-dev", alias="claude-3-opus")
    flush_denials(server)
    assert of_kind(operator, "suspended_traffic") == []  # it isn't suspended any more
    answered(operator.put("/api/teams/techco-dev/suspend"))
    [need] = of_kind(operator, "denied")
    assert need.pop("last_denied_at")
    assert need == {
        "kind": "denied",
        "message": "Team 'acme-prod' asks in vain for 'claude-3-opus': refused 2 times in 7 days (model_not_granted).",
        "team_id": "acme-prod",
        "alias": "claude-3-opus",
        "access_groups": ["claude-models"],
        "reason": "model_not_granted",
        "denials": 2,
    }
    [need] = of_kind(operator, "suspended_traffic")
    assert (need["team_id"], need["reason"], need["denials"]) == ("techco-dev", "team_suspended", 1)
    answered(operator.put("/api/teams/acme-prod", json={"access_groups": ["claude-models"]}))
    assert of_kind(operator, "denied") == []


def test_refusals_for_want_of_credits_end_with_more_of_them(server: Server, operator: Client, stocked: Acme) -> None:
    server.runtime.engine.note_denial(
        reason=Reason.CREDITS_EXHAUSTED, team_id="techco-dev", alias="claude-3-opus", access_group="claude-models"
    )
    while not server.runtime.engine.list_team_denials(since_ms=0, limit=1):
        pass  # written in the background
    [need] = of_kind(operator, "denied")
    assert need["message"].endswith("asks in vain for 'claude-3-opus': refused once in 7 days (credits_exhausted).")
    answered(operator.post("/api/credits/add", json={"team_id": "techco-dev", "amount": 1}))
    assert of_kind(operator, "denied") == []


def test_groups_that_teams_have_and_nobody_uses(server: Server, operator: Client, stocked: Acme) -> None:
    created(operator.post("/api/model-access-groups/create", json={"group_name": "nobodys"}))
    assert [need["access_group"] for need in of_kind(operator, "unused_group")] == ["gpt-models", "claude-models"]
    call(server.runtime.engine)  # it isn't known through which group
    [need] = of_kind(operator, "unused_group")
    assert (need["access_group"], need["team_count"]) == ("claude-models", 1)
    assert need["message"] == "Nobody called a model of access group 'claude-models' in 30 days; 1 team has it."


def test_at_most_ten_of_a_kind_the_most_urgent_kind_first(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/model-aliases/gpt-4", json={"litellm_model": "unroutable/m"}))
    for number in range(12):
        body = {"organization_id": "org_acme", "team_id": f"t{number}", "low_balance_thresholds": [number]}
        created(operator.post("/api/teams/create", json=body))
    kinds = [need["kind"] for need in overview(operator)["needs"]]
    assert kinds == ["no_route", *["low_balance"] * 10, "unused_group", "unused_group"]
