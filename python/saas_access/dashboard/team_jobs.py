"""A team's jobs, and one of them with its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_access.dashboard import team_facts, team_page, teams, typed
from saas_access.dashboard.api import segment
from saas_access.dashboard.team_facts import JOB_STATUSES
from saas_access.dashboard.visit import page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.visit import Visit

_PAGE_SIZE = 50


async def _show_all(visit: Visit) -> Response:
    days = {name: visit.query(name) for name in ("from", "to")}
    found = await visit.api.get(
        team_facts.api_path(visit, "jobs"),
        status=visit.query("status") or None,
        cursor=visit.query("cursor") or None,
        limit=_PAGE_SIZE,
        **{name: typed.day(day) for name, day in days.items() if day},
    )
    return await visit.page(
        "team-jobs-all.html",
        title=f"Jobs of {visit.path('team_id')}",
        section=teams.SECTION,
        team_id=visit.path("team_id"),
        team_address=team_page.home(visit),
        jobs=found["jobs"],
        next_cursor=found.get("next_cursor"),
        job_statuses=JOB_STATUSES,
        filters=days | {"status": visit.query("status")},
    )


async def _show_one(visit: Visit) -> Response:
    job = await visit.api.get(f"/api/jobs/{segment(visit.path('job_id'))}")
    return await visit.page(
        "team-job.html",
        title=job["job_id"],
        section=teams.SECTION,
        team_id=job["team_id"],
        team_address=teams.address(job["team_id"]),
        job=job,
        job_statuses=JOB_STATUSES,
    )


routes = [page(team_page.PAGE + "/jobs", _show_all), page(team_page.PAGE + "/jobs/{job_id}", _show_one)]
