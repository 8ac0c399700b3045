"""Overview: what needs the operator today, the last seven days, the lowest balances, what changed lately."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from saas_access.dashboard import charts, use
from saas_access.dashboard.api import ApiError, tried
from saas_access.dashboard.rendering import number, spoken_moment
from saas_access.dashboard.visit import page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.charts import Spark
    from saas_access.dashboard.visit import Visit

_LOWEST = 5
_CHANGES = 6
_NEEDS = 8  # that stand in sight
_WEEK_DAYS = 7

# What each kind of need is called where there was none of it.
CHECKED = {
    "trouble": "faults of the proxy and the store",
    "no_route": "aliases without a route",
    "low_balance": "low balances",
    "suspended_traffic": "suspended teams with traffic",
    "grant_ends": "grants about to end",
    "denied": "refusals that look like a missing upgrade",
    "retiring": "retiring aliases still in use",
    "unused_group": "groups nobody used",
}


@dataclass(frozen=True, kw_only=True)
class Week:
    """A figure of the last seven days."""

    total: Decimal
    compared: str  # with the seven days before; empty if there was nothing in either
    bars: list[Spark]
    gist: str


async def _show(visit: Visit) -> Response:
    api = visit.api
    overview, lowest, changes, most_denied = await asyncio.gather(
        visit.overview,
        tried(api.get("/api/credits/lowest", limit=_LOWEST)),
        tried(api.get("/api/audit", limit=_CHANGES)),
        tried(_most_denied(visit)),
    )
    read: Json | None = None if isinstance(overview, ApiError) else overview
    return await visit.page(
        "overview.html",
        title="Overview",
        overview=overview,
        weeks={name: _week(read[f"{name}_7d"]) for name in ("calls", "credits", "denials")} if read else {},
        most_denied=most_denied,
        paces={} if isinstance(lowest, ApiError) else {each["team_id"]: each for each in lowest["teams"]},
        lowest=lowest,
        changes=changes,
        also_checked=[CHECKED[kind] for kind in read["checked"] if kind in CHECKED] if read else [],
        in_sight=_NEEDS,
        today=spoken_moment(visit.now_ms),
    )


async def _most_denied(visit: Visit) -> Json:
    """The team and reason with the most refusals of the week; empty if nothing was refused."""
    query: dict[str, Any] = {
        "from": use.since(visit, _WEEK_DAYS),
        "group_by": "team_id,reason",
        "most": "denials",
        "limit": 1,
    }
    found = (await visit.api.get("/api/usage", **query))["usage"]
    row: Json = found[0] if found else {}
    return row


def _week(figures: Json) -> Week:
    values = [Decimal(each["value"]) for each in figures["days"]]
    total, before = Decimal(figures["total"]), Decimal(figures["before"])
    return Week(
        total=total,
        compared=_compared(total, before),
        bars=charts.spark(values),
        gist="By day, today last: " + ", ".join(number(value) for value in values),
    )


def _compared(now: Decimal, before: Decimal) -> str:
    """'12% more than the week before'."""
    if before == 0:
        return "" if now == 0 else "none the week before"
    percent = round((now - before) / before * 100)
    if percent == 0:
        return "as in the week before"
    if percent >= 1000:
        return f"{number(before)} the week before"
    return f"{abs(percent)}% {'more' if percent > 0 else 'less'} than the week before"


routes = [page("", _show)]
