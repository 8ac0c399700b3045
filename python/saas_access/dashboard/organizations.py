"""Organizations: who the customers are, with their teams."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.visit import Visit

_SECTION = "/organizations"
_PAGE_SIZE = 50
_FIELDS = ("organization_id", "name")


async def _list(visit: Visit) -> Response:
    return await _show_list(visit)


async def _create(visit: Visit) -> Response:
    body = {name: visit.form.one(name) for name in _FIELDS}
    try:
        made = await visit.api.ask("POST", "/api/organizations/create", body=body)
    except ApiError as refused:
        return await _show_list(visit, typed=body, refused=refused)
    return visit.redirect(PATH + _SECTION + "/" + segment(body["organization_id"]), done=made.revision)


async def _show_list(visit: Visit, *, typed: dict[str, str] | None = None, refused: ApiError | None = None) -> Response:
    """`typed` and `refused`: of the form that creates one, which stands open then."""
    found = await visit.api.get(
        "/api/organizations",
        search=visit.query("search") or None,
        cursor=visit.query("cursor") or None,
        limit=_PAGE_SIZE,
    )
    return await visit.page(
        "organizations.html",
        title="Organizations",
        section=_SECTION,
        status=refused.status if refused else 200,
        organizations=found["organizations"],
        next_cursor=found.get("next_cursor"),
        creating=visit.may_write and ("new" in visit.request.query_params or refused is not None),
        typed=typed or dict.fromkeys(_FIELDS, ""),
        refused=refused,
    )


async def _detail(visit: Visit) -> Response:
    name = segment(visit.path("organization_id"))
    organization, teams = await asyncio.gather(
        visit.api.get(f"/api/organizations/{name}"),
        visit.api.get(f"/api/organizations/{name}/teams", limit=_PAGE_SIZE, cursor=visit.query("cursor") or None),
    )
    return await visit.page(
        "organization.html",
        title=organization["name"],
        section=_SECTION,
        organization=organization,
        teams=teams["teams"],
        next_cursor=teams.get("next_cursor"),
    )


async def _set_status(visit: Visit) -> Response:
    """Suspends or resumes, as the button says."""
    path = "/organizations/" + segment(visit.path("organization_id"))
    verb = "resume" if visit.form.one("status") == "active" else "suspend"
    done = await visit.api.ask("PUT", f"/api{path}/{verb}")
    return visit.redirect(PATH + path, done=done.revision)


routes = [
    page("/organizations", _list),
    action("/organizations", _create),
    page("/organizations/{organization_id}", _detail),
    action("/organizations/{organization_id}/status", _set_status),
]
