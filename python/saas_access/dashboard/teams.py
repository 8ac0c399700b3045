"""Teams: who holds which groups, and how long their credits last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from saas_access.dashboard import typed, use
from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.team_forms import BUDGET_MODES, Catalog
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Form, Visit

SECTION = "/teams"
_PAGE_SIZE = 50
_MOST_CHOICES = 200
_FILTERS = ("search", "organization_id", "access_group", "status", "alias", "low_balance")
_TEXTS = ("organization_id", "team_id", "team_alias")
_NUMBERS = ("credits_allocated", "credits_per_dollar", "tokens_per_credit", "rpm_limit", "tpm_limit")


async def _list(visit: Visit) -> Response:
    return await _show_list(visit)


async def _create(visit: Visit) -> Response:
    """Answers with a page of its own, as the first key is shown this once and no address may hold it."""
    try:
        made = await visit.api.ask("POST", "/api/teams/create", body=_new_team(visit.form))
    except ApiError as refused:
        return await _show_list(visit, form=visit.form, refused=refused)
    title = f"Team {made.body['team_id']} created"
    return await visit.page("team-created.html", title=title, section=SECTION, team=made.body)


def _new_team(form: Form) -> Json:
    body: Json = {name: form.one(name) for name in _TEXTS}
    body |= {name: typed.number(form.one(name)) for name in _NUMBERS if form.one(name)}
    return body | {
        "access_groups": form.all("access_groups"),
        "budget_mode": form.one("budget_mode") or "job_based",
    }


async def _show_list(visit: Visit, *, form: Form | None = None, refused: ApiError | None = None) -> Response:
    """`form` and `refused`: of the form that creates one, which stands open then."""
    asked = {name: visit.query(name) or None for name in _FILTERS}
    found, organizations, groups = await asyncio.gather(
        visit.api.get("/api/teams", **asked, cursor=visit.query("cursor") or None, limit=_PAGE_SIZE),
        visit.api.get("/api/organizations", limit=1000),
        visit.api.get("/api/model-access-groups", limit=1000),
    )
    creating = visit.may_write and ("new" in visit.request.query_params or refused is not None)
    return await visit.page(
        "teams.html",
        title="Teams",
        section=SECTION,
        status=refused.status if refused else 200,
        teams=found["teams"],
        use=await _use(visit, found["teams"]),
        next_cursor=found.get("next_cursor"),
        filters=asked,
        organizations=organizations["organizations"],
        most_choices=_MOST_CHOICES,
        names={each["organization_id"]: each["name"] for each in organizations["organizations"]},
        groups=[each["group_name"] for each in groups["access_groups"]],
        creating=await _creation(visit, form) if creating else None,
        refused=refused,
    )


async def _use(visit: Visit, teams: list[Json]) -> dict[str, Json]:
    """Of the teams that the page shows, however many there are."""
    ids = [team["team_id"] for team in teams]
    rows = await use.by_team(visit, ids)
    return {team_id: rows.get(team_id, use.NOTHING) for team_id in ids}


async def _creation(visit: Visit, form: Form | None) -> dict[str, Any]:
    """What the form for a new team shows; `form`: as it was sent, else it begins empty."""
    catalog = await Catalog.read(visit)
    fields = (*_TEXTS, *_NUMBERS, "budget_mode")
    return {
        "typed": {name: form.one(name) if form else visit.query(name) for name in fields},
        "chosen": form.all("access_groups") if form else [],
        "groups": catalog.groups,
        "models_of": catalog.models_of(),
        "budget_modes": BUDGET_MODES,
    }


def address(team_id: str, *more: str) -> str:
    """A team's page, or one below it."""
    return "/".join([PATH + SECTION, *map(segment, (team_id, *more))])


routes = [page(SECTION, _list), action(SECTION, _create)]
