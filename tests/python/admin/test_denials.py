"""The latest refusals of a team, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_access import times
from saas_access._core import Reason

from .serving import Acme, answered, created, refused

if TYPE_CHECKING:
    from .serving import Client, Server

DENIALS = "/api/teams/acme-prod/denials"


def written(client: Client, number: int) -> list[dict[str, Any]]:
    """Waits for the background thread, which writes once a second."""
    while True:
        denials: list[dict[str, Any]] = answered(client.get(DENIALS))["denials"]
        if len(denials) >= number:
            return denials


@pytest.fixture
def key_id(operator: Client, stocked: Acme) -> str:
    narrow = {"name": "ci", "model_aliases": ["gpt-3.5-turbo"]}
    made: str = created(operator.post("/api/teams/acme-prod/keys", json=narrow))["key_id"]
    return made


def test_each_tells_what_was_asked_with_which_key(server: Server, operator: Client, key_id: str) -> None:
    engine = server.runtime.engine
    began_ms = engine.now_ms()
    [first_key, _] = operator.get("/api/teams/acme-prod").json()["keys"]
    of_team: dict[str, Any] = {"team_id": "acme-prod"}
    engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, key_id=key_id, alias="gpt-4", **of_team)
    engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, key_id=first_key["key_id"], alias="made-up", **of_team)
    engine.note_denial(reason=Reason.ROUTE_NOT_ALLOWED, **of_team)
    denials = written(operator, 3)
    assert all(began_ms <= times.parse(denial.pop("at")) <= engine.now_ms() for denial in denials)
    assert denials == [
        {"reason": "route_not_allowed", "alias": None, "key_id": None},
        {
            "reason": "model_not_granted",
            "alias": "(unknown model)",
            "key_id": first_key["key_id"],
            "key_name": first_key["name"],
        },
        {
            "reason": "model_not_granted",
            "alias": "gpt-4",
            "key_id": key_id,
            "key_name": "ci",
            "key_model_aliases": ["gpt-3.5-turbo"],
        },
    ]
    assert len(answered(operator.get(f"{DENIALS}?limit=2"))["denials"]) == 2
    assert answered(operator.get("/api/teams/techco-dev/denials")) == {"denials": []}


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_a_limit_is_one_to_a_hundred(operator: Client, stocked: Acme, limit: str) -> None:
    assert refused(operator.get(f"{DENIALS}?limit={limit}"), 422)["details"][0]["field"] == "limit"


def test_a_team_may_not_see_them(server: Server, stocked: Acme) -> None:
    assert refused(server.client(stocked.acme_key).get(DENIALS), 403)["reason"] == "operator_only"


def test_a_team_that_is_not_there_has_none(operator: Client, stocked: Acme) -> None:
    refused(operator.get("/api/teams/nobody/denials"), 404)
    answered(operator.delete("/api/teams/acme-prod"))
    refused(operator.get(DENIALS), 404)
