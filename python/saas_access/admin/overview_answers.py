"""What the API answers about the day: figures, and what needs an operator."""

from __future__ import annotations

from pydantic import Field

from saas_access.admin.answers import Alias, Answer, Credits, GroupName, Groups, LitellmModel, Number, TeamId, Time


class DayFigure(Answer):
    day: Time
    value: Number = Field(examples=[120])


class WeekFigures(Answer):
    total: Number = Field(examples=[840], description="Of seven days of UTC, today being the last")
    before: Number = Field(examples=[790], description="Of the seven before them")
    days: list[DayFigure]


class Need(Answer):
    """One thing to look at: its kind, the facts that belong to it, and all in a sentence."""

    kind: str = Field(
        examples=["low_balance"],
        description="trouble, no_route, low_balance, suspended_traffic, grant_ends, denied, retiring or unused_group",
    )
    message: str = Field(examples=["Team 'acme-prod' has 4 credits left, and is to be warned at 10."])
    team_id: TeamId | None = None
    alias: Alias | None = None
    access_group: GroupName | None = None
    access_groups: Groups | None = Field(default=None, description="Those that list the model")
    litellm_model: LitellmModel | None = None
    reason: str | None = Field(default=None, examples=["model_not_granted"])
    denials: int | None = None
    last_denied_at: Time | None = None
    credits_remaining: Credits | None = None
    threshold: Credits | None = None
    expires_at: Time | None = None
    retires_at: Time | None = None
    successor: Alias | None = None
    team_count: int | None = None


class Overview(Answer):
    calls_7d: WeekFigures
    credits_7d: WeekFigures
    denials_7d: WeekFigures
    needs: list[Need] = Field(description="The most urgent first; at most ten of a kind")
    checked: list[str] = Field(examples=[["no_route", "grant_ends"]], description="Kinds of which there was none")
