"""Suspending, resuming and deleting a team: what stops is told first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_access.dashboard import team_facts, team_page, teams
from saas_access.dashboard.api import ApiError
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.visit import action

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.visit import Visit

_SUSPEND = team_page.PAGE + "/suspend"
_RESUME = team_page.PAGE + "/resume"
_DELETE = team_page.PAGE + "/delete"


async def _show_suspend(visit: Visit, refused: ApiError | None = None) -> Response:
    return await team_page.show(visit, panel="team-suspend.html", refused=refused)


async def _suspend(visit: Visit) -> Response:
    try:
        done = await visit.api.ask("PUT", team_facts.api_path(visit, "suspend"))
    except ApiError as refused:
        return await _show_suspend(visit, refused)
    return visit.redirect(team_page.home(visit), done=done.revision)


async def _show_resume(visit: Visit, refused: ApiError | None = None) -> Response:
    return await team_page.show(visit, panel="team-resume.html", refused=refused)


async def _resume(visit: Visit) -> Response:
    try:
        done = await visit.api.ask("PUT", team_facts.api_path(visit, "resume"))
    except ApiError as refused:
        return await _show_resume(visit, refused)
    return visit.redirect(team_page.home(visit), done=done.revision)


async def _show_delete(visit: Visit, refused: ApiError | None = None, *, mistyped: bool = False) -> Response:
    status = 422 if mistyped else 200
    problems = {"confirm": "This isn't the team's id"} if mistyped else {}
    tried = await visit.api.ask("DELETE", team_facts.api_path(visit), dry_run=True)
    lost = [alias for change in tried.body["changes"] for alias in change["loses"]]
    context = {"loses": lost, "problems": problems, "confirm": visit.form.one("confirm")}
    return await team_page.show(visit, panel="team-delete.html", refused=refused, status=status, **context)


async def _delete(visit: Visit) -> Response:
    if visit.form.one("confirm") != visit.path("team_id"):
        return await _show_delete(visit, mistyped=True)
    try:
        done = await visit.api.ask("DELETE", team_facts.api_path(visit))
    except ApiError as refused:
        return await _show_delete(visit, refused)
    return visit.redirect(PATH + teams.SECTION, done=done.revision)


routes = [
    team_page.form_page(_SUSPEND, _show_suspend),
    action(_SUSPEND, _suspend),
    team_page.form_page(_RESUME, _show_resume),
    action(_RESUME, _resume),
    team_page.form_page(_DELETE, _show_delete),
    action(_DELETE, _delete),
]
