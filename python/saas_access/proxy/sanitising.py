"""What of a team's request reaches LiteLLM: the fields and parameters of its protocol, by the tables in `routes` and
`request_fields`. Done before LiteLLM reads anything, so that nothing of it depends on how a route reads its body.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import orjson
from python_multipart.multipart import parse_options_header

from saas_access import request_fields
from saas_access.proxy.passing_on import replay, with_body
from saas_access.refusal import Failure, RequestRefusedError, body_too_large, fields_not_allowed, unreadable_body

if TYPE_CHECKING:
    from starlette.types import Message, Receive

    from saas_access.proxy.request_state import RequestState
    from saas_access.proxy.routes import TeamRoute
    from saas_access.settings import Settings

_MIB = 1024 * 1024
_JSON = b"application/json"
_FORM = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"


def clean(body: MutableMapping[str, Any], route: TeamRoute, settings: Settings) -> Failure | None:
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
    returned `receive` gives. What is refused by name is noted, to be said once the caller is known; a body of no known
    kind stays as it is and unmarked. Raises RequestRefusedError for a body over the limit.
    """
    scope = state.scope
    if scope["query_string"]:
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        scope["query_string"] = urlencode([pair for pair in given if pair[0] in request_fields.QUERY]).encode()
    raw = await whole_body(scope, receive, settings.max_request_mb)
    content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"") if kind == _MULTIPART else b""
    if boundary and raw.startswith(b"--" + boundary):
        raw = _cleaned_parts(state, raw, boundary, route, settings)
    elif (body := _json_object(raw)) is not None:
        # Sent on as JSON whatever the client called it: what LiteLLM takes for a form depends on the route.
        content_type = _JSON
        before = len(body)
        state.bad_request = clean(body, route, settings)
        if len(body) != before or "metadata" in body:
            raw = json_bytes(body)
    elif kind == _FORM:
        raw = _cleaned_pairs(state, raw, route, settings)
    else:
        return replay(raw, receive)
    state.sanitised = True
    scope["headers"] = with_body(scope["headers"], content_type, len(raw))
    return replay(raw, receive)


def limited(receive: Receive, limit_mb: int) -> Receive:
    """A `receive` that ends the request with RequestRefusedError when its body is over the limit."""
    received = 0

    async def within() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit_mb * _MIB:
            raise RequestRefusedError(body_too_large(limit_mb))
        return message

    return within


async def whole_body(scope: Mapping[str, Any], receive: Receive, limit_mb: int) -> bytes:
    """The request's body. Raises RequestRefusedError for one over the limit, before it is read where its length is
    told.
    """
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if length.isdigit() and int(length) > limit_mb * _MIB:
        raise RequestRefusedError(body_too_large(limit_mb))
    receive, body = limited(receive, limit_mb), bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def _judge_form(state: RequestState, names: Iterator[str], route: TeamRoute, settings: Settings) -> Mapping[str, Any]:
    """Those of a form's fields that pass, by their own names: `name[]` and `name[key]` are `name`. A form's metadata
    doesn't: it would have to be taken apart as LiteLLM does it.
    """
    passing: dict[str, Any] = {name.partition("[")[0]: True for name in names}
    passing.pop("metadata", None)
    state.bad_request = clean(passing, route, settings)
    return passing


def _cleaned_pairs(state: RequestState, raw: bytes, route: TeamRoute, settings: Settings) -> bytes:
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    passing = _judge_form(state, (name for name, _ in pairs), route, settings)
    kept = [(name, value) for name, value in pairs if name.partition("[")[0] in passing]
    return urlencode(kept, encoding="latin-1").encode()


def _cleaned_parts(state: RequestState, raw: bytes, boundary: bytes, route: TeamRoute, settings: Settings) -> bytes:
    delimiter = b"\r\n--" + boundary
    parts = (b"\r\n" + raw).split(delimiter)[1:]
    named = [(_name_of(part), part) for part in parts if not part.startswith(b"--")]
    passing = _judge_form(state, (name for name, _ in named), route, settings)
    kept = [part for name, part in named if name.partition("[")[0] in passing]
    return b"".join(delimiter + part for part in [*kept, b"--\r\n"]).removeprefix(b"\r\n")


def _name_of(part: bytes) -> str:
    """The field that a part of a form is the value of; empty, which no table lists, where that can't be told. Of
    several headers the last counts, as in Starlette.
    """
    name = b""
    for line in part.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        header, _, value = line.partition(b":")
        if header.strip().lower() == b"content-disposition":
            name = parse_options_header(value.strip())[1].get(b"name", b"")
    return name.decode("latin-1")


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


def json_bytes(body: dict[str, Any]) -> bytes:
    """The body as JSON. Raises RequestRefusedError for one that is nested too deeply."""
    try:
        return orjson.dumps(body)
    except TypeError:  # half of a surrogate pair, which only the standard library takes, or deep nesting
        try:
            return json.dumps(body).encode()
        except RecursionError:
            raise RequestRefusedError(unreadable_body()) from None
