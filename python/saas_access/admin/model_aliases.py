"""Model aliases: the names that teams call, and the models behind them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from saas_access._core import ModelAlias, NewModelAlias
from saas_access.admin import routes
from saas_access.admin.answers import ModelAliasAnswer, ModelAliasDeleted, ModelAliasList
from saas_access.admin.bodies import ModelAliasPatchBody, NewModelAliasBody
from saas_access.admin.host import Host
from saas_access.admin.pages import PageOf, Search
from saas_access.admin.routes import EngineOf, ServiceOf
from saas_access.admin.writes import ChangeOf, NewOf, shown

router = routes.router("Model aliases")


@router.post("/model-aliases/create", status_code=201, response_model=ModelAliasAnswer)
def create_model_alias(body: NewModelAliasBody, engine: EngineOf, service: ServiceOf, conditions: NewOf) -> Response:
    new = NewModelAlias(
        alias=body.alias,
        litellm_model=body.litellm_model,
        description=body.description,
        active=body.active,
        credits_per_call=body.credits_per_call,
        metadata=body.metadata,
        retires_at_ms=body.retires_at,
        successor=body.successor,
    )
    made, receipt = conditions.run(lambda options: engine.create_model_alias(model_alias=new, options=options))
    content = ModelAliasAnswer.of(made, **_warnings(made.litellm_model, service.host))
    return conditions.answer(content, receipt, revision=made.revision, created=True)


@router.get("/model-aliases", response_model=ModelAliasList)
def list_model_aliases(engine: EngineOf, service: ServiceOf, page: PageOf, search: Search = None) -> Response:
    """`search` looks at `alias` and `litellm_model`."""
    found, following = engine.list_model_aliases(search=search, **page.position)
    model_aliases = [_shown(item, service.host) for item in found]
    return shown(ModelAliasList(model_aliases=model_aliases, **page.following(following)))


# An alias may contain "/", so it is the rest of the path.
@router.get("/model-aliases/{alias:path}", response_model=ModelAliasAnswer)
def get_model_alias(alias: str, engine: EngineOf, service: ServiceOf) -> Response:
    found = engine.find_model_alias(alias=alias)
    return shown(_shown(found, service.host), revision=found.revision)


@router.put("/model-aliases/{alias:path}", response_model=ModelAliasAnswer)
def update_model_alias(
    alias: str, body: ModelAliasPatchBody, engine: EngineOf, service: ServiceOf, conditions: ChangeOf
) -> Response:
    patch = body.patch()
    changed, receipt = conditions.run(
        lambda options: engine.update_model_alias(alias=alias, patch=patch, options=options)
    )
    return conditions.answer(_shown(changed, service.host), receipt, revision=changed.revision)


@router.delete("/model-aliases/{alias:path}", response_model=ModelAliasDeleted)
def delete_model_alias(
    alias: str,
    engine: EngineOf,
    conditions: ChangeOf,
    force: Annotated[bool, Query(description="Take it out of the groups that list it")] = False,
) -> Response:
    """Refused with 409, naming the groups, while access groups list it, unless forced."""
    receipt = conditions.run(lambda options: engine.delete_model_alias(alias=alias, force=force, options=options))
    return conditions.answer(ModelAliasDeleted(alias=alias, deleted=True), receipt)


def _shown(found: ModelAlias, host: Host) -> ModelAliasAnswer:
    warnings = _warnings(found.litellm_model, host)
    return ModelAliasAnswer.of(found, access_groups=found.access_groups, **warnings)


def _warnings(litellm_model: str, host: Host) -> dict[str, Any]:
    if host.can_route(litellm_model) is not False:
        return {}
    return {"warnings": [f"The proxy can't route '{litellm_model}': its model_list has no such model."]}
