"""One request of a browser: who it is from, what it asks of the API, and the page that answers it."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from saas_access import CoreError
from saas_access.dashboard import rendering, sessions
from saas_access.dashboard.api import Api, ApiError, tried

if TYPE_CHECKING:
    from starlette.requests import Request

    from saas_access.admin.access import Service
    from saas_access.dashboard.api import Json
    from saas_access.dashboard.sessions import Visitor

_NOT_YOURS = "This form isn't from a page of your session. Go back, reload it, and send it again."
MAX_FORM_BYTES = 1024 * 1024
_SECURITY = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # not no-referrer: a form's Origin would be null then
    "cache-control": "no-store",
}


class Form:
    """The fields of a sent form, as texts."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def __contains__(self, name: str) -> bool:
        return any(found == name for found, _ in self._pairs)

    def one(self, name: str) -> str:
        """The field's value without white space around it; empty if it isn't there."""
        return next((value.strip() for found, value in self._pairs if found == name), "")

    def all(self, name: str) -> list[str]:
        """All values of a field that may be there several times, as checkboxes are."""
        return [value for found, value in self._pairs if found == name]


@dataclass(frozen=True)
class Visit:
    """What a page is made from. Used on one event loop."""

    request: Request
    service: Service
    visitor: Visitor
    api: Api
    form: Form

    @property
    def may_write(self) -> bool:
        """Whether the forms are shown: a viewer's would be refused by the API."""
        return not self.visitor.operator.viewer

    @cached_property
    def now_ms(self) -> int:
        """The engine's clock, by which all of a page's relative times go."""
        return self.service.runtime.engine.now_ms()

    @cached_property
    def overview(self) -> asyncio.Task[Json | ApiError]:
        """What the API says needs the operator: asked once, for the menu of every page and the page about it."""
        return asyncio.ensure_future(tried(self.api.get("/api/overview")))

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default).strip()

    def path(self, name: str) -> str:
        """A part of the address, as the route names it."""
        return str(self.request.path_params[name])

    async def page(
        self, template: str, *, title: str, section: str = "", status: int = 200, **context: Any
    ) -> HTMLResponse:
        """A whole page. `section` is the path of the menu's entry that it belongs to. If a form led here, the address
        holds the revision that it made as `done`, and a toast tells of it.
        """
        counts, health, done, overview = await asyncio.gather(
            self.api.get("/api/counts"), self._health(), self._done(), self.overview
        )
        needed = None if isinstance(overview, ApiError) else len(overview["needs"])
        frame = {"title": title, "section": section, "counts": counts, "health": health, "done": done, "needed": needed}
        return html(self.fragment(template, **frame, **context), status)

    def part(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A piece of a page, for a script that puts it in place."""
        return html(self.fragment(template, **context), status)

    def fragment(self, template: str, **context: Any) -> str:
        return rendering.render(
            template,
            visitor=self.visitor,
            may_write=self.may_write,
            theme=self.request.cookies.get("saas_access_theme", ""),
            request_path=self.request.url.path,
            query=dict(self.request.query_params),
            now_ms=self.now_ms,
            **context,
        )

    def redirect(self, path: str, *, done: int | None = None, **query: str) -> RedirectResponse:
        """To another page after a form. `done`: the revision that the write made, to tell of it there."""
        asked = query | ({} if done is None else {"done": str(done)})
        return RedirectResponse(path + (f"?{urlencode(asked)}" if asked else ""), 303, _SECURITY)

    async def _health(self) -> Json:
        try:
            return await self.api.get("/api/health")
        except ApiError as sick:  # 503 has the same fields
            return sick.body

    async def _done(self) -> Json | None:
        revision = self.query("done")
        if not revision.isdecimal():
            return None
        entries = (await self.api.get("/api/audit", limit=20))["entries"]
        return next((entry for entry in entries if entry["revision"] == int(revision)), None)


Handler = Callable[[Visit], Awaitable[Response]]


def page(path: str, handler: Handler) -> Route:
    """Shows something; `path` comes after /admin."""
    return Route(sessions.PATH + path, _endpoint(handler), methods=["GET"])


def action(path: str, handler: Handler) -> Route:
    """Takes a form, which must be one of this visitor's own pages."""
    return Route(sessions.PATH + path, _endpoint(handler), methods=["POST"])


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        service: Service = request.app.state.service
        try:
            visitor = await run_in_threadpool(sessions.visitor, request, service)
        except CoreError as problem:
            return plain_page("The store can't be read", str(problem), 503)
        if visitor is None:
            return _to_sign_in(request)
        visit = Visit(request, service, visitor, api_for(request, visitor), await read_form(request))
        if request.method == "POST" and not _is_own(visit):
            return plain_page(
                "Not taken", "This form isn't from a page of your session. Go back, reload it, and send it again.", 403
            )
        try:
            return await handler(visit)
        except ApiError as refused:
            return await _refused(visit, refused)

    return answer


def api_for(request: Request, visitor: Visitor | None) -> Api:
    """The API, asked for this request."""
    client = (request.client.host, request.client.port) if request.client else ("unknown", 0)
    caller = None if visitor is None else visitor.operator
    return Api(request.app.state.admin, caller, client=client, request_id=request.state.request_id)


async def read_form(request: Request) -> Form:
    """The fields of the body. One that is too long, or isn't a form, has none, and so no session's token."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return Form([])
    try:
        return Form(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10_000))
    except ValueError:
        return Form([])


def is_same_site(request: Request) -> bool:
    """Did this form come from a page of this server? Browsers say so; what says nothing isn't a browser's form."""
    headers = request.headers
    return headers.get("sec-fetch-site", "same-origin") == "same-origin" and headers.get("origin") in (
        None,
        f"{request.url.scheme}://{headers.get('host')}",
        f"https://{headers.get('host')}",  # behind a proxy that ends TLS
    )


def plain_page(title: str, message: str, status: int) -> HTMLResponse:
    """A page that needs neither session nor store."""
    return html(rendering.render("plain.html", title=title, message=message, theme=""), status)


def _is_own(visit: Visit) -> bool:
    return is_same_site(visit.request) and hmac.compare_digest(
        visit.form.one("csrf").encode(), visit.visitor.csrf.encode()
    )


def _to_sign_in(request: Request) -> RedirectResponse:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = {"next": here} if request.method == "GET" and here != sessions.PATH else {}
    return RedirectResponse(f"{sessions.PATH}/sign-in" + (f"?{urlencode(back)}" if back else ""), 303, _SECURITY)


async def _refused(visit: Visit, refused: ApiError) -> Response:
    titles = {403: "Not for a viewer", 404: "Not found", 503: "The store can't be read or written"}
    title = titles.get(refused.status) or str(refused.body.get("error", "Refused"))
    if refused.status == 503:
        return plain_page(title, refused.message, 503)
    return await visit.page("refused.html", title=title, message=refused.message, status=refused.status)


def html(text: str, status: int) -> HTMLResponse:
    """A page with the headers that every page has."""
    return HTMLResponse(text, status, _SECURITY)
