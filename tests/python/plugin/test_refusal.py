"""The table of refusals, and the four shapes in which they are read."""

from __future__ import annotations

import pytest

from saas_access._core import Reason
from saas_access.refusal import ANSWERS, Protocol, Refusal, key_refused, model_not_granted, suspended

CONTRACT = {
    Reason.KEY_UNKNOWN: (401, "Invalid API key"),
    Reason.KEY_REVOKED: (401, "Invalid API key"),
    Reason.KEY_EXPIRED: (401, "Invalid API key"),
    Reason.MODEL_NOT_GRANTED: (403, "Model access denied"),
    Reason.TEAM_SUSPENDED: (403, "Team suspended"),
    Reason.ORGANIZATION_SUSPENDED: (403, "Team suspended"),
    Reason.CREDITS_EXHAUSTED: (402, "Insufficient credits"),
    Reason.ROUTE_NOT_ALLOWED: (403, "Route not allowed"),
    Reason.HOOK_MISSING: (503, "Unavailable"),
    Reason.STORE_UNAVAILABLE: (503, "Unavailable"),
}


def test_every_reason_has_its_answer() -> None:
    assert {reason: (answer.status, answer.error) for reason, answer in ANSWERS.items()} == CONTRACT
    assert set(ANSWERS) == set(Reason) - {Reason.GRANTED}


def test_the_pages_own_body() -> None:
    body = model_not_granted("gpt-4", ["gpt-3.5-turbo"]).body(Protocol.PAGE, "req_1")
    assert body == {
        "error": "Model access denied",
        "message": "Team does not have access to model 'gpt-4'",
        "reason": "model_not_granted",
        "available_models": ["gpt-3.5-turbo"],
        "request_id": "req_1",
    }


@pytest.mark.parametrize(
    ("protocol", "error"),
    [
        (Protocol.OPENAI, {"type": "permission_error", "param": "model", "code": "model_not_granted"}),
        (Protocol.ANTHROPIC, {"type": "permission_error"}),
        (Protocol.GOOGLE, {"code": 403, "status": "PERMISSION_DENIED"}),
    ],
)
def test_the_protocols_shapes(protocol: Protocol, error: dict[str, object]) -> None:
    body = model_not_granted("gpt-4", ["a", "b"]).body(protocol, "req_1")
    shown = "Model access denied: Team does not have access to model 'gpt-4'. Available models: a, b."
    assert body["error"] == {**error, "message": shown}
    assert body["message"] == "Team does not have access to model 'gpt-4'"
    assert ("type" in body) == (protocol is Protocol.ANTHROPIC)


@pytest.mark.parametrize(
    ("models", "ending"),
    [
        ([], "'x'. No models are available."),
        (["a"], "Available models: a."),
        ([str(number) for number in range(10)], "Available models: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9."),
        ([str(number) for number in range(13)], "Available models: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more."),
    ],
)
def test_a_long_list_is_cut_in_the_sentence_alone(models: list[str], ending: str) -> None:
    body = model_not_granted("x", models).body(Protocol.OPENAI, "req_1")
    assert body["error"]["message"].endswith(ending)
    assert body["available_models"] == models


def test_googles_status_for_credits() -> None:
    refusal = Refusal(Reason.CREDITS_EXHAUSTED, "The call needs 1 credits, and 0 are left", {"credits_remaining": 0})
    assert refusal.body(Protocol.GOOGLE, "r")["error"]["status"] == "FAILED_PRECONDITION"
    assert refusal.body(Protocol.OPENAI, "r")["error"]["message"].endswith("and 0 are left.")


def test_sentences_name_the_team_and_never_a_key() -> None:
    assert suspended(Reason.TEAM_SUSPENDED, "acme").message == "Team 'acme' is suspended"
    assert suspended(Reason.ORGANIZATION_SUSPENDED, "acme").message == "The organization of team 'acme' is suspended"
    assert key_refused(Reason.KEY_EXPIRED).message == "This API key has expired"
