"""What the API answers about how credits went."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any

from pydantic import Field

from saas_access import credits, times
from saas_access._core import CreditDay, Pace
from saas_access.admin.answers import Answer, Credits, Number, OrganizationId, TeamId, Time

Days = Annotated[
    Number | None, Field(description="At that pace, cut to hundredths; null if nothing was charged", examples=[19.25])
]


class PaceAnswer(Answer):
    """A look back, not a promise: what follows if all goes on as in the last seven days, and nothing is added."""

    team_id: TeamId
    credits_remaining: Credits
    counted_from: Time = Field(description="A whole hour seven days ago; the team's creation if that is later")
    charged_last_7_days: Credits
    credits_per_day: Credits | None = Field(description="null for a team younger than a day")
    lasts_days: Days
    runs_out_at: Time | None = Field(description="Now and `lasts_days`; null where that is")

    @classmethod
    def of(cls, pace: Pace, now_ms: int) -> PaceAnswer:
        return cls(**_pace_fields(pace, now_ms))


class LowestAnswer(PaceAnswer):
    organization_id: OrganizationId
    credits_allocated: Credits

    @classmethod
    def of(cls, pace: Pace, now_ms: int) -> LowestAnswer:
        return cls(
            organization_id=pace.organization_id,
            credits_allocated=credits.from_micro(pace.balance.allocated),
            **_pace_fields(pace, now_ms),
        )


class LowestList(Answer):
    teams: list[LowestAnswer]


class CreditDayAnswer(Answer):
    day: Time = Field(description="Its beginning", examples=["2024-10-14T00:00:00Z"])
    charged: Number = Field(examples=[80], description="Less what was given back")
    added: Number = Field(examples=[1000], description="Allocations and adjustments; an adjustment may be negative")
    balance_at_end: Credits = Field(description="Allocated less used; of today: now")

    @classmethod
    def of(cls, day: CreditDay) -> CreditDayAnswer:
        return cls(
            day=times.text(day.day_ms),
            charged=credits.from_micro(day.charged),
            added=credits.from_micro(day.added),
            balance_at_end=credits.from_micro(day.balance_at_end),
        )


class CreditHistory(Answer):
    team_id: TeamId
    days: list[CreditDayAnswer]


def _pace_fields(pace: Pace, now_ms: int) -> dict[str, Any]:
    lasts_ms = pace.lasts_ms
    return {
        "team_id": pace.team_id,
        "credits_remaining": credits.from_micro(pace.balance.remaining),
        "counted_from": times.text(pace.counted_from_ms),
        "charged_last_7_days": credits.from_micro(pace.charged),
        "credits_per_day": None if pace.per_day is None else credits.from_micro(pace.per_day),
        "lasts_days": None if lasts_ms is None else _days(lasts_ms),
        "runs_out_at": None if lasts_ms is None else times.text((now_ms + lasts_ms) // 1000 * 1000),
    }


def _days(length_ms: int) -> Decimal:
    return (Decimal(length_ms) / times.DAY_MS).quantize(Decimal("0.01"), ROUND_DOWN).normalize()
