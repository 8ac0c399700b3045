"""The access matrix: which team may call which alias, a page of teams at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from saas_access import times
from saas_access.dashboard.api import ApiError, tried
from saas_access.dashboard.rendering import number, plural
from saas_access.dashboard.visit import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

_SECTION = "/matrix"
_FILTERS = ("search", "organization_id", "access_group", "alias", "show")
_SHOW = {"refused": "Refused only", "unused": "Unused only", "ending": "Ending soon"}
_MOST_CHOICES = 200  # organizations in a list to choose from; of more, the id is typed
_NOTHING: Json = {"model_aliases": [], "model_aliases_left_out": 0, "teams": []}
_PROVIDERS = {
    "anthropic": "Anthropic",
    "azure": "Azure",
    "bedrock": "Bedrock",
    "cohere": "Cohere",
    "deepseek": "DeepSeek",
    "gemini": "Google",
    "groq": "Groq",
    "mistral": "Mistral",
    "openai": "OpenAI",
    "vertex_ai": "Vertex AI",
    "xai": "xAI",
}


@dataclass(frozen=True, kw_only=True)
class Column:
    alias: str
    litellm_model: str
    begins: bool  # the first of its provider


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One team and one alias. `state` is its shape: on, idle, temp, ask or no."""

    state: str
    said: str
    via: str
    calls: str


@dataclass(frozen=True, kw_only=True)
class Row:
    team_id: str
    suspended: bool
    groups: list[str]  # those that grant it one of the aliases shown
    cells: list[Cell]  # one for each column


@dataclass(frozen=True, kw_only=True)
class Part:
    """Teams of one organization, one under the other."""

    organization_id: str
    name: str
    rows: list[Row]


async def _show(visit: Visit) -> Response:
    filters = _filters(visit)
    matrix, known, groups, organizations = await asyncio.gather(
        tried(visit.api.get("/api/access-matrix", **filters, cursor=visit.query("cursor") or None)),
        visit.api.get("/api/model-aliases"),
        visit.api.get("/api/model-access-groups"),
        visit.api.get("/api/organizations", limit=_MOST_CHOICES),
    )
    refused = matrix if isinstance(matrix, ApiError) else None
    shown: Json = _NOTHING if isinstance(matrix, ApiError) else matrix
    models = {each["alias"]: each["litellm_model"] for each in known["model_aliases"]}
    providers = _columns(shown["model_aliases"], models)
    return await visit.page(
        "matrix.html",
        title="Access matrix",
        section=_SECTION,
        status=refused.status if refused else 200,
        refused=refused,
        filters=filters,
        shows=_SHOW,
        providers=providers,
        parts=_parts(shown["teams"], [column.alias for _, columns in providers for column in columns]),
        left_out=shown["model_aliases_left_out"],
        next_cursor=shown.get("next_cursor"),
        aliases=list(models),
        groups=[each["group_name"] for each in groups["access_groups"]],
        organizations=None if organizations.get("next_cursor") else organizations["organizations"],
    )


async def _as_table(visit: Visit) -> Response:
    return visit.api.passed_on("/api/access-matrix", **_filters(visit), format="csv")


def _filters(visit: Visit) -> dict[str, str | None]:
    return {name: visit.query(name) or None for name in _FILTERS}


def _columns(aliases: Sequence[str], models: dict[str, str]) -> list[tuple[str, list[Column]]]:
    """By provider, as the names of the models tell it; in the order of the catalog otherwise."""
    of_provider: dict[str, list[str]] = {}
    for alias in aliases:
        provider, slash, _ = models.get(alias, "").partition("/")
        of_provider.setdefault(_PROVIDERS.get(provider, provider) if slash else "Other", []).append(alias)
    return [
        (
            provider,
            [
                Column(alias=alias, litellm_model=models.get(alias, ""), begins=place == 0)
                for place, alias in enumerate(several)
            ],
        )
        for provider, several in of_provider.items()
    ]


def _parts(teams: Sequence[Json], aliases: Sequence[str]) -> list[Part]:
    return [
        Part(organization_id=organization_id, name=name, rows=[_row(team, aliases) for team in several])
        for (organization_id, name), several in groupby(
            teams, key=lambda team: (team["organization_id"], team["organization_name"])
        )
    ]


def _row(team: Json, aliases: Sequence[str]) -> Row:
    cells = team["cells"]
    return Row(
        team_id=team["team_id"],
        suspended=team["status"] != "active",
        groups=list(dict.fromkeys(name for alias in aliases for name in cells.get(alias, {}).get("via", []))),
        cells=[_cell(cells.get(alias)) for alias in aliases],
    )


_NOT_GRANTED = Cell(state="no", said="not granted", via="", calls="none asked for in 7 days")


def _cell(cell: Json | None) -> Cell:
    if cell is None:
        return _NOT_GRANTED
    refused = cell.get("denials_7d", 0)
    if not cell["via"]:
        counted = f"refused {plural(refused, 'time')} in 7 days"
        return Cell(state="ask", said=f"not granted, and {counted}", via="", calls=counted)
    via = ", ".join(cell["via"])
    until = times.parse(cell["until"]) if cell.get("until") else None
    unused = cell.get("unused", False)
    calls = "none in 30 days" if unused else f"{number(cell.get('calls_7d', 0))} in 7 days"
    said = f"granted via {via}"
    if until is not None:
        ends = times.text(until)
        via += f", until {ends[:10]} {ends[11:16]} UTC"
        said += f" until {ends[:10]}"
    return Cell(
        state="temp" if until is not None else "idle" if unused else "on",
        said=said + (", no call in 30 days" if unused else ""),
        via=via,
        calls=calls + (f", refused {plural(refused, 'time')}" if refused else ""),
    )


routes = [page("/matrix", _show), page("/matrix.csv", _as_table)]
