"""What differs between two states of something, line by line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from saas_access import times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_access.dashboard.api import Json

# Names of what is told about already: they don't change.
_IDENTITIES = {"team_id", "organization_id", "alias", "group_name", "key_id", "grant_id"}
_EMPTY: tuple[Any, ...] = (None, "", {}, [])
_SAME_SHOWN = 3  # unchanged items of a list that give the context


@dataclass(frozen=True)
class Line:
    """One line of a difference. `sign`: '+', '-' or ' '; `text` marks the words that differ."""

    sign: str
    field: str
    text: Markup


def changed_fields(before: Json, after: Json) -> list[str]:
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def difference(before: Json | None, after: Json | None) -> list[Line]:
    """Field by field; of what was created or deleted, the fields that say something."""
    old, new = before or {}, after or {}
    lines: list[Line] = []
    for name in changed_fields(old, new):
        if name in _IDENTITIES:
            continue
        was, now = old.get(name), new.get(name)
        if isinstance(was or now, list) and isinstance(was or [], list) and isinstance(now or [], list):
            lines += _list_lines(name, was or [], now or [])
        else:
            lines += _value_lines(name, was, now, whole=name not in old or name not in new)
    return lines


def _list_lines(name: str, was: list[Any], now: list[Any]) -> list[Line]:
    gained, lost = gained_and_lost(was, now)
    same = [item for item in was if item in now] if was and now else []
    lines = [Line(" ", name, escape(_plain(name, item))) for item in same[:_SAME_SHOWN]]
    if len(same) > _SAME_SHOWN:
        lines.append(Line(" ", name, Markup("and {} more").format(len(same) - _SAME_SHOWN)))
    lines += [Line("-", name, Markup("<del>{}</del>").format(_plain(name, item))) for item in lost]
    lines += [Line("+", name, Markup("<ins>{}</ins>").format(_plain(name, item))) for item in gained]
    if not gained and not lost:
        lines.append(Line("+", name, Markup("in the order <ins>{}</ins>").format(", ".join(map(str, now)))))
    return lines


def _value_lines(name: str, was: Any, now: Any, *, whole: bool) -> Iterable[Line]:
    """`whole`: on one side there is no such field, so an empty value says nothing."""
    if isinstance(was, str) and isinstance(now, str) and was and now:
        yield from _text_lines(name, was, now)
        return
    if not (whole and was in _EMPTY):
        yield Line("-", name, Markup("<del>{}</del>").format(_plain(name, was)))
    if not (whole and now in _EMPTY):
        yield Line("+", name, Markup("<ins>{}</ins>").format(_plain(name, now)))


def _text_lines(name: str, was: str, now: str) -> Iterable[Line]:
    """Marks the words between those that both begin and end with."""
    old, new = was.split(" "), now.split(" ")
    short = min(len(old), len(new))
    head = next((i for i in range(short) if old[i] != new[i]), short)
    tail = next((i for i in range(short - head) if old[-1 - i] != new[-1 - i]), short - head)
    for sign, mark, words in (("-", Markup("<del>{}</del>"), old), ("+", Markup("<ins>{}</ins>"), new)):
        middle = mark.format(" ".join(words[head : len(words) - tail]))
        parts = [*map(escape, words[:head]), middle, *map(escape, words[len(words) - tail :])]
        yield Line(sign, name, Markup('"{}"').format(Markup(" ").join(parts)))


def gained_and_lost(was: list[Any], now: list[Any]) -> tuple[list[Any], list[Any]]:
    return [item for item in now if item not in was], [item for item in was if item not in now]


def _plain(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_ms") and isinstance(value, int):
        return times.text(value).replace("T", " ").replace("Z", " UTC")
    if isinstance(value, (int, Decimal)):
        return amount(Decimal(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=float)


def amount(value: Decimal) -> str:
    return f"{value.normalize():,f}"
