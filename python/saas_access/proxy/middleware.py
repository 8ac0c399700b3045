"""The outermost layer of the proxy's application: every request passes it, whatever LiteLLM's own layers do with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastapi import HTTPException

from saas_access import request_id, virtual_keys
from saas_access._core import Reason
from saas_access.dashboard.app import is_dashboard
from saas_access.failed_attempts import source_of
from saas_access.proxy.auth import is_master_key
from saas_access.proxy.exchange import Exchange
from saas_access.proxy.fail_closed import failing_closed
from saas_access.proxy.job_calls import JobCalls, is_job_call
from saas_access.proxy.request_state import RequestState, current_request
from saas_access.proxy.routes import Kind, route_of_path
from saas_access.proxy.sanitising import limited, sanitised
from saas_access.refusal import Refusal, RequestRefusedError, request_not_taken, route_not_allowed

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

    from saas_access.proxy.plugin import Plugin

_UNKNOWN = Reason.KEY_UNKNOWN
# Under /api, but LiteLLM's.
_LITELLMS_OWN = re.compile(r"/api/(plugins|event_logging)(/.*)?")
# Pages that need no key and name deployments.
_TELLTALE = re.compile(r"/public/litellm_model_cost_map/?")
# Where Google's SDK calls by default; LiteLLM serves the same under /v1beta alone.
_GOOGLE_V1 = re.compile(r"/v1(/models/.+:(generateContent|streamGenerateContent|countTokens))")
# In the order in which LiteLLM looks for a key; what stands behind the first is no key any more, and would travel on.
_CREDENTIAL_ORDER = (
    b"x-litellm-api-key",
    b"authorization",
    b"api-key",
    b"x-api-key",
    b"x-goog-api-key",
    b"ocp-apim-subscription-key",
)
# Headers by which LiteLLM lets a caller choose models, retries, time-outs, tags, callbacks (the credential stays); and
# the one that would have it compress an answer that has to be read here. The layer outside of this one compresses.
_STEERING = re.compile(rb"x-litellm-(?!api-key$).*|accept-encoding")


class AccessMiddleware:
    """An ASGI application around LiteLLM's. Serves the admin API and the dashboard itself; all else is an Exchange with
    LiteLLM.
    """

    def __init__(
        self, app: ASGIApp, plugin: Plugin, admin: ASGIApp, dashboard: ASGIApp | None, litellm: FastAPI
    ) -> None:
        """`app` is `litellm` with its own middleware."""
        self._app = app
        self._litellm = litellm
        self._plugin = plugin
        self._admin = admin
        self._dashboard = dashboard
        self._job_calls = JobCalls(plugin, app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        asked = next((value.decode("latin-1") for name, value in headers if name == b"x-request-id"), None)
        state = RequestState(request_id=request_id.choose(asked), scope=scope)
        if (google := _GOOGLE_V1.fullmatch(scope["path"])) is not None:
            scope["path"] = f"/v1beta{google[1]}"
            scope["raw_path"] = scope["path"].encode()
        token = current_request.set(state)
        try:
            await self._serve(state, receive, send)
        finally:
            current_request.reset(token)

    async def _serve(self, state: RequestState, receive: Receive, send: Send) -> None:
        scope, path = state.scope, state.path
        if scope["type"] == "websocket":
            try:
                await self._app(scope, receive, send)
            finally:
                if isinstance(state.refusal, Refusal):
                    self._plugin.count_denial(state, state.refusal)
        elif path == "/metrics" and not self._litellm_serves(path):
            await self._admin(scope, receive, send)
        elif path.startswith("/api/") and not _LITELLMS_OWN.fullmatch(path):
            if is_job_call(scope["method"], path):
                _drop_steering_headers(scope)
                await self._job_calls(state, receive, send)
            else:
                scope["headers"] = [*_without(scope["headers"], b"x-request-id"), _request_id_header(state)]
                await self._admin(scope, receive, send)
        elif self._dashboard is not None and is_dashboard(path):
            await self._dashboard(scope, receive, send)
        else:
            exchange = Exchange(self._plugin, state, send)
            try:
                with failing_closed(state, self._plugin.troubles):
                    receive = await self._restrained(state, receive)
            except (RequestRefusedError, HTTPException) as refused:
                answer = refused.answer if isinstance(refused, RequestRefusedError) else state.refusal
                await exchange.refuse(answer or request_not_taken())
                return
            await exchange.run(self._app, receive)

    def _litellm_serves(self, path: str) -> bool:
        """Whether LiteLLM has a page of its own there, as at /metrics with its callback for Prometheus."""
        return any(getattr(route, "path", None) == path for route in self._litellm.routes)

    async def _restrained(self, state: RequestState, receive: Receive) -> Receive:
        """The request as its caller may send it on. Raises RequestRefusedError."""
        scope = state.scope
        source = source_of(scope["client"][0] if scope.get("client") else None)
        attempts = self._plugin.runtime.failed_attempts
        state.operator = attempts.wait_s(source) == 0 and _is_the_operators(scope["headers"])
        if state.operator:
            return receive
        _drop_steering_headers(scope)
        try:
            return await self._cut(state, receive)
        except RequestRefusedError:
            if self._is_a_guess(scope["headers"]):  # answered before anybody asks for the key: it counts here
                attempts.note(source)
            raise

    async def _cut(self, state: RequestState, receive: Receive) -> Receive:
        if _TELLTALE.fullmatch(state.path):
            raise RequestRefusedError(route_not_allowed(state.scope["method"], state.path))
        route = route_of_path(state.scope["method"], state.path)
        if route is None or route.kind is Kind.LIST:
            return limited(receive, self._plugin.settings.max_request_mb)
        return await sanitised(state, route, receive, self._plugin.settings)

    def _is_a_guess(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether the request carries a key that nobody has."""
        key = _key(headers)
        return key != "" and self._plugin.engine.authenticate(digest=virtual_keys.digest(key)).reason is _UNKNOWN


def _key_header(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """The name of the header in which LiteLLM will find the caller's key."""
    given = {name for name, _ in headers}
    return next((name for name in _CREDENTIAL_ORDER if name in given), None)


def _is_the_operators(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the caller's key is the master key."""
    return is_master_key(_key(headers))


def _key(headers: list[tuple[bytes, bytes]]) -> str:
    """The caller's key, without a "Bearer" before it; empty if there is none. Of a header that is there twice, LiteLLM
    reads the first.
    """
    key_header = _key_header(headers)
    return next((value.decode("latin-1").rpartition(" ")[2] for name, value in headers if name == key_header), "")


def _drop_steering_headers(scope: Scope) -> None:
    idle = frozenset(_CREDENTIAL_ORDER) - {_key_header(scope["headers"])}
    scope["headers"] = [
        (name, value) for name, value in scope["headers"] if name not in idle and not _STEERING.match(name)
    ]


def _without(headers: list[tuple[bytes, bytes]], name: bytes) -> list[tuple[bytes, bytes]]:
    return [(found, value) for found, value in headers if found != name]


def _request_id_header(state: RequestState) -> tuple[bytes, bytes]:
    return b"x-request-id", state.request_id.encode()
