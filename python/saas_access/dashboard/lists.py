"""Lists that the API gives whole, because they are short (groups, aliases): sorted and shown by the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

SIZE = 50


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One page of a list. `sort` is the column it is in order of; `previous` and `following` are pages' numbers."""

    rows: Sequence[Json]
    total: int
    sort: str
    previous: int | None
    following: int | None


def show(visit: Visit, rows: list[Json], orders: dict[str, Callable[[Json], Any]]) -> Shown:
    """The page that the address asks for, in the order that it asks for: the first of `orders` unless it names one."""
    asked = visit.query("sort")
    sort = asked if asked in orders else next(iter(orders))
    ordered = sorted(rows, key=orders[sort])
    last = max((len(rows) - 1) // SIZE + 1, 1)
    number = min(int(visit.query("page")), last) if visit.query("page").isdecimal() else 1
    number = max(number, 1)
    return Shown(
        rows=ordered[(number - 1) * SIZE : number * SIZE],
        total=len(rows),
        sort=sort,
        previous=number - 1 if number > 1 else None,
        following=number + 1 if number < last else None,
    )
