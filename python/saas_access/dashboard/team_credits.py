"""A team's credits: adding them, and its ledger."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from saas_access.dashboard import team_page, teams, typed
from saas_access.dashboard.api import ApiError
from saas_access.dashboard.team_facts import ENTRY_TYPES
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.visit import Visit

_ADD = team_page.PAGE + "/credits/add"
_PAGE_SIZE = 50


async def _show_form(visit: Visit, refused: ApiError | None = None) -> Response:
    """The form's key is made with it, so that sending it twice adds once."""
    fields = {name: visit.form.one(name) for name in ("amount", "description")}
    key = visit.form.one("idempotency_key")
    if not key or (refused and refused.status == 409):
        key = secrets.token_urlsafe(16)
    return await team_page.show(
        visit, panel="team-credits-add.html", refused=refused, typed=fields, idempotency_key=key
    )


async def _add(visit: Visit) -> Response:
    body = {
        "team_id": visit.path("team_id"),
        "amount": typed.number(visit.form.one("amount")),
        "description": visit.form.one("description"),
    }
    headers = {"idempotency-key": visit.form.one("idempotency_key")}
    try:
        added = await visit.api.ask("POST", "/api/credits/add", body=body, headers=headers)
    except ApiError as refused:
        return await _show_form(visit, refused)
    return visit.redirect(team_page.home(visit), done=added.revision)


async def _show_ledger(visit: Visit) -> Response:
    days = {name: visit.query(name) for name in ("from", "to")}
    found = await visit.api.get(
        "/api/credits/transactions",
        team_id=visit.path("team_id"),
        type=visit.query("type") or None,
        cursor=visit.query("cursor") or None,
        limit=_PAGE_SIZE,
        **{name: typed.day(day) for name, day in days.items() if day},
    )
    return await visit.page(
        "team-ledger.html",
        title=f"Ledger of {visit.path('team_id')}",
        section=teams.SECTION,
        team_id=visit.path("team_id"),
        team_address=team_page.home(visit),
        entries=found["transactions"],
        next_cursor=found.get("next_cursor"),
        types=ENTRY_TYPES,
        filters=days | {"type": visit.query("type")},
    )


routes = [team_page.form_page(_ADD, _show_form), action(_ADD, _add), page(team_page.PAGE + "/ledger", _show_ledger)]
