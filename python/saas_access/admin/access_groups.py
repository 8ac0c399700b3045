"""Model access groups: what is sold to teams, as lists of aliases."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Response

from saas_access._core import AccessGroup, AccessGroupPatch, Engine, NewAccessGroup, Receipt, WriteOptions
from saas_access.admin import routes
from saas_access.admin.answers import (
    AccessGroupAnswer,
    AccessGroupDeleted,
    AccessGroupDetail,
    AccessGroupList,
    AccessGroupListItem,
    GroupMember,
)
from saas_access.admin.bodies import AccessGroupPatchBody, ModelAliasesBody, NewAccessGroupBody
from saas_access.admin.pages import PageOf, Search
from saas_access.admin.routes import EngineOf
from saas_access.admin.writes import ChangeOf, NewOf, WriteConditions, shown

router = routes.router("Model access groups")


@router.post("/model-access-groups/create", status_code=201, response_model=AccessGroupAnswer)
def create_access_group(body: NewAccessGroupBody, engine: EngineOf, conditions: NewOf) -> Response:
    new = NewAccessGroup(group_name=body.group_name, description=body.description, model_aliases=body.model_aliases)
    made, receipt = conditions.run(lambda options: engine.create_access_group(access_group=new, options=options))
    return conditions.answer(AccessGroupAnswer.of(made), receipt, revision=made.revision, created=True)


@router.get("/model-access-groups", response_model=AccessGroupList)
def list_access_groups(engine: EngineOf, page: PageOf, search: Search = None) -> Response:
    """`search` looks at `group_name` and `description`."""
    found, following = engine.list_access_groups(search=search, **page.position)
    access_groups = [AccessGroupListItem.of(summary) for summary in found]
    return shown(AccessGroupList(access_groups=access_groups, **page.following(following)))


@router.get("/model-access-groups/{group_name}", response_model=AccessGroupDetail)
def get_access_group(group_name: str, engine: EngineOf) -> Response:
    found = engine.find_access_group(group_name=group_name)
    return shown(_detail(found, engine), revision=found.revision)


@router.put("/model-access-groups/{group_name}", response_model=AccessGroupDetail)
def update_access_group(
    group_name: str, body: AccessGroupPatchBody, engine: EngineOf, conditions: ChangeOf
) -> Response:
    """Changes the description; given `model_aliases`, replaces the list."""
    patch = AccessGroupPatch(description=body.description, model_aliases=body.model_aliases)
    return _changed(
        lambda options: engine.update_access_group(group_name=group_name, patch=patch, options=options),
        engine,
        conditions,
    )


@router.post("/model-access-groups/{group_name}/add-models", response_model=AccessGroupDetail)
def add_models(group_name: str, body: ModelAliasesBody, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Appends aliases; those that the group has already stay where they are."""
    return _changed(
        lambda options: engine.add_models(group_name=group_name, model_aliases=body.model_aliases, options=options),
        engine,
        conditions,
    )


@router.post("/model-access-groups/{group_name}/remove-models", response_model=AccessGroupDetail)
def remove_models(group_name: str, body: ModelAliasesBody, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Takes aliases out; those that the group doesn't have are no error."""
    return _changed(
        lambda options: engine.remove_models(group_name=group_name, model_aliases=body.model_aliases, options=options),
        engine,
        conditions,
    )


@router.delete("/model-access-groups/{group_name}", response_model=AccessGroupDeleted)
def delete_access_group(group_name: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Takes the group from every team; each keeps what its other groups give it."""
    teams, receipt = conditions.run(lambda options: engine.delete_access_group(group_name=group_name, options=options))
    return conditions.answer(AccessGroupDeleted(group_name=group_name, deleted=True, teams_affected=teams), receipt)


def _changed(
    write: Callable[[WriteOptions], tuple[AccessGroup, Receipt]], engine: Engine, conditions: WriteConditions
) -> Response:
    changed, receipt = conditions.run(write)
    return conditions.answer(_detail(changed, engine), receipt, revision=changed.revision)


def _detail(group: AccessGroup, engine: Engine) -> AccessGroupDetail:
    known = {model_alias.alias: model_alias for model_alias in engine.list_model_aliases()[0]}
    # An alias that was deleted since the group was read is no longer in it.
    members = [known[alias] for alias in group.model_aliases if alias in known]
    return AccessGroupDetail(
        group_name=group.group_name,
        description=group.description,
        model_aliases=[
            GroupMember(alias=member.alias, litellm_model=member.litellm_model, description=member.description)
            for member in members
        ],
        teams_with_access=group.teams_with_access,
    )
