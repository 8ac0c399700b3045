"""What an operator sees first: the last days in figures, and what needs them today."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from fastapi import Response

from saas_access import credits, times
from saas_access._core import Engine, UsageBy, UsageRow
from saas_access.admin import needs, routes
from saas_access.admin.overview_answers import DayFigure, Overview, WeekFigures
from saas_access.admin.routes import EngineOf, ServiceOf
from saas_access.admin.writes import shown

router = routes.router("Overview")

_WEEK = 7


@router.get("/overview", response_model=Overview)
def get_overview(engine: EngineOf, service: ServiceOf) -> Response:
    found, checked = needs.find(service)
    days = _days(engine)
    return shown(
        Overview(
            calls_7d=_week(days, lambda row: Decimal(row.calls)),
            credits_7d=_week(days, lambda row: credits.from_micro(row.charged)),
            denials_7d=_week(days, lambda row: Decimal(row.denials)),
            needs=found,
            checked=checked,
        )
    )


def _days(engine: Engine) -> list[tuple[int, UsageRow | None]]:
    """Two weeks of days with their usage, today the last."""
    now_ms = engine.now_ms()
    first_ms = times.first_day_ms(now_ms, 2 * _WEEK)
    report = engine.report_usage(from_ms=first_ms, to_ms=now_ms + 1, group_by=[UsageBy.DAY])
    by_day = {row.period_ms: row for row in report.rows}
    starts = [first_ms + number * times.DAY_MS for number in range(2 * _WEEK)]
    return [(start_ms, by_day.get(start_ms)) for start_ms in starts]


def _week(days: list[tuple[int, UsageRow | None]], value_of: Callable[[UsageRow], Decimal]) -> WeekFigures:
    values = [(start_ms, Decimal(0) if row is None else value_of(row)) for start_ms, row in days]
    before, last = values[:_WEEK], values[_WEEK:]
    return WeekFigures(
        total=sum((value for _, value in last), Decimal(0)),
        before=sum((value for _, value in before), Decimal(0)),
        days=[DayFigure(day=times.text(start_ms), value=value) for start_ms, value in last],
    )
