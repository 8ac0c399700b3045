"""Lists in pages: `limit` and an opaque `cursor` in the query, `next_cursor` in the answer while there is more."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Annotated, TypedDict

from fastapi import Depends, Query, Request

from saas_access.admin import errors

MAX_LIMIT = 1000
_POSITION = re.compile(r"([a-z_]+):([0-9]{1,18})", flags=re.ASCII)


class Position(TypedDict):
    """How the core is asked for one page."""

    after: int | None
    limit: int | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """The page that a request asks for. A cursor belongs to the list that gave it."""

    list_name: str
    position: Position

    def following(self, after: int | None) -> dict[str, str]:
        """The field of the answer that leads on, if `after` says that there is more."""
        if after is None:
            return {}
        return {"next_cursor": base64.urlsafe_b64encode(f"{self.list_name}:{after}".encode()).decode().rstrip("=")}


_Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=200)]


async def _asked_for(
    request: Request,
    limit: Annotated[int | None, Query(ge=1, le=MAX_LIMIT, description="At most this many; all without it.")] = None,
    cursor: _Cursor = None,
) -> Page:
    return _page(request, limit, cursor)


async def _fifty_asked_for(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most this many.")] = 50,
    cursor: _Cursor = None,
) -> Page:
    return _page(request, limit, cursor)


def _page(request: Request, limit: int | None, cursor: str | None) -> Page:
    name = request.scope["route"].name
    after = None if cursor is None else _decode(cursor, name)
    return Page(list_name=name, position=Position(after=after, limit=limit))


def _decode(cursor: str, list_name: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    match = _POSITION.fullmatch(text)
    if match is None or match[1] != list_name:
        raise errors.invalid("cursor", "is not one that this list gave as next_cursor")
    return int(match[2])


PageOf = Annotated[Page, Depends(_asked_for)]
Search = Annotated[
    str | None,
    Query(
        description="Any part of the id or name, `a` to `z` in either case; empty: everything",
        max_length=256,
        examples=["acme"],
    ),
]
PageOfFifty = Annotated[Page, Depends(_fifty_asked_for)]  # unless the request says how many
