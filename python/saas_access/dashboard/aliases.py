"""Model Aliases: the names that teams call and the models behind them, and one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from saas_access.dashboard import impact, lists, use
from saas_access.dashboard.alias_form import BLANK, read_form, typed_from
from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from saas_access.dashboard.api import Answered, Json
    from saas_access.dashboard.visit import Visit

SECTION = "/aliases"
_TEAMS_SHOWN = 50
_CHANGES_SHOWN = 5
_PANELS = ("edit", "deactivate", "delete")
_ORDERS: dict[str, Callable[[Json], Any]] = {
    "name": lambda alias: alias["alias"],
    "teams": lambda alias: -alias["team_count"],
    "calls": lambda alias: -alias["calls"],
}


async def _list(visit: Visit) -> Response:
    return await _show_list(visit, typed=BLANK)


async def _create(visit: Visit) -> Response:
    typed = typed_from(visit.form)
    try:
        body = {"alias": typed["alias"], "active": typed["active"], **read_form(typed)}
        made = await visit.api.ask("POST", "/api/model-aliases/create", body=body)
    except ApiError as refused:
        return await _show_list(visit, typed=typed, refused=refused)
    return visit.redirect(_page(typed["alias"]), done=made.revision)


async def _show_list(visit: Visit, *, typed: Json, refused: ApiError | None = None) -> Response:
    listed, reach, week = await asyncio.gather(
        visit.api.get("/api/model-aliases"), visit.api.get("/api/reach"), use.by(visit, "alias", use.WEEK)
    )
    teams = {each["alias"]: each["team_count"] for each in reach["model_aliases"]}
    aliases = [
        alias
        | {
            "team_count": teams.get(alias["alias"], 0),
            "calls": week.get(alias["alias"], use.NOTHING)["calls"],
            "no_route": bool(alias.get("warnings")),
        }
        for alias in listed["model_aliases"]
    ]
    return await visit.page(
        "aliases.html",
        title="Model Aliases",
        section=SECTION,
        status=refused.status if refused else 200,
        shown=lists.show(visit, [alias for alias in aliases if _matches(visit, alias)], _ORDERS),
        unrouted=[alias for alias in aliases if alias["no_route"] and alias["active"]],
        filtered=any(visit.query(name) for name in ("search", "state")),
        creating=visit.may_write and ("new" in visit.request.query_params or refused is not None),
        others=[alias["alias"] for alias in aliases],
        typed=typed,
        refused=refused,
    )


def _matches(visit: Visit, alias: Json) -> bool:
    text = visit.query("search").lower()
    states = {
        "active": alias["active"],
        "inactive": not alias["active"],
        "no-route": alias["no_route"],
        "retiring": alias.get("retires_at") is not None,
        "without-groups": not alias["access_groups"],
    }
    names = (alias["alias"], alias["litellm_model"], alias["description"])
    return any(text in name.lower() for name in names) and states.get(visit.query("state"), True)


async def _detail(visit: Visit) -> Response:
    return await _show(visit)


async def _act(visit: Visit) -> Response:
    """What the form's button says, if it is still what the form said that it would do."""
    do = visit.form.one("do")
    try:
        if do == "edit":
            body = read_form(typed_from(visit.form))
            changed = await visit.api.ask("PUT", _path(visit), body=body, if_match=visit.form.one("etag"))
        elif do == "activate":
            changed = await visit.api.ask("PUT", _path(visit), body={"active": True})
        elif do in ("deactivate", "delete"):
            if (await _try(visit, do)).seen != visit.form.one("seen"):
                return await _show(visit, outdated=True)
            changed = await _take_away(visit, do, dry_run=False)
        else:
            return visit.redirect(_page(visit.path("alias")))
    except ApiError as refused:
        if refused.status == 404:
            raise
        return await _show(visit, refused=refused)
    return visit.redirect(PATH + SECTION if do == "delete" else _page(visit.path("alias")), done=changed.revision)


async def _take_away(visit: Visit, do: str, *, dry_run: bool) -> Answered:
    if do == "delete":
        return await visit.api.ask("DELETE", _path(visit), query={"force": "true"}, dry_run=dry_run)
    return await visit.api.ask("PUT", _path(visit), body={"active": False}, dry_run=dry_run)


async def _try(visit: Visit, do: str) -> impact.Impact:
    tried = await _take_away(visit, do, dry_run=True)
    return await impact.of(visit, tried, alias=visit.path("alias"))


async def _show(visit: Visit, *, refused: ApiError | None = None, outdated: bool = False) -> Response:
    """The page of an alias with the panel that the address opens, or the form that was refused."""
    name = visit.path("alias")
    found, reach, groups, reasons, days, audit = await asyncio.gather(
        visit.api.ask("GET", _path(visit)),
        visit.api.get("/api/reach"),
        use.by(visit, "access_group", use.WEEK, alias=name),
        use.by(visit, "reason", use.WEEK, alias=name),
        use.by_day(visit, alias=name),
        visit.api.get("/api/audit", target=name, target_type="model_alias", limit=_CHANGES_SHOWN),
    )
    teams = await visit.api.get("/api/teams", alias=name, limit=_TEAMS_SHOWN, cursor=visit.query("cursor") or None)
    opened, calls_of_teams = await asyncio.gather(
        _open_panel(visit, found.body, refused),
        use.by_team(visit, (team["team_id"] for team in teams["teams"]), alias=name),
    )
    team_counts = {each["group_name"]: each["team_count"] for each in reach["access_groups"]}
    return await visit.page(
        "alias.html",
        title=name,
        section=SECTION,
        status=refused.status if refused else 409 if outdated else 200,
        alias=found.body,
        etag=found.etag,
        team_count=next((each["team_count"] for each in reach["model_aliases"] if each["alias"] == name), 0),
        team_counts=team_counts,
        others=[each["alias"] for each in reach["model_aliases"] if each["alias"] != name],
        calls_of_groups=groups,
        reasons=reasons,
        last_call_at=use.last_of(*groups.values()),
        days=days,
        changes=audit["entries"],
        teams=teams["teams"],
        next_cursor=teams.get("next_cursor"),
        calls_of_teams=calls_of_teams,
        refused=refused,
        outdated=outdated,
        **opened,
    )


async def _open_panel(visit: Visit, alias: Json, refused: ApiError | None) -> Json:
    """`panel`, the one that stands open, and what it shows."""
    asked = visit.form.one("do") or next((each for each in _PANELS if visit.query(each)), "")
    if not visit.may_write or asked not in _PANELS:
        return {"panel": None}
    if asked == "edit":
        return {"panel": "edit", "typed": typed_from(visit.form) if refused else typed_from(alias)}
    return {"panel": asked, "impact": await _try(visit, asked)}


def _path(visit: Visit) -> str:
    return "/api/model-aliases/" + segment(visit.path("alias"))


def _page(alias: str) -> str:
    return PATH + SECTION + "/" + segment(alias)


routes = [
    page(SECTION, _list),
    action(SECTION, _create),
    page(SECTION + "/{alias:path}", _detail),
    action(SECTION + "/{alias:path}", _act),
]
