"""Create Access Group: a name that fits the rule, and aliases in the order that teams shall see them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.model_access import SECTION
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

_EMPTY = {"group_name": "", "description": "", "model_aliases": []}


async def _ask(visit: Visit) -> Response:
    if visit.query("part"):
        wanted = visit.request.query_params.getlist("model_aliases")
        return visit.part("same-models.html", same=await _same(visit, wanted))
    return await _show(visit, _EMPTY | {"model_aliases": visit.request.query_params.getlist("model_aliases")})


async def _create(visit: Visit) -> Response:
    body: Json = {
        "group_name": visit.form.one("suggested") or visit.form.one("group_name"),
        "description": visit.form.one("description"),
        "model_aliases": visit.form.all("model_aliases"),
    }
    same = await _same(visit, body["model_aliases"])
    if same and visit.form.one("same_as") != same["group_name"]:  # said once, then it is theirs to decide
        return await _show(visit, body)
    try:
        made = await visit.api.ask("POST", "/api/model-access-groups/create", body=body)
    except ApiError as refused:
        return await _show(visit, body, refused)
    return visit.redirect(f"{PATH}{SECTION}/{segment(body['group_name'])}", done=made.revision)


async def _show(visit: Visit, typed: Json, refused: ApiError | None = None) -> Response:
    known, same = await asyncio.gather(visit.api.get("/api/model-aliases"), _same(visit, typed["model_aliases"]))
    problems = dict(refused.problems) if refused else {}
    if refused and refused.status == 409:
        problems["group_name"] = refused.message
    chosen = {alias: place for place, alias in enumerate(typed["model_aliases"])}
    return await visit.page(
        "new-access-group.html",
        title="Create Access Group",
        section=SECTION,
        status=refused.status if refused else 200,
        typed=typed,
        refused=refused,
        problems=problems,
        suggestion=_better(typed["group_name"]) if refused and refused.status == 422 else "",
        # the chosen ones first, so that without a script, too, they are sent in the order they were chosen in
        options=sorted(known["model_aliases"], key=lambda each: chosen.get(each["alias"], len(chosen))),
        same=same,
        by_api=json.dumps(typed, indent=2, ensure_ascii=False),
    )


async def _same(visit: Visit, aliases: list[str]) -> Json | None:
    """The group that holds these very aliases, in whatever order: `{group_name, team_count, ...}`."""
    if not aliases:
        return None
    groups = (await visit.api.get("/api/reach"))["access_groups"]
    wanted = set(aliases)
    return next((each for each in groups if {m["alias"] for m in each["model_aliases"]} == wanted), None)


def _better(name: str) -> str:
    """A name that fits the rule, as near to the given one as can be; empty if nothing of it is left."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("._-")[:64]


routes = [page(SECTION + "/new", _ask), action(SECTION + "/new", _create)]
