"""Organizations: who the customers are, with their teams, credits and use summed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from saas_access.dashboard import use
from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

_SECTION = "/organizations"
_PAGE_SIZE = 50
_CHANGES_SHOWN = 5
_FIELDS = ("organization_id", "name")
_PANELS = ("rename", "suspend", "delete")


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
        sums=await _sums(visit, [each["organization_id"] for each in found["organizations"]]),
        next_cursor=found.get("next_cursor"),
        creating=visit.may_write and ("new" in visit.request.query_params or refused is not None),
        typed=typed or dict.fromkeys(_FIELDS, ""),
        refused=refused,
    )


async def _sums(visit: Visit, organization_ids: list[str]) -> dict[str, Json]:
    if not organization_ids:
        return {}
    found = await visit.api.get("/api/organization-sums", organization_id=",".join(organization_ids), days=use.WEEK)
    return {each["organization_id"]: each for each in found["organizations"]}


async def _detail(visit: Visit) -> Response:
    return await _show(visit)


async def _act(visit: Visit) -> Response:
    """What the form's button says."""
    do = visit.form.one("do")
    try:
        if do == "rename":
            body, etag = {"name": visit.form.one("name")}, visit.form.one("etag")
            changed = await visit.api.ask("PUT", _path(visit), body=body, if_match=etag)
        elif do in ("suspend", "resume"):
            changed = await visit.api.ask("PUT", f"{_path(visit)}/{do}")
        elif do == "delete":
            changed = await visit.api.ask("DELETE", _path(visit))
        else:
            return visit.redirect(_page(visit))
    except ApiError as refused:
        if refused.status == 404:
            raise
        return await _show(visit, refused)
    return visit.redirect(PATH + _SECTION if do == "delete" else _page(visit), done=changed.revision)


async def _show(visit: Visit, refused: ApiError | None = None) -> Response:
    """The page of an organization with the panel that the address opens, or the form that was refused."""
    name = visit.path("organization_id")
    organization, teams, sums, audit = await asyncio.gather(
        visit.api.ask("GET", _path(visit)),
        visit.api.get(f"{_path(visit)}/teams", limit=_PAGE_SIZE, cursor=visit.query("cursor") or None),
        _sums(visit, [name]),
        visit.api.get("/api/audit", target=name, target_type="organization", limit=_CHANGES_SHOWN),
    )
    asked = visit.form.one("do") or next((each for each in _PANELS if visit.query(each)), "")
    return await visit.page(
        "organization.html",
        title=organization.body["name"],
        section=_SECTION,
        status=refused.status if refused else 200,
        organization=organization.body,
        etag=organization.etag,
        sums=sums[name],
        teams=teams["teams"],
        next_cursor=teams.get("next_cursor"),
        use_of_teams=await use.by_team(visit, (team["team_id"] for team in teams["teams"])),
        changes=audit["entries"],
        panel=asked if visit.may_write and asked in _PANELS else None,
        typed=visit.form.one("name") if refused else organization.body["name"],
        refused=refused,
    )


def _path(visit: Visit) -> str:
    return "/api/organizations/" + segment(visit.path("organization_id"))


def _page(visit: Visit) -> str:
    return PATH + _SECTION + "/" + segment(visit.path("organization_id"))


routes = [
    page(_SECTION, _list),
    action(_SECTION, _create),
    page(_SECTION + "/{organization_id}", _detail),
    action(_SECTION + "/{organization_id}", _act),
]
