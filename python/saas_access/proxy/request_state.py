"""What is known about the HTTP request being served: set by the outermost middleware, filled by auth and hook, read by
both.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from fastapi import HTTPException

from saas_access.proxy.routes import TEAM_ROUTES, TeamRoute, protocol_of_path
from saas_access.refusal import Failure, Protocol, Refusal

if TYPE_CHECKING:
    from saas_access._core import Decision
    from saas_access.proxy.calls import Ticket


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. With virtual keys: the digest of the secret; with LiteLLM's own keys: the team they name."""

    team_id: str
    digest: bytes | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class JobCall:
    """The job that this call was made in, through `/api/jobs/{job_id}/llm-call`."""

    job_id: str
    purpose: str


@dataclass(slots=True)
class RequestState:
    """One request. Mutable, touched by one task at a time."""

    request_id: str
    scope: MutableMapping[str, Any]
    operator: bool = False
    principal: Principal | None = None
    refusal: Refusal | Failure | None = None
    bad_request: Failure | None = None  # found before it was known who calls
    sanitised: bool = False  # the body was JSON, and holds what passes alone
    ticket: Ticket | None = None
    job: JobCall | None = None
    decision: Decision | None = None  # the last one on what the client asked for
    counted_model: str | None = None  # tokens may be counted for this actual model
    authenticated: bool = False
    actual_names: dict[str, str] = field(default_factory=dict)

    @property
    def team(self) -> Principal:
        """The principal of a team's request. LookupError where there is none: a mistake of ours, so a refusal."""
        if self.principal is None:
            raise LookupError("this request is no team's")
        return self.principal

    @property
    def path(self) -> str:
        """The path asked for, below the one that the application is served at."""
        path, root = str(self.scope.get("path", "")), str(self.scope.get("root_path", "")).rstrip("/")
        return path.removeprefix(root) if root and path.startswith(f"{root}/") else path

    @property
    def route(self) -> TeamRoute | None:
        """The table's entry for the route that LiteLLM chose, if a team may use it."""
        template = getattr(self.scope.get("route"), "path", None)
        return TEAM_ROUTES.get((str(self.scope.get("method")), str(template)))

    @property
    def protocol(self) -> Protocol:
        """The shape in which this client reads a refusal."""
        if self.job is not None:
            return Protocol.PAGE
        route = self.route
        return route.protocol if route else protocol_of_path(self.path)

    def refuse(self, refusal: Refusal | Failure) -> NoReturn:
        """Note the refusal for the middleware, which answers with it, and end LiteLLM's handling of the request."""
        self.refusal = refusal
        raise HTTPException(status_code=refusal.status, detail={"error": refusal.message})


current_request: ContextVar[RequestState | None] = ContextVar("saas_access_request", default=None)


def request_state() -> RequestState:
    """The current request's. HTTPException (503) where the middleware did not see it pass."""
    state = current_request.get()
    if state is None:
        raise HTTPException(503, "saas_access is not in front of this application")
    return state
