from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_access._core import Pricing, ReserveRequest, Usage

from .serving import answered, refused

if TYPE_CHECKING:
    from .serving import Acme, Client, Server

BALANCE = "/api/credits/balance?team_id=acme-prod"
TRANSACTIONS = "/api/credits/transactions?team_id=acme-prod"


def reserve(server: Server, micro_credits: int) -> str:
    """Begins a call of acme-prod that holds so much."""
    request = ReserveRequest(
        team_id="acme-prod",
        alias="gpt-4",
        purpose="",
        pricing=Pricing(credits_per_call=micro_credits),
        estimate=Usage(),
    )
    return server.runtime.engine.reserve(request=request).call_id


def test_adding_answers_exactly_the_documented_fields(operator: Client, stocked: Acme) -> None:
    body = {"team_id": "acme-prod", "amount": 5000, "description": "Invoice 1234"}
    added = answered(operator.post("/api/credits/add", json=body))
    [newest, *_] = answered(operator.get(TRANSACTIONS))["transactions"]
    assert added == {
        "team_id": "acme-prod",
        "credits_added": 5000,
        "credits_allocated": 5100,
        "credits_used": 0,
        "credits_remaining": 5100,
        "transaction_id": newest["transaction_id"],
    }
    assert (newest["description"], newest["type"], newest["amount"]) == ("Invoice 1234", "allocation", 5000)


def test_balance_and_ledger_tell_what_is_used_and_reserved(server: Server, operator: Client, stocked: Acme) -> None:
    server.runtime.engine.settle(call_id=reserve(server, 3_000), usage=Usage(total_tokens=9), latency_ms=5)
    reserve(server, 1_000_000)
    response = operator.get(BALANCE)
    assert '"credits_used":0.003,' in response.text
    assert answered(response) == {
        "team_id": "acme-prod",
        "credits_allocated": 100,
        "credits_used": 0.003,
        "credits_reserved": 1,
        "credits_remaining": 98.997,
        "low_balance": False,
        "low_balance_thresholds": [],
    }
    [charge, first] = answered(operator.get(TRANSACTIONS))["transactions"]
    assert (charge["type"], charge["amount"], charge["balance_after"], charge["alias"]) == (
        "charge",
        -0.003,
        99.997,
        "gpt-4",
    )
    assert "job_id" not in charge
    assert (first["type"], first["amount"]) == ("allocation", 100)


def test_less_than_used_and_reserved_cannot_be_allocated(server: Server, operator: Client, stocked: Acme) -> None:
    reserve(server, 2_000_000)
    body = refused(operator.put("/api/teams/acme-prod", json={"credits_allocated": 1}), 422)
    assert body["details"][0]["field"] == "credits_allocated"


def test_an_idempotency_key_makes_a_repetition_one(operator: Client, stocked: Acme) -> None:
    body = {"team_id": "acme-prod", "amount": 5}
    header = {"Idempotency-Key": "invoice-1"}
    first = answered(operator.post("/api/credits/add", json=body, headers=header))
    assert answered(operator.post("/api/credits/add", json=body, headers=header)) == first
    assert answered(operator.get(BALANCE))["credits_allocated"] == 105
    refused(operator.post("/api/credits/add", json={**body, "amount": 6}, headers=header), 409)
    answered(operator.post("/api/credits/add", json=body))
    assert answered(operator.get(BALANCE))["credits_allocated"] == 110


@pytest.mark.parametrize("amount", [0, -5, 1.5, 1.0, "5", True, None, 10**12 + 1, 10**30])
def test_an_amount_that_is_no_positive_whole_number_is_refused(operator: Client, stocked: Acme, amount: Any) -> None:
    body = refused(operator.post("/api/credits/add", json={"team_id": "acme-prod", "amount": amount}), 422)
    assert body["details"][0]["field"] == "amount"
    assert answered(operator.get(BALANCE))["credits_allocated"] == 100


def test_an_absent_team_is_invalid_in_a_body_and_not_found_in_a_query(operator: Client) -> None:
    body = refused(operator.post("/api/credits/add", json={"team_id": "nobody", "amount": 1}), 422)
    assert body["details"][0]["field"] == "team_id"
    refused(operator.get("/api/credits/balance?team_id=nobody"), 404)
    refused(operator.get("/api/credits/transactions?team_id=nobody"), 404)
    assert refused(operator.get("/api/credits/balance"), 422)["details"] == [
        {"field": "team_id", "problem": "is required"}
    ]


def test_the_ledger_can_be_filtered(server: Server, operator: Client, stocked: Acme) -> None:
    server.runtime.engine.settle(call_id=reserve(server, 3_000), usage=Usage(), latency_ms=5)
    answered(operator.put("/api/teams/acme-prod", json={"credits_allocated": 50}))

    def types(query: str) -> list[str]:
        found = answered(operator.get(f"{TRANSACTIONS}{query}"))["transactions"]
        return [entry["type"] for entry in found]

    assert types("") == ["adjustment", "charge", "allocation"]
    assert types("&type=charge") == ["charge"]
    assert types("&type=allocation") == ["allocation"]
    assert types("&type=refund") == []
    assert types("&from=2000-01-01T00:00:00Z&to=2000-01-02T00:00:00Z") == []
    assert types("&from=2000-01-01T00:00:00Z&to=2999-01-01T00:00:00Z") == ["adjustment", "charge", "allocation"]
    assert "'allocation'" in refused(operator.get(f"{TRANSACTIONS}&type=gift"), 422)["message"]
    assert refused(operator.get(f"{TRANSACTIONS}&from=today"), 422)["details"][0]["field"] == "from"


def test_the_history_tells_of_each_day(server: Server, operator: Client, stocked: Acme) -> None:
    server.runtime.engine.settle(call_id=reserve(server, 3_000), usage=Usage(), latency_ms=5)
    answered(operator.put("/api/teams/acme-prod", json={"credits_allocated": 50}))
    history = "/api/credits/history?team_id=acme-prod"
    body = answered(operator.get(history))
    assert body["team_id"] == "acme-prod"
    assert [sum(day[name] for day in body["days"]) for name in ("charged", "added")] == [0.003, 50]
    assert body["days"][-1]["balance_at_end"] == 49.997
    assert set(body["days"][-1]) == {"day", "charged", "added", "balance_at_end"}
    assert body["days"][-1]["day"].endswith("T00:00:00Z")
    assert answered(server.client(stocked.acme_key).get(f"{history}&days=1"))["days"] == body["days"][-1:]
    refused(server.client(stocked.techco_key).get(history), 404)
    refused(operator.get("/api/credits/history?team_id=nobody"), 404)
    for days in ("0", "3661", "x"):
        assert refused(operator.get(f"{history}&days={days}"), 422)["details"][0]["field"] == "days"


def test_an_empty_idempotency_key_is_refused(operator: Client, stocked: Acme) -> None:
    body = {"team_id": "acme-prod", "amount": 5}
    refused(operator.post("/api/credits/add", json=body, headers={"Idempotency-Key": ""}), 422)
