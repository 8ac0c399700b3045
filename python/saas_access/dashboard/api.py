"""The admin API as the dashboard uses it: the same application, asked inside the process in an operator's name.

So a page shows and does nothing that an operator couldn't see and do over HTTP.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httpx
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from saas_access.admin.access import Operator

Json = dict[str, Any]


class ApiError(Exception):
    """The API refused. `problems` maps fields of the body to what is wrong with them."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(body.get("message", ""))
        self.status = status
        self.body = body
        self.message: str = body.get("message", "")
        self.problems: dict[str, str] = {each["field"]: each["problem"] for each in body.get("details") or []}


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A success: its body, decimals exact; the resource's ETag, if any; the revision that it rests on or made."""

    body: Json
    etag: str | None
    revision: int


class Api:
    """Asks the API in the name of `caller`. Used on one event loop; nothing to close."""

    def __init__(self, admin: ASGIApp, caller: Operator | None, *, client: tuple[str, int], request_id: str) -> None:
        """`caller` None: as nobody, so a credential has to come with the request's headers."""

        async def within(scope: Scope, receive: Receive, send: Send) -> None:
            await admin(scope if caller is None else {**scope, "saas_access.caller": caller}, receive, send)

        self._within = within
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(within, client=client),
            base_url="http://saas-access",
            headers={"x-request-id": request_id},
            trust_env=False,
        )

    async def get(self, path: str, **query: Any) -> Json:
        """The body that `GET path` answers. Query parameters that are None are left out. Raises ApiError."""
        return (await self.ask("GET", path, query=query)).body

    async def text(self, path: str, **query: Any) -> str:
        """What `GET path` answers where that isn't JSON. Raises ApiError."""
        return (await self._send("GET", path, query=query)).text

    def passed_on(self, path: str, **query: Any) -> Response:
        """What `GET path` answers, as it comes: an answer that may be long, for the browser itself."""
        given = {name: value for name, value in query.items() if value is not None}
        return _PassedOn(self._within, path, urlencode(given).encode())

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        if_match: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Any request. Raises ApiError."""
        asked = dict(query or {}) | ({"dry_run": "true"} if dry_run else {})
        sent = dict(headers or {}) | ({"if-match": if_match} if if_match else {})
        answer = await self._send(method, path, body=body, query=asked, headers=sent)
        return Answered(
            body=_parsed(answer),
            etag=answer.headers.get("etag"),
            revision=int(answer.headers["x-access-revision"]),
        )

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        given = {name: value for name, value in query.items() if value is not None}
        content = None if body is None else json.dumps(body, default=_as_number).encode()
        answer = await self._http.request(method, path, params=given, content=content, headers=headers)
        if not answer.is_success:
            raise ApiError(answer.status_code, _parsed(answer))
        return answer


class _PassedOn(Response):
    """The answer of another application in place of one's own."""

    def __init__(self, app: ASGIApp, path: str, query: bytes) -> None:
        super().__init__()
        self._app, self._path, self._query = app, path, query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {"path": self._path, "raw_path": self._path.encode(), "query_string": self._query}
        await self._app({**scope, **asked}, receive, send)


async def tried(asked: Awaitable[Json]) -> Json | ApiError:
    """What was asked for, or why not: a part of a page that can't be read leaves the others standing."""
    try:
        return await asked
    except ApiError as refused:
        return refused


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _parsed(answer: httpx.Response) -> Json:
    parsed: Json = json.loads(answer.content, parse_float=Decimal)
    return parsed


def _as_number(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
