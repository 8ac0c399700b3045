"""The C++ authorizer against a model of the documented rules in Python: a million decisions on generated policies."""

from __future__ import annotations

import collections
import itertools
import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from policy_model import Alias, Answer, Caller, Grant, Key, Policy, Secret, Team

from saas_access import virtual_keys
from saas_access._core import (
    AccessGroupPatch,
    Decision,
    Engine,
    Invalid,
    ModelAliasPatch,
    NewAccessGroup,
    NewGrant,
    NewModelAlias,
    NewOrganization,
    NewTeam,
    NewVirtualKey,
    Outcome,
    TeamPatch,
    slug,
)

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = 6
DECISIONS_PER_SEED = 200_000

# Different names, all of them, though some differ by case or by how Unicode spells them only.
ALIASES = [
    "gpt",
    "GPT",
    "Gpt",
    "gpt-\u00e9",
    "gpt-e\u0301",
    "\uff47\uff50\uff54",
    "vendor/gpt",
    "\U0001f642",
    "'--",
    "a",
]
GROUPS = [f"group-{number}" for number in range(5)]
ORGANIZATIONS = ["org", "ORG"]
TEAMS = ["team-0", "TEAM-0", "Team-0", "team-00", *(f"team-{number}" for number in range(1, 6))]

ASKED_ALIASES = [
    *ALIASES,
    *("", " ", "gpt ", " gpt", "gpt\t", "gpt\n", "gpt\0", "\0gpt", "\u200bgpt", "gp", "gptt", "gPT", "gpt-e", "*"),
    *("model-of-gpt", "gpt,GPT", "group-0", "\u0433pt", "x" * 5000),
]
ASKED_TEAMS = [*TEAMS, "", "team", "team-0 ", "tEAM-0", "team-0\0", "org", "group-0"]
UNKNOWN_KEYS = ["", "key_", "key_000000000000000000000000", "team-0"]

REASONS_OF_THE_AUTHORIZER = {
    "granted",
    "key_unknown",
    "key_revoked",
    "key_expired",
    "model_not_granted",
    "team_suspended",
    "organization_suspended",
}


class World:
    """One random change at a time, to the engine and to the model."""

    def __init__(self, engine: Engine, randomness: random.Random) -> None:
        self.engine, self.policy, self.random = engine, Policy(), randomness
        self.changes: list[Callable[[], None]] = [
            *[self.alias] * 6,
            *[self.group] * 3,
            *[self.members] * 3,
            *[self.team] * 5,
            *[self.grant] * 3,
            *[self.key] * 4,
            *[self.suspend, self.suspend_organization] * 2,
            *[self.rotate, self.revoke, self.end_grant, self.drop_alias, self.drop_group, self.drop_team],
        ]
        for organization in ORGANIZATIONS:
            engine.create_organization(organization=NewOrganization(organization_id=organization, name=""))

    def change(self) -> None:
        self.random.choice(self.changes)()

    def some(self, of: list[str]) -> list[str]:
        return self.random.sample(of, max(self.random.randint(0, len(of)), self.random.randint(0, len(of))))

    def rarely(self) -> bool:
        return self.random.random() < 0.3

    def soon(self) -> int:
        """A moment that comes while this world is looked at, or one that doesn't."""
        return self.engine.now_ms() + self.random.choice([30, 100, 300, 3_600_000])

    def living_teams(self) -> list[str]:
        return [team_id for team_id, team in self.policy.teams.items() if not team.deleted]

    def alias(self) -> None:
        alias, active = self.random.choice(ALIASES), not self.rarely()
        model, price = f"{self.random.choice('xyz')}/model-of-{alias[:1]}", self.random.randint(0, 9)
        if alias in self.policy.aliases:
            patch = ModelAliasPatch(litellm_model=model, active=active, credits_per_call=price)
            self.engine.update_model_alias(alias=alias, patch=patch)
        else:
            new = NewModelAlias(alias=alias, litellm_model=model, description="", active=active, credits_per_call=price)
            self.engine.create_model_alias(model_alias=new)
        self.policy.aliases[alias] = Alias(model, active, price)

    def group(self) -> None:
        name, aliases = self.random.choice(GROUPS), self.some(list(self.policy.aliases))
        if name in self.policy.groups:
            self.engine.update_access_group(group_name=name, patch=AccessGroupPatch(model_aliases=aliases))
        else:
            new = NewAccessGroup(group_name=name, description="", model_aliases=aliases)
            self.engine.create_access_group(access_group=new)
        self.policy.groups[name] = aliases

    def members(self) -> None:
        if not self.policy.groups:
            return
        name, aliases = self.random.choice(list(self.policy.groups)), self.some(list(self.policy.aliases))
        before = self.policy.groups[name]
        if self.random.random() < 0.5:
            self.engine.add_models(group_name=name, model_aliases=aliases)
            self.policy.groups[name] = list(dict.fromkeys([*before, *aliases]))
        else:
            self.engine.remove_models(group_name=name, model_aliases=aliases)
            self.policy.groups[name] = [alias for alias in before if alias not in aliases]

    def team(self) -> None:
        team_id, groups = self.random.choice(TEAMS), self.some(list(self.policy.groups))
        if self.policy.team(team_id):
            self.engine.update_team(team_id=team_id, patch=TeamPatch(access_groups=groups))
            self.policy.teams[team_id].groups = groups
        elif team_id not in self.policy.teams:  # the id of a deleted one is not free again
            organization = self.random.choice(ORGANIZATIONS)
            self.engine.create_team(
                team=NewTeam(organization_id=organization, team_id=team_id, team_alias="", access_groups=groups)
            )
            self.policy.teams[team_id] = Team(organization, groups)

    def grant(self) -> None:
        teams, groups = self.living_teams(), list(self.policy.groups)
        if not teams or not groups:
            return
        team_id, group = self.random.choice(teams), self.random.choice(groups)
        starts = self.engine.now_ms() + self.random.choice([-1_000, 0, 50, 200, 3_600_000])
        ends = max(self.soon(), starts + 1)
        new = NewGrant(access_group=group, starts_at_ms=starts, expires_at_ms=ends, reason="")
        try:
            made, _ = self.engine.create_grant(team_id=team_id, grant=new)
        except Invalid:
            assert ends <= self.engine.now_ms()  # it has ended before it was made
            return
        self.policy.teams[team_id].grants[made.grant_id] = Grant(group, starts, ends)

    def end_grant(self) -> None:
        grants = [(team_id, grant) for team_id, team in self.policy.teams.items() for grant in team.grants]
        if grants:
            team_id, grant_id = self.random.choice(grants)
            self.engine.delete_grant(team_id=team_id, grant_id=grant_id)
            del self.policy.teams[team_id].grants[grant_id]

    def key(self) -> None:
        teams = self.living_teams()
        if not teams or len(self.policy.keys) >= 20:
            return
        team_id, generated = self.random.choice(teams), virtual_keys.generate()
        narrowed_to = self.some(list(self.policy.aliases)) if self.rarely() else None
        ends = self.soon() if self.rarely() else None
        new = NewVirtualKey(name="", expires_at_ms=ends, model_aliases=narrowed_to, secret=generated.secret)
        try:
            made, _ = self.engine.create_key(team_id=team_id, key=new)
        except Invalid:
            assert ends is not None
            assert ends <= self.engine.now_ms()
            return
        self.policy.keys[made.key_id] = Key(team_id, narrowed_to, ends)
        self.policy.secrets[virtual_keys.digest(generated.virtual_key)] = Secret(made.key_id)

    def rotate(self) -> None:
        lasting = [
            key_id
            for key_id, key in self.policy.keys.items()
            if not key.revoked and key.expires_at_ms is None and self.policy.team(key.team)
        ]
        if not lasting:
            return
        key_id, generated = self.random.choice(lasting), virtual_keys.generate()
        grace = self.random.choice([0, 1, 3600])
        before = self.engine.now_ms()
        self.engine.rotate_key(
            team_id=self.policy.keys[key_id].team, key_id=key_id, grace_seconds=grace, secret=generated.secret
        )
        after = self.engine.now_ms()
        for secret in self.policy.secrets.values():
            if secret.key_id == key_id:  # a later rotation shortens the grace of an earlier one, never lengthens it
                first, last = before + grace * 1000, after + grace * 1000
                secret.ends_after_ms = min(first, secret.ends_after_ms or first)
                secret.ends_by_ms = min(last, secret.ends_by_ms or last)
        self.policy.secrets[virtual_keys.digest(generated.virtual_key)] = Secret(key_id)

    def revoke(self) -> None:
        keys = [key_id for key_id, key in self.policy.keys.items() if self.policy.team(key.team)]
        if keys and self.rarely():
            key_id = self.random.choice(keys)
            self.engine.revoke_key(team_id=self.policy.keys[key_id].team, key_id=key_id)
            self.policy.keys[key_id].revoked = True

    def suspend(self) -> None:
        teams = self.living_teams()
        if teams:
            team_id, suspended = self.random.choice(teams), self.rarely()
            self.engine.suspend_team(team_id=team_id, suspended=suspended)
            self.policy.teams[team_id].suspended = suspended

    def suspend_organization(self) -> None:
        organization, suspended = self.random.choice(ORGANIZATIONS), self.rarely()
        self.engine.suspend_organization(organization_id=organization, suspended=suspended)
        self.policy.suspended_organizations.discard(organization)
        if suspended:
            self.policy.suspended_organizations.add(organization)

    def drop_alias(self) -> None:
        if self.policy.aliases and self.rarely():
            alias = self.random.choice(list(self.policy.aliases))
            self.engine.delete_model_alias(alias=alias, force=True)
            self.policy.drop_alias(alias)

    def drop_group(self) -> None:
        if self.policy.groups and self.rarely():
            group = self.random.choice(list(self.policy.groups))
            self.engine.delete_access_group(group_name=group)
            self.policy.drop_group(group)

    def drop_team(self) -> None:
        teams = self.living_teams()
        if len(teams) > 2 and self.rarely():
            team_id = self.random.choice(teams)
            self.engine.delete_team(team_id=team_id)
            self.policy.drop_team(team_id)


def answer_of(decision: Decision) -> Answer:
    reason = slug(decision.reason)
    assert (decision.outcome is Outcome.ALLOWED) == (reason == "granted")
    model = decision.litellm_model
    price = decision.pricing.credits_per_call if model else None
    return Answer(reason, decision.team_id, decision.key_id, model, tuple(decision.groups), price)


class Comparison:
    """Asks the engine everything, and the model what the answers have to be."""

    def __init__(self, world: World) -> None:
        self.engine, self.policy, self.random = world.engine, world.policy, world.random
        self.decisions: collections.Counter[str] = collections.Counter()

    def run(self) -> None:
        for team_id in ASKED_TEAMS:
            self.compare({"team_id": team_id}, partial(Caller.of_team, self.policy, team_id))
        for key_id in [*self.policy.keys, *UNKNOWN_KEYS]:
            self.compare({"key_id": key_id}, partial(Caller.of_key, self.policy, key_id))
        for digest in [*self.policy.secrets, bytes(32), virtual_keys.digest("sk-never-given-out")]:
            self.compare({"digest": digest}, partial(Caller.of_secret, self.policy, digest))

    def compare(self, subject: dict[str, Any], caller_at: Callable[[int], Caller]) -> None:
        first = self.engine.now_ms()
        decisions = [self.engine.authorize(**subject, alias=alias) for alias in ASKED_ALIASES]
        models = [(model.alias, model.via) for model in self.engine.available_models(**subject)]
        last = self.engine.now_ms()
        if self.may_end_unseen(subject, first, last):
            return
        callers = [caller_at(moment) for moment in self.policy.moments(first, last)]
        for asked, decision in zip(ASKED_ALIASES, decisions, strict=True):
            answer = answer_of(decision)
            assert answer in [caller.answer(asked) for caller in callers], (subject, asked)
            assert decision.alias == asked
            self.decisions[answer.reason] += 1
        assert models in [list(caller.available.items()) for caller in callers], subject
        if "digest" not in subject:
            self.explain(subject, caller_at)

    def may_end_unseen(self, subject: dict[str, Any], first: int, last: int) -> bool:
        """A secret whose end the model does not know to the millisecond, about to end."""
        secret = self.policy.secrets.get(subject.get("digest", b""))
        if secret is None or secret.ends_by_ms is None or secret.ends_after_ms is None:
            return False
        return secret.ends_after_ms <= last and first < secret.ends_by_ms

    def explain(self, subject: dict[str, Any], caller_at: Callable[[int], Caller]) -> None:
        asked = self.random.choice(ASKED_ALIASES)
        first = self.engine.now_ms()
        explained = self.engine.explain(**subject, alias=asked)
        moments = self.policy.moments(first, self.engine.now_ms())
        assert answer_of(explained.decision) in [caller_at(moment).answer(asked) for moment in moments]
        alias = self.policy.aliases.get(asked)
        assert (explained.alias_exists, explained.alias_active) == (
            alias is not None,
            alias is not None and alias.active,
        )
        listing = {group for group, aliases in self.policy.groups.items() if asked in aliases}
        assert set(explained.groups_with_alias) == listing


def compare_world(database: Path, randomness: random.Random) -> collections.Counter[str]:
    """A world, with everything asked after every few changes: how often each reason was given."""
    engine = Engine(database=str(database))
    world = World(engine, randomness)
    comparison = Comparison(world)
    for changes in [80] + [3] * 15:
        for _ in range(changes):
            world.change()
        comparison.run()
    engine.close()
    return comparison.decisions


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_core_decides_as_the_rules_say(tmp_path: Path, seed: int) -> None:
    assert SEEDS * DECISIONS_PER_SEED >= 1_000_000
    decisions: collections.Counter[str] = collections.Counter()
    randomness = random.Random(seed)
    for number in itertools.count():
        decisions += compare_world(tmp_path / f"{number}.db", randomness)
        if decisions.total() >= DECISIONS_PER_SEED:
            break
    assert set(decisions) == REASONS_OF_THE_AUTHORIZER, decisions
    assert decisions["granted"] > DECISIONS_PER_SEED // 50, decisions


def test_the_comparison_can_fail(tmp_path: Path) -> None:
    engine = Engine(database=str(tmp_path / "store.db"))
    world = World(engine, random.Random(1))
    comparison = Comparison(world)
    new = NewModelAlias(alias="gpt", litellm_model="openai/gpt", description="")
    engine.create_model_alias(model_alias=new)
    engine.create_access_group(access_group=NewAccessGroup(group_name="group-0", description="", model_aliases=["gpt"]))
    engine.create_team(team=NewTeam(organization_id="org", team_id="team-0", team_alias="", access_groups=["group-0"]))
    with pytest.raises(AssertionError):
        comparison.run()
    engine.close()
