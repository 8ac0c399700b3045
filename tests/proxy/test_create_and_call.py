"""Create-and-call: a job of one call in one request, ended with the call, whatever becomes of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from running import Proxy, Upstream
from selling import Customer, sell
from test_jobs import events, look_at_the_end

MESSAGES = [{"role": "user", "content": "hi"}]
CALL: dict[str, Any] = {"job_type": "summary", "model": "chat", "messages": MESSAGES}
PATH, STREAM_PATH = "/api/jobs/create-and-call", "/api/jobs/create-and-call-stream"


def post(customer: Customer, path: str = PATH, **body: Any) -> httpx.Response:
    with customer.client() as client:
        return client.post(path, content=json.dumps({**CALL, **body}))  # httpx's own JSON has no half pairs


def jobs(customer: Customer) -> list[dict[str, Any]]:
    with customer.client() as client:
        found: list[dict[str, Any]] = client.get(f"/api/teams/{customer.team_id}/jobs").json()["jobs"]
        return found


def job(customer: Customer, job_id: str) -> dict[str, Any]:
    with customer.client() as client:
        found: dict[str, Any] = client.get(f"/api/jobs/{job_id}").json()
        return found


def spent(customer: Customer) -> tuple[float, float]:
    balance = customer.balance()
    return balance["credits_used"], balance["credits_reserved"]


def test_a_job_and_its_call_in_one_request(customer: Customer, seen: Upstream) -> None:
    answer = post(
        customer,
        team_id=customer.team_id,
        user_id="user-42",
        metadata={"document": 7},
        purpose="draft",
        temperature=0.2,
        seed=7,
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == ["job_id", "call_id", "status", "response", "metadata", "costs"]
    assert body["status"] == "completed"
    assert body["response"]["model"] == "chat"
    assert body["response"]["choices"][0]["message"]["content"] == "Hello from upstream"
    assert (body["metadata"]["model"], body["metadata"]["tokens_used"]) == ("chat", 33)
    assert body["costs"] == {
        "total_calls": 1,
        "successful_calls": 1,
        "failed_calls": 0,
        "total_tokens": 33,
        "total_cost_usd": pytest.approx(21 * 3e-6 + 12 * 6e-6, abs=0),
        "credit_applied": True,
        "credits_remaining": 999,
    }
    assert answer.headers["x-job-id"] == body["job_id"]
    made = job(customer, body["job_id"])
    assert (made["job_type"], made["user_id"], made["metadata"]) == ("summary", "user-42", {"document": 7})
    assert (made["status"], made["costs"], made["error_message"]) == ("completed", body["costs"], None)
    assert [(call["call_id"], call["purpose"]) for call in made["calls"]] == [(body["call_id"], "draft")]
    assert spent(customer) == (1, 0)
    [sent] = seen.seen()
    assert (sent["body"]["temperature"], sent["body"]["seed"]) == (0.2, 7)
    assert not {"job_type", "user_id", "team_id", "purpose", "metadata"} & set(sent["body"])
    with customer.client() as client:
        again = client.post(f"/api/jobs/{body['job_id']}/complete", json={"status": "completed"})
    assert again.json() == made


@pytest.mark.parametrize("mode", ["consumption_usd", "consumption_tokens"])
def test_a_team_that_pays_by_use_pays_for_the_call(proxy: Proxy, mode: str) -> None:
    customer = sell(proxy, {"chat": "real-a"}, budget_mode=mode)
    body = post(customer).json()
    assert body["costs"]["credit_applied"]
    assert spent(customer) == ({"consumption_usd": 0.00135, "consumption_tokens": 0.0033}[mode], 0)
    assert body["costs"]["credits_remaining"] == customer.balance()["credits_remaining"]


@pytest.mark.parametrize("by_path", [True, False])
def test_a_stream_has_the_chat_routes_events_and_its_job_has_ended_when_they_have(
    customer: Customer, by_path: bool
) -> None:
    body = CALL if by_path else {**CALL, "stream": True}
    path = STREAM_PATH if by_path else PATH
    with customer.client() as client, client.stream("POST", path, json=body) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = events(answer.iter_lines())
        job_id = answer.headers["x-job-id"]
        ended = job(customer, job_id)
    with (
        customer.client() as client,
        client.stream("POST", "/v1/chat/completions", json={**CALL, "stream": True}) as answer,
    ):
        assert told == events(answer.iter_lines())
    assert (ended["status"], ended["costs"]["credits_remaining"]) == ("completed", 999)
    assert (ended["costs"]["successful_calls"], ended["costs"]["total_tokens"]) == (1, 33)


def test_the_job_of_a_stream_has_ended_before_the_last_event(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"held": "sold/up-held"})

    def look(answer: httpx.Response) -> Any:
        return job(customer, answer.headers["x-job-id"])["status"], spent(customer)

    assert look_at_the_end(customer, seen, STREAM_PATH, CALL, look) == ("completed", (1, 0))


# -- what is refused before there is a job

WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no job type": ({"job_type": None}, ["job_type"]),
    "an empty job type": ({"job_type": ""}, ["job_type"]),
    "a wrong user and metadata": ({"user_id": 7, "metadata": []}, ["user_id", "metadata"]),
    "large metadata": ({"metadata": {"a": "x" * 100_000}}, ["metadata"]),
    "half a pair": ({"user_id": "\ud800"}, ["user_id"]),
    "another's team": ({"team_id": "team-1"}, ["team_id"]),
    "no team": ({"team_id": None}, ["team_id"]),
    "a purpose that is none": ({"purpose": ["x"]}, ["purpose"]),
    "half a pair of purpose": ({"purpose": "\ud800"}, ["purpose"]),
    "a field that would choose a model": ({"fallbacks": ["forbidden"]}, ["fallbacks"]),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("path", [PATH, STREAM_PATH])
def test_what_is_wrong_is_named_and_leaves_no_job(customer: Customer, seen: Upstream, path: str, name: str) -> None:
    change, fields = WRONG[name]
    refused = post(customer, path, **change)
    assert refused.status_code == 422, refused.text
    assert [detail["field"] for detail in refused.json()["details"]] == fields
    assert "x-job-id" not in refused.headers
    assert (jobs(customer), spent(customer), seen.seen()) == ([], (0, 0), [])


def test_a_team_that_does_not_exist_and_anothers_are_told_the_same(proxy: Proxy, customer: Customer) -> None:
    other = sell(proxy, {"chat": "real-a"})
    problems = {
        post(customer, team_id=team_id).json()["message"].replace(team_id, "X") for team_id in (other.team_id, "nobody")
    }
    assert problems == {"team_id: Team 'X' does not exist"}
    assert jobs(other) == []


def test_missing_fields_and_bodies_are_named(customer: Customer) -> None:
    with customer.client() as client:
        missing = client.post(PATH, json={"job_type": "x"})
        untyped = client.post(PATH, json={"model": "chat", "messages": MESSAGES})
        no_json = client.post(PATH, content=b"{")
        nested = client.post(
            PATH, content=b'{"job_type": "x", "model": "chat", "messages": ' + b"[" * 5000 + b"]" * 5000
        )
        tried = client.post(PATH, params={"dry_run": "true"}, json=CALL)
    assert [detail["field"] for detail in missing.json()["details"]] == ["model", "messages"]
    assert untyped.json()["details"] == [{"field": "job_type", "problem": "is required"}]
    assert (no_json.status_code, nested.status_code) == (400, 400)
    assert tried.status_code == 422
    assert tried.json()["details"] == [{"field": "dry_run", "problem": "is unknown in the query"}]
    assert jobs(customer) == []


def test_who_may_not_call(proxy: Proxy, customer: Customer, seen: Upstream) -> None:
    for path in (PATH, STREAM_PATH):
        with proxy.admin() as admin:
            refused = admin.post(path, json=CALL)
        assert (refused.status_code, refused.json()["reason"]) == (403, "team_only")
        with proxy.client() as nobody:
            assert nobody.post(path, json=CALL).status_code == 401
        with proxy.client(authorization="Bearer sk-nobodys") as stranger:
            assert stranger.post(path, json=CALL).json()["reason"] == "key_unknown"
    assert (jobs(customer), seen.seen()) == ([], [])


# -- what is refused after, or fails: the job has ended as failed, and cost nothing


# the model asked for, and what is done to the team first
REFUSED: dict[str, tuple[int, str, Callable[[httpx.Client, str], httpx.Response]]] = {
    "model_not_granted": (403, "gpt-4", lambda admin, team: admin.get(team)),
    "credits_exhausted": (402, "chat", lambda admin, team: admin.put(team, json={"credits_allocated": 0})),
    "team_suspended": (403, "chat", lambda admin, team: admin.put(f"{team}/suspend")),
}


@pytest.mark.parametrize("path", [PATH, STREAM_PATH])
@pytest.mark.parametrize("reason", REFUSED)
def test_a_refused_call_has_its_body_and_a_failed_job_that_cost_nothing(
    customer: Customer, seen: Upstream, path: str, reason: str
) -> None:
    status, model, prepare = REFUSED[reason]
    with customer.proxy.admin() as admin:
        assert prepare(admin, f"/api/teams/{customer.team_id}").status_code == 200
    refused = post(customer, path, model=model)
    assert (refused.status_code, refused.json()["reason"]) == (status, reason), refused.text
    assert isinstance(refused.json()["error"], str)
    [failed] = jobs(customer)
    assert failed["job_id"] == refused.headers["x-job-id"]
    assert (failed["status"], failed["error_message"]) == ("failed", refused.json()["message"])
    assert (failed["costs"]["total_calls"], failed["costs"]["credit_applied"]) == (0, False)
    assert (spent(customer), seen.seen()) == ((0, 0), [])


def test_a_call_over_the_rate_limit_frees_what_its_job_held(proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"}, rpm_limit=1)
    assert [post(customer).status_code for _ in range(2)] == [200, 429]
    limited, answered = jobs(customer)
    assert (limited["status"], limited["costs"]["total_calls"]) == ("failed", 0)
    assert answered["status"] == "completed"
    assert spent(customer) == (1, 0)


@pytest.mark.parametrize("path", [PATH, STREAM_PATH])
def test_a_provider_that_fails_fails_the_job(proxy: Proxy, path: str) -> None:
    customer = sell(proxy, {"shaky": "real-failing"})
    failed = post(customer, path, model="shaky")
    assert failed.status_code == 502, failed.text
    assert failed.json()["error"] == "Model call failed"
    [ended] = jobs(customer)
    assert (ended["status"], ended["costs"]["failed_calls"]) == ("failed", 1)
    assert ended["error_message"] == failed.json()["message"]
    assert "up-failing" not in ended["error_message"]
    assert spent(customer) == (0, 0)


# -- streams that don't end as they should


def ended_job(customer: Customer, job_id: str) -> dict[str, Any]:
    """The job once it has ended."""
    deadline = time.monotonic() + 30
    while (found := job(customer, job_id))["status"] in ("pending", "in_progress"):
        assert time.monotonic() < deadline, found
    return found


@pytest.mark.parametrize("who", ["upstream", "client"])
def test_a_stream_cut_off_is_charged_and_its_job_completed(proxy: Proxy, upstream: Upstream, who: str) -> None:
    customer = sell(proxy, {"cut": "real-cut"})
    body = {**CALL, "model": "cut"}
    with customer.client() as client, client.stream("POST", STREAM_PATH, json=body) as answer:
        chunks = answer.iter_text()
        assert "data: " in next(chunks)
        job_id = answer.headers["x-job-id"]
        assert job(customer, job_id)["status"] == "in_progress"
        early = client.post(f"/api/jobs/{job_id}/complete", json={"status": "failed"})
        assert early.status_code == 409
        assert early.json()["message"] == f"Job '{job_id}' still has a running call"
        if who == "upstream":
            upstream.cut()
            assert "up-cut" not in "".join(chunks)
    ended = ended_job(customer, job_id)
    assert (ended["status"], ended["error_message"]) == ("completed", None)
    assert (ended["costs"]["successful_calls"], ended["costs"]["failed_calls"]) == (1, 0)
    assert spent(customer) == (1, 0)


def test_a_client_that_leaves_before_the_answer_leaves_no_open_job(proxy: Proxy, seen: Upstream) -> None:
    """LiteLLM goes on with the call, so it is charged, as on the chat route."""
    customer = sell(proxy, {"held": "sold/up-held"})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", proxy.port)) as connection:
        body = json.dumps({**CALL, "model": "held"})
        connection.request("POST", PATH, body, {"authorization": f"Bearer {customer.key}"})
        while not seen.seen():
            pass
    seen.go()
    [open_job] = jobs(customer)
    ended = ended_job(customer, open_job["job_id"])
    assert (ended["status"], ended["costs"]["successful_calls"]) == ("completed", 1)
    assert spent(customer) == (1, 0)


# -- at once


@pytest.mark.parametrize("path", [PATH, STREAM_PATH])
def test_the_last_credit_is_promised_once(proxy: Proxy, seen: Upstream, path: str) -> None:
    customer = sell(proxy, {"chat": "real-a"}, credits_allocated=1)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: post(customer, path).status_code, range(8)))
    assert sorted(statuses) == [200, *[402] * 7]
    assert seen.models() == ["up-a"]
    assert sorted(each["status"] for each in jobs(customer)) == ["completed", *["failed"] * 7]
    assert spent(customer) == (1, 0)
