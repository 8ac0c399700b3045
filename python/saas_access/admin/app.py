"""The admin API as one ASGI application, for the proxy to mount and for a server of its own."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from saas_access import __version__, request_id
from saas_access._core import CoreError
from saas_access.admin import (
    access_groups,
    access_matrix,
    audit,
    credits,
    denials,
    errors,
    explain,
    health,
    jobs,
    keys,
    litellm_models,
    metrics,
    model_aliases,
    organization_sums,
    organizations,
    overview,
    reach,
    search,
    teams,
    usage,
    usage_review,
    webhooks,
    whoami,
)
from saas_access.admin.access import Service

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from saas_access._core import Engine
    from saas_access.admin.host import Host
    from saas_access.runtime import Runtime

_ROUTED = (
    organizations,
    organization_sums,
    model_aliases,
    litellm_models,
    access_groups,
    reach,
    teams,
    keys,
    credits,
    jobs,
    explain,
    access_matrix,
    overview,
    usage,
    usage_review,
    denials,
    search,
    audit,
    webhooks,
    metrics,
    health,
    whoami,
)

_DOCS_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>saas_access API</title>
<link rel="icon" href="/api/docs/assets/favicon.png">
<link rel="stylesheet" href="/api/docs/assets/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/api/docs/assets/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""
_DOCS_SCRIPT = """SwaggerUIBundle({
  url: "/api/openapi.json", dom_id: "#docs", validatorUrl: null, deepLinking: true
});
"""
_DOCS_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class Envelope:
    """Gives every answer its request id and the policy revision it was made on."""

    def __init__(self, app: ASGIApp, *, engine: Engine) -> None:
        self._app = app
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        chosen = request_id.choose(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = chosen
        # Before the request is looked at: the answer rests on this revision or a later one. A write names its own.
        revision = await run_in_threadpool(self._revision)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = chosen
                headers.setdefault("X-Access-Revision", str(revision))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _revision(self) -> int:
        try:
            return self._engine.revision()
        except CoreError:
            return self._engine.health().snapshot_revision


def create_app(*, runtime: Runtime, host: Host) -> FastAPI:
    """The application; all its paths begin with /api, but for /metrics. It leaves closing `runtime` to the caller."""
    app = FastAPI(
        title="saas_access",
        version=__version__,
        description="Organizations, teams, model access groups and credits for the LiteLLM proxy.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        exception_handlers={HTTPException: _answer_http_exception},
    )
    app.state.service = Service(runtime=runtime, host=host)
    app.add_middleware(Envelope, engine=runtime.engine)
    for module in _ROUTED:
        app.include_router(module.router)
    app.include_router(metrics.at_the_usual_path)
    _add_docs(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    return errors.answer(error, request)


def _add_docs(app: FastAPI) -> None:
    """Swagger UI at /api/docs, with nothing from another server."""

    @app.get("/api/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_DOCS_PAGE, headers={"Content-Security-Policy": _DOCS_POLICY})

    @app.get("/api/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_DOCS_SCRIPT, media_type="text/javascript")

    assets = importlib.resources.files("fastapi_offline") / "static"
    app.mount("/api/docs/assets", StaticFiles(directory=str(assets)))
