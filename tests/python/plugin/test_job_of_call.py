"""The job of a create-and-call ends with its call, also where its request doesn't see the end of that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saas_access._core import (
    Job,
    JobCompletion,
    JobStatus,
    NewJob,
    NewOrganization,
    NewTeam,
    Pricing,
    Reservation,
    ReserveRequest,
    Usage,
)
from saas_access.proxy.calls import Candidate, Ticket
from saas_access.proxy.job_calls import JobAnswer
from saas_access.proxy.job_of_call import JobOfCall
from saas_access.proxy.plugin import Plugin
from saas_access.proxy.prices import Price
from saas_access.proxy.request_state import RequestState
from saas_access.refusal import body_too_large
from saas_access.runtime import Runtime
from saas_access.settings import Settings


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    runtime = Runtime.open(Settings.parse({"database_url": f"sqlite:///{tmp_path / 'store.db'}"}))
    runtime.engine.create_organization(organization=NewOrganization(organization_id="o", name="O"))
    team = NewTeam(organization_id="o", team_id="t", team_alias="", access_groups=[], credits_allocated=1_000_000)
    runtime.engine.create_team(team=team)
    yield Plugin(runtime)
    runtime.close()


def new_state() -> RequestState:
    return RequestState(request_id="r", scope={})


async def new_job(plugin: Plugin, state: RequestState) -> JobOfCall:
    return await JobOfCall.create(plugin, state, NewJob(team_id="t", job_type="x"))


def request_in(job: JobOfCall) -> ReserveRequest:
    return ReserveRequest(team_id="t", alias="a", job_id=job.job_id, purpose="", pricing=Pricing(), estimate=Usage())


def issue(plugin: Plugin, reservation: Reservation) -> Ticket:
    candidate = Candidate("a", "real", Pricing(), Price(), Usage())
    ticket = plugin.calls.issue(candidates=[candidate], call_id=reservation.call_id, job=None)
    ticket.usage.set_result(Usage(total_tokens=5))
    return ticket


def look(plugin: Plugin, job: JobOfCall) -> Job:
    return plugin.engine.find_job(job_id=job.job_id)


def test_a_call_that_closes_without_its_request_is_waited_for(plugin: Plugin) -> None:
    async def run() -> None:
        job = await new_job(plugin, new_state())
        ticket = issue(plugin, await plugin.calls.reserve(request_in(job)))
        closing = asyncio.create_task(plugin.calls.settle(ticket, stated=None))
        await asyncio.sleep(0)  # let it begin
        closing.cancel()
        await job.end_at_last()
        ended = look(plugin, job)
        assert (ended.status, ended.error_message) == (JobStatus.COMPLETED, None)
        assert ended.costs.credits_charged == 1_000_000

    asyncio.run(run())


def test_a_reservation_that_nobody_waits_for_does_not_leave_its_job_open(plugin: Plugin) -> None:
    async def run() -> None:
        job = await new_job(plugin, new_state())
        reserving = asyncio.create_task(plugin.calls.reserve(request_in(job)))
        await asyncio.sleep(0)
        reserving.cancel()
        await asyncio.wait([reserving])
        await job.end_at_last()
        ended = look(plugin, job)
        assert (ended.status, ended.error_message) == (JobStatus.FAILED, "The call was not answered")
        assert plugin.engine.find_balance(team_id="t").reserved == 0

    asyncio.run(run())


def test_a_job_whose_call_still_runs_stays_open(plugin: Plugin) -> None:
    async def run() -> None:
        job = await new_job(plugin, new_state())
        await plugin.calls.reserve(request_in(job))
        assert await job.end() is None
        await job.end_at_last()
        assert look(plugin, job).status is JobStatus.IN_PROGRESS

    asyncio.run(run())


def test_a_job_that_its_team_ended_first_stays_as_it_is(plugin: Plugin) -> None:
    async def run() -> None:
        job = await new_job(plugin, new_state())
        ticket = issue(plugin, await plugin.calls.reserve(request_in(job)))
        await plugin.calls.settle(ticket, stated=None)
        plugin.engine.complete_job(job_id=job.job_id, completion=JobCompletion(status=JobStatus.FAILED))
        ended = await job.end()
        assert ended is not None
        assert ended.status is JobStatus.FAILED

    asyncio.run(run())


@pytest.mark.parametrize("last", [{"body": b"data: [DONE]\n\n", "more_body": True}, {"body": b"{}"}, {}])
def test_the_job_is_named_at_the_start_and_ends_before_the_last_of_the_answer_leaves(
    plugin: Plugin, last: dict[str, Any]
) -> None:
    sent = []

    async def run() -> None:
        job = await new_job(plugin, new_state())

        async def send(message: Any) -> None:
            sent.append((message, look(plugin, job).status))

        send_on = job.ending_before_the_last_of(send)
        await send_on({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send_on({"type": "http.response.body", "body": b'data: {"text": "data: [DONE]"}', "more_body": True})
        await send_on({"type": "http.response.body", **last})
        assert sent[0][0]["headers"] == [(b"a", b"b"), (b"x-job-id", job.job_id.encode())]

    asyncio.run(run())
    assert [status for _, status in sent] == [JobStatus.PENDING, JobStatus.PENDING, JobStatus.FAILED]


def test_a_refused_call_gives_its_job_the_reason(plugin: Plugin) -> None:
    async def run() -> None:
        state = new_state()
        job = await new_job(plugin, state)
        state.refusal = body_too_large(7)
        await job.end()
        assert look(plugin, job).error_message == "The body is larger than the limit of 7 MiB"
        other = await new_job(plugin, new_state())
        other.failure = "half \ud800 of a pair, \0 and much more" + "x" * 2000
        await other.end()
        message = look(plugin, other).error_message
        assert message is not None
        assert message.startswith("half ? of a pair,  and much morexxx")
        assert len(message) == 1024

    asyncio.run(run())


def test_an_answer_that_is_paid_for_leaves_though_the_store_fails(plugin: Plugin) -> None:
    async def run() -> dict[str, Any]:
        state = new_state()
        job = await new_job(plugin, state)
        state.ticket = issue(plugin, await plugin.calls.reserve(request_in(job)))
        await plugin.calls.settle(state.ticket, stated=None)
        plugin.engine.close()
        status, body = await JobAnswer(state, "chat", job).present(200, b'{"choices": []}', None)
        assert status == 200
        answer: dict[str, Any] = json.loads(body)
        return answer

    answer = asyncio.run(run())
    assert list(answer) == ["job_id", "call_id", "status", "response", "metadata", "costs"]
    assert (answer["status"], answer["response"], answer["costs"]) == ("in_progress", {"choices": []}, None)
