"""What a team's calls cost, its limits, refills and low-balance thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_access.dashboard import team_facts, team_page, typed
from saas_access.dashboard.api import ApiError
from saas_access.dashboard.rendering import number
from saas_access.dashboard.visit import action

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Form, Visit

_PATH = team_page.PAGE + "/settings"
_RATES = ("credits_per_dollar", "tokens_per_credit")
_LIMITS = ("rpm_limit", "tpm_limit")
_REFILL = ("credits", "period", "mode")
FIELDS = {
    "team_alias": "Name",
    "credits_allocated": "Credits allocated in all",
    "budget_mode": "What a call costs",
    "credits_per_dollar": "Credits per dollar",
    "tokens_per_credit": "Tokens per credit",
    "rpm_limit": "Requests a minute",
    "tpm_limit": "Tokens a minute",
    "refill": "Refill",
    "low_balance_thresholds": "Low-balance thresholds",
}


async def _edit(visit: Visit) -> Response:
    team = await team_facts.find_team(visit)
    return await _show(visit, _as_typed(team.body), etag=team.etag, allocated=str(team.body["credits_allocated"]))


async def _save(visit: Visit) -> Response:
    form = visit.form
    try:
        saved = await visit.api.ask(
            "PUT", team_facts.api_path(visit), body=_patch(form), if_match=form.one("etag") or None
        )
    except ApiError as refused:
        return await _show_again(visit, refused)
    return visit.redirect(team_page.home(visit), done=saved.revision)


async def _show_again(visit: Visit, refused: ApiError) -> Response:
    """With all that was typed. On 412 with what the team is now besides; sending it again then takes its place."""
    fields = {name: visit.form.one(name) for name in _names()}
    etag, allocated, theirs = visit.form.one("etag"), visit.form.one("allocated_was"), []
    if refused.status == 412:
        team = await team_facts.find_team(visit)
        etag, allocated = team.etag or "", str(team.body["credits_allocated"])
        now = _as_typed(team.body)
        theirs = [(_label(name), fields[name], now[name]) for name in fields if fields[name] != now[name]]
    return await _show(visit, fields, etag=etag, allocated=allocated, refused=refused, theirs=theirs)


async def _show(
    visit: Visit,
    fields: dict[str, str],
    *,
    etag: str | None,
    allocated: str,
    refused: ApiError | None = None,
    theirs: list[tuple[str, str, str]] | None = None,
) -> Response:
    """`allocated`: the total when the form was made, so that one that isn't touched isn't sent."""
    context: dict[str, Any] = {"typed": fields, "form_etag": etag, "allocated_was": allocated, "theirs": theirs}
    return await team_page.show(visit, panel="team-settings-edit.html", refused=refused, **context)


def _names() -> list[str]:
    return [*(name for name in FIELDS if name != "refill"), *(f"refill_{name}" for name in _REFILL)]


def _as_typed(team: Json) -> dict[str, str]:
    """The fields of the form as the team has them."""
    refill = team["refill"] or {"credits": "", "period": "", "mode": "add"}
    texts = {name: "" if team[name] is None else str(team[name]) for name in FIELDS}
    texts["low_balance_thresholds"] = " ".join(number(each).replace(",", "") for each in team["low_balance_thresholds"])
    del texts["refill"]
    return texts | {f"refill_{name}": str(refill[name]) for name in _REFILL}


def _patch(form: Form) -> Json:
    body: Json = {"team_alias": form.one("team_alias"), "budget_mode": form.one("budget_mode")}
    body |= {name: typed.number(form.one(name)) for name in _RATES}
    body |= {name: typed.number(form.one(name)) if form.one(name) else None for name in _LIMITS}
    body["low_balance_thresholds"] = typed.numbers(form.one("low_balance_thresholds"))
    body["refill"] = _refill(form)
    if form.one("credits_allocated") != form.one("allocated_was"):  # credits that are added meanwhile have to stay
        body["credits_allocated"] = typed.number(form.one("credits_allocated"))
    return body


def _refill(form: Form) -> Json | None:
    if not form.one("refill_period"):
        return None
    return {
        "credits": typed.number(form.one("refill_credits")),
        "period": form.one("refill_period"),
        "mode": form.one("refill_mode") or "add",
    }


def _label(name: str) -> str:
    return FIELDS.get(name) or "Refill, " + name.removeprefix("refill_")


routes = [team_page.form_page(_PATH, _edit), action(_PATH, _save)]
