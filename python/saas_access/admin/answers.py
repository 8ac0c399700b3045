"""What the API answers about the catalog (organizations, aliases, groups), and what all answers are made of."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from saas_access import credits, times
from saas_access._core import AccessGroup, AccessGroupSummary, ModelAlias, Organization

Number = Annotated[Decimal, WithJsonSchema({"type": "number"})]
Credits = Annotated[Decimal, WithJsonSchema({"type": "number", "examples": [1000]})]
Time = Annotated[str, Field(examples=["2024-10-14T12:00:00Z"])]
Metadata = Annotated[dict[str, Any], Field(examples=[{"plan": "pro"}])]
OrganizationId = Annotated[str, Field(examples=["org_acme"])]
TeamId = Annotated[str, Field(examples=["acme-prod"])]
GroupName = Annotated[str, Field(examples=["gpt-models"])]
Alias = Annotated[str, Field(examples=["gpt-4"])]
LitellmModel = Annotated[str, Field(examples=["openai/gpt-4"])]
Groups = Annotated[list[str], Field(examples=[["gpt-models", "claude-models"]])]
Aliases = Annotated[list[str], Field(examples=[["gpt-4", "gpt-3.5-turbo"]])]
Teams = Annotated[list[str], Field(examples=[["acme-prod", "techco-dev"]])]
KeyId = Annotated[str, Field(examples=["key_5f2c9a7b1e3d4c6f8a0b1c2d"])]
JobId = Annotated[str, Field(examples=["job_5f2c9a7b1e3d4c6f8a0b1c2d"])]
Cursor = Annotated[str | None, Field(description="Present while there is more: the next page's `cursor`")]


class Answer(BaseModel):
    """Fields that were not set are not in the answer."""

    model_config = ConfigDict(frozen=True)


class Problem(Answer):
    field: str = Field(examples=["model_aliases"])
    problem: str = Field(examples=["Model alias 'gpt-5' does not exist"])


class ErrorAnswer(Answer):
    error: str = Field(examples=["Invalid request"], description="A short title")
    message: str = Field(examples=["model_aliases: Model alias 'gpt-5' does not exist"])
    reason: str | None = Field(default=None, description="A stable slug, in refusals", examples=["operator_only"])
    details: list[Problem] | None = None


class AccessChangeAnswer(Answer):
    team_id: TeamId
    gains: Aliases
    loses: Aliases


class Deleted(Answer):
    deleted: bool = Field(examples=[True])


def status_of(*, suspended: bool) -> str:
    return "suspended" if suspended else "active"


class OrganizationAnswer(Answer):
    organization_id: OrganizationId
    name: str = Field(examples=["ACME Corp"])
    status: str = Field(examples=["active"], description="active or suspended")
    metadata: Metadata
    created_at: Time

    @classmethod
    def of(cls, organization: Organization) -> OrganizationAnswer:
        return cls(
            organization_id=organization.organization_id,
            name=organization.name,
            status=status_of(suspended=organization.suspended),
            metadata=json.loads(organization.metadata),
            created_at=times.text(organization.created_at_ms),
        )


class OrganizationList(Answer):
    organizations: list[OrganizationAnswer]
    next_cursor: Cursor = None


class ModelAliasAnswer(Answer):
    alias: Alias
    litellm_model: LitellmModel
    description: str = Field(examples=["Most capable GPT-4 model"])
    active: bool
    credits_per_call: Credits
    metadata: Metadata
    access_groups: Groups = Field(default=[], description="Not in the answer to a create")
    created_at: Time
    retires_at: Time | None = Field(default=None, description="Only if set; so is `successor`")
    successor: str | None = Field(default=None, examples=["gpt-4.1"])
    warnings: list[str] = Field(default=[], description="Only if there are any: what the proxy can't route")

    @classmethod
    def of(cls, model_alias: ModelAlias, **also: Any) -> ModelAliasAnswer:
        retires_at, successor = times.optional_text(model_alias.retires_at_ms), model_alias.successor
        also |= {name: value for name, value in (("retires_at", retires_at), ("successor", successor)) if value}
        return cls(
            alias=model_alias.alias,
            litellm_model=model_alias.litellm_model,
            description=model_alias.description,
            active=model_alias.active,
            credits_per_call=credits.from_micro(model_alias.credits_per_call),
            metadata=json.loads(model_alias.metadata),
            created_at=times.text(model_alias.created_at_ms),
            **also,
        )


class ModelAliasList(Answer):
    model_aliases: list[ModelAliasAnswer]
    next_cursor: Cursor = None


class AccessGroupAnswer(Answer):
    """What a create answers."""

    group_name: GroupName
    description: str = Field(examples=["OpenAI GPT models"])
    model_aliases: Aliases
    created_at: Time

    @classmethod
    def of(cls, group: AccessGroup) -> AccessGroupAnswer:
        return cls(
            group_name=group.group_name,
            description=group.description,
            model_aliases=group.model_aliases,
            created_at=times.text(group.created_at_ms),
        )


class GroupMember(Answer):
    alias: Alias
    litellm_model: LitellmModel
    description: str = Field(examples=["Most capable GPT-4 model"])


class AccessGroupDetail(Answer):
    group_name: GroupName
    description: str = Field(examples=["OpenAI GPT models"])
    model_aliases: list[GroupMember]
    teams_with_access: Teams


class AccessGroupListItem(Answer):
    group_name: GroupName
    description: str = Field(examples=["OpenAI GPT models"])
    model_count: int = Field(examples=[3])
    team_count: int = Field(examples=[15])

    @classmethod
    def of(cls, summary: AccessGroupSummary) -> AccessGroupListItem:
        return cls(
            group_name=summary.group_name,
            description=summary.description,
            model_count=summary.model_count,
            team_count=summary.team_count,
        )


class AccessGroupList(Answer):
    access_groups: list[AccessGroupListItem]
    next_cursor: Cursor = None


class AccessGroupDeleted(Answer):
    group_name: GroupName
    deleted: bool = Field(examples=[True])
    teams_affected: Teams


class OrganizationDeleted(Deleted):
    organization_id: OrganizationId


class ModelAliasDeleted(Deleted):
    alias: Alias
