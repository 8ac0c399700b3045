"""Organizations: the customers that teams belong to."""

from __future__ import annotations

from fastapi import Response

from saas_access._core import NewOrganization, OrganizationPatch
from saas_access.admin import routes, team_view
from saas_access.admin.answers import OrganizationAnswer, OrganizationDeleted, OrganizationList
from saas_access.admin.bodies import NewOrganizationBody, OrganizationPatchBody
from saas_access.admin.pages import PageOf, Search
from saas_access.admin.routes import EngineOf
from saas_access.admin.team_answers import TeamList
from saas_access.admin.writes import ChangeOf, NewOf, shown

router = routes.router("Organizations")


@router.post("/organizations/create", status_code=201, response_model=OrganizationAnswer)
def create_organization(body: NewOrganizationBody, engine: EngineOf, conditions: NewOf) -> Response:
    new = NewOrganization(organization_id=body.organization_id, name=body.name, metadata=body.metadata)
    made, receipt = conditions.run(lambda options: engine.create_organization(organization=new, options=options))
    return conditions.answer(OrganizationAnswer.of(made), receipt, revision=made.revision, created=True)


@router.get("/organizations", response_model=OrganizationList)
def list_organizations(engine: EngineOf, page: PageOf, search: Search = None) -> Response:
    found, following = engine.list_organizations(search=search, **page.position)
    organizations = [OrganizationAnswer.of(organization) for organization in found]
    return shown(OrganizationList(organizations=organizations, **page.following(following)))


@router.get("/organizations/{organization_id}", response_model=OrganizationAnswer)
def get_organization(organization_id: str, engine: EngineOf) -> Response:
    found = engine.find_organization(organization_id=organization_id)
    return shown(OrganizationAnswer.of(found), revision=found.revision)


@router.get("/organizations/{organization_id}/teams", response_model=TeamList)
def list_organization_teams(organization_id: str, engine: EngineOf, page: PageOf) -> Response:
    found, following = engine.list_teams(organization_id=organization_id, **page.position)
    teams = [team_view.team_answer(engine, team) for team in found]
    return shown(TeamList(teams=teams, **page.following(following)))


@router.put("/organizations/{organization_id}", response_model=OrganizationAnswer)
def update_organization(
    organization_id: str, body: OrganizationPatchBody, engine: EngineOf, conditions: ChangeOf
) -> Response:
    patch = OrganizationPatch(name=body.name, metadata=body.metadata)
    changed, receipt = conditions.run(
        lambda options: engine.update_organization(organization_id=organization_id, patch=patch, options=options)
    )
    return conditions.answer(OrganizationAnswer.of(changed), receipt, revision=changed.revision)


@router.put("/organizations/{organization_id}/suspend", response_model=OrganizationAnswer)
def suspend_organization(organization_id: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Refuses the calls of all its teams until it is resumed."""
    return _set_suspended(organization_id, engine, conditions, suspended=True)


@router.put("/organizations/{organization_id}/resume", response_model=OrganizationAnswer)
def resume_organization(organization_id: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    return _set_suspended(organization_id, engine, conditions, suspended=False)


def _set_suspended(organization_id: str, engine: EngineOf, conditions: ChangeOf, *, suspended: bool) -> Response:
    changed, receipt = conditions.run(
        lambda options: engine.suspend_organization(
            organization_id=organization_id, suspended=suspended, options=options
        )
    )
    return conditions.answer(OrganizationAnswer.of(changed), receipt, revision=changed.revision)


@router.delete("/organizations/{organization_id}", response_model=OrganizationDeleted)
def delete_organization(organization_id: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Refused with 409 while it has teams."""
    receipt = conditions.run(
        lambda options: engine.delete_organization(organization_id=organization_id, options=options)
    )
    return conditions.answer(OrganizationDeleted(organization_id=organization_id, deleted=True), receipt)
