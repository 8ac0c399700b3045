"""What the API answers about teams: their keys, grants and credits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from saas_access import credits, times
from saas_access._core import AvailableModel, Balance, CreditsAdded, Grant, LedgerEntry, Refill, Team, VirtualKey, slug
from saas_access.admin.answers import (
    Alias,
    Aliases,
    Answer,
    Credits,
    Cursor,
    Deleted,
    GroupName,
    Groups,
    JobId,
    KeyId,
    LitellmModel,
    Metadata,
    Number,
    OrganizationId,
    TeamId,
    Time,
    status_of,
)

LowBalance = Annotated[bool, Field(description="Is what is not used at or below one of the thresholds?")]
Thresholds = Annotated[list[Credits], Field(examples=[[100, 10, 0]])]


class BalanceAnswer(Answer):
    team_id: TeamId
    credits_allocated: Credits
    credits_used: Credits
    credits_reserved: Credits
    credits_remaining: Credits
    low_balance: LowBalance
    low_balance_thresholds: Thresholds


def credit_fields(
    *, allocated: int, used: int = 0, reserved: int = 0, thresholds: Iterable[int] = ()
) -> dict[str, Any]:
    """The credit fields of an answer, from micro-credits."""
    listed = list(thresholds)
    return {
        "low_balance": any(allocated - used <= threshold for threshold in listed),
        "low_balance_thresholds": [credits.from_micro(threshold) for threshold in listed],
        "credits_allocated": credits.from_micro(allocated),
        "credits_used": credits.from_micro(used),
        "credits_reserved": credits.from_micro(reserved),
        "credits_remaining": credits.from_micro(allocated - used - reserved),
    }


def balance_fields(balance: Balance, thresholds: Iterable[int]) -> dict[str, Any]:
    """`credit_fields` of a balance as it was read."""
    return credit_fields(
        allocated=balance.allocated, used=balance.used, reserved=balance.reserved, thresholds=thresholds
    )


class CreditsAddedAnswer(Answer):
    team_id: TeamId
    credits_added: Credits
    credits_allocated: Credits
    credits_used: Credits
    credits_remaining: Credits
    transaction_id: str | None = Field(description="null in a dry run", examples=["txn_1_2"])

    @classmethod
    def of(cls, added: CreditsAdded) -> CreditsAddedAnswer:
        return cls(
            team_id=added.team_id,
            credits_added=credits.from_micro(added.credits_added),
            credits_allocated=credits.from_micro(added.balance.allocated),
            credits_used=credits.from_micro(added.balance.used),
            credits_remaining=credits.from_micro(added.balance.remaining),
            transaction_id=added.transaction_id,
        )


class Transaction(Answer):
    transaction_id: str
    type: str = Field(
        examples=["charge"], description="allocation, adjustment, charge, refund, interrupted or shortfall"
    )
    amount: Number = Field(examples=[-1])
    balance_after: Credits
    description: str
    job_id: JobId | None = None
    alias: Alias | None = None
    created_at: Time

    @classmethod
    def of(cls, entry: LedgerEntry) -> Transaction:
        about = {"job_id": entry.job_id, "alias": entry.alias}
        return cls(
            transaction_id=entry.transaction_id,
            type=slug(entry.type),
            amount=credits.from_micro(entry.amount),
            balance_after=credits.from_micro(entry.balance_after),
            description=entry.description,
            created_at=times.text(entry.created_at_ms),
            **{name: value for name, value in about.items() if value is not None},
        )


class TransactionList(Answer):
    transactions: list[Transaction]
    next_cursor: Cursor = None


class GrantAnswer(Answer):
    grant_id: str | None = Field(description="null in a dry run", examples=["grant_5f2c9a7b1e3d4c6f8a0b1c2d"])
    access_group: GroupName
    starts_at: Time
    expires_at: Time
    reason: str = Field(examples=["Trial of the new models"])
    created_at: Time

    @classmethod
    def of(cls, grant: Grant) -> GrantAnswer:
        return cls(
            grant_id=grant.grant_id,
            access_group=grant.access_group,
            starts_at=times.text(grant.starts_at_ms),
            expires_at=times.text(grant.expires_at_ms),
            reason=grant.reason,
            created_at=times.text(grant.created_at_ms),
        )


class GrantDeleted(Deleted):
    grant_id: str


class KeyAnswer(Answer):
    key_id: KeyId | None = Field(description="null in a dry run of a create")
    name: str = Field(examples=["ci"])
    last_four: str | None = Field(description="of the newest secret; null in a dry run of a create", examples=["x3Qz"])
    status: str = Field(description="active, revoked or expired", examples=["active"])
    model_aliases: list[str] | None = Field(description="null: not narrowed", examples=[["gpt-4"]])
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None
    virtual_key: str = Field(default="", description="Create and rotate alone, this once", examples=["sk-..."])

    @classmethod
    def of(cls, key: VirtualKey, **also: Any) -> KeyAnswer:
        return cls(
            key_id=key.key_id,
            name=key.name,
            last_four=key.last_four,
            status=slug(key.status),
            model_aliases=key.model_aliases,
            created_at=times.text(key.created_at_ms),
            expires_at=times.optional_text(key.expires_at_ms),
            last_used_at=times.optional_text(key.last_used_at_ms),
            **also,
        )


class KeyList(Answer):
    keys: list[KeyAnswer]


class TeamModel(Answer):
    alias: Alias
    litellm_model: LitellmModel = Field(default="", description="For the operator; for teams with show_actual_model")
    via: Groups

    @classmethod
    def of(cls, model: AvailableModel, *, show_actual_model: bool) -> TeamModel:
        actual = {"litellm_model": model.litellm_model} if show_actual_model else {}
        return cls(alias=model.alias, via=model.via, **actual)


class TeamKey(Answer):
    key_id: KeyId
    name: str
    last_four: str
    status: str
    last_used_at: Time | None

    @classmethod
    def of(cls, key: VirtualKey) -> TeamKey:
        return cls(
            key_id=key.key_id,
            name=key.name,
            last_four=key.last_four,
            status=slug(key.status),
            last_used_at=times.optional_text(key.last_used_at_ms),
        )


class RefillAnswer(Answer):
    credits: Credits
    period: str = Field(examples=["monthly"], description="daily, weekly or monthly")
    mode: str = Field(examples=["add"], description="add or top_up")

    @classmethod
    def of(cls, refill: Refill) -> RefillAnswer:
        return cls(credits=credits.from_micro(refill.credits), period=slug(refill.period), mode=slug(refill.mode))


class TeamCreated(Answer):
    team_id: TeamId
    organization_id: OrganizationId
    team_alias: str = Field(examples=["Production"])
    status: str = Field(examples=["active"], description="active or suspended")
    access_groups: Groups
    available_models: Aliases
    credits_allocated: Credits
    credits_used: Credits
    credits_remaining: Credits
    virtual_key: str = Field(default="", description="This once; not in a dry run", examples=["sk-..."])
    created_at: Time


class TeamAnswer(Answer):
    team_id: TeamId
    organization_id: OrganizationId
    team_alias: str = Field(examples=["Production"])
    status: str = Field(examples=["active"], description="active or suspended")
    access_groups: Groups
    available_models: Aliases
    credits_allocated: Credits
    credits_used: Credits
    credits_reserved: Credits
    credits_remaining: Credits
    budget_mode: str = Field(examples=["job_based"])
    credits_per_dollar: Credits
    tokens_per_credit: int = Field(examples=[10000])
    rpm_limit: int | None
    tpm_limit: int | None
    refill: RefillAnswer | None
    next_refill_at: Time | None
    low_balance: LowBalance
    low_balance_thresholds: Thresholds
    metadata: Metadata
    created_at: Time


class TeamDetail(TeamAnswer):
    organization_status: str = Field(examples=["active"], description="active or suspended")
    models: list[TeamModel]
    keys: list[TeamKey]
    grants: list[GrantAnswer]


class TeamList(Answer):
    teams: list[TeamAnswer]
    next_cursor: Cursor = None


class TeamDeleted(Deleted):
    team_id: TeamId


def team_fields(team: Team, available_models: Iterable[str]) -> dict[str, Any]:
    """The fields that every answer about a team draws from, credits aside."""
    return {
        "team_id": team.team_id,
        "organization_id": team.organization_id,
        "team_alias": team.team_alias,
        "status": status_of(suspended=team.suspended),
        "access_groups": team.access_groups,
        "available_models": list(available_models),
        "budget_mode": slug(team.budget_mode),
        "credits_per_dollar": credits.from_micro(team.credits_per_dollar),
        "tokens_per_credit": team.tokens_per_credit,
        "rpm_limit": team.rpm_limit,
        "tpm_limit": team.tpm_limit,
        "refill": None if team.refill is None else RefillAnswer.of(team.refill),
        "next_refill_at": times.optional_text(team.next_refill_at_ms),
        "metadata": json.loads(team.metadata),
        "created_at": times.text(team.created_at_ms),
    }
