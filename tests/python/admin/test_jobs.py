from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from saas_access._core import NewJob, Pricing, ReserveRequest, Usage
from saas_access.admin.app import create_app
from saas_access.admin.host import StandaloneHost
from saas_access.overdue_jobs import complete_overdue_jobs

from .serving import ADMIN_KEY, Client, answered, created, make_server, refused

if TYPE_CHECKING:
    from pathlib import Path

    from .serving import Acme, Server

NEW = {"team_id": "acme-prod", "job_type": "document_analysis"}


def make_job(client: Client, **fields: Any) -> str:
    job_id: str = created(client.post("/api/jobs/create", json={**NEW, **fields}))["job_id"]
    return job_id


def begin_call(server: Server, job_id: str) -> str:
    request = ReserveRequest(
        team_id="acme-prod", alias="gpt-4", job_id=job_id, purpose="summary", pricing=Pricing(), estimate=Usage()
    )
    return server.runtime.engine.reserve(request=request).call_id


def test_a_new_job_is_pending_and_free(operator: Client, stocked: Acme) -> None:
    made = created(operator.post("/api/jobs/create", json=NEW))
    assert set(made) == {"job_id", "status", "created_at"}
    assert made["status"] == "pending"
    assert answered(operator.get("/api/credits/balance?team_id=acme-prod"))["credits_remaining"] == 100


def test_a_completed_job_tells_its_calls_and_what_it_cost(server: Server, operator: Client, stocked: Acme) -> None:
    job_id = make_job(operator, user_id="user-42", metadata={"document": 7})
    answered_call, failed_call = begin_call(server, job_id), begin_call(server, job_id)
    engine = server.runtime.engine
    usage = Usage(total_tokens=25, price_known=True, cost=300_000_000)
    engine.settle(call_id=answered_call, usage=usage, latency_ms=840)
    engine.release(call_id=failed_call, failed=True, latency_ms=10)
    completed = answered(operator.post(f"/api/jobs/{job_id}/complete", json={"status": "completed"}))
    assert completed["costs"] == {
        "total_calls": 2,
        "successful_calls": 1,
        "failed_calls": 1,
        "total_tokens": 25,
        "total_cost_usd": 0.0003,
        "credit_applied": True,
        "credits_remaining": 99,
    }
    [first, second] = map(dict, completed["calls"])
    assert first.pop("created_at").endswith("Z")
    assert first == {
        "call_id": answered_call,
        "model": "gpt-4",
        "purpose": "summary",
        "status": "succeeded",
        "total_tokens": 25,
        "cost_usd": 0.0003,
        "latency_ms": 840,
    }
    assert (second["status"], second["cost_usd"]) == ("failed", None)
    assert (completed["status"], completed["user_id"], completed["metadata"]) == (
        "completed",
        "user-42",
        {"document": 7},
    )
    assert answered(operator.get(f"/api/jobs/{job_id}")) == completed
    assert answered(operator.post(f"/api/jobs/{job_id}/complete", json={"status": "completed"})) == completed
    refused(operator.post(f"/api/jobs/{job_id}/complete", json={"status": "failed"}), 409)


def test_a_job_with_a_running_call_cannot_be_completed(server: Server, operator: Client, stocked: Acme) -> None:
    job_id = make_job(operator)
    begin_call(server, job_id)
    for query in ("", "?dry_run=true"):
        refused(operator.post(f"/api/jobs/{job_id}/complete{query}", json={"status": "completed"}), 409)


def test_jobs_are_listed_by_status_and_time(operator: Client, stocked: Acme) -> None:
    ended, left_open = make_job(operator), make_job(operator)
    done = answered(operator.post(f"/api/jobs/{ended}/complete", json={"status": "failed"}))

    def listed(**query: str) -> list[str]:
        found = answered(operator.get("/api/teams/acme-prod/jobs", params=query))["jobs"]
        return [job["job_id"] for job in found]

    assert listed(status="failed") == [ended]
    assert listed(status="pending") == [left_open]
    assert listed(status="completed") == []
    assert listed(**{"from": done["created_at"]}) == [left_open, ended]
    assert listed(to=done["created_at"]) == []
    assert refused(operator.get("/api/teams/acme-prod/jobs?from=yesterday"), 422)["details"][0]["field"] == "from"
    refused(operator.get("/api/teams/acme-prod/jobs?status=open"), 422)


def test_failed_jobs_are_free_where_the_setting_says_so(tmp_path: Path) -> None:
    server = make_server(tmp_path, failed_jobs_are_free=True)
    operator = server.client(ADMIN_KEY)
    created(operator.post("/api/organizations/create", json={"organization_id": "o", "name": "O"}))
    team = {"organization_id": "o", "team_id": "acme-prod", "credits_allocated": 1}
    created(operator.post("/api/teams/create", json=team))
    job_id = make_job(operator)
    server.runtime.engine.settle(call_id=begin_call(server, job_id), usage=Usage(), latency_ms=1)
    body = {"status": "failed", "error_message": "bad scan", "metadata": {"pages": 0}}
    failed = answered(operator.post(f"/api/jobs/{job_id}/complete", json=body))
    assert (failed["costs"]["credit_applied"], failed["costs"]["credits_remaining"]) == (False, 1)
    assert (failed["error_message"], failed["metadata"]) == ("bad scan", {"pages": 0})
    server.runtime.close()


def test_the_list_is_newest_first_without_calls(operator: Client, stocked: Acme) -> None:
    first, second = make_job(operator), make_job(operator)
    jobs = answered(operator.get("/api/teams/acme-prod/jobs"))["jobs"]
    assert [job["job_id"] for job in jobs] == [second, first]
    assert "calls" not in jobs[0]


def test_a_dry_run_makes_and_ends_nothing(operator: Client, stocked: Acme) -> None:
    tried = answered(operator.post("/api/jobs/create?dry_run=true", json=NEW))
    assert (tried["job_id"], tried["status"], tried["dry_run"], tried["changes"]) == (None, "pending", True, [])
    assert answered(operator.get("/api/teams/acme-prod/jobs"))["jobs"] == []
    refused(operator.post("/api/jobs/create?dry_run=true", json={**NEW, "team_id": "nobody"}), 422)
    job_id = make_job(operator)
    tried = answered(operator.post(f"/api/jobs/{job_id}/complete?dry_run=true", json={"status": "failed"}))
    assert (tried["status"], tried["dry_run"]) == ("failed", True)
    assert answered(operator.get(f"/api/jobs/{job_id}"))["status"] == "pending"
    answered(operator.post(f"/api/jobs/{job_id}/complete", json={"status": "completed"}))
    refused(operator.post(f"/api/jobs/{job_id}/complete?dry_run=true", json={"status": "failed"}), 409)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"team_id": "nobody"}, "team_id"),
        ({"job_type": ""}, "job_type"),
        ({"job_type": "x" * 257}, "job_type"),
        ({"user_id": 42}, "user_id"),
        ({"jobtype": "x"}, "jobtype"),
    ],
)
def test_a_wrong_job_is_refused(operator: Client, stocked: Acme, change: dict[str, Any], field: str) -> None:
    body = refused(operator.post("/api/jobs/create", json={**NEW, **change}), 422)
    assert body["details"][0]["field"] == field


def test_an_absent_job_is_not_found(operator: Client, server: Server, stocked: Acme) -> None:
    refused(operator.get("/api/jobs/nope"), 404)
    refused(operator.post("/api/jobs/nope/complete", json={"status": "completed"}), 404)
    refused(server.client(stocked.acme_key).post("/api/jobs/nope/llm-call", json={}), 404)


def test_only_completed_and_failed_end_a_job(operator: Client, stocked: Acme) -> None:
    job_id = make_job(operator)
    for status in ("pending", "in_progress", "done", None):
        refused(operator.post(f"/api/jobs/{job_id}/complete", json={"status": status}), 422)


@pytest.mark.parametrize("action", ["{}/llm-call", "{}/llm-call-stream", "create-and-call", "create-and-call-stream"])
def test_the_operator_cannot_make_a_teams_calls(operator: Client, stocked: Acme, action: str) -> None:
    body = refused(operator.post(f"/api/jobs/{action.format(make_job(operator))}", json={}), 403)
    assert (body["error"], body["reason"]) == ("Forbidden", "team_only")


@pytest.mark.parametrize("proxy_url", [None, "https://proxy.example"])
def test_a_server_without_calls_names_the_setting_that_leads_to_one(tmp_path: Path, proxy_url: str | None) -> None:
    server = make_server(tmp_path, proxy_url=proxy_url)
    operator = server.client(ADMIN_KEY)
    created(operator.post("/api/organizations/create", json={"organization_id": "o", "name": "O"}))
    team = created(operator.post("/api/teams/create", json={"organization_id": "o", "team_id": "acme-prod"}))
    job_id = make_job(operator)
    standalone = create_app(runtime=server.runtime, host=StandaloneHost())
    client = Client(app=standalone, key=team["virtual_key"], address="192.0.2.7", host="saas.example")
    own = [f"{job_id}/{action}" for action in ("llm-call", "llm-call-stream", "complete")]
    for path in (*own, "create-and-call", "create-and-call-stream"):
        message = refused(client.post(f"/api/jobs/{path}", json={"status": "completed"}), 409)["message"]
        assert "proxy_url" in message
        assert (proxy_url or "proxy_url") in message
    jobs = answered(client.get("/api/teams/acme-prod/jobs"))["jobs"]
    assert [(job["job_id"], job["status"]) for job in jobs] == [(job_id, "pending")]
    server.runtime.close()


def test_completing_again_answers_the_same_whatever_happened_since(
    server: Server, operator: Client, stocked: Acme
) -> None:
    job_id, later = make_job(operator), make_job(operator)
    settle = server.runtime.engine.settle
    settle(call_id=begin_call(server, job_id), usage=Usage(), latency_ms=1)
    body = {"status": "failed", "error_message": "bad scan", "metadata": {"pages": 0}}
    first = answered(operator.post(f"/api/jobs/{job_id}/complete", json=body))
    settle(call_id=begin_call(server, later), usage=Usage(), latency_ms=1)
    answered(operator.post(f"/api/jobs/{later}/complete", json={"status": "completed"}))
    body = {"status": "failed", "error_message": "another", "metadata": {"pages": 9}}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: operator.post(f"/api/jobs/{job_id}/complete", json=body), range(8)))
    assert [answered(answer) for answer in answers] == [first] * 8
    assert first["costs"]["credits_remaining"] == 99
    assert answered(operator.get("/api/credits/balance?team_id=acme-prod"))["credits_used"] == 2


def test_jobs_left_open_are_completed_after_the_time_of_the_setting(tmp_path: Path) -> None:
    server = make_server(tmp_path, job_timeout_hours=3, failed_jobs_are_free=True)
    operator, engine = server.client(ADMIN_KEY), server.runtime.engine
    created(operator.post("/api/organizations/create", json={"organization_id": "o", "name": "O"}))
    team = {"organization_id": "o", "team_id": "acme-prod", "credits_allocated": 300}
    created(operator.post("/api/teams/create", json=team))
    answered_job, half_failed = make_job(operator), make_job(operator)
    for job_id in (answered_job, half_failed):
        engine.settle(call_id=begin_call(server, job_id), usage=Usage(), latency_ms=1)
    engine.release(call_id=begin_call(server, half_failed), failed=True, latency_ms=1)
    for _ in range(200):
        engine.create_job(job=NewJob(team_id="acme-prod", job_type="x"))
    young = make_job(operator)
    assert complete_overdue_jobs(engine, server.runtime.settings) == 0
    age_jobs(tmp_path, hours=3, but=young)
    assert complete_overdue_jobs(engine, server.runtime.settings) == 202
    assert complete_overdue_jobs(engine, server.runtime.settings) == 0
    done = answered(operator.get(f"/api/jobs/{answered_job}"))
    assert (done["status"], done["costs"]["credit_applied"]) == ("completed", True)
    assert done["error_message"] == "Completed by the server: still open after 3 hours"
    assert not answered(operator.get(f"/api/jobs/{half_failed}"))["costs"]["credit_applied"]
    assert answered(operator.get(f"/api/jobs/{young}"))["status"] == "pending"
    balance = answered(operator.get("/api/credits/balance?team_id=acme-prod"))
    assert (balance["credits_used"], balance["credits_reserved"]) == (1, 0)
    server.runtime.close()


AGE_JOBS = """
import sqlite3, sys
path, hours, young = sys.argv[1:]
with sqlite3.connect(path) as database:
    changed = [int(hours) * 3_600_000, young]
    database.execute("UPDATE job SET created_at_ms = created_at_ms - ? WHERE job_id <> ?", changed)
"""


def age_jobs(folder: Path, *, hours: int, but: str) -> None:
    """Makes all jobs but one older than they are. In a process of its own: closing a file drops this one's locks."""
    subprocess.run([sys.executable, "-c", AGE_JOBS, str(folder / "test.db"), str(hours), but], check=True)
