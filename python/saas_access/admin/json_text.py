"""JSON answers in which a decimal stands exactly as it is, not as the nearest float."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def render(value: Any) -> str:
    """JSON text of dicts, lists, strings, numbers, booleans and None."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_encode(key)}:{render(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(render, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return _encode(value)


class JsonAnswer(Response):
    """An answer whose body is `content` as JSON."""

    media_type = "application/json"

    def __init__(self, content: Any, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(render(content).encode(errors="replace"), status_code=status_code, headers=headers)
