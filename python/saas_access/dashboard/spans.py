"""The time that a page of figures is about, as its address says: a number of days up to now, or dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from saas_access import times
from saas_access.dashboard.charts import Period
from saas_access.dashboard.rendering import day

if TYPE_CHECKING:
    from collections.abc import Mapping

RANGES = {"24h": ("24 h", 1), "7d": ("7 d", 7), "30d": ("30 d", 30), "90d": ("90 d", 90)}
_DEFAULT = "30d"
_MOST_DAYS = 400
_MOST_DAYS_BY_HOUR = 8  # what a chart can show, hour by hour
_STEP_MS = {"hour": times.HOUR_MS, "day": times.DAY_MS}


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `from_ms` up to `to_ms`, in whole hours or days of UTC; the last may not be over."""

    name: str  # a key of RANGES, or "dates"
    by: Literal["hour", "day"]
    from_ms: int
    to_ms: int
    now_ms: int
    problem: str | None = None  # with the dates that were asked for; the default is shown then

    @property
    def days(self) -> int:
        """Up to today, which is one of them."""
        return self.now_ms // times.DAY_MS - self.from_ms // times.DAY_MS + 1

    @property
    def may_be_by_hour(self) -> bool:
        return self.to_ms - self.from_ms <= _MOST_DAYS_BY_HOUR * times.DAY_MS

    @property
    def has_now(self) -> bool:
        return self.from_ms <= self.now_ms < self.to_ms

    @property
    def query(self) -> dict[str, str]:
        """As the API takes it."""
        return {"from": times.text(self.from_ms), "to": times.text(self.to_ms)}

    @property
    def said(self) -> str:
        """'20 Oct to 18 Nov', 'the last 24 hours'."""
        if self.name == "24h":
            return "the last 24 hours"
        first, last = day(self.from_ms), day(self.to_ms - 1)
        return first if first == last else f"{first} to {last}"

    @property
    def first_date(self) -> str:
        return times.text(self.from_ms)[:10]

    @property
    def last_date(self) -> str:
        return times.text(self.to_ms - 1)[:10]

    def starts(self) -> list[str]:
        """The beginning of each period, as the API's rows name it."""
        return [times.text(at) for at in range(self.from_ms, self.to_ms, _STEP_MS[self.by])]

    def periods(self) -> list[Period]:
        at_ms = range(self.from_ms, self.to_ms, _STEP_MS[self.by])
        return [self._hour(at) if self.by == "hour" else self._day(at) for at in at_ms]

    def _day(self, at_ms: int) -> Period:
        today = at_ms <= self.now_ms < at_ms + times.DAY_MS
        return Period(name=day(at_ms), label="today" if today else day(at_ms), unfinished=today)

    def _hour(self, at_ms: int) -> Period:
        now = at_ms <= self.now_ms < at_ms + times.HOUR_MS
        clock = times.text(at_ms)[11:16]
        by_clock = self.to_ms - self.from_ms <= 2 * times.DAY_MS or at_ms + times.HOUR_MS >= self.to_ms
        return Period(
            name=f"{day(at_ms)}, {clock}",
            label="now" if now else clock if by_clock else day(at_ms),
            unfinished=now,
            begins=by_clock or at_ms % times.DAY_MS == 0,
        )


def asked_for(query: Mapping[str, str], now_ms: int) -> Span:
    """`range`, or `from` and `to` as dates, both included; `by`, `day` or `hour`."""
    name = query.get("range", "dates" if query.get("from") or query.get("to") else _DEFAULT)
    if name == "dates":
        found = _of_dates(query.get("from", ""), query.get("to", ""), now_ms)
        if isinstance(found, tuple):
            return _span("dates", found, query.get("by", ""), now_ms)
        return _span("dates", _last(RANGES[_DEFAULT][1], now_ms), query.get("by", ""), now_ms, found or None)
    name = name if name in RANGES else _DEFAULT
    if name == "24h":
        next_hour = (now_ms // times.HOUR_MS + 1) * times.HOUR_MS
        return _span(name, (next_hour - times.DAY_MS, next_hour), "hour", now_ms)
    return _span(name, _last(RANGES[name][1], now_ms), query.get("by", ""), now_ms)


def _span(name: str, whole: tuple[int, int], by: str, now_ms: int, problem: str | None = None) -> Span:
    from_ms, to_ms = whole
    hourly = by == "hour" and to_ms - from_ms <= _MOST_DAYS_BY_HOUR * times.DAY_MS
    if hourly:
        to_ms = max(min(to_ms, (now_ms // times.HOUR_MS + 1) * times.HOUR_MS), from_ms + times.HOUR_MS)
    return Span(name=name, by="hour" if hourly else "day", from_ms=from_ms, to_ms=to_ms, now_ms=now_ms, problem=problem)


def _last(days: int, now_ms: int) -> tuple[int, int]:
    tomorrow = (now_ms // times.DAY_MS + 1) * times.DAY_MS
    return tomorrow - days * times.DAY_MS, tomorrow


def _of_dates(first: str, last: str, now_ms: int) -> tuple[int, int] | str:
    """What is wrong with them, if anything is; empty where none are given yet."""
    if not first and not last:
        return ""
    today = times.text(now_ms)[:10]
    try:
        begin, end = (date.fromisoformat(text or today) for text in (first, last))
    except ValueError:
        return "A date is written like 2030-01-31."
    if end < begin:
        return "The last day is before the first."
    if (end - begin).days >= _MOST_DAYS:
        return f"At most {_MOST_DAYS} days can be shown at once."
    if begin.year < 1970:
        return "There is nothing before 1970."
    begin_ms, end_ms = (times.parse(f"{each.isoformat()}T00:00:00Z") for each in (begin, end))
    return begin_ms, end_ms + times.DAY_MS
