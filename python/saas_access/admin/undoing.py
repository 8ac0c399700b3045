"""Undoing what an audit entry tells of: by the one write that is its exact inverse, while nothing has changed since."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from saas_access import problems, times
from saas_access._core import (
    AccessGroup,
    AccessGroupPatch,
    AuditEntry,
    Conflict,
    ModelAlias,
    NewGrant,
    NotFound,
    OrganizationPatch,
    PreconditionFailed,
    Receipt,
)
from saas_access.admin import current_state
from saas_access.admin.bodies import (
    AccessGroupPatchBody,
    Body,
    ModelAliasPatchBody,
    OrganizationPatchBody,
    TeamPatchBody,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_access._core import Engine, WriteOptions
    from saas_access.admin.current_state import CurrentState

    Write = Callable[[WriteOptions], Receipt]

_Patch = TypeVar("_Patch", bound=Body)

_CREATES = ("organization.create", "model_alias.create", "access_group.create")
_CHANGES = (
    *("organization.update", "organization.suspend", "organization.resume", "model_alias.update"),
    *("access_group.update", "access_group.add_models", "access_group.remove_models"),
    *("team.update", "team.suspend", "team.resume"),
)
_DELETED = "what was deleted can't be made again as it was; create it anew"
_NO_INVERSE = {
    "organization.delete": _DELETED,
    "model_alias.delete": _DELETED,
    "access_group.delete": _DELETED,
    "team.delete": "a team's id is never free again",
    "team.create": "a team's id is never free again; suspend the team, or delete it",
    "key.create": "a key stays on record; revoke it",
    "key.rotate": "the secret before is not kept",
    "key.revoke": "a revoked key never works again; create another one",
    "credits.add": "the ledger only grows; set credits_allocated",
}
# The audit tells amounts as JSON numbers, which hold 15 digits exactly.
_EXACT_BELOW = 10**9
_TYPES = {
    "organization": "Organization",
    "model_alias": "Model alias",
    "access_group": "Access group",
    "team": "Team",
}


@dataclass(frozen=True, kw_only=True)
class Inverse:
    """A write that brings back what was before an entry. `before` and `after` are the fields that it changes, as an
    audit entry shows them; `revision` is that of the thing as it was looked at, None where nothing can come between.
    """

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    revision: int | None
    write: Write


class Undoing:
    """Finds inverses. Keeps what it has read, so it is for one request alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._states: dict[tuple[str, str], CurrentState | None] = {}

    def inverse_of(self, entry: AuditEntry) -> Inverse:
        """Raises Conflict if there is no exact inverse, PreconditionFailed if there was one and something has changed
        since.
        """
        if entry.action in _CHANGES:
            return self._of_change(entry)
        if entry.action in _CREATES:
            return self._of_create(entry)
        if entry.action == "grant.create":
            return self._of_grant(entry)
        if entry.action == "grant.delete":
            return self._of_ended_grant(entry)
        raise _conflict(entry, _NO_INVERSE.get(entry.action, "it has no inverse"))

    def is_undoable(self, entry: AuditEntry) -> bool:
        """Would undoing it now work?"""
        try:
            self.inverse_of(entry)
        except (Conflict, PreconditionFailed):
            return False
        return True

    def _of_change(self, entry: AuditEntry) -> Inverse:
        before, after = current_state.parsed(entry.before), current_state.parsed(entry.after)
        changed = [name for name in after if before.get(name) != after[name]]
        if not changed:
            raise _conflict(entry, "it changed nothing")
        if "credits_allocated" in changed:
            raise _conflict(entry, "credits may have been used or added since; set credits_allocated")
        state = self._unchanged(entry, after)
        values = {name: before[name] for name in changed}
        self._require_listed(entry, values)
        return Inverse(
            before={name: after[name] for name in changed},
            after=values,
            revision=state.record.revision,
            write=_write_of(self._engine, entry, values),
        )

    def _of_create(self, entry: AuditEntry) -> Inverse:
        after = current_state.parsed(entry.after)
        state = self._unchanged(entry, after)
        if state.record.revision != entry.revision:  # another one of the same name, or changed there and back
            raise PreconditionFailed(f"{_named(entry)} was changed since audit entry {entry.id}")
        if (user := self._user_of(entry, state)) is not None:
            raise _conflict(entry, f"{user} by now")
        return Inverse(before=after, after=None, revision=entry.revision, write=_deletion_of(self._engine, entry))

    def _of_grant(self, entry: AuditEntry) -> Inverse:
        engine, team_id, grant = self._engine, entry.target_id, current_state.parsed(entry.after)
        try:
            known = [found.grant_id for found in engine.list_grants(team_id=team_id)]
        except NotFound:
            known = []
        grant_id: str = grant["grant_id"]
        if grant_id not in known:
            raise PreconditionFailed(f"Grant {problems.quoted(grant_id)} of team {problems.quoted(team_id)} is gone")
        return Inverse(
            before=grant,
            after=None,
            revision=None,
            write=lambda options: engine.delete_grant(team_id=team_id, grant_id=grant_id, options=options),
        )

    def _of_ended_grant(self, entry: AuditEntry) -> Inverse:
        engine, grant = self._engine, current_state.parsed(entry.before)
        if self._state("team", entry.target_id) is None:
            raise PreconditionFailed(f"{_named(entry)} does not exist any more")
        if grant["expires_at_ms"] <= engine.now_ms():
            raise _conflict(entry, "the grant would have ended by now")
        group = self._state("access_group", grant["access_group"])
        if group is None or group.record.created_at_ms > entry.at_ms:
            raise _conflict(entry, f"access group {problems.quoted(grant['access_group'])} was deleted since")
        new = NewGrant(
            access_group=grant["access_group"],
            starts_at_ms=grant["starts_at_ms"],
            expires_at_ms=grant["expires_at_ms"],
            reason=grant["reason"],
        )
        return Inverse(
            before=None,
            after={name: value for name, value in grant.items() if name != "grant_id"},  # it gets an id of its own
            revision=None,
            write=lambda options: engine.create_grant(team_id=entry.target_id, grant=new, options=options)[1],
        )

    def _state(self, target_type: str, target_id: str) -> CurrentState | None:
        key = (target_type, target_id)
        if key not in self._states:
            self._states[key] = current_state.read(self._engine, target_type, target_id)
        return self._states[key]

    def _unchanged(self, entry: AuditEntry, values: dict[str, Any]) -> CurrentState:
        """The state of the thing, which is as the entry left it."""
        state = self._state(entry.target_type, entry.target_id)
        if state is None or state.record.created_at_ms > entry.at_ms:
            raise PreconditionFailed(f"{_named(entry)} was deleted since audit entry {entry.id}")
        if state.record.revision != entry.revision and (found := state.differences(values)):
            raise PreconditionFailed(f"{_named(entry)} was changed since audit entry {entry.id}: {'; '.join(found)}")
        return state

    def _require_listed(self, entry: AuditEntry, values: dict[str, Any]) -> None:
        """What the inverse names again must still exist."""
        successors = [values["successor"]] if values.get("successor") else []
        for listed, target_type in (
            (values.get("access_groups", []), "access_group"),
            (values.get("model_aliases", []) + successors, "model_alias"),
        ):
            for name in listed:
                found = self._state(target_type, name)
                if found is None or found.record.created_at_ms > entry.at_ms:
                    raise _conflict(entry, f"{_TYPES[target_type].lower()} {problems.quoted(name)} was deleted since")

    def _user_of(self, entry: AuditEntry, state: CurrentState) -> str | None:
        """What would lose something if this were deleted."""
        if isinstance(state.record, ModelAlias):
            groups = state.record.access_groups
            return f"access group {problems.quoted(groups[0])} lists it" if groups else None
        if isinstance(state.record, AccessGroup):
            holders = state.record.teams_with_access
            return f"team {problems.quoted(holders[0])} has it" if holders else None
        teams, _ = self._engine.list_teams(organization_id=entry.target_id, limit=1)
        return f"team {problems.quoted(teams[0].team_id)} belongs to it" if teams else None


def _named(entry: AuditEntry) -> str:
    return f"{_TYPES[entry.target_type]} {problems.quoted(entry.target_id)}"


def _conflict(entry: AuditEntry, why: str) -> Conflict:
    return Conflict(f"Audit entry {entry.id} ({entry.action}) can't be undone: {why}")


def _write_of(engine: Engine, entry: AuditEntry, values: dict[str, Any]) -> Write:
    name = entry.target_id
    if "suspended" in values:
        suspended: bool = values["suspended"]
        if entry.target_type == "team":
            return lambda options: engine.suspend_team(team_id=name, suspended=suspended, options=options)[1]
        return lambda options: engine.suspend_organization(organization_id=name, suspended=suspended, options=options)[
            1
        ]
    if entry.target_type == "team":
        team = _body(TeamPatchBody, entry, values).patch()
        return lambda options: engine.update_team(team_id=name, patch=team, options=options)[1]
    if entry.target_type == "access_group":
        group = AccessGroupPatch(**_body(AccessGroupPatchBody, entry, values).model_dump())
        return lambda options: engine.update_access_group(group_name=name, patch=group, options=options)[1]
    if entry.target_type == "model_alias":
        alias = _body(ModelAliasPatchBody, entry, _with_texts(values)).patch()
        return lambda options: engine.update_model_alias(alias=name, patch=alias, options=options)[1]
    organization = OrganizationPatch(**_body(OrganizationPatchBody, entry, values).model_dump())
    return lambda options: engine.update_organization(organization_id=name, patch=organization, options=options)[1]


def _body(body: type[_Patch], entry: AuditEntry, values: dict[str, Any]) -> _Patch:
    """The audit speaks the API's language, so that what was before reads as the body that brings it back."""
    if any(amount >= _EXACT_BELOW and amount % 1 for amount in _amounts(values)):
        raise _conflict(entry, "the audit holds an amount of credits of so many digits only roughly")
    try:
        return body.model_validate(values)
    except ValidationError as error:
        raise _conflict(entry, "this server can't set all of it") from error


def _with_texts(values: dict[str, Any]) -> dict[str, Any]:
    """The end of an alias as a body writes it; the audit has milliseconds."""
    if "retires_at_ms" not in values:
        return values
    others = {name: value for name, value in values.items() if name != "retires_at_ms"}
    return others | {"retires_at": times.optional_text(values["retires_at_ms"])}


def _amounts(values: dict[str, Any]) -> list[Decimal]:
    found = [
        values.get("credits_per_call"),
        values.get("credits_per_dollar"),
        (values.get("refill") or {}).get("credits"),
    ]
    return [amount for amount in [*found, *values.get("low_balance_thresholds", [])] if isinstance(amount, Decimal)]


def _deletion_of(engine: Engine, entry: AuditEntry) -> Write:
    name = entry.target_id
    if entry.target_type == "organization":
        return lambda options: engine.delete_organization(organization_id=name, options=options)
    if entry.target_type == "model_alias":
        return lambda options: engine.delete_model_alias(alias=name, force=False, options=options)
    return lambda options: engine.delete_access_group(group_name=name, only_unused=True, options=options)[1]
