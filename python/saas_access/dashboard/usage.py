"""Usage: what is called and what is refused, by day and hour, and by whom and of what."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_access.dashboard import charts, spans
from saas_access.dashboard.api import ApiError, segment, tried
from saas_access.dashboard.charts import Chart, Ink, Period, Series
from saas_access.dashboard.visit import page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.spans import Span
    from saas_access.dashboard.visit import Visit

_SECTION = "/usage"
_PAGE_SIZE = 50
_FILTERS = ("team_id", "key_id", "alias", "access_group")
_FIGURES = ("calls", "credits", "denials", "tokens")
# What the table's rows are, and how the API tells them apart. Refusals are by what was asked for.
TABLES = {
    "alias": "alias",
    "team": "team_id",
    "group": "access_group",
    "key": "team_id,key_id",
    "refusals": "team_id,alias,reason",
}
_SHORT = 5  # rows of a card at the side
_NOT_GRANTED, _NO_CREDIT, _OTHER = "not granted", "no credit", "other"
_REASONS: dict[str, tuple[str, Ink]] = {
    "model_not_granted": (_NOT_GRANTED, "d"),
    "credits_exhausted": (_NO_CREDIT, "3"),
}


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the address asks for."""

    span: Span
    filters: dict[str, str | None]
    table: str
    most: str

    @classmethod
    def of(cls, visit: Visit) -> _Asked:
        query = visit.request.query_params
        table = query.get("table", "")
        most = query.get("most", "")
        table = table if table in TABLES else "alias"
        return cls(
            span=spans.asked_for(query, visit.now_ms),
            filters={name: visit.query(name) or None for name in _FILTERS},
            table=table,
            most="denials" if table == "refusals" else most if most in _FIGURES else "calls",
        )

    @property
    def query(self) -> dict[str, str | None]:
        return {**self.span.query, **self.filters}


async def _show(visit: Visit) -> Response:
    asked = _Asked.of(visit)
    totals = await tried(visit.api.get("/api/usage", **asked.query))
    context: dict[str, Any] = {
        "title": "Usage",
        "section": _SECTION,
        "asked": asked,
        "ranges": spans.RANGES,
        "tables": TABLES,
    }
    choices = await _choices(visit, asked)
    if isinstance(totals, ApiError) and totals.status < 500:  # one of the filters names nothing
        return await visit.page("usage.html", **context, **choices, refused=totals, status=totals.status)
    by_time, by_alias, table, denied, review = await asyncio.gather(
        tried(_by_time(visit, asked)),
        tried(_calls_by_alias(visit, asked)),
        tried(_table(visit, asked)),
        tried(_refusals(visit, asked, limit=_SHORT)),
        tried(visit.api.get("/api/usage/review", team_id=asked.filters["team_id"], days=asked.span.days)),
    )
    return await visit.page(
        "usage.html",
        **context,
        **choices,
        refused=None,
        totals=totals if isinstance(totals, ApiError) else totals["usage"][0],
        figures=by_time if isinstance(by_time, ApiError) else _figures(asked.span, by_time, by_alias),
        table=table,
        denied=denied,
        review=review,
        short=_SHORT,
    )


async def _as_table(visit: Visit) -> Response:
    asked = _Asked.of(visit)
    return visit.api.passed_on(
        "/api/usage", **asked.query, group_by=f"{TABLES[asked.table]},{asked.span.by}", format="csv"
    )


async def _choices(visit: Visit, asked: _Asked) -> dict[str, Any]:
    """What the filters offer. A team is typed: there may be thousands."""
    aliases, groups, keys = await asyncio.gather(
        tried(visit.api.get("/api/model-aliases")),
        tried(visit.api.get("/api/model-access-groups")),
        tried(_keys(visit, asked.filters["team_id"])),
    )
    listed: list[Json] = [] if isinstance(aliases, ApiError) else aliases["model_aliases"]
    return {
        "aliases": [each["alias"] for each in listed],
        "groups": [] if isinstance(groups, ApiError) else [each["group_name"] for each in groups["access_groups"]],
        "keys": [] if isinstance(keys, ApiError) else keys["keys"],
        "granting": {each["alias"]: each["access_groups"] for each in listed},
    }


async def _keys(visit: Visit, team_id: str | None) -> Json:
    return await visit.api.get(f"/api/teams/{segment(team_id)}") if team_id else {"keys": []}


async def _by_time(visit: Visit, asked: _Asked) -> Json:
    return await visit.api.get("/api/usage", **asked.query, group_by=f"{asked.span.by},reason")


async def _most(visit: Visit, asked: _Asked, table: str, **listed: Any) -> Json:
    return await visit.api.get("/api/usage", **asked.query, group_by=TABLES[table], **listed)


async def _table(visit: Visit, asked: _Asked) -> Json:
    page_of = {"limit": _PAGE_SIZE, "cursor": visit.query("cursor") or None}
    if asked.table == "refusals":
        return await _refusals(visit, asked, **page_of)
    return await _most(visit, asked, asked.table, most=asked.most, **page_of)


async def _refusals(visit: Visit, asked: _Asked, **listed: Any) -> Json:
    """The most frequent ones; `has_it` says whether the team is granted the model by now."""
    found = await _most(visit, asked, "refusals", most="denials", **listed)
    wanting = {row["team_id"] for row in found["usage"] if row["reason"] == "model_not_granted"}
    teams = await asyncio.gather(*(tried(visit.api.get(f"/api/teams/{segment(team_id)}")) for team_id in wanting))
    granted = {
        (team["team_id"], alias)
        for team in teams
        if not isinstance(team, ApiError)
        for alias in team["available_models"]
    }
    for row in found["usage"]:
        row["has_it"] = (row["team_id"], row["alias"]) in granted
    return found


async def _calls_by_alias(visit: Visit, asked: _Asked) -> Json:
    """The calls of the two busiest aliases by period, as {alias: {period: calls}}."""
    if asked.filters["alias"]:
        return {}
    busiest = [row["alias"] for row in (await _most(visit, asked, "alias", most="calls", limit=3))["usage"]]
    several = [alias for alias in busiest if alias is not None][:2] if len(busiest) > 1 else []
    by = asked.span.by
    found = await asyncio.gather(
        *(visit.api.get("/api/usage", **{**asked.query, "alias": alias}, group_by=by) for alias in several)
    )
    return {alias: {row[by]: row["calls"] for row in each["usage"]} for alias, each in zip(several, found, strict=True)}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The charts, and the table of the same numbers."""

    calls: Chart
    by_alias: bool
    credits: Chart
    denials: Chart
    tokens: Chart
    latency: Chart
    heads: list[str]
    rows: list[tuple[str, list[Any]]]


def _figures(span: Span, by_time: Json, by_alias: Json | ApiError) -> Figures:
    starts, periods = span.starts(), span.periods()
    called = {row[span.by]: row for row in by_time["usage"] if row["reason"] is None}

    def values(field: str, absent: int | None = 0) -> list[Any]:
        return [called[start][field] if start in called else absent for start in starts]

    calls = _call_series(starts, values("calls"), {} if isinstance(by_alias, ApiError) else by_alias)
    denials = _denial_series(starts, by_time["usage"], span.by)
    charged = Series(name="credits", values=values("credits"))
    tokens = Series(name="tokens", values=values("tokens"))
    half = Series(name="p50", values=values("latency_ms_p50", None))
    slow = Series(name="p95", values=values("latency_ms_p95", None), ink="2")
    columns = [*calls, charged, *denials, tokens, half, slow]
    return Figures(
        calls=charts.bars(periods, calls, height=180, summary=_gist(span, periods, "Calls", calls)),
        by_alias=len(calls) > 1,
        credits=charts.bars(periods, [charged], height=110, summary=_gist(span, periods, "Credits charged", [charged])),
        denials=charts.bars(periods, denials, height=120, summary=_gist(span, periods, "Denials", denials)),
        tokens=charts.bars(periods, [tokens], height=110, summary=_gist(span, periods, "Tokens", [tokens])),
        latency=charts.lines(
            periods, [half, slow], height=120, unit=" ms", summary=_latency_gist(span, periods, half, slow)
        ),
        heads=[span.by.capitalize(), *(_head(each) for each in columns)],
        rows=[
            (period.name, [each.values[at] for each in columns]) for at, period in reversed(list(enumerate(periods)))
        ],
    )


def _head(series: Series) -> str:
    return {"p50": "p50 ms", "p95": "p95 ms"}.get(series.name, series.name)


def _call_series(starts: Sequence[str], calls: Sequence[int], by_alias: Json) -> list[Series]:
    """The busiest at the bottom, and all others together on top."""
    if not by_alias:
        return [Series(name="calls", values=calls)]
    inks: tuple[Ink, ...] = ("1", "2")
    busiest = [
        Series(name=alias, values=[by_start.get(start, 0) for start in starts], ink=ink)
        for ink, (alias, by_start) in zip(inks, by_alias.items(), strict=False)
    ]
    others = [max(all_ - sum(each.values[at] or 0 for each in busiest), 0) for at, all_ in enumerate(calls)]
    return [*busiest, *([Series(name="others", values=others, ink="3")] if any(others) else [])]


def _denial_series(starts: Sequence[str], rows: Sequence[Json], by: str) -> list[Series]:
    found: dict[str, dict[str, int]] = {_NOT_GRANTED: {}, _NO_CREDIT: {}, _OTHER: {}}
    for row in rows:
        if row["reason"] is not None:
            of_reason = found[_REASONS.get(row["reason"], (_OTHER, "2"))[0]]
            of_reason[row[by]] = of_reason.get(row[by], 0) + row["denials"]
    inks: dict[str, Ink] = {_NOT_GRANTED: "d", _NO_CREDIT: "3", _OTHER: "2"}
    shown = {name: counted for name, counted in found.items() if counted or name == _NOT_GRANTED}
    return [
        Series(name=name, values=[counted.get(start, 0) for start in starts], ink=inks[name])
        for name, counted in shown.items()
    ]


def _gist(span: Span, periods: Sequence[Period], what: str, series: Sequence[Series]) -> str:
    sums = [sum(each.values[at] or 0 for each in series) for at in range(len(periods))]
    return charts.gist(periods, Series(name=what, values=sums), what=f"{what} by {span.by}, {span.said}")


def _latency_gist(span: Span, periods: Sequence[Period], half: Series, slow: Series) -> str:
    known = [at for at, value in enumerate(slow.values) if value is not None]
    what = f"Latency by {span.by}, {span.said}"
    if not known:
        return f"{what}: no answered calls."
    slowest = max(known, key=lambda at: slow.values[at] or 0)
    return (
        f"{what}: lately {half.values[known[-1]]} ms for half of the calls and {slow.values[known[-1]]} ms for all but "
        f"5%; slowest on {periods[slowest].name}, {slow.values[slowest]} ms."
    )


routes = [page("/usage", _show), page("/usage.csv", _as_table)]
