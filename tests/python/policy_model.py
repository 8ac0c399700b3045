"""What the documentation says about decisions, as plainly as Python can say it: the other side of the comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Alias:
    litellm_model: str
    active: bool
    credits_per_call: int


@dataclass
class Grant:
    group: str
    starts_at_ms: int
    expires_at_ms: int


@dataclass
class Team:
    organization: str
    groups: list[str]
    suspended: bool = False
    deleted: bool = False
    grants: dict[str, Grant] = field(default_factory=dict)  # by grant_id, in order of creation

    def groups_at(self, now_ms: int) -> list[str]:
        """Its own groups in the operator's order, then those of running grants; each once."""
        running = [grant.group for grant in self.grants.values() if grant.starts_at_ms <= now_ms < grant.expires_at_ms]
        return list(dict.fromkeys([*self.groups, *running]))


@dataclass
class Key:
    team: str
    narrowed_to: list[str] | None
    expires_at_ms: int | None
    revoked: bool = False

    def reason_at(self, now_ms: int) -> str:
        if self.revoked:
            return "key_revoked"
        expired = self.expires_at_ms is not None and self.expires_at_ms <= now_ms
        return "key_expired" if expired else "granted"


@dataclass
class Secret:
    """Ends somewhere between two moments: those before and after the call that rotated its key."""

    key_id: str
    ends_after_ms: int | None = None
    ends_by_ms: int | None = None


class Answer(NamedTuple):
    reason: str
    team_id: str = ""
    key_id: str = ""
    litellm_model: str = ""
    groups: tuple[str, ...] = ()
    credits_per_call: int | None = None


@dataclass
class Policy:
    aliases: dict[str, Alias] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    suspended_organizations: set[str] = field(default_factory=set)
    teams: dict[str, Team] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    secrets: dict[bytes, Secret] = field(default_factory=dict)

    def team(self, team_id: str) -> Team | None:
        team = self.teams.get(team_id)
        return None if team is None or team.deleted else team

    def available(self, team: Team, narrowed_to: list[str] | None, now_ms: int) -> dict[str, list[str]]:
        """Each alias in the order the team's groups give it, and through which of them."""
        via: dict[str, list[str]] = {}
        for group in team.groups_at(now_ms):
            for alias in self.groups[group]:
                if self.aliases[alias].active and (narrowed_to is None or alias in narrowed_to):
                    via.setdefault(alias, []).append(group)
        return via

    def moments(self, first_ms: int, last_ms: int) -> list[int]:
        """One moment for every state that the policy goes through by itself between two moments."""
        return [first_ms, *(moment for moment in set(self._turns()) if first_ms < moment <= last_ms)]

    def _turns(self) -> Iterator[int]:
        for team in self.teams.values():
            for grant in team.grants.values():
                yield from (grant.starts_at_ms, grant.expires_at_ms)
        for key in self.keys.values():
            if key.expires_at_ms is not None:
                yield key.expires_at_ms

    def drop_alias(self, alias: str) -> None:
        del self.aliases[alias]
        for narrowed_to in [*self.groups.values(), *(key.narrowed_to for key in self.keys.values())]:
            if narrowed_to is not None and alias in narrowed_to:
                narrowed_to.remove(alias)

    def drop_group(self, group: str) -> None:
        del self.groups[group]
        for team in self.teams.values():
            team.groups = [held for held in team.groups if held != group]
            team.grants = {name: grant for name, grant in team.grants.items() if grant.group != group}

    def drop_team(self, team_id: str) -> None:
        self.teams[team_id].deleted = True
        self.teams[team_id].grants.clear()


@dataclass(frozen=True)
class Caller:
    """A team as such, a key, or a secret of a key, at one moment: what it gets for any name."""

    policy: Policy
    reason: str  # "granted" unless the key is refused, whatever it asks for
    team_id: str
    key_id: str
    narrowed_to: list[str] | None
    available: dict[str, list[str]]

    @classmethod
    def of_team(cls, policy: Policy, team_id: str, now_ms: int) -> Caller:
        team = policy.team(team_id)
        if team is None:
            return cls(policy, "model_not_granted", "", "", None, {})
        return cls(policy, "granted", team_id, "", None, policy.available(team, None, now_ms))

    @classmethod
    def of_key(cls, policy: Policy, key_id: str, now_ms: int, *, retired: bool = False) -> Caller:
        key = policy.keys.get(key_id)
        if key is None:
            return cls(policy, "key_unknown", "", "", None, {})
        team = policy.team(key.team)
        if team is None or retired:
            return cls(policy, "key_revoked", key.team if team else "", key_id, None, {})
        reason = key.reason_at(now_ms)
        available = policy.available(team, key.narrowed_to, now_ms) if reason == "granted" else {}
        return cls(policy, reason, key.team, key_id, key.narrowed_to, available)

    @classmethod
    def of_secret(cls, policy: Policy, digest: bytes, now_ms: int) -> Caller:
        secret = policy.secrets.get(digest)
        if secret is None:
            return cls(policy, "key_unknown", "", "", None, {})
        retired = secret.ends_by_ms is not None and secret.ends_by_ms <= now_ms
        return cls.of_key(policy, secret.key_id, now_ms, retired=retired)

    def answer(self, asked: str) -> Answer:
        """The key, the model, the team, its organization: the first that stands in the way."""
        if self.reason != "granted":
            return Answer(self.reason, self.team_id, self.key_id)
        if asked not in self.available:
            return Answer("model_not_granted", self.team_id, self.key_id)
        team, alias = self.policy.teams[self.team_id], self.policy.aliases[asked]
        reason = "granted"
        if team.suspended:
            reason = "team_suspended"
        elif team.organization in self.policy.suspended_organizations:
            reason = "organization_suspended"
        groups = tuple(self.available[asked])
        return Answer(reason, self.team_id, self.key_id, alias.litellm_model, groups, alias.credits_per_call)
