"""What was used lately, as pages show it beside names: by days of UTC, today being one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_access import times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

WEEK = 7
MONTH = 30
NOTHING: Json = {"calls": 0, "failed_calls": 0, "denials": 0, "credits": 0, "last_call_at": None}


def since(visit: Visit, days: int) -> str:
    return times.text(times.first_day_ms(visit.now_ms, days))


async def by(visit: Visit, field: str, days: int, **filters: Any) -> dict[str | None, Json]:
    """Usage's rows by one field of theirs; what has none wasn't used."""
    query = {"from": since(visit, days), "group_by": field, **filters}
    rows = (await visit.api.get("/api/usage", **query))["usage"]
    return {row[field]: row for row in rows}


async def total(visit: Visit, **filters: Any) -> Json:
    """Of a week, the one row of everything asked for."""
    rows: list[Json] = (await visit.api.get("/api/usage", **{"from": since(visit, WEEK)}, **filters))["usage"]
    return rows[0] if rows else NOTHING


async def by_alias(visit: Visit, **filters: Any) -> dict[str, Json]:
    """Of a week, what each alias was called and refused. Jobs' credits, which belong to no alias, are left out."""
    rows = await by(visit, "alias", WEEK, **filters)
    return {alias: row for alias, row in rows.items() if alias is not None}


async def by_team(visit: Visit, team_ids: Iterable[str], **filters: Any) -> dict[str | None, Json]:
    """Of a week, of these teams alone: a page's worth of them."""
    teams = ",".join(team_ids)
    return await by(visit, "team_id", WEEK, team_id=teams, **filters) if teams else {}


async def by_day(visit: Visit, **filters: Any) -> list[Json]:
    """Of a month, every day: `{day, calls}`, the last one being today."""
    rows = await by(visit, "day", MONTH, **filters)
    today_ms = visit.now_ms // times.DAY_MS * times.DAY_MS
    days = [times.text(today_ms - ago * times.DAY_MS) for ago in reversed(range(MONTH))]
    return [{"day": day, "calls": rows.get(day, NOTHING)["calls"]} for day in days]


def last_of(*seen: Json | None) -> str | None:
    """The latest `last_call_at` of rows of usage."""
    found = [row["last_call_at"] for row in seen if row is not None and row["last_call_at"] is not None]
    return max(found, key=times.parse, default=None)
