"""What was used and what was refused: by team, key, alias, group, hour, day, reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from starlette.responses import StreamingResponse

from saas_access import problems, times
from saas_access._core import UNKNOWN_MODEL, Engine, NotFound, UsageBy, UsageFigure, slug
from saas_access.admin import access, errors, routes, usage_csv
from saas_access.admin.access import Caller, TeamCaller
from saas_access.admin.pages import PageOf
from saas_access.admin.ranges import From, To, milliseconds
from saas_access.admin.routes import Audience, CallerOf, EngineOf
from saas_access.admin.usage_answers import UsageFigures, UsageList
from saas_access.admin.writes import shown

router = routes.router("Usage")

_DEFAULT_DAYS = 30
_GROUPS = {slug(by): by for by in UsageBy}
_FIGURES = {slug(figure): figure for figure in UsageFigure}

TeamFilter = Annotated[str | None, Query(examples=["acme-prod"])]
TeamsFilter = Annotated[str | None, Query(description="One or several, separated by commas", examples=["acme-prod"])]
KeyFilter = Annotated[str | None, Query(examples=["key_5f2c9a7b1e3d4c6f8a0b1c2d"])]
AliasFilter = Annotated[
    str | None, Query(description=f"Also a deleted one, or '{UNKNOWN_MODEL}'", examples=["gpt-4"], max_length=128)
]
GroupFilter = Annotated[str | None, Query(description="Also a deleted one", examples=["gpt-models"], max_length=128)]
GroupBy = Annotated[
    str | None, Query(description=f"Any of {', '.join(_GROUPS)}, separated by commas", examples=["alias,day"])
]
Most = Annotated[
    Literal["calls", "denials", "tokens", "credits"] | None,
    Query(description="Rows with most of it first, and none without any, in place of by time"),
]
Format = Annotated[
    Literal["json", "csv"], Query(description="`csv` holds all rows, and takes neither limit nor cursor")
]


@router.get(
    "/usage",
    response_model=UsageList,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
@routes.open_to(Audience.TEAMS)
def get_usage(
    *,
    engine: EngineOf,
    caller: CallerOf,
    page: PageOf,
    team_id: TeamsFilter = None,
    key_id: KeyFilter = None,
    alias: AliasFilter = None,
    access_group: GroupFilter = None,
    from_time: From = None,
    to_time: To = None,
    group_by: GroupBy = None,
    most: Most = None,
    format: Format = "json",  # noqa: A002 the parameter's name in the query
) -> Response:
    """Sums of the last 30 days unless `from` and `to` say otherwise; one row, of everything, without `group_by`.

    Kept by the hour, and by the day where the hours are dropped, so the range is rounded outward. A team sees its own,
    in which models that it was refused as not granted are '(unknown model)', whether they exist or not.
    """
    groups = _group_by(group_by)
    from_ms, to_ms = _range(engine, from_time, to_time)
    asked: dict[str, Any] = {
        "team_ids": _teams(caller, team_id),
        "key_id": key_id,
        "alias": alias,
        "access_group": access_group,
        "group_by": groups,
        "hides_refused_models": isinstance(caller, TeamCaller),
        "most": None if most is None else _FIGURES[most],
    }
    if isinstance(caller, TeamCaller):
        _refuse_what_is_not_theirs(engine, asked, from_ms, to_ms)
    if format == "csv":
        if page.position != {"after": None, "limit": None}:
            raise errors.invalid("format", "'csv' holds all rows: it takes neither limit nor cursor")
        if most is not None:
            raise errors.invalid("most", "goes with 'json' only: a table is sorted where it is opened")
        return _csv(engine, asked, from_ms, to_ms)
    report = engine.report_usage(**asked, from_ms=from_ms, to_ms=to_ms, **page.position)
    return shown(
        UsageList(
            counted_from=times.text(report.from_ms),
            counted_to=times.text(report.to_ms),
            usage=[UsageFigures.of(row, groups) for row in report.rows],
            **page.following(report.next),
        )
    )


def _teams(caller: Caller | None, team_id: str | None) -> list[str]:
    if not isinstance(caller, TeamCaller):
        return [] if team_id is None else team_id.split(",")
    if team_id is not None:
        access.require_own_team(caller, team_id)
    return [caller.team_id]


def _group_by(given: str | None) -> list[UsageBy]:
    names = list(dict.fromkeys(given.split(","))) if given else []
    if unknown := [name for name in names if name not in _GROUPS]:
        found = [f"{problems.quoted(name)} is unknown{problems.did_you_mean(name, list(_GROUPS))}" for name in unknown]
        raise errors.invalid("group_by", f"{'; '.join(found)}. It takes any of {', '.join(_GROUPS)}")
    return [_GROUPS[name] for name in names]


def _range(engine: Engine, from_time: str | None, to_time: str | None) -> tuple[int, int]:
    """In milliseconds. Without `from`, 30 days up to the end, the day it lies in being one of them."""
    to_ms = milliseconds("to", to_time)
    to_ms = engine.now_ms() + 1 if to_ms is None else to_ms
    from_ms = milliseconds("from", from_time)
    if from_ms is None:
        from_ms = times.first_day_ms(to_ms - 1, _DEFAULT_DAYS)
    return max(from_ms, 0), max(to_ms, 0)


def _refuse_what_is_not_theirs(engine: Engine, asked: dict[str, Any], from_ms: int, to_ms: int) -> None:
    """To a team, an alias or group that it neither has nor ever used is absent, whether it exists or not."""
    [team_id] = asked["team_ids"]
    models = engine.available_models(team_id=team_id)
    groups = {group for model in models for group in model.via}
    strange_alias = asked["alias"] not in (None, UNKNOWN_MODEL, *(model.alias for model in models))
    if not strange_alias and asked["access_group"] in (None, *groups):
        return
    [row] = engine.report_usage(**{**asked, "group_by": [], "most": None}, from_ms=from_ms, to_ms=to_ms).rows
    if row.calls or row.failed_calls or row.denials or row.charged:
        return
    named = ("Model alias", asked["alias"]) if strange_alias else ("Access group", asked["access_group"])
    raise NotFound(f"{named[0]} {problems.quoted(named[1])} does not exist")


def _csv(engine: Engine, asked: dict[str, Any], from_ms: int, to_ms: int) -> Response:
    lines = usage_csv.lines(engine, asked, from_ms, to_ms)
    first = next(lines)  # what is wrong with the request shows before the answer begins
    name = f"usage-{times.text(from_ms)[:10]}-to-{times.text(to_ms - 1)[:10]}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_all(first, lines), media_type="text/csv", headers=headers)


def _all(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others
