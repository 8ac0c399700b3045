"""Everything that goes wrong under /api becomes an answer here, and nowhere else."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from saas_access import problems
from saas_access._core import Conflict, Invalid, NotFound, PreconditionFailed, StoreUnavailable
from saas_access.admin.json_text import JsonAnswer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

log = logging.getLogger(__name__)

# The core's errors that are the client's to mend; every other one is the store's.
_BY_CLASS: dict[type[Exception], tuple[int, str]] = {
    NotFound: (404, "Not found"),
    Conflict: (409, "Conflict"),
    PreconditionFailed: (412, "Precondition failed"),
}
_TITLES = {404: "Not found", 405: "Method not allowed"}


class Refused(HTTPException):
    """A request that is answered with an error: a status, a short title, a sentence, and fields that help."""

    def __init__(self, status: int, error: str, message: str, **fields: Any) -> None:
        super().__init__(status_code=status, detail=message)
        self.body = {"error": error, "message": message, **fields}
        if status == 401:
            self.headers = {"WWW-Authenticate": "Bearer"}


def invalid(field: str, problem: str) -> Refused:
    """422 about one value."""
    return invalid_values([(field, problem)])


def invalid_values(found: list[tuple[str, str]]) -> Refused:
    """422 about each of `found`: (field, what is wrong with it)."""
    message = "; ".join(f"{field}: {problem}" for field, problem in found)
    details = [{"field": field, "problem": problem} for field, problem in found]
    return Refused(422, "Invalid request", message, details=details)


def not_found(message: str) -> Refused:
    return Refused(404, "Not found", message)


def conflict(message: str) -> Refused:
    return Refused(409, "Conflict", message)


def too_many_attempts(wait_s: int) -> Refused:
    """429: keys that come from here aren't looked at for `wait_s` seconds."""
    message = f"Too many wrong keys came from this address; try again in {wait_s} s."
    refused = Refused(429, "Too many failed attempts", message)
    refused.headers = {"Retry-After": str(wait_s)}
    return refused


def answer(error: Exception, request: Request) -> Response:
    """The answer to a request that ended in `error`. Logs what an operator has to look at."""
    refused = _refused(error, request)
    return JsonAnswer(refused.body, status_code=refused.status_code, headers=refused.headers)


def _refused(error: Exception, request: Request) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, RequestValidationError):
        return _from_validation(error)
    if isinstance(error, HTTPException):
        return _from_http(error, request)
    if isinstance(error, ClientDisconnect):
        return Refused(400, "Bad request", "The client went away before its request was complete.")
    return _from_core(error) or _unavailable(error, request)


def _from_core(error: Exception) -> Refused | None:
    if isinstance(error, Invalid):
        return invalid_values(error.problems)
    known = _BY_CLASS.get(type(error))
    return Refused(*known, str(error)) if known else None


def _from_validation(error: RequestValidationError) -> Refused:
    found = error.errors()
    if any(item["type"] == "missing" and item["loc"] == ("body",) for item in found):
        return Refused(400, "Bad request", "The body is empty; it must be a JSON object.")
    return invalid_values([(problems.field(item["loc"][1:]), problems.phrase(item)) for item in found])


def _from_http(error: HTTPException, request: Request) -> Refused:
    title = _TITLES.get(error.status_code, HTTPStatus(error.status_code).phrase)
    unknown_route = error.status_code in _TITLES
    message = f"There is no {request.method} {request.url.path} here." if unknown_route else str(error.detail)
    refused = Refused(error.status_code, title, message)
    refused.headers = error.headers
    return refused


def _unavailable(error: Exception, request: Request) -> Refused:
    log.error("%s %s failed (request %s)", request.method, request.url.path, request.state.request_id, exc_info=error)
    told = isinstance(error, StoreUnavailable) and getattr(request.state, "is_operator", False)
    message = str(error) if told else "The server can't answer this now; its log says why."
    return Refused(503, "Unavailable", message, request_id=request.state.request_id)
