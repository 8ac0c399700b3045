"""How far the first steps have come: told by what exists, and by what the address says was chosen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_access.dashboard.api import ApiError, segment

if TYPE_CHECKING:
    from saas_access.dashboard.api import Api, Json

CHOICES = ("organization_id", "group_name", "team_id")
_OFFERED = 50


@dataclass(frozen=True)
class Step:
    """One of the six; `about`: what it is for, or what was made in it."""

    title: str
    done: bool
    about: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is there. The choices are names; empty where nothing is chosen and there isn't just one."""

    counts: Json
    organizations: list[Json]
    groups: list[Json]
    teams: list[Json]
    organization_id: str
    group_name: str
    team: Json | None
    used: Json | None  # the sums of the team's calls of the last 30 days; without one of all teams'
    for_another: bool  # the steps are gone through for a customer who has no team yet

    @property
    def team_id(self) -> str:
        return str(self.team["team_id"]) if self.team else ""

    @property
    def choices(self) -> dict[str, str]:
        """As the address holds them."""
        return {name: getattr(self, name) for name in CHOICES if getattr(self, name)}

    def steps(self) -> list[Step]:
        counts, keys = self.counts, [key for key in (self.team or {}).get("keys", []) if key["status"] == "active"]
        teams = 0 if self.for_another else counts["teams"]
        has_key = bool(keys) if self.team else teams > 0  # a team is made with one
        answered = self.used is not None and self.used["calls"] > 0 and not self.for_another
        named = next(
            (each["name"] for each in self.organizations if each["organization_id"] == self.organization_id), ""
        )
        return [
            _step("Organization", counts["organizations"], named or self.organization_id, "who the customer is"),
            _step("Model aliases", counts["model_aliases"], "", "names that teams call"),
            _step("Access group", counts["access_groups"], self.group_name, "what a plan may call"),
            _step("Team", teams, self.team_id, "who gets it"),
            Step("Key", has_key, f"ends in {keys[0]['last_four']}" if keys else "shown once"),
            Step("Test call", answered, "answered" if answered else "see an answer"),
        ]


def _step(title: str, count: int, chosen: str, purpose: str) -> Step:
    return Step(title, count > 0, chosen or (f"{count:,} there" if count else purpose))


async def read(api: Api, asked: dict[str, str]) -> Standing:
    """`asked`: the choices that the address holds. One that doesn't exist (any more) is none."""
    counts, organizations, groups, teams = await asyncio.gather(
        api.get("/api/counts"),
        api.get("/api/organizations", limit=_OFFERED),
        api.get("/api/model-access-groups", limit=_OFFERED),
        api.get("/api/teams", limit=_OFFERED),
    )
    # The only team there is, unless the steps are gone through for another customer.
    team_id = asked["team_id"] or ("" if asked["organization_id"] else _only(teams["teams"], "team_id"))
    team, used = await asyncio.gather(_team(api, team_id), used_by(api, team_id))
    return Standing(
        counts=counts,
        organizations=organizations["organizations"],
        groups=groups["access_groups"],
        teams=teams["teams"],
        organization_id=(team or {}).get("organization_id")
        or asked["organization_id"]
        or _only(organizations["organizations"], "organization_id"),
        group_name=asked["group_name"] or _only(groups["access_groups"], "group_name"),
        team=team,
        used=used,
        for_another=team is None and bool(asked["organization_id"]),
    )


def _only(found: list[Any], field: str) -> str:
    return str(found[0][field]) if len(found) == 1 else ""


async def _team(api: Api, team_id: str) -> Json | None:
    if not team_id:
        return None
    try:
        return await api.get(f"/api/teams/{segment(team_id)}")
    except ApiError as refused:
        if refused.status != 404:
            raise
        return None


async def used_by(api: Api, team_id: str) -> Json | None:
    """The sums of the team's last 30 days, of all teams' without one; None where there was nothing."""
    rows = (await api.get("/api/usage", team_id=team_id or None))["usage"]
    return rows[0] if rows else None
