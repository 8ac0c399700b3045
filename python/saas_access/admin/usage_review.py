"""What a team has and never uses, and what it asks for and hasn't: candidates for removal and for an upgrade."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from saas_access import times
from saas_access._core import Engine, ModelAlias, UsageBy, UsageRow, slug
from saas_access.admin import routes
from saas_access.admin.routes import EngineOf
from saas_access.admin.usage import TeamFilter
from saas_access.admin.usage_answers import MostDenied, UnusedAlias, UnusedGroup, UsageReview
from saas_access.admin.writes import shown

router = routes.router("Usage")

_MOST_DENIED = 20


@router.get("/usage/review", response_model=UsageReview)
def review_usage(
    engine: EngineOf,
    team_id: TeamFilter = None,
    days: Annotated[int, Query(ge=1, le=3660, description="How far to look back, today being one of them")] = 30,
) -> Response:
    """Of one team, or of all together. A call counts for the group through which the team has the model; one of which
    that isn't known counts for each group that lists it, so that nothing in use is called unused.
    """
    model_aliases, _ = engine.list_model_aliases()
    held = _held(engine, team_id)
    since_ms = times.first_day_ms(engine.now_ms(), days)
    ever = engine.report_usage(
        from_ms=0, to_ms=engine.now_ms() + 1, team_id=team_id, group_by=[UsageBy.ALIAS, UsageBy.ACCESS_GROUP]
    )
    last = _LastCalls(ever.rows)
    denied = engine.report_usage(
        from_ms=since_ms, to_ms=ever.to_ms, team_id=team_id, group_by=[UsageBy.ALIAS, UsageBy.REASON]
    )
    return shown(
        UsageReview(
            team_id=team_id,
            counted_from=times.text(since_ms),
            counted_to=times.text(denied.to_ms),
            unused_groups=[
                UnusedGroup(group_name=name, model_aliases=aliases, last_call_at=times.optional_text(at))
                for name in held
                if (at := last.of_group(name, aliases := _aliases_of(name, model_aliases))) is None or at < since_ms
            ],
            unused_aliases=[
                UnusedAlias(alias=item.alias, access_groups=groups, last_call_at=times.optional_text(at))
                for item in model_aliases
                if item.active
                and (groups := [name for name in held if name in item.access_groups])
                and ((at := last.of_alias(item.alias)) is None or at < since_ms)
            ],
            most_denied=_most_denied(model_aliases, denied.rows),
        )
    )


class _LastCalls:
    """When an alias was last called, and through which group; None: never."""

    def __init__(self, rows: list[UsageRow]) -> None:
        self._at: dict[tuple[str | None, str | None], int] = {
            (row.alias, row.access_group): row.last_call_at_ms for row in rows if row.last_call_at_ms is not None
        }

    def of_alias(self, alias: str) -> int | None:
        return max((at for (called, _), at in self._at.items() if called == alias), default=None)

    def of_group(self, group_name: str, aliases: list[str]) -> int | None:
        through = (
            at for (alias, group), at in self._at.items() if group == group_name or (group is None and alias in aliases)
        )
        return max(through, default=None)


def _held(engine: Engine, team_id: str | None) -> list[str]:
    """The groups that the team has now, by grant too; without a team, all there are."""
    if team_id is None:
        return [group.group_name for group in engine.list_access_groups()[0]]
    now_ms = engine.now_ms()
    grants = engine.list_grants(team_id=team_id)
    running = [grant.access_group for grant in grants if grant.starts_at_ms <= now_ms < grant.expires_at_ms]
    return list(dict.fromkeys([*engine.find_team(team_id=team_id).access_groups, *running]))


def _aliases_of(group_name: str, model_aliases: list[ModelAlias]) -> list[str]:
    return [item.alias for item in model_aliases if group_name in item.access_groups]


def _most_denied(model_aliases: list[ModelAlias], rows: list[UsageRow]) -> list[MostDenied]:
    groups = {item.alias: item.access_groups for item in model_aliases}
    denied = sorted((row for row in rows if row.denials), key=lambda row: -row.denials)
    return [
        MostDenied(
            alias=row.alias,
            reason=slug(row.reason),
            denials=row.denials,
            last_denied_at=times.optional_text(row.last_denial_at_ms),
            access_groups=groups.get(row.alias or "", []),
        )
        for row in denied[:_MOST_DENIED]
        if row.reason is not None
    ]
