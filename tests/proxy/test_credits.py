"""What a call costs, by budget mode; settled before the answer is complete; never below zero."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from running import MASTER_KEY, Proxy, Upstream
from selling import Customer, sell

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def call(customer: Customer, **body: Any) -> int:
    with customer.client() as client:
        return client.post("/v1/chat/completions", json={**CHAT, **body}).status_code


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("team", "model", "spent"),
    [
        ({}, "real-a", 1),
        # 33 tokens of 10,000 a credit
        ({"budget_mode": "consumption_tokens"}, "real-a", 0.0033),
        # (21 x $0.000003 + 12 x $0.000006) x 10
        ({"budget_mode": "consumption_usd"}, "real-a", 0.00135),
        ({"budget_mode": "consumption_usd", "credits_per_dollar": 1000}, "real-a", 0.135),
        # no known price: the alias's price for a call
        ({"budget_mode": "consumption_usd"}, "real-b", 1),
    ],
)
def test_the_price_of_a_call(proxy: Proxy, team: dict[str, Any], model: str, spent: float, stream: bool) -> None:
    alias = "chat" if model == "real-a" else "other"
    customer = sell(proxy, {alias: model}, **team)
    assert call(customer, model=alias, stream=stream) == 200
    balance = customer.balance()
    assert (balance["credits_used"], balance["credits_reserved"]) == (spent, 0)


def test_an_answer_without_any_usage_is_not_free(proxy: Proxy) -> None:
    """Images have no tokens and this model no price: the estimate stands."""
    customer = sell(proxy, {"other": "real-b"}, budget_mode="consumption_tokens")
    with customer.client() as client:
        assert client.post("/v1/images/generations", json={"model": "other", "prompt": "a cat"}).status_code == 200
    balance = customer.balance()
    assert balance["credits_used"] > 0
    assert balance["credits_reserved"] == 0


def test_an_alias_has_its_own_price(proxy: Proxy) -> None:
    with proxy.admin() as admin:
        body = {"alias": "dear", "litellm_model": "real-a", "credits_per_call": 2.5}
        assert admin.post("/api/model-aliases/create", json=body).status_code == 201
    customer = sell(proxy, {"dear": "real-a"}, credits_allocated=6)
    assert [call(customer, model="dear") for _ in range(3)] == [200, 200, 402]
    assert customer.balance()["credits_remaining"] == 1


def test_parallel_calls_never_overspend(proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"}, credits_allocated=7)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: call(customer), range(32)))
    assert sorted(set(statuses)) == [200, 402]
    assert statuses.count(200) == 7
    balance = customer.balance()
    assert (balance["credits_remaining"], balance["credits_reserved"], balance["credits_used"]) == (0, 0, 7)


def test_a_refusal_for_credits_says_how_many(proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"}, credits_allocated=0)
    with customer.client() as client:
        refused = client.post("/v1/chat/completions", json=CHAT)
    assert refused.status_code == 402
    body = refused.json()
    assert (body["reason"], body["credits_remaining"], body["credits_needed"]) == ("credits_exhausted", 0, 1)
    assert body["error"]["code"] == "credits_exhausted"


def test_a_teams_call_is_charged_whatever_else_the_request_carries(customer: Customer) -> None:
    """LiteLLM takes x-litellm-api-key first: the call is the team's, though the master key stands beside it."""
    with customer.proxy.client(authorization=f"Bearer {MASTER_KEY}", **{"x-litellm-api-key": customer.key}) as client:
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 200
    assert customer.balance()["credits_used"] == 1


def test_a_failed_call_is_free(proxy: Proxy) -> None:
    customer = sell(proxy, {"shaky": "real-failing"})
    assert call(customer, model="shaky") >= 500
    assert customer.balance()["credits_remaining"] == 1000


def settled_balance(customer: Customer) -> dict[str, Any]:
    """The balance once nothing is reserved any more."""
    while (balance := customer.balance())["credits_reserved"]:
        pass
    return balance


@pytest.mark.timeout(60)
@pytest.mark.parametrize("who", ["upstream", "client"])
@pytest.mark.parametrize(("team", "least"), [({}, 1), ({"budget_mode": "consumption_tokens"}, 0.0001)])
def test_a_stream_that_ends_early_is_charged(
    proxy: Proxy, upstream: Upstream, who: str, team: dict[str, Any], least: float
) -> None:
    customer = sell(proxy, {"cut": "real-cut"}, **team)
    body = {**CHAT, "model": "cut", "stream": True}
    with customer.client() as client, client.stream("POST", "/v1/chat/completions", json=body) as answer:
        chunks = answer.iter_text()
        assert "data: " in next(chunks)
        if who == "upstream":
            upstream.cut()
            told = "".join(chunks)
            assert "up-cut" not in told
            assert upstream.url not in told
    assert least <= settled_balance(customer)["credits_used"] <= 1


def test_the_ledger_tells_the_story(proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"}, credits_allocated=3)
    assert call(customer) == 200
    with customer.client() as client:
        entries = client.get("/api/credits/transactions", params={"team_id": customer.team_id}).json()["transactions"]
    assert [(entry["type"], entry["amount"], entry["balance_after"]) for entry in entries] == [
        ("charge", -1, 2),
        ("allocation", 3, 3),
    ]
    assert entries[0]["alias"] == "chat"


def test_the_limits_are_litellms(proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"}, rpm_limit=2)
    statuses = [call(customer) for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert call(customer, model="forbidden") == 403  # every refusal of ours comes first
    balance = customer.balance()
    assert (balance["credits_used"], balance["credits_reserved"]) == (2, 0)


def test_the_limits_hold_for_many_teams(proxy: Proxy) -> None:
    """LiteLLM's own cache would forget the counters of all but some 60 teams."""
    for _ in range(100):
        customer = sell(proxy, {"chat": "real-a"}, rpm_limit=1)
        assert [call(customer) for _ in range(2)] == [200, 429]
