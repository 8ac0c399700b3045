"""How a team is put together from what the core knows about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_access._core import Engine, Receipt, Team
from saas_access.admin.answers import status_of
from saas_access.admin.team_answers import (
    GrantAnswer,
    TeamAnswer,
    TeamDetail,
    TeamKey,
    TeamModel,
    balance_fields,
    team_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def team_answer(engine: Engine, team: Team) -> TeamAnswer:
    """A team as lists and changes show it."""
    balance = engine.find_balance(team_id=team.team_id)
    fields = balance_fields(balance, team.low_balance_thresholds)
    return TeamAnswer(**team_fields(team, available(engine, team.team_id)), **fields)


def team_detail(engine: Engine, team: Team, *, show_actual_model: bool) -> TeamDetail:
    """A team with its models, keys and grants. Actual models are shown to those who may see them."""
    models = engine.available_models(team_id=team.team_id)
    return TeamDetail(
        **team_fields(team, (model.alias for model in models)),
        **balance_fields(engine.find_balance(team_id=team.team_id), team.low_balance_thresholds),
        organization_status=status_of(
            suspended=engine.find_organization(organization_id=team.organization_id).suspended
        ),
        models=[TeamModel.of(model, show_actual_model=show_actual_model) for model in models],
        keys=[TeamKey.of(key) for key in engine.list_keys(team_id=team.team_id)],
        grants=[GrantAnswer.of(grant) for grant in engine.list_grants(team_id=team.team_id)],
    )


def available(engine: Engine, team_id: str) -> list[str]:
    return [model.alias for model in engine.available_models(team_id=team_id)]


def available_after(engine: Engine, team: Team, receipt: Receipt) -> list[str]:
    """What a team would have after a dry run, in the order in which its groups would give it.

    The core says which aliases; only their order is worked out here, since the tried change is gone again.
    """
    aliases = available(engine, team.team_id)
    for change in receipt.changes:
        if change.team_id == team.team_id:
            aliases = [alias for alias in aliases if alias not in change.loses] + change.gains
    listed = _listed(engine, team.access_groups)
    places = {alias: place for place, alias in reversed(list(enumerate(listed)))}
    return sorted(aliases, key=lambda alias: places.get(alias, len(places)))


def _listed(engine: Engine, group_names: Iterable[str]) -> list[str]:
    groups = [engine.find_access_group(group_name=name) for name in group_names]
    return [alias for group in groups for alias in group.model_aliases]
