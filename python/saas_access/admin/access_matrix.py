"""Who may use what: teams by models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Query, Response
from starlette.responses import StreamingResponse

from saas_access import times
from saas_access._core import Engine, ModelAlias, UsageBy
from saas_access.admin import errors, routes, usage_csv
from saas_access.admin.matrix_answers import AccessMatrix, MatrixTeam
from saas_access.admin.matrix_rows import MatrixFilter, RowMaker, Show
from saas_access.admin.pages import PageOfFifty
from saas_access.admin.routes import EngineOf
from saas_access.admin.usage import Format
from saas_access.admin.writes import shown

router = routes.router("Access matrix")

_MOST_COLUMNS = 40
_CSV_HEADING = (
    "team_id",
    "organization_id",
    "organization_name",
    "status",
    "alias",
    "access_groups",
    "until",
    "calls_7d",
    "denials_7d",
)


@router.get(
    "/access-matrix",
    response_model=AccessMatrix,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_access_matrix(
    *,
    engine: EngineOf,
    page: PageOfFifty,
    organization_id: Annotated[str | None, Query(description="Its teams", examples=["org_acme"])] = None,
    access_group: Annotated[
        str | None, Query(description="The teams that have it, and its models", examples=["gpt-models"])
    ] = None,
    alias: Annotated[str | None, Query(description="This model alone", examples=["gpt-4"])] = None,
    search: Annotated[
        str | None, Query(description="Any part of a team's id or alias, in either case", max_length=256)
    ] = None,
    show: Annotated[
        Show | None,
        Query(
            description="`refused`: teams that were refused one of the models in the last 7 days; `unused`: that have "
            "one and didn't call it in the last 30; `ending`: with a grant that ends within 7 days"
        ),
    ] = None,
    format: Format = "json",  # noqa: A002 the parameter's name in the query
) -> Response:
    """The models that are active, at most 40: those most called in the last 7 days (with `show=refused`: most refused)
    if there are more.
    """
    aliases = _model_aliases(engine, access_group, alias)
    rows = MatrixFilter(
        aliases=aliases, organization_id=organization_id, access_group=access_group, search=search, show=show
    )
    if format == "csv":
        if page.position != {"after": None, "limit": 50}:
            raise errors.invalid("format", "'csv' holds all rows: it takes neither limit nor cursor")
        return _csv(engine, rows)
    columns = _most_used(engine, aliases, show)
    teams, following = rows.page(engine, page.position["after"], page.position["limit"] or 0)
    maker = RowMaker(engine=engine, aliases=set(columns))
    return shown(
        AccessMatrix(
            model_aliases=columns,
            model_aliases_left_out=len(aliases) - len(columns),
            teams=[maker.row(team) for team in teams],
            **page.following(following),
        )
    )


def _model_aliases(engine: Engine, access_group: str | None, alias: str | None) -> list[ModelAlias]:
    """The active ones; one that is asked for by name, be it active or not."""
    if alias is not None:
        return [engine.find_model_alias(alias=alias)]
    known, _ = engine.list_model_aliases()
    return [item for item in known if item.active and (access_group is None or access_group in item.access_groups)]


def _most_used(engine: Engine, aliases: list[ModelAlias], show: Show | None) -> list[str]:
    """As many as are shown, in the order of the catalog."""
    if len(aliases) <= _MOST_COLUMNS:
        return [item.alias for item in aliases]
    now_ms = engine.now_ms()
    report = engine.report_usage(from_ms=times.first_day_ms(now_ms, 7), to_ms=now_ms + 1, group_by=[UsageBy.ALIAS])
    counts = {row.alias: row.denials if show == "refused" else row.calls for row in report.rows}
    ranked = sorted(aliases, key=lambda item: -counts.get(item.alias, 0))
    kept = {item.alias for item in ranked[:_MOST_COLUMNS]}
    return [item.alias for item in aliases if item.alias in kept]


def _csv(engine: Engine, rows: MatrixFilter) -> Response:
    """A line for each cell, of all models and teams."""
    chunks = rows.every(engine)
    first = next(chunks)  # what is wrong with the request shows before the answer begins
    maker = RowMaker(engine=engine, aliases={item.alias for item in rows.aliases})

    def lines() -> Iterator[str]:
        yield usage_csv.text([list(_CSV_HEADING)])
        yield usage_csv.text(line for team in first for line in _lines(maker.row(team)))
        for chunk in chunks:
            yield usage_csv.text(line for team in chunk for line in _lines(maker.row(team)))

    headers = {"Content-Disposition": 'attachment; filename="access-matrix.csv"'}
    return StreamingResponse(lines(), media_type="text/csv", headers=headers)


def _lines(team: MatrixTeam) -> Iterator[list[Any]]:
    about = [team.team_id, team.organization_id, team.organization_name, team.status]
    for alias, cell in team.cells.items():
        yield [*about, alias, " ".join(cell.via), cell.until, cell.calls_7d or 0, cell.denials_7d or 0]
