"""What a team's page tells, asked of the API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from saas_access import times
from saas_access.dashboard import credit_chart, use
from saas_access.dashboard.api import segment

if TYPE_CHECKING:
    from saas_access.dashboard.api import Answered, Json
    from saas_access.dashboard.visit import Visit

# What each is called, and which kind of state it is shown as.
ENTRY_TYPES = {
    "allocation": ("added", "ok"),
    "adjustment": ("total set", ""),
    "charge": ("charge", ""),
    "refund": ("given back", "ok"),
    "interrupted": ("interrupted", "warn"),
    "shortfall": ("shortfall", "warn"),
}
JOB_STATUSES = {
    "pending": ("not begun", ""),
    "in_progress": ("running", ""),
    "completed": ("completed", "ok"),
    "failed": ("failed", "bad"),
}
_ENTRIES = 8
_DENIALS = 10
_JOBS = 5
_CHART_DAYS = 30


def api_path(visit: Visit, *more: str) -> str:
    """The API's address of this team, or one below it."""
    return "/".join(["/api/teams", *map(segment, (visit.path("team_id"), *more))])


async def find_team(visit: Visit) -> Answered:
    """Raises ApiError 404 if there is none of that name."""
    return await visit.api.ask("GET", api_path(visit))


async def read(visit: Visit, team: Json) -> dict[str, Any]:
    """All that the page shows besides the team itself, by the names that the templates use."""
    name = team["team_id"]
    (organization, keys, used, total), (ledger, pace, history), jobs, denials = await asyncio.gather(
        asyncio.gather(
            visit.api.get(f"/api/organizations/{segment(team['organization_id'])}"),
            visit.api.get(api_path(visit, "keys")),
            use.by_alias(visit, team_id=name),
            use.total(visit, team_id=name),
        ),
        asyncio.gather(
            visit.api.get("/api/credits/transactions", team_id=name, limit=_ENTRIES),
            visit.api.get("/api/credits/pace", team_id=name),
            visit.api.get("/api/credits/history", team_id=name, days=_CHART_DAYS),
        ),
        jobs_that_need_a_look(visit),
        visit.api.get(api_path(visit, "denials"), limit=_DENIALS),
    )
    return {
        "organization": organization,
        "keys": keys["keys"],
        "use": used,
        "total": total,
        "entries": ledger["transactions"],
        "types": ENTRY_TYPES,
        "pace": pace,
        "history": history["days"],
        "chart": credit_chart.draw(history["days"], pace["credits_per_day"]),
        "jobs": jobs,
        "job_statuses": JOB_STATUSES,
        "denials": denials["denials"],
    }


async def jobs_that_need_a_look(visit: Visit) -> list[Json]:
    """Open for more than an hour, or failed in the last seven days: some of each."""
    hour_ago = times.text(visit.now_ms - times.HOUR_MS)
    path = api_path(visit, "jobs")
    found = await asyncio.gather(
        visit.api.get(path, status="in_progress", to=hour_ago, limit=_JOBS),
        visit.api.get(path, status="pending", to=hour_ago, limit=_JOBS),
        visit.api.get(path, status="failed", limit=_JOBS, **{"from": use.since(visit, use.WEEK)}),
    )
    return [job for each in found for job in each["jobs"]]
