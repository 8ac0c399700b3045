"""The dashboard as an ASGI application; all its paths are /admin and below."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from saas_access import request_id
from saas_access.dashboard import (
    aliases,
    audit,
    explain,
    finding,
    first_steps,
    matrix,
    model_access,
    new_access_group,
    organizations,
    overview,
    signing_in,
    team_access,
    team_credits,
    team_grants,
    team_jobs,
    team_keys,
    team_page,
    team_settings,
    team_status,
    teams,
    usage,
    visit,
)
from saas_access.dashboard.sessions import PATH

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from saas_access.admin.access import Service

# In the order in which a path is looked for.
_PAGES = (
    aliases,
    audit,
    explain,
    finding,
    matrix,
    first_steps,
    new_access_group,
    model_access,
    organizations,
    overview,
    team_access,
    team_credits,
    team_grants,
    team_jobs,
    team_keys,
    team_page,
    team_settings,
    team_status,
    teams,
    usage,
)


class KeptForEver(StaticFiles):
    """Files whose address changes with them."""

    def file_response(self, *args: object, **options: object) -> Response:
        answer = super().file_response(*args, **options)  # type: ignore[arg-type]
        answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        answer.headers["x-content-type-options"] = "nosniff"
        return answer


def create_dashboard(*, admin: ASGIApp, service: Service) -> ASGIApp:
    """`admin` is the API's application over the same `service`."""
    files = KeptForEver(directory=str(importlib.resources.files("saas_access.dashboard") / "static"))
    routes: list[Route | Mount] = [*signing_in.routes, *(route for each in _PAGES for route in each.routes)]
    app = Starlette(
        routes=[*routes, Mount(f"{PATH}/static", files)],
        exception_handlers={HTTPException: _not_there, Exception: _failed},
    )
    app.router.redirect_slashes = False
    app.state.service, app.state.admin = service, admin
    return _Named(app)


def is_dashboard(path: str) -> bool:
    return path == PATH or path.startswith(PATH + "/")


def beside(admin: ASGIApp, dashboard: ASGIApp) -> ASGIApp:
    """Both in one application, for a server that serves nothing else."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and is_dashboard(scope["path"])
        await (dashboard if ours else admin)(scope, receive, send)

    return serve


class _Named:
    """Gives every request an id, which the API's answers to it and the logs carry too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = request_id.choose(Headers(scope=scope).get("x-request-id"))
        state = {**scope.get("state", {}), "request_id": chosen}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = chosen
            await send(message)

        await self._app({**scope, "state": state}, receive, send_with_id)


async def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 it is registered for these
    titles = {404: "Page not found", 405: "Not a page"}
    message = f"There is nothing at {request.url.path}."
    return visit.plain_page(titles.get(error.status_code, error.detail), message, error.status_code)


async def _failed(request: Request, error: Exception) -> Response:  # noqa: ARG001 Starlette logs and raises it again
    message = f"The server's log says why, under the request id {request.state.request_id}."
    return visit.plain_page("This page failed", message, 500)
