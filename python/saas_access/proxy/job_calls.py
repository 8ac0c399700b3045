"""`POST /api/jobs/{job_id}/llm-call` and `/api/jobs/create-and-call`: the proxy's own chat route, entered for a job of
the caller's team.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import Request

from saas_access import problems
from saas_access._core import JobStatus, NewJob, NotFound, Usage, slug
from saas_access.admin import access, errors
from saas_access.admin.bodies import NewJobBody
from saas_access.admin.json_text import render
from saas_access.admin.report_answers import JobCostsAnswer
from saas_access.admin.routes import is_unicode
from saas_access.proxy.exchange import Exchange
from saas_access.proxy.job_of_call import JobOfCall
from saas_access.proxy.passing_on import json_object, replay, with_body
from saas_access.proxy.request_state import JobCall, RequestState
from saas_access.proxy.routes import TEAM_ROUTES
from saas_access.proxy.sanitising import clean, json_bytes, limited
from saas_access.refusal import Protocol, RequestRefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Send

    from saas_access.proxy.plugin import Plugin

_PATH = re.compile(r"/api/jobs/(?:create-and-call|(?P<job_id>[^/]+)/llm-call)(?P<streamed>-stream)?")
_CHAT = "/v1/chat/completions"
_MAX_PURPOSE = 256  # characters


def is_job_call(method: str, path: str) -> bool:
    """Whether the request is one that this module serves."""
    return method == "POST" and _PATH.fullmatch(path) is not None


@dataclass(slots=True)
class JobAnswer:
    """Presents a chat completion as the answer of a job's call, and a failure in the admin API's shape."""

    state: RequestState
    model: str
    job: JobOfCall | None  # that the call was made with

    async def present(self, status: int, body: bytes, stated: Usage | None) -> tuple[int, bytes]:
        """The status and body to send for LiteLLM's."""
        ticket = self.state.ticket
        if status >= 400 or ticket is None:
            return self._failure(status, body)
        answer: dict[str, Any] = {
            "call_id": ticket.call_id,
            "response": json.loads(body),
            "metadata": {
                "model": self.model,
                "tokens_used": stated.total_tokens if stated else 0,
                "latency_ms": ticket.latency_ms,
            },
        }
        if self.job is not None:
            answer = await self._with_its_job(self.job, answer)
        return status, render(answer).encode()

    @staticmethod
    async def _with_its_job(job: JobOfCall, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer that is paid for leaves also when the job can't be ended, which then is left to the time-out."""
        ended = await job.end()
        status = JobStatus.IN_PROGRESS if ended is None else ended.status
        costs = None if ended is None else JobCostsAnswer.of(ended.costs).model_dump()
        call_id = answer.pop("call_id")
        return {"job_id": job.job_id, "call_id": call_id, "status": slug(status), **answer, "costs": costs}

    def _failure(self, status: int, body: bytes) -> tuple[int, bytes]:
        """LiteLLM answers 500 for much that is the provider's: here that is a bad gateway."""
        try:
            error = json.loads(body).get("error")
            message = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, AttributeError, KeyError):
            message = "The model call failed"
        if self.job is not None:
            self.job.failure = message
        answer = {"error": "Model call failed", "message": message, "request_id": self.state.request_id}
        return (502 if status == 500 else status), render(answer).encode()


class JobCalls:
    """Serves the paths. Who calls and for which job is settled here; the rest is an ordinary call."""

    def __init__(self, plugin: Plugin, app: ASGIApp) -> None:
        self._plugin = plugin
        self._app = app

    async def __call__(self, state: RequestState, receive: Receive, send: Send) -> None:
        """Answers the request that `state` describes."""
        request = Request(state.scope, limited(receive, self._plugin.settings.max_request_mb))
        request.state.request_id = state.request_id
        try:
            presented, raw = await self._prepare(state, request)
        except Exception as problem:  # noqa: BLE001 the admin API's own table knows what each becomes
            error = _as_admin_error(problem, state)
            answer = errors.answer(error, request)
            answer.headers["x-request-id"] = state.request_id
            await answer(state.scope, receive, send)
            return
        scope, job = state.scope, presented.job
        scope["path"], scope["raw_path"], scope["query_string"] = _CHAT, _CHAT.encode(), b""
        scope["headers"] = with_body(scope["headers"], b"application/json", len(raw))
        if job is None:
            await Exchange(self._plugin, state, send, presented).run(self._app, replay(raw, receive))
            return
        exchange = Exchange(self._plugin, state, job.ending_before_the_last_of(send), presented)
        try:
            await exchange.run(self._app, replay(raw, receive))
        finally:
            await job.end_at_last()

    async def _prepare(self, state: RequestState, request: Request) -> tuple[JobAnswer, bytes]:
        """How to answer, and the body for the chat route. The job of a create-and-call is made last: what is refused
        here leaves none.
        """
        path = _PATH.fullmatch(state.path)
        if path is None:
            raise LookupError(f"{state.path} is no path of a job's call")
        caller = self._caller(request)
        creates = path["job_id"] is None
        if not creates:
            await asyncio.to_thread(self._require_open_job, path["job_id"], caller.team_id)
        body = await json_object(request)
        if body is None:
            raise errors.Refused(400, "Bad request", "The body must be a JSON object.")
        new = _taken_job(body, caller.team_id) if creates else None
        purpose = _taken_purpose(body)
        bad_request = clean(body, TEAM_ROUTES["POST", _CHAT], self._plugin.settings)
        if bad_request is not None:
            raise RequestRefusedError(bad_request)
        state.sanitised = True
        if path["streamed"]:
            body["stream"] = True
        raw = json_bytes(body)
        made = None if new is None else await JobOfCall.create(self._plugin, state, new)
        state.job = JobCall(made.job_id if made is not None else path["job_id"], purpose)
        return JobAnswer(state, str(body["model"]), made), raw

    def _caller(self, request: Request) -> access.TeamCaller:
        caller = access.identify(request, self._plugin.service)
        if caller is None:
            raise errors.Refused(401, "Unauthorized", "A model call needs the team's virtual key.")
        if isinstance(caller, access.Operator):
            message = "An operator may not make a team's calls; use one of its virtual keys."
            raise errors.Refused(403, "Forbidden", message, reason="team_only")
        unknown = [(name, "is unknown in the query") for name in request.query_params]
        if unknown:
            raise errors.invalid_values(unknown)
        return caller

    def _require_open_job(self, job_id: str, team_id: str) -> None:
        job = self._plugin.engine.find_job(job_id=job_id)
        if job.team_id != team_id:
            raise NotFound(f"Job '{job_id}' does not exist")
        if job.status in (JobStatus.COMPLETED, JobStatus.FAILED):
            raise errors.conflict(f"Job '{job_id}' has ended")


def _taken_job(body: dict[str, Any], team_id: str) -> NewJob:
    """Takes the job's own fields out of the body of a create-and-call."""
    taken = {name: body.pop(name) for name in NewJobBody.model_fields if name in body}
    halves = [(name, "must hold no half of a surrogate pair") for name in taken if not is_unicode(taken[name])]
    if halves:
        raise errors.invalid_values(halves)
    try:
        new = NewJobBody.model_validate({"team_id": team_id, **taken})
    except ValidationError as error:
        found = [(problems.field(each["loc"]), problems.phrase(each)) for each in error.errors()]
        raise errors.invalid_values(found) from None
    if new.team_id != team_id:
        raise errors.invalid("team_id", f"Team {problems.quoted(new.team_id)} does not exist")
    return NewJob(team_id=team_id, job_type=new.job_type, user_id=new.user_id, metadata=new.metadata)


def _taken_purpose(body: dict[str, Any]) -> str:
    """Takes the purpose out of the body of a call; what must stay there is looked at, too."""
    found = [(name, "is required") for name in ("model", "messages") if name not in body]
    purpose = body.pop("purpose", "")
    if not isinstance(purpose, str) or len(purpose) > _MAX_PURPOSE or not is_unicode(purpose):
        found.append(("purpose", f"must be a string of at most {_MAX_PURPOSE} characters"))
    if found:
        raise errors.invalid_values(found)
    return str(purpose)


def _as_admin_error(problem: Exception, state: RequestState) -> Exception:
    if not isinstance(problem, RequestRefusedError):
        return problem
    return errors.Refused(problem.answer.status, **problem.answer.body(Protocol.PAGE, state.request_id))
