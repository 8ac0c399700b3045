"""The operator's fallbacks: followed to what the team was sold and nowhere else, billed as what answered."""

from __future__ import annotations

from typing import Any

import pytest
from running import Proxy, Upstream
from selling import Customer, sell

# The configuration's fallbacks: real-failing -> forbidden, then real-b; real-cut has none.
MESSAGES = [{"role": "user", "content": "hi"}]
CHAT: dict[str, Any] = {"model": "shaky", "messages": MESSAGES}


def transactions(customer: Customer) -> list[dict[str, Any]]:
    with customer.proxy.admin() as admin:
        answer = admin.get("/api/credits/transactions", params={"team_id": customer.team_id}).json()
    found: list[dict[str, Any]] = answer["transactions"]
    return [entry for entry in found if entry["type"] != "allocation"]


def price(proxy: Proxy, alias: str, credits_per_call: float) -> None:
    with proxy.admin() as admin:
        assert admin.put(f"/api/model-aliases/{alias}", json={"credits_per_call": credits_per_call}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": MESSAGES}),
        ("/v1/chat/completions", {"messages": MESSAGES, "stream": True}),
        ("/v1/completions", {"prompt": "hi"}),
        ("/v1/embeddings", {"input": "hi"}),
        ("/v1/responses", {"input": "hi"}),
        ("/v1/messages", {"messages": MESSAGES, "max_tokens": 9}),
    ],
)
def test_a_granted_fallback_answers_and_is_what_is_charged(
    proxy: Proxy, seen: Upstream, path: str, body: dict[str, Any]
) -> None:
    customer = sell(proxy, {"shaky": "real-failing", "spare": "real-b"})
    with customer.client() as client:
        answer = client.post(path, json={"model": "shaky", **body})
    assert answer.status_code == 200, answer.text
    assert seen.models()[-1] == "up-b"
    assert set(seen.models()) == {"up-failing", "up-b"}
    assert all("fallbacks" not in name for call in seen.seen() for name in call["body"])
    for secret in ("real-", "up-failing", "up-b", "forbidden"):
        assert secret not in answer.text
    (charge,) = transactions(customer)
    assert charge["alias"] == "spare"
    assert charge["description"] == "Call of 'spare' in place of 'shaky'"
    assert customer.balance()["credits_reserved"] == 0


def test_the_price_is_that_of_the_model_that_answered(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"shaky-2": "real-failing", "dear-2": "real-b"}, credits_allocated=10)
    price(proxy, "dear-2", 7)
    with customer.client() as client:
        assert client.post("/v1/chat/completions", json={**CHAT, "model": "shaky-2"}).status_code == 200
    assert customer.balance()["credits_remaining"] == 3


def test_a_fallback_that_the_credits_do_not_reach_is_not_followed(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"shaky-3": "real-failing", "dear-3": "real-b"}, credits_allocated=2)
    price(proxy, "dear-3", 7)
    with customer.client() as client:
        answer = client.post("/v1/chat/completions", json={**CHAT, "model": "shaky-3"})
    assert answer.status_code >= 500
    assert set(seen.models()) == {"up-failing"}
    assert customer.balance()["credits_remaining"] == 2


def test_a_key_narrowed_to_the_first_model_does_not_reach_the_fallback(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"shaky": "real-failing", "spare": "real-b"})
    with proxy.admin() as admin:
        made = admin.post(f"/api/teams/{customer.team_id}/keys", json={"model_aliases": ["shaky"]}).json()
    with proxy.client(authorization=f"Bearer {made['virtual_key']}") as client:
        assert client.post("/v1/chat/completions", json=CHAT).status_code >= 500
    assert set(seen.models()) == {"up-failing"}
    assert customer.balance()["credits_remaining"] == 1000


def test_a_job_shows_the_model_that_answered(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"shaky": "real-failing", "spare": "real-b"})
    with customer.client() as client:
        job = client.post("/api/jobs/create", json={"team_id": customer.team_id, "job_type": "t"}).json()
        answer = client.post(f"/api/jobs/{job['job_id']}/llm-call", json=CHAT)
        assert answer.status_code == 200, answer.text
        shown = client.get(f"/api/jobs/{job['job_id']}").json()
    assert [call["model"] for call in shown["calls"]] == ["spare"]
