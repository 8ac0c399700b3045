"""`POST /api/jobs/{job_id}/llm-call`: the proxy's own chat route, entered for a job of the caller's team."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from saas_access._core import JobStatus, NotFound, Usage
from saas_access.admin import access, errors
from saas_access.admin.json_text import render
from saas_access.proxy.exchange import Exchange
from saas_access.proxy.passing_on import json_object, replay, with_body
from saas_access.proxy.request_state import JobCall, RequestState
from saas_access.proxy.routes import TEAM_ROUTES
from saas_access.proxy.sanitising import clean, limited
from saas_access.refusal import Protocol, RequestRefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Send

    from saas_access.proxy.plugin import Plugin

_PREFIX, _CALL, _STREAMED = "/api/jobs/", "llm-call", "llm-call-stream"
_PATH = re.compile(rf"{_PREFIX}[^/]+/({_CALL}|{_STREAMED})")
_CHAT = "/v1/chat/completions"


def is_job_call(method: str, path: str) -> bool:
    """Whether the request is one that this module serves."""
    return method == "POST" and _PATH.fullmatch(path) is not None


@dataclass(slots=True)
class JobAnswer:
    """Presents a chat completion as the answer of a job's call, and a failure in the admin API's shape."""

    state: RequestState
    model: str

    def present(self, status: int, body: bytes, stated: Usage | None) -> tuple[int, bytes]:
        """The status and body to send for LiteLLM's."""
        ticket = self.state.ticket
        if status >= 400 or ticket is None:
            return self._failure(status, body)
        answer = {
            "call_id": ticket.call_id,
            "response": json.loads(body),
            "metadata": {
                "model": self.model,
                "tokens_used": stated.total_tokens if stated else 0,
                "latency_ms": ticket.latency_ms,
            },
        }
        return status, render(answer).encode()

    def _failure(self, status: int, body: bytes) -> tuple[int, bytes]:
        """LiteLLM answers 500 for much that is the provider's: here that is a bad gateway."""
        try:
            error = json.loads(body).get("error")
            message = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, AttributeError, KeyError):
            message = "The model call failed"
        answer = {"error": "Model call failed", "message": message, "request_id": self.state.request_id}
        return (502 if status == 500 else status), render(answer).encode()


class JobCalls:
    """Serves the two paths. Who calls and for which job is settled here; the rest is an ordinary call."""

    def __init__(self, plugin: Plugin, app: ASGIApp) -> None:
        self._plugin = plugin
        self._app = app

    async def __call__(self, state: RequestState, receive: Receive, send: Send) -> None:
        """Answers the request that `state` describes."""
        request = Request(state.scope, limited(receive, self._plugin.settings.max_request_mb))
        request.state.request_id = state.request_id
        try:
            body = await self._prepare(state, request)
        except Exception as problem:  # noqa: BLE001 the admin API's own table knows what each becomes
            error = _as_admin_error(problem, state)
            answer = errors.answer(error, request)
            answer.headers["x-request-id"] = state.request_id
            await answer(state.scope, receive, send)
            return
        scope, raw = state.scope, json.dumps(body).encode()
        scope["path"], scope["raw_path"], scope["query_string"] = _CHAT, _CHAT.encode(), b""
        scope["headers"] = with_body(scope["headers"], b"application/json", len(raw))
        exchange = Exchange(self._plugin, state, send, JobAnswer(state, str(body.get("model"))))
        await exchange.run(self._app, replay(raw, receive))

    async def _prepare(self, state: RequestState, request: Request) -> dict[str, Any]:
        path = state.path.removeprefix(_PREFIX)
        job_id, _, last = path.partition("/")
        caller = access.identify(request, self._plugin.service)
        if caller is None:
            raise errors.Refused(401, "Unauthorized", "A model call needs the team's virtual key.")
        if isinstance(caller, access.Operator):
            message = "An operator may not make a team's calls; use one of its virtual keys."
            raise errors.Refused(403, "Forbidden", message, reason="team_only")
        await asyncio.to_thread(self._require_open_job, job_id, caller.team_id)
        body = await json_object(request)
        if body is None:
            raise errors.Refused(400, "Bad request", "The body must be a JSON object.")
        missing = [(name, "is required") for name in ("model", "messages") if name not in body]
        purpose = body.pop("purpose", "")
        if not isinstance(purpose, str) or len(purpose) > 256:
            missing.append(("purpose", "must be a string of at most 256 characters"))
        if missing:
            raise errors.invalid_values(missing)
        bad_request = clean(body, TEAM_ROUTES["POST", _CHAT], self._plugin.settings)
        if bad_request is not None:
            raise RequestRefusedError(bad_request)
        state.sanitised = True
        if last == _STREAMED:
            body["stream"] = True
        state.job = JobCall(job_id, str(purpose))
        return body

    def _require_open_job(self, job_id: str, team_id: str) -> None:
        job = self._plugin.engine.find_job(job_id=job_id)
        if job.team_id != team_id:
            raise NotFound(f"Job '{job_id}' does not exist")
        if job.status in (JobStatus.COMPLETED, JobStatus.FAILED):
            raise errors.conflict(f"Job '{job_id}' has ended")


def _as_admin_error(problem: Exception, state: RequestState) -> Exception:
    if not isinstance(problem, RequestRefusedError):
        return problem
    return errors.Refused(problem.answer.status, **problem.answer.body(Protocol.PAGE, state.request_id))
