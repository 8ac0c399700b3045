"""Charts as shapes: x in percent of the plot, y in pixels, so that they fit any width and their text never scales.

Everything here is a pure function of numbers and words; `charts.html` draws what they return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from saas_access.dashboard.rendering import number

Value = int | Decimal
Ink = Literal["1", "2", "3", "d"]  # d: denials, and nothing else

_TOP = 14  # px above the plot, for the topmost figure of the axis
_BELOW = 22  # px under it, for the periods
_LABEL_SPACING = 15  # px between labels at the end of the series
_ABREAST = 60  # more columns than that stand without a gap of ground between them
_MOST_PERIOD_LABELS = 6
_LABEL_LENGTH = 13  # characters that stand beside the plot
_STEPS = tuple(Decimal(step) for step in ("1", "1.5", "2", "2.5", "3", "4", "5", "6", "8", "10"))


@dataclass(frozen=True, kw_only=True)
class Period:
    """A day or an hour on the x axis."""

    name: str  # in full, as the title and the table say it
    label: str  # as it stands under the plot
    unfinished: bool = False
    begins: bool = True  # may carry a label: an hour that begins a day, say


@dataclass(frozen=True, kw_only=True)
class Series:
    """One value a period; None where there is nothing to show, which isn't zero."""

    name: str
    values: Sequence[Value | None]
    ink: Ink = "1"

    @property
    def total(self) -> Value:
        return sum((value for value in self.values if value is not None), 0)


@dataclass(frozen=True, kw_only=True)
class Rect:
    ink: Ink
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Column:
    """One period's bar, and the ground that shows its numbers under the pointer."""

    x: float
    width: float
    hit_x: float
    hit_width: float
    title: str
    unfinished: bool
    rects: Sequence[Rect]


@dataclass(frozen=True, kw_only=True)
class Text:
    """At `at`: percent along the x axis, else pixels from the top."""

    at: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    ink: Ink = "1"


@dataclass(frozen=True, kw_only=True)
class Line:
    """Parts of one line: points of a plot 1,000 wide. Where a value is missing the line has a gap."""

    ink: Ink
    parts: Sequence[str]
    dots: Sequence[tuple[float, float]]  # values that stand alone: x in percent, y in pixels


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What `charts.chart` draws: an axis, a plot and the labels at its end."""

    height: int
    summary: str  # its gist, for those who don't see it
    base: float
    axis: Sequence[Text]  # the figures, and a line of the grid at each but zero
    columns: Sequence[Column]
    periods: Sequence[Text]
    ends: Sequence[Text]
    keys: Sequence[Series]  # of more than one series; the darkest, at the bottom, first
    lines: Sequence[Line] = ()
    abreast: bool = False


def bars(periods: Sequence[Period], series: Sequence[Series], *, height: int, summary: str) -> Chart:
    """Bars by period, stacked in the order of `series`, which has at most three inks. From zero."""
    totals = [sum((each.values[at] or 0 for each in series), 0) for at in range(len(periods))]
    plot = _Plot(height, max(totals, default=0))
    last = [
        (plot.middle(rect), each) for rect, each in zip(_stack(plot, series, len(periods) - 1), series, strict=True)
    ]
    return Chart(
        height=height,
        summary=summary,
        base=plot.base,
        axis=plot.axis(),
        columns=_columns(plot, periods, series, stacked=True),
        periods=_period_labels(periods),
        ends=_end_labels(plot, last) if len(series) > 1 else [],
        keys=series if len(series) > 1 else (),
        abreast=len(periods) > _ABREAST,
    )


def lines(periods: Sequence[Period], series: Sequence[Series], *, height: int, summary: str, unit: str = "") -> Chart:
    """A line for each series, from zero; `unit` is said after each value in the titles."""
    known = [[value for value in each.values if value is not None] for each in series]
    plot = _Plot(height, max((max(values) for values in known if values), default=0), unit)
    last = [(plot.y(values[-1]), each) for values, each in zip(known, series, strict=True) if values]
    return Chart(
        height=height,
        summary=summary,
        base=plot.base,
        axis=plot.axis(),
        columns=_columns(plot, periods, series, stacked=False),
        periods=_period_labels(periods),
        ends=_end_labels(plot, last),
        keys=series,
        lines=[_line(plot, each) for each in series],
    )


@dataclass(frozen=True, kw_only=True)
class Spark:
    """A row of bars without axes; the last is the present."""

    x: float
    width: float
    y: float
    height: float
    now: bool


def spark(values: Sequence[Value], *, height: int = 28) -> list[Spark]:
    """Bars from zero, the highest as high as the row."""
    most = max(values, default=0)
    step = 100 / max(len(values), 1)
    tall = [float(height * value / most) if most else 0.0 for value in values]
    return [
        Spark(x=(at + 0.12) * step, width=0.76 * step, y=height - bar, height=bar, now=at == len(values) - 1)
        for at, bar in enumerate(tall)
        if bar
    ]


def gist(periods: Sequence[Period], series: Series, *, what: str) -> str:
    """One sentence on a chart: the sum, and when there was most."""
    values = [value or 0 for value in series.values]
    if not any(values):
        return f"{what}: none."
    most = max(range(len(values)), key=values.__getitem__)
    return f"{what}: {number(series.total)} in all, most on {periods[most].name}, {number(values[most])}."


def compact(value: Value) -> str:
    """7500 as '7.5k', for an axis."""
    exact = Decimal(value)
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if exact >= size:
            return f"{(exact / size).normalize():f}{letter}"
    return f"{exact.normalize():f}"


def round_top(value: Value) -> Decimal:
    """The least round number that isn't below `value`; 1 for nothing."""
    exact = Decimal(value)
    if exact <= 0:
        return Decimal(1)
    size = Decimal(10) ** exact.adjusted()
    return next(step * size for step in _STEPS if step * size >= exact)


class _Plot:
    """Where values lie."""

    def __init__(self, height: int, most: Value, unit: str = "") -> None:
        self.base = float(height - _BELOW)
        self._top = round_top(most)
        self._unit = unit
        self._empty = most <= 0
        self._halved = height >= 160 and (self._top / 2 == int(self._top / 2) or most % 1 != 0)

    def y(self, value: Value) -> float:
        return self.base - self.height(value)

    def height(self, value: Value) -> float:
        return float(Decimal(value) / self._top) * (self.base - _TOP)

    @staticmethod
    def middle(rect: Rect) -> float:
        return rect.y + rect.height / 2

    def axis(self) -> list[Text]:
        figures = [Decimal(0)] if self._empty else [Decimal(0), *([self._top / 2] if self._halved else []), self._top]
        return [Text(at=self.y(figure), text=compact(figure)) for figure in figures]

    def said(self, value: Value | None) -> str:
        return "none" if value is None else number(value) + self._unit


def _stack(plot: _Plot, series: Sequence[Series], at: int) -> list[Rect]:
    """All of a period's rectangles, from the bottom, those of zero height too."""
    rects: list[Rect] = []
    y = plot.base
    for each in series:
        height = plot.height((each.values[at] or 0) if at >= 0 else 0)
        y -= height
        rects.append(Rect(ink=each.ink, y=y, height=height))
    return rects


def _columns(plot: _Plot, periods: Sequence[Period], series: Sequence[Series], *, stacked: bool) -> list[Column]:
    step = 100 / max(len(periods), 1)
    gap = 0.08 if len(periods) > _ABREAST else 0.16
    return [
        Column(
            x=(at + gap) * step,
            width=(1 - 2 * gap) * step,
            hit_x=at * step,
            hit_width=step,
            title=f"{period.name}: " + "; ".join(f"{each.name} {plot.said(each.values[at])}" for each in series),
            unfinished=period.unfinished,
            rects=[rect for rect in _stack(plot, series, at) if rect.height] if stacked else [],
        )
        for at, period in enumerate(periods)
    ]


def _period_labels(periods: Sequence[Period]) -> list[Text]:
    """A few, evenly spaced among those that may carry one; always the last."""
    last = len(periods) - 1
    may = [at for at, period in enumerate(periods) if period.begins]
    stride = max(-(-len(may) // (_MOST_PERIOD_LABELS - 1)), 1)
    room = len(periods) / (_MOST_PERIOD_LABELS + 2)
    chosen = [at for at in may[::stride] if last - at >= room]
    return [
        Text(at=(at + 0.5) * 100 / len(periods), text=periods[at].label, anchor="middle")
        for at in ([*chosen, last] if periods else [])
    ]


def _end_labels(plot: _Plot, wanted: Sequence[tuple[float, Series]]) -> list[Text]:
    """Each beside the end of its series, moved up or down where they would touch."""
    order = sorted(wanted, key=lambda label: label[0])
    least = _TOP + 0.0
    placed: list[tuple[float, Series]] = []
    for y, each in order:
        least = max(y, least)
        placed.append((least, each))
        least += _LABEL_SPACING
    most = plot.base
    raised: list[Text] = []
    for y, each in reversed(placed):
        most = min(y, most)
        raised.append(Text(at=most, text=_short(each.name), ink=each.ink))
        most -= _LABEL_SPACING
    return raised


def _short(name: str) -> str:
    return name if len(name) <= _LABEL_LENGTH else name[: _LABEL_LENGTH - 1] + "…"


def _line(plot: _Plot, series: Series) -> Line:
    step = 1000 / max(len(series.values), 1)
    parts: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(series.values):
        if value is None:
            parts.append([])
        else:
            parts[-1].append(((at + 0.5) * step, plot.y(value)))
    return Line(
        ink=series.ink,
        parts=[" ".join(f"{x:.1f},{y:.1f}" for x, y in part) for part in parts if len(part) > 1],
        dots=[(part[0][0] / 10, part[0][1]) for part in parts if len(part) == 1],
    )
