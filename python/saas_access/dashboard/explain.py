"""Explain: why a call would be let through or refused, and the smallest change that would let it through."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from saas_access import times
from saas_access.dashboard import chain, fixes
from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

_SECTION = "/explain"
_OFFERED = 50
_LATEST = 10
_CHOICES = 20


async def _explain(visit: Visit) -> Response:
    if visit.query("part"):
        return visit.part("explain-options.html", found=await visit.api.get("/api/search", q=visit.query("q")))
    who, model = visit.query("who"), visit.query("model")
    if who:
        return await _resolve(visit, who, model)
    asked = {"team_id": visit.query("team_id"), "virtual_key_id": visit.query("virtual_key_id"), "model": model}
    if not model or not (asked["team_id"] or asked["virtual_key_id"]):
        return await _page(visit, **asked)
    return await _answer(visit, asked)


async def _resolve(visit: Visit, who: str, model: str) -> Response:
    """From what was typed to the one team or key that it means, else to a choice of those that it may mean."""
    try:
        await visit.api.get(f"/api/teams/{segment(who)}")
    except ApiError as refused:
        if refused.status != 404:
            raise
    else:
        return _to(visit, {"team_id": who, "model": model})
    found = await visit.api.get("/api/search", q=who, limit=_CHOICES)
    named = [{"virtual_key_id": key["key_id"], "model": model} for key in found["keys"] if key["key_id"] == who]
    choices = named or [
        *({"team_id": team["team_id"], "model": model} for team in found["teams"]),
        *({"virtual_key_id": key["key_id"], "model": model} for key in found["keys"]),
    ]
    if len(choices) == 1:
        return _to(visit, choices[0])
    return await _page(visit, team_id=who, model=model, found=found)


def _to(visit: Visit, asked: dict[str, str], done: int | None = None) -> Response:
    return visit.redirect(PATH + _SECTION, done=done, **{name: value for name, value in asked.items() if value})


async def _answer(visit: Visit, asked: dict[str, str], refused: ApiError | None = None) -> Response:
    """`refused`: of a fix that was to be done."""
    try:
        case = await chain.read_case(visit.api, now_ms=visit.now_ms, **asked)
    except ApiError as unknown:
        if not unknown.problems:
            raise
        return await _page(visit, **asked, problems=unknown.problems, status=unknown.status)
    found, latest = await asyncio.gather(
        fixes.fixes_for(case, visit.api, may_write=visit.may_write),
        visit.api.get(f"/api/teams/{segment(case.team['team_id'])}/denials", limit=_LATEST),
    )
    return await _page(
        visit,
        **asked,
        case=case,
        fixes=found,
        denials=latest["denials"],
        refused=refused,
        status=refused.status if refused else 200,
        once=secrets.token_urlsafe(16),
    )


async def _page(visit: Visit, **context: Any) -> Response:
    """`team_id`, `virtual_key_id` and `model` are what the form shows; `found`: what the typed name may mean."""
    teams, aliases = await asyncio.gather(
        visit.api.get("/api/teams", limit=_OFFERED), visit.api.get("/api/model-aliases")
    )
    blank: Json = {"virtual_key_id": "", "problems": {}, "case": None, "fixes": [], "found": None, "refused": None}
    return await visit.page(
        "explain.html",
        title="Explain",
        section=_SECTION,
        teams=teams["teams"],
        aliases=aliases["model_aliases"],
        **(blank | context),
    )


async def _fix(visit: Visit) -> Response:
    form = visit.form
    asked = {name: form.one(name) for name in ("team_id", "virtual_key_id", "model")}
    case = await chain.read_case(visit.api, now_ms=visit.now_ms, **asked)
    hours = form.one("hours")
    until = times.text(visit.now_ms + int(hours) * times.HOUR_MS) if hours.isdecimal() and len(hours) < 6 else hours
    try:
        write = fixes.write_for(
            case,
            form.one("action"),
            group=form.one("group"),
            amount=form.one("amount"),
            until=until,
            etag=form.one("etag"),
        )
    except KeyError:
        return _to(visit, asked)
    once = {"idempotency-key": form.one("once")} if form.one("once") else {}
    try:
        done = await write.send(visit.api, headers=once)
    except ApiError as refused:
        return await _answer(visit, asked, refused)
    return _to(visit, asked, done=done.revision)


routes = [page("/explain", _explain), action("/explain", _fix)]
