"""What needs an operator today: each kind is found for all teams at once, and looked at more closely for the few that
are shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from saas_access import credits, problems, times
from saas_access._core import NotFound, Reason, UsageBy, slug
from saas_access.admin import health
from saas_access.admin.overview_answers import Need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from saas_access._core import Engine, ModelAlias, TeamDenials
    from saas_access.admin.access import Service

_MOST_OF_A_KIND = 10
_MOST_REFUSALS = 200  # the most frequent ones, of which those that are worth a line are picked
_GRANT_ENDS_DAYS = 7
_DENIED_DAYS = 7
_RETIRING_DAYS = 30
_CALLED_DAYS = 7
_UNUSED_DAYS = 30


@dataclass(frozen=True)
class _World:
    """What several kinds look at, read once."""

    service: Service

    @property
    def engine(self) -> Engine:
        return self.service.runtime.engine

    def first_day_ms(self, days: int) -> int:
        return times.first_day_ms(self.engine.now_ms(), days)

    @cached_property
    def model_aliases(self) -> dict[str, ModelAlias]:
        return {item.alias: item for item in self.engine.list_model_aliases()[0]}

    @cached_property
    def denials(self) -> list[TeamDenials]:
        return self.engine.list_team_denials(since_ms=self.first_day_ms(_DENIED_DAYS), limit=_MOST_REFUSALS)


def find(service: Service) -> tuple[list[Need], list[str]]:
    """The needs, the most urgent kind first, and the kinds of which there was none."""
    world = _World(service)
    found = {kind: list(islice(look(world), _MOST_OF_A_KIND)) for kind, look in _KINDS.items()}
    return [need for needs in found.values() for need in needs], [kind for kind, needs in found.items() if not needs]


def _trouble(world: _World) -> list[Need]:
    found = health.troubles(world.service, world.engine.health())
    return [Need(kind="trouble", message=message) for message in found]


def _no_route(world: _World) -> list[Need]:
    return [
        Need(
            kind="no_route",
            alias=item.alias,
            litellm_model=item.litellm_model,
            access_groups=item.access_groups,
            message=f"The proxy can't route {problems.quoted(item.litellm_model)}, which model alias "
            f"{problems.quoted(item.alias)} stands for.",
        )
        for item in world.model_aliases.values()
        if item.active and item.access_groups and world.service.host.can_route(item.litellm_model) is False
    ]


def _low_balance(world: _World) -> list[Need]:
    return [
        Need(
            kind="low_balance",
            team_id=low.team_id,
            credits_remaining=(left := credits.from_micro(low.remaining)),
            threshold=(threshold := credits.from_micro(low.threshold)),
            message=f"Team {problems.quoted(low.team_id)} has {left:f} credits left; its threshold is {threshold:f}.",
        )
        for low in world.engine.list_low_balances(limit=_MOST_OF_A_KIND)
    ]


def _suspended_traffic(world: _World) -> Iterator[Need]:
    for item in world.denials:
        if item.reason in (Reason.TEAM_SUSPENDED, Reason.ORGANIZATION_SUSPENDED) and _is_suspended(world.engine, item):
            yield _refused(
                world, "suspended_traffic", item, f"Team {problems.quoted(item.team_id)} calls while suspended"
            )


def _grant_ends(world: _World) -> list[Need]:
    until_ms = world.engine.now_ms() + _GRANT_ENDS_DAYS * times.DAY_MS
    return [
        Need(
            kind="grant_ends",
            team_id=item.team_id,
            access_group=item.grant.access_group,
            expires_at=(ends := times.text(item.grant.expires_at_ms)),
            message=f"Team {problems.quoted(item.team_id)} has access group "
            f"{problems.quoted(item.grant.access_group)} until {ends}.",
        )
        for item in world.engine.list_ending_grants(until_ms=until_ms)
    ]


def _denied(world: _World) -> Iterator[Need]:
    """Refusals of a model that the catalog has, and that would be refused still: of one that may be sold, or that
    credits are missing for.
    """
    for item in world.denials:
        model_alias = world.model_aliases.get(item.alias or "")
        if model_alias is not None and _is_wanting(world.engine, item, model_alias):
            yield _refused(world, "denied", item, f"Team {problems.quoted(item.team_id)} asks in vain")


def _is_suspended(engine: Engine, item: TeamDenials) -> bool:
    try:
        team = engine.find_team(team_id=item.team_id)
        if item.reason is Reason.TEAM_SUSPENDED:
            return team.suspended
        return engine.find_organization(organization_id=team.organization_id).suspended
    except NotFound:  # deleted this moment
        return False


def _is_wanting(engine: Engine, item: TeamDenials, model_alias: ModelAlias) -> bool:
    if item.reason is Reason.MODEL_NOT_GRANTED:
        return all(model.alias != item.alias for model in engine.available_models(team_id=item.team_id))
    if item.reason is Reason.CREDITS_EXHAUSTED:
        remaining = engine.find_balance(team_id=item.team_id).remaining
        return remaining == 0 or remaining < model_alias.credits_per_call
    return False


def _refused(world: _World, kind: str, item: TeamDenials, beginning: str) -> Need:
    about: dict[str, Any] = {"team_id": item.team_id, "reason": slug(item.reason), "denials": item.denials}
    if item.alias is not None:
        beginning += f" for {problems.quoted(item.alias)}"
        known = world.model_aliases.get(item.alias)
        about |= {"alias": item.alias, "access_groups": [] if known is None else known.access_groups}
    times_refused = "once" if item.denials == 1 else f"{item.denials} times"
    return Need(
        kind=kind,
        **about,
        last_denied_at=times.text(item.last_denied_at_ms),
        message=f"{beginning}: refused {times_refused} in {_DENIED_DAYS} days ({slug(item.reason)}).",
    )


def _retiring(world: _World) -> Iterator[Need]:
    """Aliases whose announced end is near or past, and which were called all the same in the last days."""
    until_ms = world.engine.now_ms() + _RETIRING_DAYS * times.DAY_MS
    ending = {
        item.alias: item.retires_at_ms
        for item in world.model_aliases.values()
        if item.active and item.retires_at_ms is not None and item.retires_at_ms <= until_ms
    }
    if not ending:
        return
    since_ms = world.first_day_ms(_CALLED_DAYS)
    report = world.engine.report_usage(
        from_ms=since_ms, to_ms=world.engine.now_ms() + 1, group_by=[UsageBy.ALIAS, UsageBy.TEAM_ID]
    )
    callers = Counter(row.alias for row in report.rows if row.calls and row.alias in ending)
    for alias, retires_at_ms in sorted(ending.items(), key=lambda item: item[1]):
        if (teams := callers[alias]) > 0:
            successor = world.model_aliases[alias].successor
            followed: dict[str, Any] = {} if successor is None else {"successor": successor}
            yield Need(
                kind="retiring",
                alias=alias,
                retires_at=(ends := times.text(retires_at_ms)),
                **followed,
                team_count=teams,
                message=f"Model alias {problems.quoted(alias)} is announced to end at {ends}; "
                f"{teams} {'team' if teams == 1 else 'teams'} called it in {_CALLED_DAYS} days.",
            )


def _unused_group(world: _World) -> list[Need]:
    """Groups that teams have and no call came through. One whose group isn't known counts for all that list the model,
    so that nothing in use is called unused.
    """
    report = world.engine.report_usage(
        from_ms=world.first_day_ms(_UNUSED_DAYS),
        to_ms=world.engine.now_ms() + 1,
        group_by=[UsageBy.ALIAS, UsageBy.ACCESS_GROUP],
    )
    called = [row for row in report.rows if row.calls]
    used = {row.access_group for row in called}
    for row in called:
        if row.access_group is None and row.alias in world.model_aliases:
            used.update(world.model_aliases[row.alias].access_groups)
    return [
        Need(
            kind="unused_group",
            access_group=group.group_name,
            team_count=group.team_count,
            message=f"Nobody called a model of access group {problems.quoted(group.group_name)} in {_UNUSED_DAYS} "
            f"days; {group.team_count} {'team has' if group.team_count == 1 else 'teams have'} it.",
        )
        for group in world.engine.list_access_groups()[0]
        if group.team_count and group.group_name not in used
    ]


# The most urgent first.
_KINDS: dict[str, Callable[[_World], Iterable[Need]]] = {
    "trouble": _trouble,
    "no_route": _no_route,
    "low_balance": _low_balance,
    "suspended_traffic": _suspended_traffic,
    "grant_ends": _grant_ends,
    "denied": _denied,
    "retiring": _retiring,
    "unused_group": _unused_group,
}
