"""A question to the explain endpoint, with all that its answer rests on, as a chain: team, groups, alias, model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from saas_access import times
from saas_access.dashboard.api import ApiError, segment
from saas_access.dashboard.rendering import number

if TYPE_CHECKING:
    from saas_access.dashboard.api import Api, Json

_KEY_REASONS = {"key_revoked": "the key is revoked", "key_expired": "the key has expired"}


class State(Enum):
    """How a link or a check stands. `UNREAD`: there is nothing to tell."""

    HOLDS = "holds"
    BREAKS = "breaks"
    UNREAD = "unread"


@dataclass(frozen=True)
class Link:
    """Between two things of the chain. `say`: why it holds or breaks."""

    state: State
    say: str


@dataclass(frozen=True)
class Check:
    """One of the conditions, in the order in which they are looked at; `stops`: this is the one that decided."""

    name: str
    state: State
    stops: bool


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the API says about one caller and one model."""

    explanation: Json
    team: Json
    team_etag: str | None
    organization: Json
    alias: Json | None  # None: there is none
    key: Json | None  # None: asked about a team
    now_ms: int

    @property
    def model(self) -> str:
        return str(self.explanation["model"])

    @property
    def reason(self) -> str:
        return str(self.explanation["reason"])

    @cached_property
    def held(self) -> list[str]:
        """The team's own groups and those it is granted now, by name."""
        granted = [grant["access_group"] for grant in self.team["grants"] if self._runs(grant)]
        return list(dict.fromkeys([*self.team["access_groups"], *granted]))

    def _runs(self, grant: Json) -> bool:
        return times.parse(grant["starts_at"]) <= self.now_ms < times.parse(grant["expires_at"])

    @property
    def key_may(self) -> bool:
        """Isn't the key narrowed to other models?"""
        narrowed = self.key and self.key["model_aliases"]
        return not isinstance(narrowed, list) or self.model in narrowed

    @property
    def needed(self) -> Decimal:
        """Credits that must be left for a call outside of any job; where use is billed, the least that can be."""
        by_call = self.team["budget_mode"] == "job_based" and self.alias is not None
        return Decimal(self.alias["credits_per_call"]) if by_call and self.alias else Decimal("0.000001")

    @property
    def can_pay(self) -> bool:
        return bool(self.team["credits_remaining"] >= self.needed)

    @property
    def grants_model(self) -> bool:
        """Would the team's groups, and the key, let this model through?"""
        active = self.alias is not None and self.alias["active"]
        return active and self.key_may and bool(set(self.held).intersection(self.explanation["groups_with_alias"]))

    def links(self) -> list[Link]:
        """Team to groups, groups to alias, alias to model."""
        return [self._to_groups(), self._to_alias(), self._to_model()]

    def _to_groups(self) -> Link:
        with_alias = self.explanation["groups_with_alias"]
        if self.reason in _KEY_REASONS:
            return Link(State.BREAKS, _KEY_REASONS[self.reason])
        if not self.key_may:
            return Link(State.BREAKS, "this key is narrowed to other models")
        if not with_alias:
            return Link(State.UNREAD, "nothing to hold")
        if not set(self.held).intersection(with_alias):
            return Link(State.BREAKS, "no group grants it")
        for status, who in ((self.team["status"], "team"), (self.team["organization_status"], "organization")):
            if status == "suspended":
                return Link(State.BREAKS, f"the {who} is suspended")
        return Link(State.HOLDS, "has it")

    def _to_alias(self) -> Link:
        if self.alias is None:
            return Link(State.BREAKS, "there is no such alias")
        with_alias = self.explanation["groups_with_alias"]
        if not with_alias:
            return Link(State.BREAKS, "no group lists it")
        return Link(State.HOLDS, "holds it" if len(with_alias) == 1 else "hold it")

    def _to_model(self) -> Link:
        if self.alias is None:
            return Link(State.UNREAD, "leads nowhere")
        if not self.alias["active"]:
            return Link(State.BREAKS, "the alias is not active")
        if not self.can_pay:
            left = number(self.team["credits_remaining"])
            return Link(State.BREAKS, f"{left} credits left, {number(self.needed)} needed")
        if self.alias.get("warnings"):
            return Link(State.BREAKS, "the proxy has no route")
        return Link(State.HOLDS, "routes to")

    def checks(self) -> list[Check]:
        """What is looked at for a call, in order."""
        found: list[tuple[str, State, frozenset[str]]] = []
        if self.key is not None:
            found.append(("key is valid", _state(self.reason not in _KEY_REASONS), frozenset(_KEY_REASONS)))
        paid = State.UNREAD if self.alias is None else _state(self.can_pay)
        found += [
            ("model is granted", _state(self.grants_model), frozenset({"model_not_granted"})),
            ("team is active", _state(self.team["status"] == "active"), frozenset({"team_suspended"})),
            (
                "organization is active",
                _state(self.team["organization_status"] == "active"),
                frozenset({"organization_suspended"}),
            ),
            ("credits are left", paid, frozenset({"credits_exhausted"})),
        ]
        return [Check(name, state, self.reason in reasons) for name, state, reasons in found]


def _state(holds: bool) -> State:
    return State.HOLDS if holds else State.BREAKS


async def read_case(api: Api, *, team_id: str, virtual_key_id: str, model: str, now_ms: int) -> Case:
    """Asks about the key, or else about the team. Raises ApiError: 422 where there is no such team or key."""
    named = {"virtual_key_id": virtual_key_id} if virtual_key_id else {"team_id": team_id}
    explanation = (await api.ask("POST", "/api/authorize/explain", body={**named, "model": model})).body
    team = segment(explanation["team_id"])
    asked, alias, key = await asyncio.gather(
        api.ask("GET", f"/api/teams/{team}"), _find_alias(api, model), _find_key(api, team, virtual_key_id)
    )
    organization = await api.get(f"/api/organizations/{segment(asked.body['organization_id'])}")
    return Case(
        explanation=explanation,
        team=asked.body,
        team_etag=asked.etag,
        organization=organization,
        alias=alias,
        key=key,
        now_ms=now_ms,
    )


async def _find_alias(api: Api, model: str) -> Json | None:
    try:
        return await api.get(f"/api/model-aliases/{segment(model)}")
    except ApiError as refused:
        if refused.status != 404:
            raise
        return None


async def _find_key(api: Api, team: str, virtual_key_id: str) -> Json | None:
    if not virtual_key_id:
        return None
    keys = (await api.get(f"/api/teams/{team}/keys"))["keys"]
    return next((key for key in keys if key["key_id"] == virtual_key_id), None)
