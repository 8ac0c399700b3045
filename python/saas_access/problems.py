"""What pydantic found wrong, in this product's words."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

_MAX_QUOTED = 80
_SUBJECT = re.compile(r"^\w+ should")  # pydantic's sentences begin with "Input should" or "String should"

# By pydantic's type of error; {0} is the value that was given.
_PHRASES = {
    "missing": "is required",
    "string_type": "must be a string, not {0}",
    "int_type": "must be a whole number, not {0}",
    "int_parsing": "must be a whole number, not {0}",
    "int_parsing_size": "must be a whole number of at most 64 bits",
    "bool_type": "must be true or false, not {0}",
    "bool_parsing": "must be true or false, not {0}",
    "list_type": "must be a list, not {0}",
    "dict_type": "must be an object, not {0}",
    "model_type": "must be an object, not {0}",
    "model_attributes_type": "must be an object, not {0}",
}


def field(location: Iterable[int | str]) -> str:
    """`model_aliases.3` for ("model_aliases", 3)."""
    return ".".join(str(part) for part in location)


def phrase(error: ErrorDetails, *, known_names: Iterable[str] = ()) -> str:
    """What is wrong, as the second half of a sentence that begins with the field's name."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return "is unknown" + did_you_mean(str(error["loc"][-1]), known_names)
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"must be one of {context['expected']}, not {quoted(given)}"
    if kind in _PHRASES:
        return _PHRASES[kind].format(quoted(given))
    sentence = _SUBJECT.sub("must", error["msg"])
    return f"{sentence}, not {quoted(given)}"


def did_you_mean(name: str, known_names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known_names), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def quoted(value: object) -> str:
    """A given value for a message: strings in quotes, long ones cut, and nothing that looks like a key."""
    if isinstance(value, str):
        if value.startswith("sk-"):
            return f"a key ending in '{value[-4:]}'" if len(value) > 20 else "a key"
        text = value if len(value) <= _MAX_QUOTED else value[:_MAX_QUOTED] + "..."
        return "'" + text.encode("utf-8", errors="backslashreplace").decode() + "'"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, default=str).strip('"')
    return text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + "..."
