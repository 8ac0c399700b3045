"""What of a team's request reaches LiteLLM: the fields and parameters of its protocol, by the tables in `routes` and
`request_fields`. Done before LiteLLM reads anything, so that nothing of it depends on how a route reads its body; forms
are LiteLLM's to parse, so their fields are taken out in the hook.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import orjson

from saas_access import request_fields
from saas_access.proxy.passing_on import replay, with_body_length
from saas_access.refusal import BadRequest, Refusal, body_too_large, fields_not_allowed

if TYPE_CHECKING:
    from starlette.types import Receive

    from saas_access.proxy.request_state import RequestState
    from saas_access.proxy.routes import TeamRoute
    from saas_access.settings import Settings

_MIB = 1024 * 1024


class RequestRefusedError(Exception):
    """The request can't be taken as it is."""

    def __init__(self, answer: BadRequest | Refusal) -> None:
        super().__init__(answer.message)
        self.answer = answer


def clean(body: MutableMapping[str, Any], route: TeamRoute, settings: Settings) -> BadRequest | None:
    """Takes out of a body what does not pass. The answer for a body that holds what must not be dropped silently; a
    field whose value is null says nothing, and is dropped.
    """
    found: list[tuple[str, str]] = []
    for name in list(body):
        if name in route.fields or name in settings.extra_fields:
            continue
        if body.pop(name) is None:
            continue
        choice = request_fields.would_choose(name)
        if choice is not None:
            found.append((name, f"would choose {choice}"))
        elif settings.unknown_fields == "refuse":
            found.append((name, "is not a field of this route"))
    found += request_fields.refused_tools(body.get("tools"))
    if "metadata" in body:
        body["metadata"] = request_fields.clean_metadata(body["metadata"])
    return fields_not_allowed(found) if found else None


async def sanitised(state: RequestState, route: TeamRoute, receive: Receive, settings: Settings) -> Receive:
    """The request that `state` describes without what does not pass: its scope is changed, its body is what the
    returned `receive` gives. What is refused by name is noted, to be said once the caller is known. Raises
    RequestRefusedError for a body over the limit.
    """
    scope = state.scope
    if scope["query_string"]:
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        scope["query_string"] = urlencode([pair for pair in given if pair[0] in request_fields.QUERY]).encode()
    raw = await _whole_body(scope, receive, settings.max_request_mb)
    content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    body = None if b"form" in content_type.lower() else _json_object(raw)
    if body is None:
        return replay(raw, receive)
    before = list(body)
    had_metadata = "metadata" in body
    state.bad_request = clean(body, route, settings)
    if had_metadata or len(body) != len(before):
        raw = _json_bytes(body)
        scope["headers"] = with_body_length(scope["headers"], len(raw))
    return replay(raw, receive)


async def _whole_body(scope: Mapping[str, Any], receive: Receive, limit_mb: int) -> bytes:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if length.isdigit() and int(length) > limit_mb * _MIB:
        raise RequestRefusedError(body_too_large(limit_mb))
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit_mb * _MIB:
            raise RequestRefusedError(body_too_large(limit_mb))
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def _json_object(raw: bytes) -> dict[str, Any] | None:
    """The object in a body, None where there is none. LiteLLM reads what orjson can't by the standard library, too."""
    try:
        body = orjson.loads(raw)
    except ValueError:
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            return None
    return body if isinstance(body, dict) else None


def _json_bytes(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # half of a surrogate pair, which only the standard library reads and writes
        return json.dumps(body).encode()
