"""The rows of the access matrix: which teams, and what each may use, uses and is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from saas_access import times
from saas_access._core import UsageBy
from saas_access.admin.answers import status_of
from saas_access.admin.matrix_answers import MatrixCell, MatrixTeam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from saas_access._core import Engine, ModelAlias, Team

Show = Literal["refused", "unused", "ending"]

_WEEK_DAYS = 7
_UNUSED_DAYS = 30
_CHUNK = 1000  # teams that are read at once while rows are looked for
_BY_THEMSELVES = 200
_ALL = 1_000_000  # more rows of refusals than a week can hold


@dataclass(frozen=True, kw_only=True)
class MatrixFilter:
    """Which teams to show, `aliases` being the models that are looked at."""

    aliases: list[ModelAlias]
    organization_id: str | None = None
    access_group: str | None = None
    search: str | None = None
    show: Show | None = None

    def predicate(self, engine: Engine) -> Callable[[Team], bool] | None:
        """What the store doesn't filter by; None: nothing."""
        shown = None if self.show is None else self._shown(engine, self.show)
        text = (self.search or "").lower()
        if not text:
            return shown

        def matches(team: Team) -> bool:
            named = text in team.team_id.lower() or text in team.team_alias.lower()
            return named and (shown is None or shown(team))

        return matches

    def _shown(self, engine: Engine, show: Show) -> Callable[[Team], bool]:
        """Each kind is found for all teams at once."""
        names = {item.alias for item in self.aliases}
        if show == "unused":
            return _Unused(engine, names)
        if show == "refused":
            refused = engine.list_team_denials(since_ms=times.first_day_ms(engine.now_ms(), _WEEK_DAYS), limit=_ALL)
            teams = {found.team_id for found in refused if found.alias in names}
        else:
            groups = {group for item in self.aliases for group in item.access_groups}
            ending = engine.list_ending_grants(until_ms=engine.now_ms() + _WEEK_DAYS * times.DAY_MS)
            teams = {found.team_id for found in ending if found.grant.access_group in groups}
        return lambda team: team.team_id in teams

    def page(self, engine: Engine, after: int | None, limit: int) -> tuple[list[Team], int | None]:
        """The next teams, and where to go on after them."""
        wanted = self.predicate(engine)
        if wanted is None:
            return self._list(engine, after, limit)
        found: list[Team] = []
        while True:
            chunk, following = self._list(engine, after, _CHUNK)
            for place, team in enumerate(chunk):
                if not wanted(team):
                    continue
                if len(found) == limit:  # the page is full, and this one is the first of the next
                    return found, after if place == 0 else self._list(engine, after, place)[1]
                found.append(team)
            if following is None:
                return found, None
            after = following

    def every(self, engine: Engine) -> Iterator[list[Team]]:
        """All teams, a chunk at a time."""
        wanted = self.predicate(engine)
        after: int | None = None
        while True:
            chunk, after = self._list(engine, after, _CHUNK)
            yield [team for team in chunk if wanted is None or wanted(team)]
            if after is None:
                return

    def _list(self, engine: Engine, after: int | None, limit: int) -> tuple[list[Team], int | None]:
        return engine.list_teams(
            organization_id=self.organization_id, access_group=self.access_group, after=after, limit=limit
        )


@dataclass(frozen=True, kw_only=True)
class RowMaker:
    """Makes rows of teams; the names of organizations are read once each."""

    engine: Engine
    aliases: set[str]
    _names: dict[str, str] = field(default_factory=dict)

    def row(self, team: Team) -> MatrixTeam:
        return MatrixTeam(
            team_id=team.team_id,
            organization_id=team.organization_id,
            organization_name=self._organization_name(team.organization_id),
            status=status_of(suspended=team.suspended),
            cells=self._cells(team),
        )

    def _organization_name(self, organization_id: str) -> str:
        if organization_id not in self._names:
            self._names[organization_id] = self.engine.find_organization(organization_id=organization_id).name
        return self._names[organization_id]

    def _cells(self, team: Team) -> dict[str, MatrixCell]:
        granted = {
            model.alias: model.via
            for model in self.engine.available_models(team_id=team.team_id)
            if model.alias in self.aliases
        }
        facts: dict[str, dict[str, Any]] = {alias: {} for alias in granted}
        lasting = set(team.access_groups)
        ends = _Ends(self.engine, team.team_id)
        for alias, via in granted.items():
            if lasting.isdisjoint(via) and (until_ms := ends.last_of(via)) is not None:
                facts[alias]["until"] = times.text(until_ms)
        used = self.engine.report_usage(
            team_id=team.team_id,
            from_ms=times.first_day_ms(self.engine.now_ms(), _WEEK_DAYS),
            to_ms=self.engine.now_ms() + 1,
            group_by=[UsageBy.ALIAS],
        )
        for row in used.rows:
            if row.alias is None or row.alias not in self.aliases or not (row.denials or row.alias in granted):
                continue
            counts = {"calls_7d": row.calls, "denials_7d": row.denials}
            facts.setdefault(row.alias, {}).update({name: count for name, count in counts.items() if count})
        for alias in self._unused(team.team_id, {alias for alias in granted if "calls_7d" not in facts[alias]}):
            facts[alias]["unused"] = True
        return {alias: MatrixCell(via=granted.get(alias, []), **found) for alias, found in facts.items()}

    def _unused(self, team_id: str, quiet: set[str]) -> set[str]:
        """Of the models not called in the last week, those not called in the 30 days either."""
        return (
            quiet - _called(self.engine, team_id, times.first_day_ms(self.engine.now_ms(), _UNUSED_DAYS))
            if quiet
            else quiet
        )


def _called(engine: Engine, team_id: str, since_ms: int) -> set[str]:
    """The models that a team got an answer of."""
    report = engine.report_usage(team_id=team_id, from_ms=since_ms, to_ms=engine.now_ms() + 1, group_by=[UsageBy.ALIAS])
    return {row.alias for row in report.rows if row.alias is not None and row.calls}


class _Unused:
    """Has a team one of the models and didn't call it? The first teams are looked at by themselves, as most pages are
    full after a few; if that goes on, the calls of all teams are read at once.
    """

    def __init__(self, engine: Engine, names: set[str]) -> None:
        self._engine = engine
        self._names = names
        self._since_ms = times.first_day_ms(engine.now_ms(), _UNUSED_DAYS)
        self._looked_at = 0
        self._called: dict[str, set[str]] | None = None

    def __call__(self, team: Team) -> bool:
        granted = {model.alias for model in self._engine.available_models(team_id=team.team_id)} & self._names
        return bool(granted - self._called_by(team.team_id)) if granted else False

    def _called_by(self, team_id: str) -> set[str]:
        self._looked_at += 1
        if self._looked_at <= _BY_THEMSELVES:
            return _called(self._engine, team_id, self._since_ms)
        if self._called is None:
            self._called = {}
            for used in self._engine.list_called_models(since_ms=self._since_ms):
                self._called.setdefault(used.team_id, set()).add(used.alias)
        return self._called.get(team_id, set())


class _Ends:
    """When a team's running grants end; read when first asked for."""

    def __init__(self, engine: Engine, team_id: str) -> None:
        self._engine = engine
        self._team_id = team_id
        self._ends_ms: dict[str, int] | None = None

    def last_of(self, groups: list[str]) -> int | None:
        if self._ends_ms is None:
            now_ms = self._engine.now_ms()
            self._ends_ms = {}
            for grant in self._engine.list_grants(team_id=self._team_id):
                if grant.starts_at_ms <= now_ms < grant.expires_at_ms:
                    known = self._ends_ms.get(grant.access_group, 0)
                    self._ends_ms[grant.access_group] = max(known, grant.expires_at_ms)
        return max((self._ends_ms[group] for group in groups if group in self._ends_ms), default=None)
