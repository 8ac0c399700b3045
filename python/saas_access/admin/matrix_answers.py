"""What the API answers about who may use what."""

from __future__ import annotations

from pydantic import Field

from saas_access.admin.answers import Alias, Answer, Cursor, Groups, OrganizationId, TeamId, Time


class MatrixCell(Answer):
    via: Groups = Field(description="The team's groups that grant the model; none: it was only asked for")
    until: Time | None = Field(default=None, description="Only if nothing but a grant for a time gives it")
    unused: bool | None = Field(default=None, description="true: granted, and not called in the last 30 days")
    calls_7d: int | None = Field(default=None, description="Answered, if there were any")
    denials_7d: int | None = Field(default=None, description="Refused, if there were any")


class MatrixTeam(Answer):
    team_id: TeamId
    organization_id: OrganizationId
    organization_name: str = Field(examples=["ACME Corp"])
    status: str = Field(examples=["active"], description="active or suspended")
    cells: dict[Alias, MatrixCell] = Field(description="No cell: not granted, and not asked for in seven days")


class AccessMatrix(Answer):
    model_aliases: list[Alias]
    model_aliases_left_out: int = Field(description="How many more there are; filter by alias or group to see them")
    teams: list[MatrixTeam]
    next_cursor: Cursor = None
