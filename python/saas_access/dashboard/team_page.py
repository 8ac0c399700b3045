"""The page of one team, with whichever of its panels stands open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_access.dashboard import team_facts
from saas_access.dashboard.team_forms import BUDGET_MODES
from saas_access.dashboard.teams import SECTION, address
from saas_access.dashboard.visit import page

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import Route

    from saas_access.dashboard.api import ApiError
    from saas_access.dashboard.visit import Handler, Visit

PAGE = SECTION + "/{team_id}"


def home(visit: Visit) -> str:
    """The address of this team's page."""
    return address(visit.path("team_id"))


async def show(
    visit: Visit, *, panel: str | None = None, refused: ApiError | None = None, status: int = 200, **context: Any
) -> Response:
    """`panel`: the template of what stands open, which only those who may write see. `refused`: its form's."""
    found = await team_facts.find_team(visit)
    facts = await team_facts.read(visit, found.body)
    return await visit.page(
        "team.html",
        title=visit.path("team_id"),
        section=SECTION,
        status=refused.status if refused else status,
        team=found.body,
        team_address=home(visit),
        budget_modes=BUDGET_MODES,
        panel=panel if visit.may_write else None,
        refused=refused,
        **facts,
        **({"secret": None} | context),
    )


def form_page(path: str, handler: Handler) -> Route:
    """Shows the page with a form open. Those who may only look see it without."""

    async def shown(visit: Visit) -> Response:
        return await (handler(visit) if visit.may_write else show(visit))

    return page(path, shown)


async def _show_page(visit: Visit) -> Response:
    return await show(visit)


routes = [page(PAGE, _show_page)]
