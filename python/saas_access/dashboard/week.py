"""The last seven days of UTC, today being one of them: what pages tell of use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_access import times

if TYPE_CHECKING:
    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

NOTHING: Json = {"calls": 0, "failed_calls": 0, "denials": 0, "credits": 0, "last_call_at": None}


def begins(visit: Visit) -> str:
    return times.text((visit.now_ms // times.DAY_MS - 6) * times.DAY_MS)


async def usage(visit: Visit, **asked: Any) -> list[Json]:
    """The rows that GET /api/usage answers of these days."""
    rows: list[Json] = (await visit.api.get("/api/usage", **{"from": begins(visit)}, **asked))["usage"]
    return rows


async def total(visit: Visit, **asked: Any) -> Json:
    """The one row of everything asked for."""
    rows = await usage(visit, **asked)
    return rows[0] if rows else NOTHING


async def by_alias(visit: Visit, **asked: Any) -> dict[str, Json]:
    """What each alias was called and refused. Jobs' credits, which belong to no alias, are left out."""
    rows = await usage(visit, group_by="alias", **asked)
    return {row["alias"]: row for row in rows if row["alias"] is not None}
