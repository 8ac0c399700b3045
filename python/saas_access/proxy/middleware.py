"""The outermost layer of the proxy's application: every request passes it, whatever LiteLLM's own layers do with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from saas_access import request_id
from saas_access.proxy.auth import is_master_key
from saas_access.proxy.exchange import Exchange
from saas_access.proxy.job_calls import JobCalls, is_job_call
from saas_access.proxy.request_state import RequestState, current_request
from saas_access.proxy.routes import Kind, route_of_path
from saas_access.proxy.sanitising import RequestRefusedError, sanitised
from saas_access.refusal import route_not_allowed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from saas_access.proxy.plugin import Plugin

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
    """An ASGI application around LiteLLM's. Serves the admin API itself; all else is an Exchange with LiteLLM."""

    def __init__(self, app: ASGIApp, plugin: Plugin, admin: ASGIApp) -> None:
        self._app = app
        self._plugin = plugin
        self._admin = admin
        self._job_calls = JobCalls(plugin, app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        asked = next((value.decode("latin-1") for name, value in headers if name == b"x-request-id"), None)
        state = RequestState(request_id=request_id.choose(asked), scope=scope)
        state.operator = _is_the_operators(headers)
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
            await self._app(scope, receive, send)
        elif path.startswith("/api/") and not _LITELLMS_OWN.fullmatch(path):
            if is_job_call(scope["method"], path):
                await self._job_calls(state, receive, send)
            else:
                scope["headers"] = [*_without(scope["headers"], b"x-request-id"), _request_id_header(state)]
                await self._admin(scope, receive, send)
        else:
            exchange = Exchange(self._plugin, state, send)
            if not state.operator:
                try:
                    receive = await self._restrained(state, receive)
                except RequestRefusedError as refused:
                    await exchange.refuse(refused.answer)
                    return
            await exchange.run(self._app, receive)

    async def _restrained(self, state: RequestState, receive: Receive) -> Receive:
        """The request as anybody but the operator may send it on. Raises RequestRefusedError."""
        scope = state.scope
        idle = frozenset(_CREDENTIAL_ORDER) - {_key_header(scope["headers"])}
        scope["headers"] = [
            (name, value) for name, value in scope["headers"] if name not in idle and not _STEERING.match(name)
        ]
        if _TELLTALE.fullmatch(state.path):
            raise RequestRefusedError(route_not_allowed(scope["method"], state.path))
        route = route_of_path(scope["method"], state.path)
        if route is None or route.kind is Kind.LIST:
            return receive
        return await sanitised(state, route, receive, self._plugin.settings)


def _key_header(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """The name of the header in which LiteLLM will find the caller's key."""
    given = {name for name, _ in headers}
    return next((name for name in _CREDENTIAL_ORDER if name in given), None)


def _is_the_operators(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the caller's key is the master key."""
    key_header = _key_header(headers)
    candidates = [value.decode("latin-1") for name, value in headers if name == key_header]
    return any(is_master_key(text) or is_master_key(text.partition(" ")[2].strip()) for text in candidates)


def _without(headers: list[tuple[bytes, bytes]], name: bytes) -> list[tuple[bytes, bytes]]:
    return [(found, value) for found, value in headers if found != name]


def _request_id_header(state: RequestState) -> tuple[bytes, bytes]:
    return b"x-request-id", state.request_id.encode()
