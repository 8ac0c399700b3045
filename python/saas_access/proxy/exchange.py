"""One HTTP exchange with LiteLLM's application: its answer is held, settled, cleaned and passed on; a refusal replaces
it.
"""

from __future__ import annotations

import enum
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from fastapi import HTTPException

from saas_access._core import Reason, Usage
from saas_access.admin.json_text import render
from saas_access.proxy.auth import note_caller
from saas_access.proxy.fail_closed import failing_closed
from saas_access.proxy.litellm_versions import caller_of
from saas_access.proxy.metering import usage_of_body
from saas_access.proxy.outgoing import Headers, Renaming, hide_deployment_ids, hide_words, shown_headers
from saas_access.proxy.router_view import hidden_words
from saas_access.proxy.routes import Kind
from saas_access.refusal import (
    Failure,
    Refusal,
    RequestRefusedError,
    call_failed,
    request_not_taken,
    route_not_allowed,
    unavailable,
)

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Send

    from saas_access.proxy.plugin import Plugin
    from saas_access.proxy.request_state import RequestState

_LOGGER = logging.getLogger("saas_access.proxy")
_JSON = b"application/json"
_STREAM = b"text/event-stream"
_LONGEST_READ_FOR_REPORTS = 16_384  # bytes of an answer whose price doesn't depend on what it used
_ERROR_EVENTS = (b'data: {"error"', b"event: error")
_DONE = b"data: [DONE]"


def is_last(chunk: bytes, *, more: bool) -> bool:
    """Whether clients take this for the end: of a chat's stream they read no further than its last event."""
    return not more or chunk.startswith(_DONE)


class Answer(Protocol):
    """How a finished JSON answer is presented: as LiteLLM gave it, or inside a job's call."""

    async def present(self, status: int, body: bytes, stated: Usage | None) -> tuple[int, bytes]: ...


class _Mode(enum.Enum):
    PENDING = enum.auto()  # nothing decided yet
    PASS = enum.auto()  # not a team's: untouched
    HOLD = enum.auto()  # a whole body: kept until it is complete and settled
    STREAM = enum.auto()  # events: passed on, the last message after the settlement
    BINARY = enum.auto()  # bytes of audio and the like: as a stream, but nothing in it is renamed
    DROP = enum.auto()  # replaced by a refusal


class Exchange:
    """Give `send` to the application in place of the server's own; `run` does it all."""

    def __init__(self, plugin: Plugin, state: RequestState, send: Send, answer: Answer | None = None) -> None:
        self._plugin = plugin
        self._state = state
        self._send_on = send
        self._answer = answer
        self._mode = _Mode.PENDING
        self._start: Message = {}
        self._body = bytearray()
        self._renaming = Renaming({})
        self._started = False  # something has left
        self._complete = False  # and so has the last of it

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        """The whole exchange. Never raises for what LiteLLM raises: the client gets an answer in any case."""
        failure: Exception | None = None
        try:
            await app(self._state.scope, receive, self.send)
        except RequestRefusedError as refused:  # by what LiteLLM receives from
            self._state.refusal = refused.answer
        except Exception as error:  # noqa: BLE001 whatever it is, it must not leave the call unsettled or unanswered
            failure = error
        finally:
            if self._state.ticket is not None:
                self._state.ticket.broken_off = True
            with suppress(HTTPException), failing_closed(self._state, self._plugin.troubles):
                await self._close_ticket()
        if self._complete:
            if failure is not None:
                _LOGGER.error("%s: LiteLLM failed after its answer", self._state.request_id, exc_info=failure)
            return
        if self._started:
            raise failure or RuntimeError("the application ended in the middle of its answer")
        if self._state.refusal is not None:
            await self.refuse(self._state.refusal)
        elif failure is not None:
            await self._answer_failure(failure)

    async def send(self, message: Message) -> None:
        """The application's next message. Any fault of ours ends in a refusal, if nothing has left yet."""
        with failing_closed(self._state, self._plugin.troubles):
            await self._take(message)

    async def _take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body":
            await self._continue(message)
        else:
            await self._send_on(message)

    async def _begin(self, message: Message) -> None:
        state = self._state
        self._start = message
        if state.refusal is not None:
            self._mode = _Mode.DROP
        elif not self._is_a_teams():
            self._mode = _Mode.PASS
            await self._send_start(list(message.get("headers", [])), message["status"])
        elif (refusal := self._tripped(message["status"])) is not None:
            state.refusal = refusal
            self._mode = _Mode.DROP
        else:
            self._renaming = Renaming.of(state.actual_names)
            self._mode = self._team_mode(message)

    def _team_headers(self) -> Headers:
        headers, ticket = shown_headers(self._start.get("headers", [])), self._state.ticket
        if ticket is not None and self._plugin.settings.show_actual_model:
            headers.append((b"x-actual-model", ticket.answering.litellm_model.encode()))
        return headers

    def _is_a_teams(self) -> bool:
        """Whether a team asked. With LiteLLM's own keys LiteLLM alone knows, where no hook or route of ours ran."""
        state = self._state
        if state.principal is None and not state.operator and (auth := caller_of(state.scope)) is not None:
            with suppress(HTTPException):  # a refused field is noted, too; what comes here goes before it
                note_caller(auth)
        return state.principal is not None

    def _tripped(self, status: int) -> Refusal | None:
        """A tripwire: nothing succeeds outside of the table, nor, where the hook decides, without its ticket."""
        state, route = self._state, self._state.route
        if status >= 400 or state.ticket is not None:
            return None
        if route is None:
            return route_not_allowed(str(state.scope["method"]), state.path)
        if route.kind is not Kind.CALL:
            return None
        self._plugin.troubles.note(f"it was answered {status} without a decision", state)
        problem = "The call was answered without a decision of the access hook; see the proxy's log"
        return unavailable(Reason.HOOK_MISSING, problem)

    @staticmethod
    def _team_mode(message: Message) -> _Mode:
        content_type = dict(message.get("headers", [])).get(b"content-type", _JSON)
        if message["status"] >= 400 or content_type.startswith(_JSON):
            return _Mode.HOLD
        return _Mode.STREAM if content_type.startswith(_STREAM) else _Mode.BINARY

    async def _continue(self, message: Message) -> None:
        more = bool(message.get("more_body"))
        if self._mode is _Mode.PASS:
            await self._send_on(message)
            self._complete = not more
        elif self._mode is _Mode.HOLD:
            self._body += message.get("body", b"")
            if not more:
                await self._finish_held()
        elif self._mode in (_Mode.STREAM, _Mode.BINARY):
            await self._pass_chunk(message.get("body", b""), more=more)

    async def _pass_chunk(self, chunk: bytes, *, more: bool) -> None:
        ticket = self._state.ticket
        if self._mode is _Mode.STREAM:
            chunk = self._clean_event(chunk)
        if ticket is not None and chunk and not chunk.startswith(_ERROR_EVENTS):
            if not ticket.delivering:
                await self._plugin.calls.mark_answering(ticket)
            if ticket.delivered is not None:
                ticket.delivered.add(chunk)
        if is_last(chunk, more=more):
            await self._close_ticket()
        if not self._started:  # not before: until something leaves, a fault can still be answered
            await self._send_start(self._team_headers(), self._start["status"])
        await self._send_on({"type": "http.response.body", "body": chunk, "more_body": more})
        self._complete = not more

    def _clean_event(self, chunk: bytes) -> bytes:
        if chunk.startswith(_ERROR_EVENTS):
            text = chunk.decode("utf-8", "replace")
            return hide_words(text, hidden_words(), self._state.actual_names).encode()
        return self._renaming(chunk)

    async def _finish_held(self) -> None:
        status, body = int(self._start["status"]), bytes(self._body)
        stated = None
        if status < 400:
            renamed = self._renaming(body)
            stated = await self._settle(body)
            body = hide_deployment_ids(renamed) if self._hides_ids() else renamed
        elif self._state.route is None or self._state.route.kind is not Kind.LIST:  # whose errors are our own
            await self._release()
            text = body.decode("utf-8", "replace")
            body = hide_words(text, hidden_words(), self._state.actual_names).encode()
        if self._answer is not None:
            status, body = await self._answer.present(status, body, stated)
        await self._send_whole(status, self._team_headers(), body)

    def _hides_ids(self) -> bool:
        """Ids of the Responses API go on being used, so LiteLLM seals them; others tell the deployment in the clear."""
        return self._state.route is not None and "aresponses" not in self._state.route.call_types

    async def _settle(self, body: bytes) -> Usage | None:
        """The charge is durable before the answer leaves; an answer that can't be charged doesn't."""
        ticket = self._state.ticket
        if ticket is None:
            return None
        # Parsing a long answer costs more than all else that is done to it: only where something depends on it.
        read = ticket.needs_usage or len(body) <= _LONGEST_READ_FOR_REPORTS
        stated = usage_of_body(body, ticket.answering.price) if read else None
        if ticket.delivered is not None:
            ticket.delivered.add(body)
        await self._plugin.calls.settle(ticket, stated=stated)
        return stated

    async def _release(self) -> None:
        if self._state.ticket is not None:
            await self._plugin.calls.release(self._state.ticket, failed=self._start["status"] != 429)

    async def _close_ticket(self) -> None:
        """Whatever happened: a call of which something was delivered is charged, any other is released."""
        ticket = self._state.ticket
        if ticket is None or not ticket.open:
            return
        if ticket.delivering:
            await self._plugin.calls.settle(ticket, stated=None)
        else:
            await self._plugin.calls.release(ticket, failed=self._state.refusal is None)

    # -- what leaves

    async def _send_start(self, headers: Headers, status: int) -> None:
        self._started = True
        headers = [*headers, (b"x-request-id", self._state.request_id.encode())]
        await self._send_on({"type": "http.response.start", "status": status, "headers": headers})

    async def _send_whole(self, status: int, headers: Headers, body: bytes) -> None:
        kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
        await self._send_start([*kept, (b"content-length", str(len(body)).encode())], status)
        await self._send_on({"type": "http.response.body", "body": body})
        self._complete = True

    async def send_json(self, status: int, body: dict[str, Any]) -> None:
        """An answer of our own."""
        await self._send_whole(status, [(b"content-type", _JSON)], render(body).encode("utf-8", "replace"))

    async def refuse(self, refusal: Refusal | Failure) -> None:
        """The refusal, in the shape that this client reads. All that a team is refused over HTTP passes here, once."""
        if isinstance(refusal, Refusal):
            self._plugin.count_denial(self._state, refusal)
        _LOGGER.info("%s %s %s: %s", self._state.request_id, refusal.status, self._state.path, refusal.message)
        await self.send_json(refusal.status, refusal.body(self._state.protocol, self._state.request_id))

    async def _answer_failure(self, failure: Exception) -> None:
        """LiteLLM lets some exceptions out of its application. Before authentication it refuses by them what a client
        may not set; what comes after is its own failure.
        """
        state = self._state
        _LOGGER.error("%s %s: %s", state.request_id, state.path, type(failure).__name__, exc_info=failure)
        await self.refuse(call_failed() if state.authenticated else request_not_taken())
