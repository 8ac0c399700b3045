"""What would let a refused call through: each remedy that the API names as a write, with what else it would give."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_access.dashboard.api import ApiError, segment

if TYPE_CHECKING:
    from saas_access.dashboard.api import Answered, Api, Json
    from saas_access.dashboard.chain import Case

_OWN_GROUPS_TRIED = 5
# Any one of these is enough, so the smallest comes first; every other remedy is needed.
_ALTERNATIVES = ("add_access_group", "add_model_to_group")
# These need more than a click: where to do them.
_ELSEWHERE = ("create_model_alias", "create_key")


@dataclass(frozen=True, kw_only=True)
class Fix:
    """`changes`: who would gain what, as a dry run tells it; None where it wasn't tried."""

    action: str
    message: str  # the API's own, empty for one that it doesn't name
    group: str = ""
    changes: list[Json] | None = None

    @property
    def pairs(self) -> int:
        """How many times a team would gain a model."""
        return sum(len(change["gains"]) for change in self.changes or [])

    @property
    def needed(self) -> bool:
        return self.action not in _ALTERNATIVES

    @property
    def is_elsewhere(self) -> bool:
        return self.action in _ELSEWHERE

    @property
    def also(self) -> list[str]:
        """What one team would gain."""
        return list(self.changes[0]["gains"]) if self.changes and len(self.changes) == 1 else []


@dataclass(frozen=True, kw_only=True)
class Write:
    """What the API is asked for."""

    method: str
    path: str
    body: Json | None = None
    if_match: str | None = None

    async def send(self, api: Api, *, dry_run: bool = False, headers: dict[str, str] | None = None) -> Answered:
        if_match = None if dry_run else self.if_match
        return await api.ask(
            self.method, self.path, body=self.body, dry_run=dry_run, if_match=if_match, headers=headers
        )


def write_for(case: Case, action: str, *, group: str = "", amount: str = "", until: str = "", etag: str = "") -> Write:
    """The write that does it. `etag`: that of the team as the operator saw it. KeyError for an unknown action."""
    team = f"/api/teams/{segment(case.team['team_id'])}"
    named = f"/api/model-access-groups/{segment(group)}"
    organization = f"/api/organizations/{segment(case.team['organization_id'])}"
    team_id, model = case.team["team_id"], case.model
    groups = [*case.team["access_groups"], group]
    writes = {
        "add_access_group": Write(method="PUT", path=team, body={"access_groups": groups}, if_match=etag),
        "grant": Write(method="POST", path=f"{team}/grants", body={"access_group": group, "expires_at": until}),
        "add_model_to_group": Write(method="POST", path=f"{named}/add-models", body={"model_aliases": [model]}),
        "activate_model_alias": Write(method="PUT", path=f"/api/model-aliases/{segment(model)}", body={"active": True}),
        "resume_team": Write(method="PUT", path=f"{team}/resume", if_match=etag),
        "resume_organization": Write(method="PUT", path=f"{organization}/resume"),
        "add_credits": Write(method="POST", path="/api/credits/add", body={"team_id": team_id, "amount": _int(amount)}),
    }
    return writes[action]


def _int(text: str) -> Any:
    """The number, or what was typed, for the API to refuse."""
    return int(text) if text.isdecimal() else text


async def fixes_for(case: Case, api: Api, *, may_write: bool) -> list[Fix]:
    """The smallest first. Who may not write can't try either: theirs come in the API's order, without changes."""
    remedies = case.explanation["remedies"]
    named = [
        Fix(action=each["action"], message=each["message"], group=each.get("access_group", ""))
        for each in remedies
        if each["action"] != "add_model_to_group"
    ]
    # The API names no group to put the model into; those of the team are the ones that would do.
    if any(each["action"] in _ALTERNATIVES for each in remedies):
        own = case.team["access_groups"][:_OWN_GROUPS_TRIED]
        named += [Fix(action="add_model_to_group", message="", group=group) for group in own]
    if may_write:
        named = list(await asyncio.gather(*(_tried(case, api, fix) for fix in named)))
    return sorted(named, key=lambda fix: (not fix.needed, fix.pairs))


async def _tried(case: Case, api: Api, fix: Fix) -> Fix:
    if fix.is_elsewhere or fix.action == "add_credits":
        return fix
    try:
        changes = (await write_for(case, fix.action, group=fix.group).send(api, dry_run=True)).body["changes"]
    except ApiError:  # what changed since is told when the operator does it
        return fix
    return Fix(action=fix.action, message=fix.message, group=fix.group, changes=changes)
