"""A store of many: as many teams, groups and aliases as the dashboard has to stay quick with."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from saas_access._core import (
    Engine,
    KeySecret,
    NewAccessGroup,
    NewModelAlias,
    NewOrganization,
    NewTeam,
    Synchronous,
)

ALIASES, GROUPS, ORGANIZATIONS = 500, 200, 100


def fill(database: Path, *, teams: int) -> None:
    """Makes `team-00000` and on, each with two groups of five aliases. Through the core, as so many requests would
    take minutes.
    """
    with contextlib.closing(Engine(database=str(database), synchronous=Synchronous.NORMAL)) as engine:
        for number in range(ALIASES):
            model = f"openai/model-{number:03}"
            alias = NewModelAlias(alias=f"alias-{number:03}", litellm_model=model, description="One of many")
            engine.create_model_alias(model_alias=alias)
        for number in range(GROUPS):
            listed = [f"alias-{(number * 5 + each) % ALIASES:03}" for each in range(5)]
            group = NewAccessGroup(group_name=f"group-{number:03}", description="One of many", model_aliases=listed)
            engine.create_access_group(access_group=group)
        for number in range(ORGANIZATIONS):
            organization = NewOrganization(organization_id=f"org-{number:02}", name=f"Customer {number}")
            engine.create_organization(organization=organization)
        for number in range(teams):
            engine.create_team(team=_team(number))


def _team(number: int) -> NewTeam:
    return NewTeam(
        organization_id=f"org-{number % ORGANIZATIONS:02}",
        team_id=f"team-{number:05}",
        team_alias=f"Team {number}",
        access_groups=[f"group-{(number + each) % GROUPS:03}" for each in (0, 7)],
        credits_allocated=1_000_000_000,
        first_key=KeySecret(digest=hashlib.sha256(b"key %d" % number).digest(), last_four=f"{number % 10000:04}"),
    )
