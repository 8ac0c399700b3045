"""Jobs: calls inside one go through the same decision, reservation and settlement as the proxy's own routes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import httpx
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


def events(lines: Iterable[str]) -> list[Any]:
    """The events of a stream as far as its end, but for what differs each time: ids and times."""
    found: list[Any] = []
    for line in lines:
        if not line.startswith("data: "):
            continue
        if line == "data: [DONE]":
            return [*found, "[DONE]"]
        event = json.loads(line.removeprefix("data: "))
        found.append({name: value for name, value in event.items() if name not in ("id", "created")})
    raise AssertionError(f"the stream broke off after {found}")


@pytest.mark.parametrize("by_path", [True, False])
@pytest.mark.parametrize("usage", [True, False])
def test_a_streamed_call_has_the_chat_routes_events(customer: Customer, by_path: bool, usage: bool) -> None:
    job_id = create_job(customer)
    body = {**CHAT, **({"stream_options": {"include_usage": True}} if usage else {})}
    told = []
    for path in (f"/api/jobs/{job_id}/llm-call" + ("-stream" if by_path else ""), "/v1/chat/completions"):
        streamed = {} if by_path and "jobs" in path else {"stream": True}
        with customer.client() as client, client.stream("POST", path, json={**body, **streamed}) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            told.append(events(answer.iter_lines()))
    assert told[0] == told[1]
    assert any("usage" in event for event in told[0]) is usage
    costs = complete(customer, job_id).json()["costs"]
    assert (costs["successful_calls"], costs["total_tokens"]) == (1, 33)


@contextlib.contextmanager
def locked_store(proxy: Proxy) -> Iterator[None]:
    """Nobody can write meanwhile; the proxy waits for some seconds."""
    with contextlib.closing(sqlite3.connect(proxy.folder / "store.db", isolation_level=None)) as store:
        store.execute("BEGIN IMMEDIATE")
        yield
        store.execute("ROLLBACK")


def look_at_the_end(
    customer: Customer, upstream: Upstream, path: str, body: dict[str, Any], look: Callable[[httpx.Response], Any]
) -> Any:
    """What `look` sees as soon as a stream's last event is there, which must not come while the store is locked."""

    def read() -> Any:
        with customer.client() as client, client.stream("POST", path, json={**body, "model": "held"}) as answer:
            events(answer.iter_lines())
            return look(answer)

    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(read)
        while not upstream.seen():
            assert not seen.done(), seen.result()
        with locked_store(customer.proxy):
            upstream.go()
            wait([seen], timeout=1)
            assert not seen.done()
        return seen.result()


def test_a_streamed_call_is_settled_before_its_last_event(proxy: Proxy, seen: Upstream) -> None:
    """Whoever has seen the end may complete the job, or look at the balance, at once."""
    customer = sell(proxy, {"held": "sold/up-held"}, budget_mode="consumption_tokens")
    job_id = create_job(customer)

    def look(_: httpx.Response) -> Any:
        return customer.balance()["credits_reserved"], complete(customer, job_id).json()["costs"]["total_tokens"]

    assert look_at_the_end(customer, seen, f"/api/jobs/{job_id}/llm-call-stream", CHAT, look) == (0, 33)


@pytest.mark.parametrize("who", ["upstream", "client"])
def test_a_streamed_call_cut_off_is_successful_and_runs_until_then(proxy: Proxy, upstream: Upstream, who: str) -> None:
    customer = sell(proxy, {"cut": "real-cut"})
    job_id = create_job(customer)
    body = {**CHAT, "model": "cut"}
    with customer.client() as client, client.stream("POST", f"/api/jobs/{job_id}/llm-call-stream", json=body) as answer:
        chunks = answer.iter_text()
        assert "data: " in next(chunks)
        assert complete(customer, job_id).status_code == 409
        if who == "upstream":
            upstream.cut()
            told = "".join(chunks)
            assert "up-cut" not in told
    deadline = time.monotonic() + 30
    while (completed := complete(customer, job_id)).status_code == 409:
        assert time.monotonic() < deadline
    costs = completed.json()["costs"]
    assert (costs["total_calls"], costs["successful_calls"], costs["credit_applied"]) == (1, 1, True)
    assert customer.balance()["credits_used"] == 1


def test_completing_at_once_is_charged_once_and_answered_the_same(customer: Customer) -> None:
    job_id = create_job(customer)
    assert call(customer, job_id).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: complete(customer, job_id), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert customer.balance()["credits_used"] == 1


@pytest.mark.parametrize("path", ["llm-call", "llm-call-stream"])
def test_a_call_takes_no_query(customer: Customer, seen: Upstream, path: str) -> None:
    job_id = create_job(customer)
    with customer.client() as client:
        refused = client.post(f"/api/jobs/{job_id}/{path}", params={"dry_run": "true"}, json=CHAT)
    assert (refused.status_code, refused.json()["details"][0]["field"]) == (422, "dry_run")
    assert seen.seen() == []


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
