"""What a refused model call is answered with: one table of reasons, and the four shapes that clients read."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from saas_access._core import Reason, slug

_LISTED_IN_MESSAGE = 10


class Protocol(enum.Enum):
    """Whose clients read the answer, and therefore where they look for the sentence."""

    PAGE = "page"  # our own API under /api: the documented body as it is
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    error: str  # the short title
    openai_type: str
    anthropic_type: str
    google_status: str


_INVALID_KEY = _Answer(401, "Invalid API key", "authentication_error", "authentication_error", "UNAUTHENTICATED")
_DENIED = _Answer(403, "Model access denied", "permission_error", "permission_error", "PERMISSION_DENIED")
_SUSPENDED = _Answer(403, "Team suspended", "permission_error", "permission_error", "PERMISSION_DENIED")
_CREDITS = _Answer(402, "Insufficient credits", "insufficient_quota", "billing_error", "FAILED_PRECONDITION")
_ROUTE = _Answer(403, "Route not allowed", "permission_error", "permission_error", "PERMISSION_DENIED")
_UNAVAILABLE = _Answer(503, "Unavailable", "service_unavailable", "api_error", "UNAVAILABLE")

# Complete but for `granted`, which refuses nothing; a test holds it against the core's enum.
ANSWERS: dict[Reason, _Answer] = {
    Reason.STORE_UNAVAILABLE: _UNAVAILABLE,
    Reason.HOOK_MISSING: _UNAVAILABLE,
    Reason.ROUTE_NOT_ALLOWED: _ROUTE,
    Reason.KEY_UNKNOWN: _INVALID_KEY,
    Reason.KEY_REVOKED: _INVALID_KEY,
    Reason.KEY_EXPIRED: _INVALID_KEY,
    Reason.MODEL_NOT_GRANTED: _DENIED,
    Reason.TEAM_SUSPENDED: _SUSPENDED,
    Reason.ORGANIZATION_SUSPENDED: _SUSPENDED,
    Reason.CREDITS_EXHAUSTED: _CREDITS,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused call: why, in a sentence for the client's user, and the fields that help.

    `fields` are the documented extras by name: `available_models`, `credits_remaining`, `credits_needed`.
    """

    reason: Reason
    message: str
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status: 401, 402, 403 or 503."""
        return ANSWERS[self.reason].status

    def body(self, protocol: Protocol, request_id: str) -> dict[str, Any]:
        """The JSON body in the shape that `protocol`'s clients read."""
        answer = ANSWERS[self.reason]
        documented = {"message": self.message, "reason": slug(self.reason), **self.fields, "request_id": request_id}
        if protocol is Protocol.PAGE:
            return {"error": answer.error, **documented}
        shown = f"{answer.error}: {self.message}{self._models_sentence()}"
        if protocol is Protocol.ANTHROPIC:
            return {"type": "error", "error": {"type": answer.anthropic_type, "message": shown}, **documented}
        if protocol is Protocol.GOOGLE:
            return {"error": {"code": answer.status, "message": shown, "status": answer.google_status}, **documented}
        error = {"message": shown, "type": answer.openai_type, "param": self._param(), "code": slug(self.reason)}
        return {"error": error, **documented}

    def _param(self) -> str | None:
        return "model" if self.reason is Reason.MODEL_NOT_GRANTED else None

    def _models_sentence(self) -> str:
        models: list[str] | None = self.fields.get("available_models")
        if models is None:
            return "."
        if not models:
            return ". No models are available."
        rest = len(models) - _LISTED_IN_MESSAGE
        more = f" and {rest} more" if rest > 0 else ""
        return f". Available models: {', '.join(models[:_LISTED_IN_MESSAGE])}{more}."


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that ends without an answer though nothing was refused to the team: 400, 413, 422 or 502."""

    status: int
    error: str  # the short title
    code: str  # the stable slug
    message: str
    details: tuple[tuple[str, str], ...] = ()  # (field, problem)

    def body(self, protocol: Protocol, request_id: str) -> dict[str, Any]:
        """The JSON body in the shape that `protocol`'s clients read."""
        details = [{"field": name, "problem": problem} for name, problem in self.details]
        documented = {"message": self.message, "details": details, "request_id": request_id}
        if protocol is Protocol.PAGE:
            return {"error": self.error, **documented}
        if protocol is Protocol.ANTHROPIC:
            return {"type": "error", "error": {"type": self._type(), "message": self.message}, **documented}
        if protocol is Protocol.GOOGLE:
            status = "INVALID_ARGUMENT" if self.status < 500 else "INTERNAL"
            error = {"code": self.status, "message": self.message, "status": status}
            return {"error": error, **documented}
        field_name = self.details[0][0] if self.details else None
        error = {"message": self.message, "type": self._type(), "param": field_name, "code": self.code}
        return {"error": error, **documented}

    def _type(self) -> str:
        return "invalid_request_error" if self.status < 500 else "api_error"


class RequestRefusedError(Exception):
    """A request that can't be taken as it is, found before anybody asked who calls."""

    def __init__(self, answer: Failure | Refusal) -> None:
        super().__init__(answer.message)
        self.answer = answer


def fields_not_allowed(found: list[tuple[str, str]]) -> Failure:
    """422 about each of `found`: (field, what it would choose, or why it is not taken)."""
    message = "; ".join(f"The field '{name}' can't be set here: it {problem}" for name, problem in found)
    return Failure(422, "Invalid request", "field_not_allowed", message, tuple(found))


def request_not_taken() -> Failure:
    """400 for what LiteLLM refuses before it asks who calls."""
    return Failure(400, "Bad request", "request_not_taken", "The proxy refuses this request")


def call_failed() -> Failure:
    """502 for a failure of LiteLLM's own; the log has it."""
    return Failure(502, "Call failed", "call_failed", "The proxy failed to handle this call")


def unreadable_body() -> Failure:
    """400 where a JSON object (or, on some routes, a form) is needed and there is none, or one nested without end."""
    return Failure(400, "Bad request", "unreadable_body", "The body must be a JSON object, nested not too deeply")


def body_too_large(limit_mb: int) -> Failure:
    """413, naming the limit in MiB."""
    message = f"The body is larger than the limit of {limit_mb} MiB"
    return Failure(413, "Content too large", "body_too_large", message)


def model_not_granted(model: str, available: list[str]) -> Refusal:
    """The page's own refusal: the sentence names the model asked for, the list what may be asked for instead."""
    message = f"Team does not have access to model '{model}'"
    if not model:  # most often `curl -d` without a Content-Type: LiteLLM then reads a form
        message = "The request names no model; send it as JSON, with the Content-Type application/json"
    return Refusal(Reason.MODEL_NOT_GRANTED, message, {"available_models": available})


_SENTENCES: dict[Reason, str] = {
    Reason.KEY_UNKNOWN: "This API key is not known here",
    Reason.KEY_REVOKED: "This API key was revoked",
    Reason.KEY_EXPIRED: "This API key has expired",
}


def key_refused(reason: Reason) -> Refusal:
    """For key_unknown, key_revoked, key_expired. Never repeats the key."""
    return Refusal(reason, _SENTENCES[reason])


def suspended(reason: Reason, team_id: str) -> Refusal:
    """For team_suspended and organization_suspended."""
    subject = f"Team '{team_id}'" if reason is Reason.TEAM_SUSPENDED else f"The organization of team '{team_id}'"
    return Refusal(reason, f"{subject} is suspended")


def route_not_allowed(method: str, path: str) -> Refusal:
    """For any route that is not in the table of those that a team's key may use."""
    return Refusal(Reason.ROUTE_NOT_ALLOWED, f"A team's key may not use {method} {path}")


def unavailable(reason: Reason, problem: str) -> Refusal:
    """For hook_missing and store_unavailable; `problem` says what an operator should look at, and holds no secret."""
    return Refusal(reason, problem)
