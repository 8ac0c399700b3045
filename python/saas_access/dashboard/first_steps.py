"""First steps: from an empty store to a call that answers. Each step is a write of the API; none is needed twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from saas_access.dashboard import standing
from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.standing import Standing
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Form, Visit

_SECTION = "/first-steps"
_LAST = 6
_OWN_ROWS = 3
_MOST_ALIASES = 500


async def _show_asked(visit: Visit) -> Response:
    if visit.query("part"):
        used = await standing.used_by(visit.api, visit.query("team_id"))
        return visit.part("first-call.html", used=used, team_id=visit.query("team_id"))
    stands = await standing.read(visit.api, {name: visit.query(name) for name in standing.CHOICES})
    asked = visit.query("step")
    undone = next((number for number, step in enumerate(stands.steps(), 1) if not step.done), _LAST + 1)
    number = int(asked) if asked in tuple("123456") else undone
    return await _show(visit, stands, number)


async def _show(
    visit: Visit,
    stands: Standing,
    number: int,
    *,
    typed: Json | None = None,
    refused: ApiError | None = None,
    key: str = "",
) -> Response:
    """`number` after the last: all is done. `key`: just made, shown this once."""
    values = (_BLANK[number](stands) if number in _BLANK else {}) | (typed or {})
    more = await _ALSO[number](visit, values) if number in _ALSO else {}
    return await visit.page(
        "first-steps.html",
        title="First steps",
        section=_SECTION,
        status=refused.status if refused else 200,
        number=number,
        stands=stands,
        steps=stands.steps(),
        typed=values,
        refused=refused,
        key=key,
        sent=_SENT[number](values) if number in _SENT else None,
        origin=str(visit.request.base_url).rstrip("/"),
        **more,
    )


# What the forms hold before anything is typed.
_BLANK: dict[int, Callable[[Standing], Json]] = {
    1: lambda stands: {"organization_id": "" if stands.organizations else "org_acme", "name": ""},
    2: lambda stands: {"rows": None},  # noqa: ARG005
    3: lambda stands: {
        "group_name": "" if any(each["group_name"] == "starter-models" for each in stands.groups) else "starter-models",
        "description": "",
        "model_aliases": [],
    },
    4: lambda stands: {
        "organization_id": stands.organization_id,
        "team_id": "",
        "access_groups": [stands.group_name] if stands.group_name else [],
        "credits_allocated": "1000",
    },
    5: lambda stands: {"name": "first key"},  # noqa: ARG005
}
# What a step sends, as the page shows it.
_SENT: dict[int, Callable[[Json], tuple[str, Json]]] = {
    1: lambda typed: ("/api/organizations/create", typed),
    2: lambda typed: (  # noqa: ARG005
        "/api/model-aliases/create",
        {"alias": "gpt-4", "litellm_model": "openai/gpt-4"},
    ),
    3: lambda typed: ("/api/model-access-groups/create", typed),
    4: lambda typed: ("/api/teams/create", _team_body(typed)),
}


async def _models(visit: Visit, values: Json) -> Json:
    """Of step 2: what the proxy has and no alias leads to yet; as many empty rows for what isn't on its list."""
    models, aliases = await asyncio.gather(
        visit.api.get("/api/litellm-models"), visit.api.get("/api/model-aliases", limit=_MOST_ALIASES)
    )
    known = aliases["model_aliases"]
    led_to = {each["litellm_model"] for each in known}
    rows = values["rows"]
    if rows is None:
        taken = {each["alias"] for each in known}
        free = [model for model in models["litellm_models"] if model not in led_to][:_MOST_ALIASES]
        rows = [_row(model=model, alias=_proposed(model, taken)) for model in free]
        rows += [_row(own=True) for _ in range(_OWN_ROWS)]
    return {"rows": rows, "patterns": models["patterns"], "serves_calls": models["serves_calls"], "known": known}


def _row(model: str = "", alias: str = "", *, own: bool = False, taken: bool = False, problem: str = "") -> Json:
    """`own`: typed, not of the proxy's list."""
    return {"model": model, "alias": alias, "own": own, "taken": taken, "problem": problem}


def _proposed(model: str, taken: set[str]) -> str:
    """The model's name without its provider, if it is free."""
    short = model.rpartition("/")[2]
    return model if short in taken else short


async def _group_aliases(visit: Visit, values: Json) -> Json:  # noqa: ARG001
    return {"aliases": (await visit.api.get("/api/model-aliases", limit=_MOST_ALIASES))["model_aliases"]}


async def _where_calls_go(visit: Visit, values: Json) -> Json:  # noqa: ARG001
    found = await visit.api.get("/api/litellm-models")
    return {"serves_calls": found["serves_calls"], "proxy_url": found["proxy_url"]}


_ALSO: dict[int, Callable[[Visit, Json], Awaitable[Json]]] = {
    2: _models,
    3: _group_aliases,
    5: _where_calls_go,
    6: _where_calls_go,
}


async def _do(visit: Visit) -> Response:
    chosen = {name: visit.form.one(f"chosen-{name}") for name in standing.CHOICES}
    number = visit.form.one("step")
    if number not in _STEPS:
        return visit.redirect(PATH + _SECTION)
    return await _STEPS[number](visit, chosen)


async def _make(
    visit: Visit, chosen: dict[str, str], number: int, path: str, body: Json, *, typed: Json
) -> Json | Response:
    """What the API answers, or the step's page again with what is wrong."""
    try:
        return (await visit.api.ask("POST", path, body=body)).body
    except ApiError as refused:
        return await _show(visit, await standing.read(visit.api, chosen), number, typed=typed, refused=refused)


def _on(visit: Visit, step: int, chosen: dict[str, str], **also: str) -> Response:
    kept = {name: value for name, value in {**chosen, **also}.items() if value}
    return visit.redirect(PATH + _SECTION, done=None, step=str(step), **kept)


async def _make_organization(visit: Visit, chosen: dict[str, str]) -> Response:
    body = {name: visit.form.one(name) for name in ("organization_id", "name")}
    made = await _make(visit, chosen, 1, "/api/organizations/create", body, typed=body)
    # What was chosen before belongs to another customer.
    return _on(visit, 2, {}, organization_id=body["organization_id"]) if isinstance(made, dict) else made


async def _make_aliases(visit: Visit, chosen: dict[str, str]) -> Response:
    """One after the other: what can't be made stays in the form, with the reason."""
    left, refused = [], None
    for row in _rows(visit.form):
        if not row["taken"]:
            left.append(row)
            continue
        body = {"alias": row["alias"], "litellm_model": row["model"]}
        try:
            await visit.api.ask("POST", "/api/model-aliases/create", body=body)
        except ApiError as problem:
            refused = problem
            left.append(row | {"problem": problem.message})
    if refused is None:
        return _on(visit, 3, chosen)
    stands = await standing.read(visit.api, chosen)
    return await _show(visit, stands, 2, typed={"rows": left}, refused=refused)


def _rows(form: Form) -> list[Json]:
    count = form.one("rows")
    found = []
    for index in range(min(int(count), _MOST_ALIASES + _OWN_ROWS) if count.isdecimal() else 0):
        own = f"own-{index}" in form
        model, alias = form.one(f"model-{index}"), form.one(f"alias-{index}")
        taken = bool(model or alias) if own else f"take-{index}" in form
        found.append(_row(model, alias, own=own, taken=taken))
    return found


async def _make_group(visit: Visit, chosen: dict[str, str]) -> Response:
    body: Json = {name: visit.form.one(name) for name in ("group_name", "description")}
    body["model_aliases"] = visit.form.all("model_aliases")
    made = await _make(visit, chosen, 3, "/api/model-access-groups/create", body, typed=body)
    return _on(visit, 4, chosen, group_name=body["group_name"]) if isinstance(made, dict) else made


def _team_body(typed: Json) -> Json:
    amount = typed["credits_allocated"]
    return {**typed, "credits_allocated": int(amount) if amount.isdecimal() else amount}


async def _make_team(visit: Visit, chosen: dict[str, str]) -> Response:
    typed: Json = {name: visit.form.one(name) for name in ("organization_id", "team_id", "credits_allocated")}
    typed["access_groups"] = visit.form.all("access_groups")
    made = await _make(visit, chosen, 4, "/api/teams/create", _team_body(typed), typed=typed)
    return await _with_key(visit, chosen | {"team_id": typed["team_id"]}, made)


async def _make_key(visit: Visit, chosen: dict[str, str]) -> Response:
    typed: Json = {"name": visit.form.one("name")}
    made = await _make(visit, chosen, 5, f"/api/teams/{segment(chosen['team_id'])}/keys", typed, typed=typed)
    return await _with_key(visit, chosen, made)


async def _with_key(visit: Visit, chosen: dict[str, str], made: Json | Response) -> Response:
    """The page with the key in it: it is nowhere else, so no redirect can follow."""
    if not isinstance(made, dict):
        return made
    return await _show(visit, await standing.read(visit.api, chosen), _LAST, key=made["virtual_key"])


_STEPS: dict[str, Callable[[Any, dict[str, str]], Awaitable[Response]]] = {
    "1": _make_organization,
    "2": _make_aliases,
    "3": _make_group,
    "4": _make_team,
    "5": _make_key,
}
routes = [page(_SECTION, _show_asked), action(_SECTION, _do)]
