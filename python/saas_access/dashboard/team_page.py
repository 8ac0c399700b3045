"""The page of one team, with whichever of its panels stands open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from saas_access.dashboard import week
from saas_access.dashboard.api import segment
from saas_access.dashboard.team_forms import BUDGET_MODES
from saas_access.dashboard.teams import SECTION, address
from saas_access.dashboard.visit import page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Answered, ApiError, Json
    from saas_access.dashboard.visit import Visit

PAGE = SECTION + "/{team_id}"
_ENTRIES = 8


def api_path(visit: Visit, *more: str) -> str:
    """The API's address of this team, or one below it."""
    return "/".join(["/api/teams", *map(segment, (visit.path("team_id"), *more))])


def home(visit: Visit) -> str:
    """The address of this team's page."""
    return address(visit.path("team_id"))


async def find_team(visit: Visit) -> Answered:
    """Raises ApiError 404 if there is none of that name."""
    return await visit.api.ask("GET", api_path(visit))


async def show(
    visit: Visit, *, panel: str | None = None, refused: ApiError | None = None, status: int = 200, **context: Any
) -> Response:
    """`panel`: the template of what stands open, which only those who may write see. `refused`: its form's."""
    found = await find_team(visit)
    facts = await _facts(visit, found.body)
    return await visit.page(
        "team.html",
        title=visit.path("team_id"),
        section=SECTION,
        status=refused.status if refused else status,
        team=found.body,
        etag=found.etag,
        team_address=home(visit),
        budget_modes=BUDGET_MODES,
        panel=panel if visit.may_write else None,
        refused=refused,
        **facts,
        **({"secret": None} | context),
    )


async def _facts(visit: Visit, team: Json) -> dict[str, Any]:
    name = team["team_id"]
    organization, keys, use, total, review, ledger = await asyncio.gather(
        visit.api.get(f"/api/organizations/{segment(team['organization_id'])}"),
        visit.api.get(api_path(visit, "keys")),
        week.by_alias(visit, team_id=name),
        week.total(visit, team_id=name),
        visit.api.get("/api/usage/review", team_id=name, days=7),
        visit.api.get("/api/credits/transactions", team_id=name, limit=_ENTRIES),
    )
    return {
        "organization": organization,
        "keys": keys["keys"],
        "use": use,
        "total": total,
        "refusals": review["most_denied"],
        "entries": ledger["transactions"],
    }


async def _show_page(visit: Visit) -> Response:
    return await show(visit)


routes = [page(PAGE, _show_page)]
