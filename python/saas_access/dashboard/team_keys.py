"""A team's keys: create, rotate, revoke. A secret is in the answer to the form that made it, and nowhere else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from saas_access.dashboard import team_facts, team_page, typed, use
from saas_access.dashboard.api import ApiError
from saas_access.dashboard.visit import action, plain_page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

_NEW = team_page.PAGE + "/keys/new"
_ROTATE = team_page.PAGE + "/keys/{key_id}/rotate"
_REVOKE = team_page.PAGE + "/keys/{key_id}/revoke"


async def _show_new(visit: Visit, refused: ApiError | None = None) -> Response:
    fields = {name: visit.form.one(name) for name in ("name", "expires_at")}
    return await team_page.show(
        visit,
        panel="team-key-new.html",
        refused=refused,
        typed=fields,
        narrowed=visit.form.all("model_aliases"),
    )


async def _create(visit: Visit) -> Response:
    form = visit.form
    body: Json = {"name": form.one("name")}
    if form.one("expires_at"):
        body["expires_at"] = typed.time(form.one("expires_at"))
    if form.all("model_aliases"):
        body["model_aliases"] = form.all("model_aliases")
    try:
        made = await visit.api.ask("POST", team_facts.api_path(visit, "keys"), body=body)
    except ApiError as refused:
        return await _show_new(visit, refused)
    return await _show_secret(visit, made.body, "created")


async def _show_rotation(visit: Visit, refused: ApiError | None = None) -> Response:
    context = {"grace": visit.form.one("grace_seconds") or "3600"}
    return await _show_about_key(visit, "team-key-rotate.html", refused, **context)


async def _rotate(visit: Visit) -> Response:
    path = team_facts.api_path(visit, "keys", visit.path("key_id"), "rotate")
    body = {"grace_seconds": typed.number(visit.form.one("grace_seconds") or "0")}
    try:
        rotated = await visit.api.ask("POST", path, body=body)
    except ApiError as refused:
        return await _show_rotation(visit, refused)
    return await _show_secret(visit, rotated.body, "rotated")


async def _show_revocation(visit: Visit, refused: ApiError | None = None) -> Response:
    return await _show_about_key(visit, "team-key-revoke.html", refused)


async def _revoke(visit: Visit) -> Response:
    try:
        done = await visit.api.ask("DELETE", team_facts.api_path(visit, "keys", visit.path("key_id")))
    except ApiError as refused:
        return await _show_revocation(visit, refused)
    return visit.redirect(team_page.home(visit), done=done.revision)


async def _show_secret(visit: Visit, key: Json, verb: str) -> Response:
    return await team_page.show(visit, secret=key | {"verb": verb})


async def _show_about_key(visit: Visit, panel: str, refused: ApiError | None, **context: Any) -> Response:
    """A panel that tells what goes through the key now."""
    key_id = visit.path("key_id")
    keys = (await visit.api.get(team_facts.api_path(visit, "keys")))["keys"]
    key = next((each for each in keys if each["key_id"] == key_id), None)
    if key is None:
        return plain_page("Not found", f"Team {visit.path('team_id')} has no key {key_id}.", 404)
    total, by_alias = await asyncio.gather(use.total(visit, key_id=key_id), use.by_alias(visit, key_id=key_id))
    others = [each for each in keys if each["status"] == "active" and each["key_id"] != key_id]
    return await team_page.show(
        visit, panel=panel, refused=refused, key=key, key_use=total, key_aliases=by_alias, others=others, **context
    )


routes = [
    team_page.form_page(_NEW, _show_new),
    action(_NEW, _create),
    team_page.form_page(_ROTATE, _show_rotation),
    action(_ROTATE, _rotate),
    team_page.form_page(_REVOKE, _show_revocation),
    action(_REVOKE, _revoke),
]
