"""Routes of ours in front of LiteLLM's own: LiteLLM authenticates the caller, we decide, and then answer or pass the
request on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.auth.user_api_key_auth import user_api_key_auth
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

# A route's parameter: whom LiteLLM's authentication (ours, or its own) found the caller to be.
Authenticated = Annotated[UserAPIKeyAuth, Depends(user_api_key_auth)]

_PASSED_ON = "saas_access.passed_on"


class FrontRoute(APIRoute):
    """Matches a request once: when it is passed on, LiteLLM's route of the same path is next."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope.get(_PASSED_ON):
            return Match.NONE, {}
        return super().matches(scope)


class PassedOn(Response):
    """Instead of an answer of ours: the request goes to LiteLLM's route, with this path and body."""

    def __init__(self, app: FastAPI, *, path: str, body: bytes) -> None:
        super().__init__()
        self._app = app
        self._path = path
        self._replayed = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_PASSED_ON] = True
        scope.pop("parsed_body", None)
        scope["path"], scope["raw_path"] = self._path, self._path.encode()
        scope["headers"] = with_body(scope["headers"], b"application/json", len(self._replayed))
        await self._app.router(scope, replay(self._replayed, receive), send)


def with_body(headers: Iterable[tuple[bytes, bytes]], content_type: bytes, length: int) -> list[tuple[bytes, bytes]]:
    """Request headers for a body of this type and length."""
    replaced = {b"content-length", b"content-type", b"transfer-encoding"}
    kept = [(name, value) for name, value in headers if name not in replaced]
    return [*kept, (b"content-type", content_type), (b"content-length", str(length).encode())]


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives this body once, then whatever the client does next (it can only leave)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def put_in_front(app: FastAPI, router: APIRouter) -> None:
    """Insert the router's routes before all of the application's own."""
    app.router.routes[:0] = router.routes


async def json_object(request: Request) -> dict[str, Any] | None:
    """The request's body as a JSON object, None if it is anything else."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
