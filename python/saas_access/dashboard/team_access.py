"""Edit Access Groups: what a team would gain, lose and keep, then Save."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_access import times
from saas_access.dashboard import team_facts, team_page, use
from saas_access.dashboard.api import ApiError
from saas_access.dashboard.team_forms import Catalog
from saas_access.dashboard.visit import action

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Answered, Json
    from saas_access.dashboard.visit import Visit

_GROUPS = "access_groups"


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a selection of groups would do to a team."""

    gains: list[Json]  # alias, via
    loses: list[Json]  # alias, use of the last seven days or None
    keeps: list[str]
    moved: list[Json]  # of those kept: alias, via, where that is another group than now
    stopped_keys: list[Json]  # narrowed to what is lost

    @property
    def lost(self) -> list[str]:
        return [each["alias"] for each in self.loses]

    @property
    def in_use(self) -> list[Json]:
        """The lost models that are called, the latest first."""
        called = [each for each in self.loses if each["use"] and each["use"]["calls"]]
        return sorted(called, key=lambda each: times.parse(each["use"]["last_call_at"]), reverse=True)


async def _edit(visit: Visit) -> Response:
    team = await team_facts.find_team(visit)
    return await _show_editor(visit, team, team.body[_GROUPS])


async def _take(visit: Visit) -> Response:
    """Saves or only shows the changes, as the button says."""
    team = await team_facts.find_team(visit)
    was = visit.form.all("was")
    chosen = _in_order(was, visit.form.all(_GROUPS))
    if visit.form.one("merge"):
        chosen = _in_order(team.body[_GROUPS], _merged(was, chosen, team.body[_GROUPS]))
        return await _show_editor(visit, team, chosen)
    if visit.form.one("preview"):
        return await _show_preview(visit, team, chosen)
    return await _save(visit, team, was, chosen)


async def _save(visit: Visit, team: Answered, was: list[str], chosen: list[str]) -> Response:
    if visit.form.one("etag") != team.etag and set(was) != set(team.body[_GROUPS]):
        return await _show_conflict(visit, team, was, chosen)
    try:
        changes = await _changes(visit, team.body, chosen)
        if not set(changes.lost) <= set(visit.form.all("seen")):
            return await _show_editor(visit, team, chosen, unseen=True)
        saved = await visit.api.ask("PUT", team_facts.api_path(visit), body={_GROUPS: chosen}, if_match=team.etag)
    except ApiError as refused:
        if refused.status == 412:  # between the two requests above
            newer = await team_facts.find_team(visit)
            return await _show_conflict(visit, newer, was, chosen)
        return await _show_editor(visit, team, chosen, refused=refused)
    return visit.redirect(team_page.home(visit), done=saved.revision)


async def _show_preview(visit: Visit, team: Answered, chosen: list[str]) -> Response:
    """All of the page, or for a script the part that tells the changes."""
    if not visit.form.one("part"):
        return await _show_editor(visit, team, chosen)
    try:
        changes = await _changes(visit, team.body, chosen)
    except ApiError as refused:
        return visit.part("team-changes.html", status=refused.status, changes=None, refused=refused, unseen=False)
    return visit.part("team-changes.html", changes=changes, refused=None, unseen=False)


async def _show_editor(
    visit: Visit, team: Answered, chosen: list[str], *, refused: ApiError | None = None, unseen: bool = False
) -> Response:
    """`unseen`: a Save was held back, as nobody had seen yet what it takes away."""
    catalog = await Catalog.read(visit)
    changes = None
    try:
        changes = await _changes(visit, team.body, chosen) if not refused else None
    except ApiError as problem:
        refused = problem
    editor = {
        "rows": _rows(catalog, team.body[_GROUPS], chosen),
        "was": team.body[_GROUPS],
        "etag": team.etag,
        "changes": changes,
        "unseen": unseen,
    }
    return await team_page.show(visit, refused=refused, editor=editor)


async def _show_conflict(visit: Visit, team: Answered, was: list[str], chosen: list[str]) -> Response:
    """412 with both versions: `chosen` began from `was`, and the team is another meanwhile."""
    audit = await visit.api.get("/api/audit", target=visit.path("team_id"), limit=1)
    theirs = team.body[_GROUPS]
    conflict = {
        "mine": _difference(was, chosen),
        "theirs": _difference(was, theirs),
        "was": was,
        "chosen": chosen,
        "change": audit["entries"][0] if audit["entries"] else None,
    }
    return await team_page.show(visit, status=412, conflict=conflict)


async def _changes(visit: Visit, team: Json, chosen: list[str]) -> Changes:
    """Raises ApiError if the API would refuse the selection."""
    tried, catalog, keys, used = await asyncio.gather(
        visit.api.ask("PUT", team_facts.api_path(visit), body={_GROUPS: chosen}, dry_run=True),
        Catalog.read(visit),
        visit.api.get(team_facts.api_path(visit, "keys")),
        use.by_alias(visit, team_id=team["team_id"]),
    )
    granted = [grant["access_group"] for grant in team["grants"] if _runs(visit, grant)]
    via = {
        alias: [group for group in dict.fromkeys([*chosen, *granted]) if group in catalog.groups_of(alias)]
        for alias in tried.body["available_models"]
    }
    change: Json = next((each for each in tried.body["changes"]), {"gains": [], "loses": []})
    via_now = {model["alias"]: model["via"] for model in team["models"]}
    keeps = [alias for alias in via_now if alias not in change["loses"]]
    return Changes(
        gains=[{"alias": alias, "via": via.get(alias, [])} for alias in change["gains"]],
        loses=[{"alias": alias, "use": used.get(alias)} for alias in change["loses"]],
        keeps=keeps,
        moved=[
            {"alias": each, "via": via[each]} for each in keeps if each in via and via_now[each][0] not in via[each]
        ],
        stopped_keys=[key for key in keys["keys"] if _stops(key, change["loses"], set(via))],
    )


def _stops(key: Json, lost: list[str], left: set[str]) -> bool:
    """May the key call something now that it would lose, and nothing else any more?"""
    narrowed = set(key["model_aliases"] or ())
    return key["status"] == "active" and bool(narrowed & set(lost)) and not narrowed & left


def _runs(visit: Visit, grant: Json) -> bool:
    return times.parse(grant["starts_at"]) <= visit.now_ms < times.parse(grant["expires_at"])


def _rows(catalog: Catalog, has: list[str], chosen: list[str]) -> list[dict[str, Any]]:
    """All groups: those that the team has first, in its order."""
    models_of = catalog.models_of()
    others = sorted(set(models_of) - set(has))
    return [
        {"name": name, "models": models_of.get(name, []), "had": name in has, "chosen": name in chosen}
        for name in (*has, *others)
    ]


def _in_order(first: list[str], chosen: list[str]) -> list[str]:
    """A team's groups keep their order, in which they give their models; new ones come last."""
    return [name for name in first if name in chosen] + [name for name in chosen if name not in first]


def _merged(was: list[str], mine: list[str], theirs: list[str]) -> list[str]:
    """What both sides added, without what either took away."""
    both = dict.fromkeys([*theirs, *mine])
    return [name for name in both if name not in was or (name in mine and name in theirs)]


def _difference(was: list[str], now: list[str]) -> list[tuple[str, str]]:
    """Each group with '+', '-' or ' '."""
    kept = [(name, " " if name in now else "-") for name in was]
    return kept + [(name, "+") for name in now if name not in was]


routes = [team_page.form_page(team_page.PAGE + "/access", _edit), action(team_page.PAGE + "/access", _take)]
