"""Access groups that a team has for a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from saas_access import times
from saas_access.dashboard import team_facts, team_page, typed, use
from saas_access.dashboard.api import ApiError
from saas_access.dashboard.team_forms import Catalog
from saas_access.dashboard.visit import action, plain_page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

_NEW = team_page.PAGE + "/grants/new"
_END = team_page.PAGE + "/grants/{grant_id}/end"
_FIELDS = ("access_group", "starts_at", "expires_at", "reason")
_USUAL_DAYS = 14


async def _show_new(visit: Visit, refused: ApiError | None = None) -> Response:
    fields = {name: visit.form.one(name) for name in _FIELDS}
    if refused is None:
        end = times.text(visit.now_ms + _USUAL_DAYS * times.DAY_MS)
        fields |= {"access_group": visit.query("access_group"), "expires_at": end[: len("2030-01-31T12:00")]}
    catalog = await Catalog.read(visit)
    return await team_page.show(
        visit, panel="team-grant-new.html", refused=refused, typed=fields, models_of=catalog.models_of()
    )


async def _create(visit: Visit) -> Response:
    form = visit.form
    body: Json = {name: form.one(name) for name in ("access_group", "reason")}
    body |= {name: typed.time(form.one(name)) for name in ("starts_at", "expires_at") if form.one(name)}
    try:
        made = await visit.api.ask("POST", team_facts.api_path(visit, "grants"), body=body)
    except ApiError as refused:
        return await _show_new(visit, refused)
    return visit.redirect(team_page.home(visit), done=made.revision)


async def _show_end(visit: Visit, refused: ApiError | None = None) -> Response:
    """What ending it would take away, before it does."""
    grant_id = visit.path("grant_id")
    team = (await team_facts.find_team(visit)).body
    grant = next((each for each in team["grants"] if each["grant_id"] == grant_id), None)
    if grant is None:
        return plain_page("Not found", f"Team {team['team_id']} has no grant {grant_id}.", 404)
    tried, used = await asyncio.gather(
        visit.api.ask("DELETE", team_facts.api_path(visit, "grants", grant_id), dry_run=True),
        use.by_alias(visit, team_id=team["team_id"]),
    )
    lost = [alias for change in tried.body["changes"] for alias in change["loses"]]
    context = {"grant": grant, "loses": [{"alias": alias, "use": used.get(alias)} for alias in lost]}
    return await team_page.show(visit, panel="team-grant-end.html", refused=refused, **context)


async def _end(visit: Visit) -> Response:
    try:
        done = await visit.api.ask("DELETE", team_facts.api_path(visit, "grants", visit.path("grant_id")))
    except ApiError as refused:
        return await _show_end(visit, refused)
    return visit.redirect(team_page.home(visit), done=done.revision)


routes = [
    team_page.form_page(_NEW, _show_new),
    action(_NEW, _create),
    team_page.form_page(_END, _show_end),
    action(_END, _end),
]
