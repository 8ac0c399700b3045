"""Teams, and the access groups that they are granted for a time."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from saas_access import virtual_keys
from saas_access._core import NewGrant, NewTeam
from saas_access.admin import access, routes, team_view
from saas_access.admin.access import Operator
from saas_access.admin.bodies import BUDGET_MODES, NewGrantBody, NewTeamBody, TeamPatchBody
from saas_access.admin.pages import PageOf, Search
from saas_access.admin.routes import Audience, CallerOf, EngineOf, ServiceOf
from saas_access.admin.team_answers import (
    GrantAnswer,
    GrantDeleted,
    TeamAnswer,
    TeamCreated,
    TeamDeleted,
    TeamDetail,
    TeamList,
    credit_fields,
    team_fields,
)
from saas_access.admin.writes import ChangeOf, NewOf, shown

router = routes.router("Teams")


@router.post("/teams/create", status_code=201, response_model=TeamCreated)
def create_team(body: NewTeamBody, engine: EngineOf, conditions: NewOf) -> Response:
    """Answers the team's first virtual key, this once."""
    key = None if conditions.dry_run else virtual_keys.generate()
    new = NewTeam(
        organization_id=body.organization_id,
        team_id=body.team_id,
        team_alias=body.team_alias,
        access_groups=body.access_groups,
        credits_allocated=body.credits_allocated,
        budget_mode=BUDGET_MODES[body.budget_mode],
        credits_per_dollar=body.credits_per_dollar,
        tokens_per_credit=body.tokens_per_credit,
        rpm_limit=body.rpm_limit,
        tpm_limit=body.tpm_limit,
        refill=None if body.refill is None else body.refill.refill(),
        low_balance_thresholds=body.low_balance_thresholds,
        metadata=body.metadata,
        first_key=key.secret if key else None,
    )
    made, receipt = conditions.run(lambda options: engine.create_team(team=new, options=options))
    fields = team_fields(made, team_view.available_after(engine, made, receipt))
    fields |= credit_fields(allocated=body.credits_allocated)
    if key:
        fields["virtual_key"] = key.virtual_key
    return conditions.answer(TeamCreated(**fields), receipt, revision=made.revision, created=True)


@router.get("/teams", response_model=TeamList)
def list_teams(
    *,
    engine: EngineOf,
    page: PageOf,
    organization_id: str | None = None,
    access_group: str | None = None,
    alias: Annotated[str | None, Query(description="Teams that have it among their `available_models` now")] = None,
    status: Literal["active", "suspended"] | None = None,
    low_balance: bool | None = None,
    search: Search = None,
) -> Response:
    """`access_group` counts teams that are granted it for a time, too."""
    found, following = engine.list_teams(
        organization_id=organization_id,
        access_group=access_group,
        alias=alias,
        suspended=None if status is None else status == "suspended",
        low_balance=low_balance,
        search=search,
        **page.position,
    )
    teams = [team_view.team_answer(engine, team) for team in found]
    return shown(TeamList(teams=teams, **page.following(following)))


@router.get("/teams/{team_id}", response_model=TeamDetail)
@routes.open_to(Audience.TEAMS)
def get_team(team_id: str, engine: EngineOf, service: ServiceOf, caller: CallerOf) -> Response:
    access.require_own_team(caller, team_id)
    found = engine.find_team(team_id=team_id)
    show_actual_model = isinstance(caller, Operator) or service.runtime.settings.show_actual_model
    return shown(team_view.team_detail(engine, found, show_actual_model=show_actual_model), revision=found.revision)


@router.put("/teams/{team_id}", response_model=TeamAnswer)
def update_team(team_id: str, body: TeamPatchBody, engine: EngineOf, conditions: ChangeOf) -> Response:
    """`access_groups` replaces the list; `credits_allocated` sets the total."""
    patch = body.patch()
    changed, receipt = conditions.run(lambda options: engine.update_team(team_id=team_id, patch=patch, options=options))
    balance = engine.find_balance(team_id=team_id)
    allocated = balance.allocated if body.credits_allocated is None else body.credits_allocated
    fields = team_fields(changed, team_view.available_after(engine, changed, receipt))
    fields |= credit_fields(
        allocated=allocated,
        used=balance.used,
        reserved=balance.reserved,
        thresholds=changed.low_balance_thresholds,
    )
    return conditions.answer(TeamAnswer(**fields), receipt, revision=changed.revision)


@router.put("/teams/{team_id}/suspend", response_model=TeamAnswer)
def suspend_team(team_id: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Refuses the team's calls until it is resumed."""
    return _set_suspended(team_id, engine, conditions, suspended=True)


@router.put("/teams/{team_id}/resume", response_model=TeamAnswer)
def resume_team(team_id: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    return _set_suspended(team_id, engine, conditions, suspended=False)


def _set_suspended(team_id: str, engine: EngineOf, conditions: ChangeOf, *, suspended: bool) -> Response:
    changed, receipt = conditions.run(
        lambda options: engine.suspend_team(team_id=team_id, suspended=suspended, options=options)
    )
    return conditions.answer(team_view.team_answer(engine, changed), receipt, revision=changed.revision)


@router.delete("/teams/{team_id}", response_model=TeamDeleted)
def delete_team(team_id: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Its keys stop working at once; its ledger, jobs and audit entries stay, and its id is never free again."""
    receipt = conditions.run(lambda options: engine.delete_team(team_id=team_id, options=options))
    return conditions.answer(TeamDeleted(team_id=team_id, deleted=True), receipt)


@router.post("/teams/{team_id}/grants", status_code=201, response_model=GrantAnswer)
def create_grant(team_id: str, body: NewGrantBody, engine: EngineOf, conditions: ChangeOf) -> Response:
    """An access group for a time, beside the team's own."""
    new = NewGrant(
        access_group=body.access_group,
        starts_at_ms=body.starts_at,
        expires_at_ms=body.expires_at,
        reason=body.reason,
    )
    made, receipt = conditions.run(lambda options: engine.create_grant(team_id=team_id, grant=new, options=options))
    content = GrantAnswer.of(made)
    if conditions.dry_run:
        content = content.model_copy(update={"grant_id": None})
    return conditions.answer(content, receipt, created=True)


@router.delete("/teams/{team_id}/grants/{grant_id}", response_model=GrantDeleted)
def delete_grant(team_id: str, grant_id: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Ends a grant early."""
    receipt = conditions.run(lambda options: engine.delete_grant(team_id=team_id, grant_id=grant_id, options=options))
    return conditions.answer(GrantDeleted(grant_id=grant_id, deleted=True), receipt)
