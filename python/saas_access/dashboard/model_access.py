"""Model Access: the groups of aliases that teams are given, and one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from saas_access import times
from saas_access.dashboard import impact, lists, use
from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from saas_access.dashboard.api import Answered, Json
    from saas_access.dashboard.visit import Visit

SECTION = "/model-access"
_TEAMS_SHOWN = 50
_CHANGES_SHOWN = 5
_GENTLY_DAYS = 14
_GENTLY_TEAMS = 50
_ORDERS: dict[str, Callable[[Json], Any]] = {
    "teams": lambda group: -group["team_count"],
    "calls": lambda group: -group["calls"],
    "name": lambda group: group["group_name"],
    "used": lambda group: -times.parse(group["last_call_at"]) if group["last_call_at"] else 0,
}


async def _list(visit: Visit) -> Response:
    listed, reach, week, month = await asyncio.gather(
        visit.api.get("/api/model-access-groups"),
        visit.api.get("/api/reach"),
        use.by(visit, "access_group", use.WEEK),
        use.by(visit, "access_group", use.MONTH),
    )
    members = {group["group_name"]: [m["alias"] for m in group["model_aliases"]] for group in reach["access_groups"]}
    groups = [
        group
        | {
            "model_aliases": members.get(group["group_name"], []),
            "calls": week.get(group["group_name"], use.NOTHING)["calls"],
            "last_call_at": use.last_of(month.get(group["group_name"])),
        }
        for group in listed["access_groups"]
    ]
    wanted = [group for group in groups if _matches(visit, group)]
    return await visit.page(
        "model-access.html",
        title="Model Access",
        section=SECTION,
        shown=lists.show(visit, wanted, _ORDERS),
        most_calls=max([group["calls"] for group in groups], default=0),
        aliases=[each["alias"] for each in reach["model_aliases"]],
        filtered=any(visit.query(name) for name in ("search", "alias", "state")),
    )


def _matches(visit: Visit, group: Json) -> bool:
    text = visit.query("search").lower()
    names = (group["group_name"], group["description"].lower(), *group["model_aliases"])
    states = {"unused": group["last_call_at"] is None, "without-teams": group["team_count"] == 0}
    alias = visit.query("alias")
    return (
        any(text in name.lower() for name in names)
        and (not alias or alias in group["model_aliases"])
        and states.get(visit.query("state"), True)
    )


async def _detail(visit: Visit) -> Response:
    return await _show(visit)


async def _act(visit: Visit) -> Response:
    """What the form's button says, if it is still what the form said that it would do."""
    act = _ACTS.get(visit.form.one("do"))
    if act is None:
        return visit.redirect(_page(visit))
    try:
        return await act(visit)
    except ApiError as refused:
        if refused.status == 404:
            raise
        return await _show(visit, refused=refused)


async def _edit(visit: Visit) -> Response:
    body = {"description": visit.form.one("description")}
    changed = await visit.api.ask("PUT", _path(visit), body=body, if_match=visit.form.one("etag"))
    return visit.redirect(_page(visit), done=changed.revision)


async def _add(visit: Visit) -> Response:
    body = {"model_aliases": visit.form.all("model_aliases")}
    changed = await visit.api.ask("POST", _path(visit) + "/add-models", body=body)
    return visit.redirect(_page(visit), done=changed.revision)


async def _remove(visit: Visit) -> Response:
    alias, gently = visit.form.one("alias"), visit.form.one("gently")
    tried = await _ask_removal(visit, alias, dry_run=True)
    if (await impact.of(visit, tried, alias=alias)).seen != visit.form.one("seen"):
        return await _show(visit, outdated=True)
    if gently:
        await _grant(visit, sorted(impact.losing_teams(tried))[:_GENTLY_TEAMS], gently)
    changed = await _ask_removal(visit, alias, dry_run=False)
    return visit.redirect(_page(visit), done=changed.revision)


async def _grant(visit: Visit, team_ids: list[str], group: str) -> None:
    """So that these teams keep what the group holds for some days. One that fails leaves those before it."""
    ends = times.text(visit.now_ms + _GENTLY_DAYS * times.DAY_MS)
    reason = f"Instead of {visit.path('group_name')}, for {_GENTLY_DAYS} days"
    for team in team_ids:
        body = {"access_group": group, "expires_at": ends, "reason": reason}
        await visit.api.ask("POST", f"/api/teams/{segment(team)}/grants", body=body)


async def _delete(visit: Visit) -> Response:
    tried = await visit.api.ask("DELETE", _path(visit), dry_run=True)
    if (await impact.of(visit, tried, access_group=visit.path("group_name"))).seen != visit.form.one("seen"):
        return await _show(visit, outdated=True)
    changed = await visit.api.ask("DELETE", _path(visit))
    return visit.redirect(PATH + SECTION, done=changed.revision)


_ACTS = {"edit": _edit, "add": _add, "remove": _remove, "delete": _delete}


async def _show(visit: Visit, *, refused: ApiError | None = None, outdated: bool = False) -> Response:
    """The page of a group with the panel that the address opens, or the form that was refused."""
    name = visit.path("group_name")
    group, reach, calls, days, audit, teams = await asyncio.gather(
        visit.api.ask("GET", _path(visit)),
        visit.api.get("/api/reach", access_group=name),
        use.by(visit, "alias", use.WEEK, access_group=name),
        use.by_day(visit, access_group=name),
        visit.api.get("/api/audit", target=name, target_type="access_group", limit=_CHANGES_SHOWN),
        visit.api.get("/api/teams", access_group=name, limit=_TEAMS_SHOWN, cursor=visit.query("cursor") or None),
    )
    opened, calls_of_teams = await asyncio.gather(
        _open_panel(visit, group, refused),
        use.by_team(visit, (team["team_id"] for team in teams["teams"]), access_group=name),
    )
    return await visit.page(
        "access-group.html",
        title=name,
        section=SECTION,
        status=refused.status if refused else 409 if outdated else 200,
        group=group.body,
        etag=group.etag,
        only_here={each["alias"]: each["only_here"] for each in reach["access_groups"][0]["model_aliases"]},
        calls=calls,
        last_call_at=use.last_of(*calls.values()),
        days=days,
        changes=audit["entries"],
        teams=teams["teams"],
        next_cursor=teams.get("next_cursor"),
        calls_of_teams=calls_of_teams,
        refused=refused,
        outdated=outdated,
        **opened,
    )


async def _open_panel(visit: Visit, group: Answered, refused: ApiError | None) -> Json:
    """`panel`, the one that stands open, and what it shows."""
    asked = visit.form.one("do") or next((each for each in _ACTS if visit.query(each)), "")
    if not visit.may_write or not asked:
        return {"panel": None}
    if asked == "edit":
        typed = visit.form.one("description") if refused else group.body["description"]
        return {"panel": "edit", "typed": typed}
    if asked == "add":
        return {"panel": "add", **await _addable(visit, group.body)}
    if asked == "remove":
        return await _removal(visit, group.body, visit.form.one("alias") or visit.query("remove"))
    tried = await visit.api.ask("DELETE", _path(visit), dry_run=True)
    found = await impact.of(visit, tried, access_group=group.body["group_name"])
    return {"panel": "delete", "impact": found}


async def _addable(visit: Visit, group: Json) -> Json:
    has = {member["alias"] for member in group["model_aliases"]}
    known = (await visit.api.get("/api/model-aliases"))["model_aliases"]
    return {"options": [each for each in known if each["alias"] not in has], "chosen": visit.form.all("model_aliases")}


async def _removal(visit: Visit, group: Json, alias: str) -> Json:
    if alias not in {member["alias"] for member in group["model_aliases"]}:
        return {"panel": None}
    tried, known = await asyncio.gather(
        _ask_removal(visit, alias, dry_run=True), visit.api.get(f"/api/model-aliases/{segment(alias)}")
    )
    losing = impact.losing_teams(tried)
    found, keeping, gentle = await asyncio.gather(
        impact.of(visit, tried, alias=alias),
        impact.keepers(visit, group["teams_with_access"], losing, alias),
        _gentle_group(visit, group, known),
    )
    return {
        "panel": "remove",
        "alias": known,
        "impact": found,
        "keepers": keeping,
        "keeping": len(group["teams_with_access"]) - found.losing,
        "gentle": gentle if known["active"] and 0 < found.losing <= _GENTLY_TEAMS else None,
    }


async def _gentle_group(visit: Visit, group: Json, alias: Json) -> Json | None:
    """The group that would give the alias back with the least besides."""
    others = [name for name in alias["access_groups"] if name != group["group_name"]]
    found = await asyncio.gather(*(visit.api.get("/api/reach", access_group=name) for name in others))
    groups = [each["access_groups"][0] for each in found]
    return min(groups, key=lambda each: len(each["model_aliases"]), default=None)


async def _ask_removal(visit: Visit, alias: str, *, dry_run: bool) -> Answered:
    body = {"model_aliases": [alias]}
    return await visit.api.ask("POST", _path(visit) + "/remove-models", body=body, dry_run=dry_run)


def _path(visit: Visit) -> str:
    return "/api/model-access-groups/" + segment(visit.path("group_name"))


def _page(visit: Visit) -> str:
    return PATH + SECTION + "/" + segment(visit.path("group_name"))


routes = [
    page(SECTION, _list),
    page(SECTION + "/{group_name}", _detail),
    action(SECTION + "/{group_name}", _act),
]
