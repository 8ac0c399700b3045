"""Jobs: calls inside one go through the same decision, reservation and settlement as the proxy's own routes."""

from __future__ import annotations

from typing import Any

import pytest
from running import Proxy, Upstream
from selling import Customer, sell

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def create_job(customer: Customer) -> str:
    with customer.client() as client:
        answer = client.post("/api/jobs/create", json={"team_id": customer.team_id, "job_type": "summary"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "pending"
    return str(answer.json()["job_id"])


def call(customer: Customer, job_id: str, **body: Any) -> Any:
    with customer.client() as client:
        return client.post(f"/api/jobs/{job_id}/llm-call", json={**CHAT, **body})


def complete(customer: Customer, job_id: str, status: str = "completed") -> Any:
    with customer.client() as client:
        return client.post(f"/api/jobs/{job_id}/complete", json={"status": status})


def test_a_job_costs_one_credit_however_many_calls_it_makes(customer: Customer, seen: Upstream) -> None:
    job_id = create_job(customer)
    assert customer.balance()["credits_reserved"] == 0
    first = call(customer, job_id, purpose="draft")
    assert first.status_code == 200, first.text
    answered = first.json()
    assert set(answered) == {"call_id", "response", "metadata"}
    assert answered["response"]["model"] == "chat"
    assert answered["response"]["choices"][0]["message"]["content"] == "Hello from upstream"
    assert answered["metadata"]["model"] == "chat"
    assert answered["metadata"]["tokens_used"] == 33
    assert answered["metadata"]["latency_ms"] >= 0
    assert call(customer, job_id).status_code == 200
    assert customer.balance()["credits_reserved"] == 1
    done = complete(customer, job_id)
    assert done.status_code == 200, done.text
    costs = done.json()["costs"]
    assert (costs["total_calls"], costs["successful_calls"], costs["failed_calls"]) == (2, 2, 0)
    assert costs["total_tokens"] == 66
    assert costs["total_cost_usd"] == pytest.approx(2 * (21 * 3e-6 + 12 * 6e-6), abs=0)
    assert costs["credit_applied"]
    assert costs["credits_remaining"] == 999
    assert [one["purpose"] for one in done.json()["calls"]] == ["draft", ""]
    assert complete(customer, job_id).json() == done.json()
    assert complete(customer, job_id, "failed").status_code == 409
    assert call(customer, job_id).status_code == 409
    assert seen.models() == ["up-a", "up-a"]
    assert "purpose" not in seen.seen()[0]["body"]


def test_a_refused_call_has_the_pages_body_and_leaves_no_trace(customer: Customer, seen: Upstream) -> None:
    job_id = create_job(customer)
    refused = call(customer, job_id, model="gpt-4")
    assert refused.status_code == 403
    body = refused.json()
    assert list(body) == ["error", "message", "reason", "available_models", "request_id"]
    assert body["error"] == "Model access denied"
    assert body["message"] == "Team does not have access to model 'gpt-4'"
    assert body["available_models"] == ["chat", "other"]
    assert seen.seen() == []
    costs = complete(customer, job_id).json()["costs"]
    assert (costs["total_calls"], costs["credit_applied"], costs["credits_remaining"]) == (0, False, 1000)


def test_a_failed_call_counts_as_failed_and_an_unanswered_job_is_free(proxy: Proxy) -> None:
    customer = sell(proxy, {"shaky": "real-failing"})
    job_id = create_job(customer)
    failed = call(customer, job_id, model="shaky")
    assert failed.status_code == 502, failed.text
    assert failed.json()["error"] == "Model call failed"
    assert "up-failing" not in failed.text
    costs = complete(customer, job_id, "failed").json()["costs"]
    assert (costs["total_calls"], costs["failed_calls"], costs["credits_remaining"]) == (1, 1, 1000)


@pytest.mark.parametrize("by_path", [True, False])
def test_a_streamed_call(customer: Customer, by_path: bool) -> None:
    job_id = create_job(customer)
    with customer.client() as client:
        path = f"/api/jobs/{job_id}/llm-call" + ("-stream" if by_path else "")
        answer = client.post(path, json=CHAT if by_path else {**CHAT, "stream": True})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "data: [DONE]" in answer.text
    costs = complete(customer, job_id).json()["costs"]
    assert (costs["successful_calls"], costs["total_tokens"]) == (1, 33)


def test_nobody_elses_job(proxy: Proxy, customer: Customer, seen: Upstream) -> None:
    job_id = create_job(customer)
    other = sell(proxy, {"chat": "real-a"})
    for answer in (call(other, job_id), call(customer, "job_nothere")):
        assert answer.status_code == 404, answer.text
        assert answer.json()["error"] == "Not found"
    with proxy.admin() as admin:
        refused = admin.post(f"/api/jobs/{job_id}/llm-call", json=CHAT)
    assert (refused.status_code, refused.json()["reason"]) == (403, "team_only")
    with proxy.client() as nobody:
        assert nobody.post(f"/api/jobs/{job_id}/llm-call", json=CHAT).status_code == 401
    assert seen.seen() == []


def test_what_is_wrong_with_a_jobs_call_is_named(customer: Customer) -> None:
    job_id = create_job(customer)
    with customer.client() as client:
        missing = client.post(f"/api/jobs/{job_id}/llm-call", json={"model": "chat"})
        no_json = client.post(f"/api/jobs/{job_id}/llm-call", content=b"{")
    assert missing.status_code == 422
    assert missing.json()["details"] == [{"field": "messages", "problem": "is required"}]
    assert no_json.status_code == 400
