"""How every endpoint is served: who may call it, what its query and body may be, and that any failure is JSON."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Coroutine, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool

from saas_access import problems
from saas_access._core import Engine
from saas_access.admin import access, errors
from saas_access.admin.access import Caller, Operator, Service, TeamCaller
from saas_access.admin.answers import ErrorAnswer

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

MAX_BODY_BYTES = 1024 * 1024

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Audience(enum.Enum):
    """Who may call an endpoint. The operator may call all of them."""

    OPERATOR = "operator"
    TEAMS = "teams"  # which then see only what is theirs
    ANYONE = "anyone"


def open_to(audience: Audience) -> Callable[[Endpoint], Endpoint]:
    """Marks an endpoint; one without the mark is the operator's alone. Stands below the router's own decorator."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.audience = audience  # type: ignore[attr-defined]
        return endpoint

    return mark


def reads_only(endpoint: Endpoint) -> Endpoint:
    """Marks an endpoint that changes nothing although its method isn't GET, so that a viewer may call it."""
    endpoint.reads_only = True  # type: ignore[attr-defined]
    return endpoint


class AdminRequest(Request):
    """A request whose body is JSON whatever its Content-Type says, and not over the limit."""

    def __init__(self, request: Request) -> None:
        others = [(name, value) for name, value in request.scope["headers"] if name != b"content-type"]
        scope = {**request.scope, "headers": [*others, (b"content-type", b"application/json")]}
        super().__init__(scope, request.receive)

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            if int(self.headers.get("content-length", "0")) > MAX_BODY_BYTES:
                _refuse_large_body()
            body = bytearray()
            async for chunk in self.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    _refuse_large_body()
            self._body = bytes(body)
        return self._body

    async def json(self) -> Any:
        """The object in the body, decimals kept exactly."""
        try:
            value = json.loads(await self.body(), parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            problem = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise errors.Refused(400, "Bad request", f"The body is not JSON: {problem}.") from error
        if not isinstance(value, dict):
            raise errors.invalid("body", f"must be an object, not {problems.quoted(value)}")
        halves = [name for name, item in value.items() if not is_unicode([name, item])]
        if halves:
            raise errors.invalid_values([(name, "must hold no half of a surrogate pair") for name in halves])
        return value


def is_unicode(value: Any) -> bool:
    """JSON can spell half of a surrogate pair, which no text holds and UTF-8 can't carry."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    except RecursionError:  # deeper than anything may be: whoever takes the value says so
        return True
    return True


def _refuse_large_body() -> NoReturn:
    raise errors.Refused(
        413, "Content too large", f"The body is larger than the limit of {MAX_BODY_BYTES} bytes (1 MiB)."
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


class AdminRoute(APIRoute):
    """Asks first who is calling, then looks at the request, and turns every failure into an answer."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if options.get("status_code") == 201:  # a create; tried with `dry_run`, it is answered 200
            dry_run = {"model": options["response_model"], "description": "What a dry run shows"}
            options["responses"] = {200: dry_run, **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        audience = getattr(self.endpoint, "audience", Audience.OPERATOR)
        reads_only = getattr(self.endpoint, "reads_only", False) or (self.methods or set()) <= {"GET", "HEAD"}
        known = sorted(_query_names(self.dependant))

        async def handle(request: Request) -> Response:
            try:
                await run_in_threadpool(_admit, request, audience, reads_only)
                _refuse_unknown_query(request, known)
                return await handler(AdminRequest(request))
            except Exception as error:  # noqa: BLE001 the one place that answers for all
                return errors.answer(error, request)

        return handle


def _query_names(dependant: Dependant) -> Iterable[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for dependency in dependant.dependencies:
        yield from _query_names(dependency)


def _admit(request: Request, audience: Audience, reads_only: bool) -> None:
    caller = access.identify(request, request.app.state.service)
    if caller is None and audience is not Audience.ANYONE:
        message = "This request has no API key; send 'Authorization: Bearer KEY'."
        raise errors.Refused(401, "Authentication required", message)
    if isinstance(caller, TeamCaller) and audience is Audience.OPERATOR:
        message = f"{request.method} {request.url.path} is for the operator, not for a team's key."
        raise errors.Refused(403, "Forbidden", message, reason="operator_only")
    if isinstance(caller, Operator) and caller.viewer and not reads_only:
        message = f"{request.method} {request.url.path} changes something; the viewer key may only look."
        raise errors.Refused(403, "Forbidden", message, reason="viewer_reads_only")
    request.state.caller = caller
    request.state.is_operator = isinstance(caller, Operator)


def _refuse_unknown_query(request: Request, known: list[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    found = [
        (name, "is unknown in the query" + problems.did_you_mean(name, known)) for name in given if name not in known
    ]
    found += [(name, "is given twice in the query") for name in known if given.count(name) > 1]
    if found:
        raise errors.invalid_values(found)


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _engine(request: Request) -> Engine:
    service: Service = request.app.state.service
    return service.runtime.engine


async def _caller(request: Request) -> Caller | None:
    caller: Caller | None = request.state.caller
    return caller


ServiceOf = Annotated[Service, Depends(_service)]
EngineOf = Annotated[Engine, Depends(_engine)]
CallerOf = Annotated[Caller | None, Depends(_caller)]

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "The body is not JSON"},
    401: {"model": ErrorAnswer, "description": "No credential, or a wrong one"},
    403: {"model": ErrorAnswer, "description": "Not for this caller"},
    404: {"model": ErrorAnswer, "description": "What the path or query names does not exist"},
    409: {"model": ErrorAnswer, "description": "It exists already, is in use, or its state forbids this"},
    412: {"model": ErrorAnswer, "description": "`If-Match` did not match"},
    413: {"model": ErrorAnswer, "description": "The body is over 1 MiB"},
    422: {"model": ErrorAnswer, "description": "A value is missing, unknown, malformed, or names something absent"},
    429: {"model": ErrorAnswer, "description": "Too many wrong keys came from this address"},
    503: {"model": ErrorAnswer, "description": "The store can't be read or written"},
}
# For the document only: who may call is decided by AdminRoute.
_CREDENTIALS = [
    Security(HTTPBearer(auto_error=False, description="The admin key, the proxy's master key, or a virtual key")),
    Security(APIKeyHeader(name="X-Admin-Key", auto_error=False, description="The admin key, or the master key")),
]


def router(tag: str) -> APIRouter:
    """A router for the endpoints of one kind, under /api."""
    return APIRouter(
        prefix="/api",
        tags=[tag],
        route_class=AdminRoute,
        responses=_ERRORS,
        dependencies=_CREDENTIALS,
        redirect_slashes=False,
    )
