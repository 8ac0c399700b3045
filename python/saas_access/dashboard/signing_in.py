"""Sign-in with an operator's or viewer's key, and sign-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from saas_access.admin.access import Operator
from saas_access.dashboard import rendering, sessions, visit
from saas_access.dashboard.api import ApiError
from saas_access.failed_attempts import source_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def _ask(request: Request) -> Response:
    if await run_in_threadpool(sessions.visitor, request, request.app.state.service) is not None:
        return RedirectResponse(_next(request), 303)
    return await _page(request)


async def _sign_in(request: Request) -> Response:
    form = await visit.read_form(request)
    if not visit.is_same_site(request):
        return visit.plain_page("Not taken", "This form isn't from the sign-in page. Go there and try again.", 403)
    try:
        key = {"x-admin-key": form.one("admin_key")}
        found = (await visit.api_for(request, None).ask("GET", "/api/whoami", headers=key)).body
    except ApiError as refused:
        return await _page(request, refused)
    if found["role"] == "team":
        return await _page(request, ApiError(403, {"message": "This is a team's virtual key, not an operator's."}))
    operator = Operator(actor=found["actor"], viewer=found["role"] == "viewer")
    answer = RedirectResponse(_next(request), 303)
    service, secure = request.app.state.service, request.url.scheme == "https"
    await run_in_threadpool(sessions.begin, operator, service, answer, secure=secure)
    return answer


async def _sign_out(at: visit.Visit) -> Response:
    answer = at.redirect(f"{sessions.PATH}/sign-in")
    await run_in_threadpool(sessions.end, at.request, at.service, answer)
    return answer


async def _page(request: Request, refused: ApiError | None = None) -> HTMLResponse:
    attempts = request.app.state.service.runtime.failed_attempts
    left = attempts.left(source_of(request.client.host if request.client else None))
    theme = request.cookies.get("saas_access_theme", "")
    text = rendering.render(
        "sign-in.html", refused=refused, left=left, theme=theme, next=_next(request), healthy=await _healthy(request)
    )
    return visit.html(text, 200 if refused is None else refused.status)


async def _healthy(request: Request) -> bool:
    """All that one who isn't signed in may know."""
    try:
        await visit.api_for(request, None).get("/api/health")
    except ApiError:
        return False
    return True


def _next(request: Request) -> str:
    """Where to go then: a page of ours, whatever the address says."""
    asked = request.query_params.get("next", "")
    return asked if asked.startswith(sessions.PATH + "/") and "\\" not in asked else sessions.PATH


routes = [
    Route(f"{sessions.PATH}/sign-in", _ask, methods=["GET"]),
    Route(f"{sessions.PATH}/sign-in", _sign_in, methods=["POST"]),
    visit.action("/sign-out", _sign_out),
]
