"""What the API answers about what there is: things found by a part of their name, and how many there are."""

from __future__ import annotations

from pydantic import Field

from saas_access._core import Counts, Found, FoundKey, slug
from saas_access.admin.answers import Alias, Answer, GroupName, KeyId, LitellmModel, OrganizationId, TeamId


class FoundTeamAnswer(Answer):
    team_id: TeamId
    team_alias: str = Field(examples=["Production"])
    organization_id: OrganizationId


class FoundGroupAnswer(Answer):
    group_name: GroupName
    description: str = Field(examples=["OpenAI GPT models"])


class FoundAliasAnswer(Answer):
    alias: Alias
    litellm_model: LitellmModel
    active: bool


class FoundOrganizationAnswer(Answer):
    organization_id: OrganizationId
    name: str = Field(examples=["ACME Corp"])


class FoundKeyAnswer(Answer):
    key_id: KeyId
    name: str = Field(examples=["ci"])
    team_id: TeamId
    last_four: str = Field(examples=["x3Qz"])
    status: str = Field(description="active, revoked or expired", examples=["active"])

    @classmethod
    def of(cls, key: FoundKey) -> FoundKeyAnswer:
        return cls(
            key_id=key.key_id, name=key.name, team_id=key.team_id, last_four=key.last_four, status=slug(key.status)
        )


class FoundAnswer(Answer):
    teams: list[FoundTeamAnswer]
    access_groups: list[FoundGroupAnswer]
    model_aliases: list[FoundAliasAnswer]
    organizations: list[FoundOrganizationAnswer]
    keys: list[FoundKeyAnswer]

    @classmethod
    def of(cls, found: Found) -> FoundAnswer:
        return cls(
            teams=[
                FoundTeamAnswer(team_id=team.team_id, team_alias=team.team_alias, organization_id=team.organization_id)
                for team in found.teams
            ],
            access_groups=[
                FoundGroupAnswer(group_name=group.group_name, description=group.description)
                for group in found.access_groups
            ],
            model_aliases=[
                FoundAliasAnswer(alias=model.alias, litellm_model=model.litellm_model, active=model.active)
                for model in found.model_aliases
            ],
            organizations=[
                FoundOrganizationAnswer(organization_id=organization.organization_id, name=organization.name)
                for organization in found.organizations
            ],
            keys=[FoundKeyAnswer.of(key) for key in found.keys],
        )


class CountsAnswer(Answer):
    organizations: int = Field(examples=[12])
    teams: int = Field(examples=[40])
    active_teams: int = Field(examples=[38], description="Not suspended themselves")
    access_groups: int = Field(examples=[11])
    model_aliases: int = Field(examples=[30])
    active_model_aliases: int = Field(examples=[29])
    keys: int = Field(examples=[95], description="Revoked and expired ones too")
    active_keys: int = Field(examples=[80])

    @classmethod
    def of(cls, counts: Counts) -> CountsAnswer:
        return cls(
            organizations=counts.organizations,
            teams=counts.teams,
            active_teams=counts.active_teams,
            access_groups=counts.access_groups,
            model_aliases=counts.model_aliases,
            active_model_aliases=counts.active_model_aliases,
            keys=counts.keys,
            active_keys=counts.active_keys,
        )
