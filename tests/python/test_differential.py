"""The C++ authorizer against a model of the rules in a few lines of Python, over thousands of generated policies."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from saas_access import virtual_keys
from saas_access._core import (
    AccessGroupPatch,
    Engine,
    ModelAliasPatch,
    NewAccessGroup,
    NewGrant,
    NewModelAlias,
    NewOrganization,
    NewTeam,
    NewVirtualKey,
    NotFound,
    Outcome,
    TeamPatch,
    slug,
)

ALIASES = [f"alias-{number}" for number in range(6)]
GROUPS = [f"group-{number}" for number in range(5)]
TEAMS = [f"team-{number}" for number in range(4)]
ASKED = [*ALIASES, "ALIAS-0", "alias-0 ", "alias", "", "model-of-alias-0"]
FAR_FUTURE_MS = 4_000_000_000_000


@dataclass
class Model:
    """The rules, as plainly as they can be said."""

    active: dict[str, bool] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    own: dict[str, list[str]] = field(default_factory=dict)
    granted: dict[str, list[str]] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    organization_suspended: bool = False

    def available(self, team: str, narrowed_to: list[str] | None = None) -> list[str]:
        groups = dict.fromkeys([*self.own.get(team, []), *self.granted.get(team, [])])
        listed = [alias for group in groups for alias in self.groups.get(group, []) if self.active.get(alias)]
        return [alias for alias in dict.fromkeys(listed) if narrowed_to is None or alias in narrowed_to]

    def reason(self, team: str, alias: str, narrowed_to: list[str] | None = None) -> str:
        if alias not in self.available(team, narrowed_to):
            return "model_not_granted"
        if team in self.suspended:
            return "team_suspended"
        return "organization_suspended" if self.organization_suspended else "granted"


class Both:
    """One random change at a time, to the engine and to the model."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine, self.model, self.random = engine, Model(), random.Random(seed)
        engine.create_organization(organization=NewOrganization(organization_id="org", name="Org"))

    def some(self, of: list[str]) -> list[str]:
        return self.random.sample(of, self.random.randint(0, len(of)))

    def change(self) -> None:
        self.random.choice(
            [
                self.alias,
                self.group,
                self.group,
                self.members,
                self.team,
                self.team,
                self.grant,
                self.suspend,
                self.drop_alias,
                self.drop_group,
                self.suspend_organization,
            ]
        )()

    def alias(self) -> None:
        alias, active = self.random.choice(ALIASES), self.random.random() < 0.7
        if alias in self.model.active:
            self.engine.update_model_alias(alias=alias, patch=ModelAliasPatch(active=active))
        else:
            new = NewModelAlias(alias=alias, litellm_model=f"model-of-{alias}", description="", active=active)
            self.engine.create_model_alias(model_alias=new)
        self.model.active[alias] = active

    def group(self) -> None:
        name, aliases = self.random.choice(GROUPS), self.some(list(self.model.active))
        if name in self.model.groups:
            self.engine.update_access_group(group_name=name, patch=AccessGroupPatch(model_aliases=aliases))
        else:
            self.engine.create_access_group(
                access_group=NewAccessGroup(group_name=name, description="", model_aliases=aliases)
            )
        self.model.groups[name] = aliases

    def members(self) -> None:
        if not self.model.groups:
            return
        name, aliases = self.random.choice(list(self.model.groups)), self.some(list(self.model.active))
        before = self.model.groups[name]
        if self.random.random() < 0.5:
            self.engine.add_models(group_name=name, model_aliases=aliases)
            self.model.groups[name] = list(dict.fromkeys([*before, *aliases]))
        else:
            self.engine.remove_models(group_name=name, model_aliases=aliases)
            self.model.groups[name] = [alias for alias in before if alias not in aliases]

    def team(self) -> None:
        team, groups = self.random.choice(TEAMS), self.some(list(self.model.groups))
        if team in self.model.own:
            self.engine.update_team(team_id=team, patch=TeamPatch(access_groups=groups))
        else:
            self.engine.create_team(
                team=NewTeam(organization_id="org", team_id=team, team_alias="", access_groups=groups)
            )
        self.model.own[team] = groups

    def grant(self) -> None:
        if not self.model.own or not self.model.groups:
            return
        team, group = self.random.choice(list(self.model.own)), self.random.choice(list(self.model.groups))
        new = NewGrant(access_group=group, expires_at_ms=FAR_FUTURE_MS, reason="")
        self.engine.create_grant(team_id=team, grant=new)
        self.model.granted.setdefault(team, []).append(group)

    def suspend(self) -> None:
        if not self.model.own:
            return
        team = self.random.choice(list(self.model.own))
        suspended = team not in self.model.suspended
        self.engine.suspend_team(team_id=team, suspended=suspended)
        self.model.suspended ^= {team}

    def suspend_organization(self) -> None:
        self.model.organization_suspended = self.random.random() < 0.2
        self.engine.suspend_organization(organization_id="org", suspended=self.model.organization_suspended)

    def drop_alias(self) -> None:
        if not self.model.active or self.random.random() < 0.5:
            return
        alias = self.random.choice(list(self.model.active))
        self.engine.delete_model_alias(alias=alias, force=True)
        del self.model.active[alias]
        for name, aliases in self.model.groups.items():
            self.model.groups[name] = [other for other in aliases if other != alias]

    def drop_group(self) -> None:
        if not self.model.groups or self.random.random() < 0.5:
            return
        name = self.random.choice(list(self.model.groups))
        self.engine.delete_access_group(group_name=name)
        del self.model.groups[name]
        for held in (self.model.own, self.model.granted):
            for team, groups in held.items():
                held[team] = [group for group in groups if group != name]

    def compare(self, *, keys: dict[str, tuple[str, list[str] | None]]) -> None:
        for team in [*TEAMS, "team", ""]:
            available = [model.alias for model in self.engine.available_models(team_id=team)]
            assert available == self.model.available(team)
            for alias in ASKED:
                self.check(team, alias, available)
        for key_id, (team, narrowed_to) in keys.items():
            for alias in ASKED:
                decision = self.engine.authorize(key_id=key_id, alias=alias)
                assert slug(decision.reason) == self.model.reason(team, alias, narrowed_to)

    def check(self, team: str, alias: str, available: list[str]) -> None:
        decision = self.engine.authorize(team_id=team, alias=alias)
        assert slug(decision.reason) == self.model.reason(team, alias)
        assert (decision.outcome is Outcome.ALLOWED) == (slug(decision.reason) == "granted")
        assert (decision.litellm_model == f"model-of-{alias}") == (alias in available)
        granting = [
            group
            for group in dict.fromkeys([*self.model.own.get(team, []), *self.model.granted.get(team, [])])
            if alias in self.model.groups[group]
        ]
        assert decision.groups == (granting if alias in available else [])
        explained = self.engine.explain(team_id=team, alias=alias)
        assert slug(explained.decision.reason) == slug(decision.reason)


def narrowed_keys(both: Both) -> dict[str, tuple[str, list[str] | None]]:
    keys: dict[str, tuple[str, list[str] | None]] = {}
    for team in both.model.own:
        narrowed_to = both.some(list(both.model.active)) if both.random.random() < 0.7 else None
        new = NewVirtualKey(name="", model_aliases=narrowed_to, secret=virtual_keys.generate().secret)
        key, _ = both.engine.create_key(team_id=team, key=new)
        keys[key.key_id] = (team, narrowed_to)
    return keys


@pytest.mark.parametrize("seed", range(60))
def test_the_core_decides_as_the_rules_say(tmp_path: Path, seed: int) -> None:
    """60 seeds of 60 policies each: about 250,000 decisions."""
    engine = Engine(database=str(tmp_path / "store.db"))
    both = Both(engine, seed)
    for _ in range(60):
        both.change()
        both.compare(keys={})
    both.compare(keys=narrowed_keys(both))
    engine.close()


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    engine = Engine(database=str(tmp_path / "store.db"))
    both = Both(engine, 1)
    engine.create_model_alias(
        model_alias=NewModelAlias(alias="alias-0", litellm_model="model-of-alias-0", description="")
    )
    engine.create_access_group(
        access_group=NewAccessGroup(group_name="group-0", description="", model_aliases=["alias-0"])
    )
    engine.create_team(team=NewTeam(organization_id="org", team_id="team-0", team_alias="", access_groups=["group-0"]))
    with pytest.raises(AssertionError):
        both.compare(keys={})
    with pytest.raises(NotFound):
        engine.find_team(team_id="team-1")
    engine.close()
