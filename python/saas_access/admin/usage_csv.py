"""Usage as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from saas_access import times
from saas_access._core import Engine, UsageBy
from saas_access.admin.usage_answers import UsageFigures, fields_of, values_of

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines(engine: Engine, asked: dict[str, Any], from_ms: int, to_ms: int) -> Iterator[str]:
    """The table in pieces: the heading with the first rows, then more rows. `asked` is what `report_usage` takes. By
    time, each day is read by itself, so that a long export neither fills the memory nor holds the store's log open.
    """
    group_by: list[UsageBy] = asked["group_by"]
    names = fields_of(group_by)
    heading = [names]
    for begin_ms, end_ms in _slices(engine, from_ms, to_ms, by_time=bool({UsageBy.HOUR, UsageBy.DAY} & set(group_by))):
        report = engine.report_usage(**asked, from_ms=begin_ms, to_ms=end_ms)
        rows = [values_of(UsageFigures.of(row, group_by), names) for row in report.rows]
        if heading or rows:
            yield text([*heading, *rows])
            heading = []


def _slices(engine: Engine, from_ms: int, to_ms: int, *, by_time: bool) -> Iterator[tuple[int, int]]:
    if not by_time or to_ms <= from_ms:
        yield from_ms, to_ms
        return
    last_ms = max(min(to_ms, engine.now_ms() + times.DAY_MS), from_ms + 1)  # nothing is in the future
    while from_ms < last_ms:
        end_ms = min((from_ms // times.DAY_MS + 1) * times.DAY_MS, last_ms)
        yield from_ms, end_ms
        from_ms = end_ms


def text(rows: Iterable[list[Any]]) -> str:
    """Rows as lines of CSV, safe to open in a spreadsheet."""
    written = io.StringIO()
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
