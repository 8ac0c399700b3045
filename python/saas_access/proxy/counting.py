"""Counting tokens for teams. LiteLLM calls no hook there and would count for any model: checked here like a call, and
free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from saas_access.proxy.auth import note_caller
from saas_access.proxy.fail_closed import failing_closed
from saas_access.proxy.hook import refuse_unless_allowed
from saas_access.proxy.passing_on import Authenticated, FrontRoute, PassedOn, json_object
from saas_access.proxy.request_state import RequestState
from saas_access.proxy.router_view import deployments_of, names_of_deployments
from saas_access.refusal import unreadable_body

if TYPE_CHECKING:
    from saas_access.proxy.plugin import Plugin

_IN_BODY = (
    "/v1/messages/count_tokens",
    "/v1/responses/input_tokens",
    "/responses/input_tokens",
    "/openai/v1/responses/input_tokens",
)
_IN_PATH = ("/v1beta/models/{model_name:path}:countTokens", "/models/{model_name:path}:countTokens")


def counting_router(plugin: Plugin, app: FastAPI) -> APIRouter:
    """The routes, to be put in front of LiteLLM's. The operator's own requests are passed on as they are."""
    router = APIRouter(route_class=FrontRoute, include_in_schema=False)

    async def count(request: Request, auth: Authenticated) -> Response:
        state, path = note_caller(auth), str(request.scope["path"])
        body = await _body(state, request)
        if state.principal is None:
            return PassedOn(app, path=path, body=await request.body())
        model = _resolve(plugin, state, body.get("model"))
        return PassedOn(app, path=path, body=orjson.dumps({**body, "model": model}))

    async def count_by_path(request: Request, model_name: str, auth: Authenticated) -> Response:
        state, path = note_caller(auth), str(request.scope["path"])
        await _body(state, request)
        raw = await request.body()
        if state.principal is None:
            return PassedOn(app, path=path, body=raw)
        prefix = path.partition("/models/")[0]
        return PassedOn(app, path=f"{prefix}/models/{_resolve(plugin, state, model_name)}:countTokens", body=raw)

    for path in _IN_BODY:
        router.add_api_route(path, count, methods=["POST"])
    for path in _IN_PATH:
        router.add_api_route(path, count_by_path, methods=["POST"])
    return router


async def _body(state: RequestState, request: Request) -> dict[str, Any]:
    """The JSON object in the body. Ends the request with 400 where there is none: a form has been read by then."""
    try:
        body = await json_object(request)
    except RuntimeError:
        body = None
    if body is None:
        state.refuse(unreadable_body())
    return body


def _resolve(plugin: Plugin, state: RequestState, model: object) -> str:
    """The actual model to count for. Ends the request with the documented refusal; credits don't matter."""
    with failing_closed(state, plugin.troubles):
        decision = plugin.decide(state.team, model, picker_forms=bool(state.route and state.route.picker_names))
        refuse_unless_allowed(plugin, state, decision)
        state.counted_model = decision.litellm_model
        names = names_of_deployments(decision.litellm_model, deployments_of(decision.litellm_model))
        state.actual_names = dict.fromkeys(names, decision.alias)
    return decision.litellm_model
