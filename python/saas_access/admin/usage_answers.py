"""What the API answers about usage."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from saas_access import credits, times
from saas_access._core import RecentDenial, UsageBy, UsageRow, slug
from saas_access.admin.answers import (
    Alias,
    Aliases,
    Answer,
    Credits,
    Cursor,
    GroupName,
    Groups,
    KeyId,
    Number,
    TeamId,
    Time,
)


class UsageFigures(Answer):
    """One row: the fields that were grouped by, and the figures."""

    team_id: TeamId | None = Field(default=None, description="Only if grouped by it; so are the next six")
    key_id: KeyId | None = Field(default=None, description="null: no key of ours was used, or none alone")
    alias: Alias | None = Field(default=None, description="null: of no single model, as a job's credit")
    access_group: GroupName | None = Field(default=None, description="null: it isn't known which")
    hour: Time | None = None
    day: Time | None = None
    reason: str | None = Field(default=None, description="Of refusals; null in the row of calls")
    calls: int = Field(examples=[120], description="Answered")
    failed_calls: int = Field(examples=[1], description="Let through, and not answered")
    denials: int = Field(examples=[3], description="Refused")
    tokens: int = Field(examples=[48210])
    cost_usd: Number = Field(examples=[0.41], description="Of models with a known price")
    credits: Credits
    latency_ms_p50: int | None = Field(examples=[840], description="null without answered calls")
    latency_ms_p95: int | None = Field(examples=[2210])
    last_call_at: Time | None

    @classmethod
    def of(cls, row: UsageRow, group_by: list[UsageBy]) -> UsageFigures:
        return cls(
            **{slug(by): _group_value(row, by) for by in group_by},
            calls=row.calls,
            failed_calls=row.failed_calls,
            denials=row.denials,
            tokens=row.tokens,
            cost_usd=credits.dollars_from_pico(row.cost),
            credits=credits.from_micro(row.charged),
            latency_ms_p50=row.latency_percentile(part=0.5),
            latency_ms_p95=row.latency_percentile(part=0.95),
            last_call_at=times.optional_text(row.last_call_at_ms),
        )


def _group_value(row: UsageRow, by: UsageBy) -> str | None:
    if by is UsageBy.REASON:
        return None if row.reason is None else slug(row.reason)
    if by in (UsageBy.HOUR, UsageBy.DAY):
        start_ms = row.period_ms or 0
        return times.text(start_ms if by is UsageBy.HOUR else start_ms // times.DAY_MS * times.DAY_MS)
    value: str | None = getattr(row, slug(by))
    return value


class UsageList(Answer):
    counted_from: Time = Field(description="What was counted: whole hours, or whole days where hours are dropped")
    counted_to: Time
    usage: list[UsageFigures]
    next_cursor: Cursor = None


class UnusedAlias(Answer):
    alias: Alias
    access_groups: Groups = Field(description="Those that give it to the team; without a team, all that list it")
    last_call_at: Time | None = Field(description="Before the days that were asked for; null: never")


class UnusedGroup(Answer):
    group_name: GroupName
    model_aliases: Aliases
    last_call_at: Time | None


class MostDenied(Answer):
    alias: Alias | None = Field(description="null where the refusal was about no model")
    reason: str = Field(examples=["model_not_granted"])
    denials: int = Field(examples=[17])
    last_denied_at: Time | None
    access_groups: Groups = Field(description="Those that list the alias: candidates for an upgrade")


class DenialAnswer(Answer):
    at: Time
    reason: str = Field(examples=["model_not_granted"])
    alias: Alias | None = Field(description="What was asked; null where it didn't come to a model")
    key_id: KeyId | None = Field(description="null where no virtual key of ours was used")
    key_name: str | None = Field(default=None, description="Only with a key", examples=["ci"])
    key_model_aliases: Aliases | None = Field(default=None, description="Only if the key is narrowed: to what")

    @classmethod
    def of(cls, denial: RecentDenial) -> DenialAnswer:
        of_key: dict[str, Any] = {"key_name": denial.key_name, "key_model_aliases": denial.key_model_aliases}
        return cls(
            at=times.text(denial.at_ms),
            reason=slug(denial.reason),
            alias=denial.alias,
            key_id=denial.key_id,
            **{name: value for name, value in of_key.items() if value is not None},
        )


class DenialList(Answer):
    denials: list[DenialAnswer]


class UsageReview(Answer):
    team_id: TeamId | None = Field(description="null: all teams together")
    counted_from: Time
    counted_to: Time
    unused_groups: list[UnusedGroup]
    unused_aliases: list[UnusedAlias]
    most_denied: list[MostDenied]


def fields_of(group_by: list[UsageBy]) -> list[str]:
    """The names of a row's fields, in order."""
    groups = [slug(by) for by in group_by]
    by_any = {slug(by) for by in UsageBy}
    return [*groups, *(name for name in UsageFigures.model_fields if name not in by_any)]


def values_of(figures: UsageFigures, names: list[str]) -> list[Any]:
    return [getattr(figures, name) for name in names]
