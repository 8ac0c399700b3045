"""`GET /v1/models` and `/v1/models/{alias}` for teams: exactly what their key may call, in each shape that LiteLLM
serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fastapi import APIRouter, FastAPI, Request
from litellm.llms.anthropic.common_utils import create_anthropic_model_list_response
from litellm.proxy.common_utils.model_listing_utils import claude_code_view_ids
from starlette.responses import JSONResponse, Response

from saas_access.proxy.auth import note_caller
from saas_access.proxy.fail_closed import failing_closed
from saas_access.proxy.litellm_versions import codex_catalog, listing_row
from saas_access.proxy.passing_on import Authenticated, FrontRoute, PassedOn
from saas_access.proxy.request_state import RequestState
from saas_access.proxy.router_view import llm_router

if TYPE_CHECKING:
    from saas_access.proxy.plugin import Plugin


def model_list_router(plugin: Plugin, app: FastAPI) -> APIRouter:
    """The routes, to be put in front of LiteLLM's. The operator's own requests are passed on."""
    router = APIRouter(route_class=FrontRoute, include_in_schema=False)

    @router.get("/v1/models")
    @router.get("/models")
    async def models(request: Request, auth: Authenticated) -> Response:
        state = note_caller(auth)
        if state.principal is None:
            return PassedOn(app, path=request.scope["path"], body=b"")
        rows = _rows(plugin, state)
        client_version = request.query_params.get("client_version")
        catalog = codex_catalog(rows, llm_router(), client_version) if client_version is not None else None
        if catalog is not None:
            return Response(catalog, media_type="application/json")
        if "anthropic-version" in request.headers:
            views = claude_code_view_ids(cast(Any, rows), request.headers, frozenset(row["id"] for row in rows))
            return JSONResponse(dict(create_anthropic_model_list_response(cast(Any, rows), listed_ids=views)))
        return JSONResponse({"object": "list", "data": rows})

    @router.get("/v1/models/{model_id:path}")
    @router.get("/models/{model_id:path}")
    async def model(request: Request, model_id: str, auth: Authenticated) -> Response:
        state = note_caller(auth)
        if state.principal is None:
            return PassedOn(app, path=request.scope["path"], body=b"")
        row = next((row for row in _rows(plugin, state) if row["id"] == model_id), None)
        if row is not None:
            return JSONResponse(row)
        message = f"The model '{model_id}' does not exist or your team has no access to it"
        error = {"message": message, "type": "invalid_request_error", "param": "model", "code": "model_not_found"}
        return JSONResponse({"error": error, "message": message}, status_code=404)

    return router


def _rows(plugin: Plugin, state: RequestState) -> list[dict[str, Any]]:
    with failing_closed(state, plugin.troubles):
        return [
            {**listing_row(model.litellm_model, llm_router()), "id": model.alias}
            for model in plugin.available_models(state.team)
        ]
