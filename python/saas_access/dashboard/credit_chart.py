"""What a team had left by day, as the numbers of an SVG: x in percent or thousandths of the width, y in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from saas_access.dashboard.rendering import day, number

if TYPE_CHECKING:
    from saas_access.dashboard.api import Json

HEIGHT = 176
_TOP, _BASE = 24, 154
_DAYS_AHEAD = 7
_MOST_LABELS = 2
_APART = 14  # percent of the width between two labels
_STEPS = (1, 2, 5)


@dataclass(frozen=True, kw_only=True)
class Label:
    """Words at a place; `y` None for those of the x axis."""

    x: float
    y: float
    text: str
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    gridlines: list[tuple[float, str]]  # y and what it stands for, zero first
    line: str
    area: str
    ahead: str  # the dotted line of the pace; empty without one
    dots: list[Label]
    days: list[Label]
    spoken: str


def draw(history: list[Json], per_day: Decimal | int | None) -> Chart | None:
    """`history`: days as /api/credits/history answers them, oldest first. None without any day."""
    if not history:
        return None
    left = [max(Decimal(each["balance_at_end"]), Decimal(0)) for each in history]
    ahead = _DAYS_AHEAD if per_day else 0
    top = _round_top(max(left))
    width = max(len(left) - 1 + ahead, 1)

    def place(index: int, value: Decimal) -> tuple[float, float]:
        return 100 * index / width, float(_BASE - (_BASE - _TOP) * value / top)

    points = [place(index, value) for index, value in enumerate(left)]
    last = len(left) - 1
    coming = [place(last + i, max(left[-1] - Decimal(per_day or 0) * i, Decimal(0))) for i in range(ahead + 1)]
    line = _polyline(points)
    marked = [*_additions(history, points), last]
    return Chart(
        gridlines=[(place(0, value)[1], _short(value)) for value in (Decimal(0), top / 2, top)],
        line=line,
        area=f"0,{_BASE} {line} {points[-1][0] * 10:.1f},{_BASE}",
        ahead=_polyline(coming) if ahead else "",
        dots=[_dot(index, history[index], points[index], is_last=index == last) for index in marked],
        days=[_of_axis(index, history[index], points[index]) for index in dict.fromkeys([0, *marked])],
        spoken=f"Credits left by day, {len(left)} days: {number(left[0])} on {day(history[0]['day'])}, "
        f"{number(left[-1])} on {day(history[-1]['day'])}.",
    )


def _additions(history: list[Json], points: list[tuple[float, float]]) -> list[int]:
    """The days with the most added, as many as have room for their words."""
    added = [index for index in range(1, len(history) - 1) if history[index]["added"] > 0]
    found: list[int] = []
    for index in sorted(added, key=lambda at: history[at]["added"], reverse=True):
        taken = [points[0][0], points[-1][0], *(points[other][0] for other in found)]
        if len(found) < _MOST_LABELS and all(abs(points[index][0] - x) >= _APART for x in taken):
            found.append(index)
    return sorted(found)


def _dot(index: int, of_day: Json, point: tuple[float, float], *, is_last: bool) -> Label:
    text = number(of_day["balance_at_end"]) if is_last else f"+{number(of_day['added'])}"
    return Label(x=point[0], y=point[1], text=text, anchor=_anchor(point[0]) if index else "start")


def _of_axis(index: int, of_day: Json, point: tuple[float, float]) -> Label:
    return Label(x=point[0], y=HEIGHT - 5, text=day(of_day["day"]), anchor=_anchor(point[0]) if index else "start")


def _anchor(x: float) -> str:
    """So that words stay inside."""
    if x < _APART / 2:
        return "start"
    return "end" if x > 100 - _APART / 2 else "middle"


def _polyline(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x * 10:.1f},{y:.1f}" for x, y in points)


def _round_top(most: Decimal) -> Decimal:
    """The next of 1, 2, 5, 10, 20, 50 and so on."""
    size = Decimal(10) ** max(most.adjusted(), 0) if most > 0 else Decimal(1)
    return next((size * step for step in _STEPS if size * step >= most), size * 10)


def _short(value: Decimal) -> str:
    """1,500 as '1.5k'."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (1000, "k")):
        if value >= size:
            return f"{number(value / size)}{letter}"
    return number(value)
