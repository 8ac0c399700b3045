"""Who is signed in. The browser holds a random token in a cookie; the store holds its digest, so that a sign-out
counts in every process, and a changed operator key ends the sessions that were made under the old one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from saas_access import times
from saas_access.admin import access
from saas_access.admin.access import Operator, Service

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE = "saas_access_session"
PATH = "/admin"
LIFETIME_MS = 12 * times.HOUR_MS


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """An operator or viewer, by session (`token`) or, without one, by the setting `local_admin`."""

    operator: Operator
    token: str | None

    @property
    def csrf(self) -> str:
        """What every form of theirs carries."""
        return hmac.new((self.token or "").encode(), b"csrf", hashlib.sha256).hexdigest()


def visitor(request: Request, service: Service) -> Visitor | None:
    """Who this is, or None for one who has to sign in. Reads the store. Raises CoreError if it can't be read."""
    token = _token(request)
    if token is not None:
        keys = service.operator_keys_digest()
        session = service.runtime.engine.find_session(digest=_digest(token), keys=keys)
        if session is not None:
            return Visitor(operator=Operator(actor=session.actor, viewer=session.viewer), token=token)
    if service.runtime.settings.local_admin and access.is_local(request):
        return Visitor(operator=Operator(actor="local operator"), token=None)
    return None


def begin(operator: Operator, service: Service, response: Response, *, secure: bool) -> None:
    """Signs `operator` in. Writes the store."""
    token = secrets.token_urlsafe(32)
    engine = service.runtime.engine
    engine.begin_session(
        digest=_digest(token),
        keys=service.operator_keys_digest(),
        actor=operator.actor,
        viewer=operator.viewer,
        expires_at_ms=engine.now_ms() + LIFETIME_MS,
    )
    response.set_cookie(
        COOKIE, token, max_age=LIFETIME_MS // 1000, path=PATH, secure=secure, httponly=True, samesite="strict"
    )


def end(request: Request, service: Service, response: Response) -> None:
    """Signs out. Writes the store."""
    token = _token(request)
    if token is not None:
        service.runtime.engine.end_session(digest=_digest(token))
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")


def _token(request: Request) -> str | None:
    return request.cookies.get(COOKIE)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
