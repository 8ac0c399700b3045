"""How far aliases and groups go: how many teams have each, and for how many a group is the only way to an alias."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from saas_access import problems
from saas_access._core import AliasReach, GroupReach, NotFound
from saas_access.admin import routes
from saas_access.admin.answers import Alias, Answer, GroupName
from saas_access.admin.routes import EngineOf
from saas_access.admin.writes import shown

router = routes.router("Model access groups")

TeamCount = Annotated[int, Field(examples=[15])]


class ReachedAlias(Answer):
    alias: Alias
    team_count: TeamCount = Field(description="Teams that have it now; none have one that isn't active")

    @classmethod
    def of(cls, found: AliasReach) -> ReachedAlias:
        return cls(alias=found.alias, team_count=found.teams)


class ReachingMember(Answer):
    alias: Alias
    only_here: int = Field(examples=[14], description="Teams that have it through this group and no other")


class ReachingGroup(Answer):
    group_name: GroupName
    team_count: TeamCount
    model_aliases: list[ReachingMember] = Field(description="In the group's order")

    @classmethod
    def of(cls, found: GroupReach) -> ReachingGroup:
        members = [ReachingMember(alias=each.alias, only_here=each.teams) for each in found.only_here]
        return cls(group_name=found.group_name, team_count=found.teams, model_aliases=members)


class ReachAnswer(Answer):
    model_aliases: list[ReachedAlias]
    access_groups: list[ReachingGroup]


@router.get("/reach", response_model=ReachAnswer)
def get_reach(
    engine: EngineOf,
    access_group: Annotated[
        str | None, Query(description="Only this group and its aliases", examples=["gpt-models"])
    ] = None,
) -> Response:
    """Counts teams as they are now, those with a running grant among them, and suspended ones too."""
    found = engine.reach()
    groups = [ReachingGroup.of(each) for each in found.access_groups if access_group in (None, each.group_name)]
    if access_group is not None and not groups:
        raise NotFound(f"Access group {problems.quoted(access_group)} does not exist")
    members = None if access_group is None else {member.alias for member in groups[0].model_aliases}
    aliases = [ReachedAlias.of(each) for each in found.model_aliases if members is None or each.alias in members]
    return shown(ReachAnswer(model_aliases=aliases, access_groups=groups))
