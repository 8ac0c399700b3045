"""An operator's own data on a record: one JSON object, kept as text."""

from __future__ import annotations

import json
import math
from decimal import Decimal

MAX_DEPTH = 32
_INT64 = range(-(2**63), 2**63)


def to_text(value: object) -> str:
    """The JSON text of a metadata object.

    Raises ValueError unless it is an object at most MAX_DEPTH levels deep, its integers within 64 bits and its numbers
    finite.
    """
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004 pydantic takes only a ValueError for an answer
    return json.dumps(_checked(value, depth=1), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _checked(value: object, *, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("must have only strings as its keys")
        return {key: _checked(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_checked(item, depth=depth + 1) for item in value]
    if value is None or isinstance(value, bool | str):
        return value
    return _checked_number(value)


def _checked_number(value: object) -> int | float:
    if isinstance(value, int):
        if value not in _INT64:
            raise ValueError("must have only whole numbers of at most 64 bits")
        return value
    if isinstance(value, float | Decimal):
        number = float(value)
        if math.isfinite(number):
            return number
        raise ValueError("must have only finite numbers")
    raise ValueError(f"must hold only what JSON can say, not a {type(value).__name__}")
