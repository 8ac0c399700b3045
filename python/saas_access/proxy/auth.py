"""LiteLLM's `custom_auth`: a virtual key is a team's, the master key the operator's, anything else nobody's."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import litellm
from fastapi import Request
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

from saas_access import virtual_keys
from saas_access._core import Reason
from saas_access.failed_attempts import source_of
from saas_access.proxy.fail_closed import failing_closed
from saas_access.proxy.request_state import Principal, RequestState, request_state
from saas_access.refusal import Refusal, key_refused, route_not_allowed, unavailable

if TYPE_CHECKING:
    from saas_access.proxy.plugin import Plugin


def is_master_key(candidate: str) -> bool:
    """Whether this is the proxy's own master key. Takes the same time however much of it is right."""
    master_key = _master_key()
    return master_key != "" and hmac.compare_digest(candidate.encode("utf-8", "surrogatepass"), master_key.encode())


def master_key_digest() -> bytes:
    """SHA-256 of the proxy's own master key; of nothing without one."""
    return hashlib.sha256(_master_key().encode()).digest()


def _master_key() -> str:
    from litellm.proxy import proxy_server

    return proxy_server.master_key if isinstance(proxy_server.master_key, str) else ""


def operator_auth() -> UserAPIKeyAuth:
    """What LiteLLM itself makes of its master key: the proxy's administrator, under a name that isn't the key."""
    from litellm.constants import LITELLM_PROXY_ADMIN_NAME, LITELLM_PROXY_MASTER_KEY_ALIAS

    return UserAPIKeyAuth(
        api_key=LITELLM_PROXY_MASTER_KEY_ALIAS,
        user_role=LitellmUserRoles.PROXY_ADMIN,
        user_id=LITELLM_PROXY_ADMIN_NAME,
    )


def note_caller(auth: UserAPIKeyAuth) -> RequestState:
    """The current request, with its caller noted. Virtual keys were checked before; with LiteLLM's
    own keys it is the team that the key names (none: a team that was sold nothing) or the proxy's administrator.
    """
    state = request_state()
    if state.principal is None and not state.operator:
        if auth.user_role == LitellmUserRoles.PROXY_ADMIN and not auth.team_id:
            state.operator = True
        else:
            state.principal = Principal(team_id=str(auth.team_id or ""))
    if state.principal is not None and state.bad_request is not None:
        state.refuse(state.bad_request)
    return state


class VirtualKeyAuth:
    """Decides who calls and whether the route is one that they may use. What they may call there is the hook's to
    decide.
    """

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin

    async def __call__(self, request: Request, api_key: str | None) -> UserAPIKeyAuth:
        """`api_key` as LiteLLM read it from whichever header or parameter carried it, without a "Bearer " before it."""
        state = request_state()
        state.authenticated = True
        if not api_key:
            state.refuse(Refusal(Reason.KEY_UNKNOWN, "No API key was sent"))
        with failing_closed(state, self._plugin.troubles):
            source = source_of(request.client.host if request.client else None)
            if self._plugin.runtime.failed_attempts.wait_s(source) == 0 and is_master_key(api_key):
                state.operator = True
                return operator_auth()
            return self._team_auth(request, api_key, state, source)

    def _team_auth(self, request: Request, api_key: str, state: RequestState, source: str) -> UserAPIKeyAuth:
        if not any(callback is self._plugin.access_hook for callback in litellm.callbacks):
            problem = "saas_access.proxy.access_hook is not among litellm_settings.callbacks"
            self._plugin.troubles.note(problem, state)
            state.refuse(unavailable(Reason.HOOK_MISSING, problem))
        digest = virtual_keys.digest(api_key)
        found = self._plugin.engine.authenticate(digest=digest)
        if found.reason is Reason.KEY_UNKNOWN:  # one that was revoked or has expired is no guess
            self._plugin.runtime.failed_attempts.note(source)
        if found.reason is not Reason.GRANTED:
            state.refuse(key_refused(found.reason))
        state.principal = Principal(team_id=found.team_id, digest=digest, key_id=found.key_id)
        if request.scope.get("type") != "http" or state.route is None:
            state.refuse(route_not_allowed(str(request.scope.get("method", "WEBSOCKET")), state.path))
        self._plugin.engine.touch_key(key_id=found.key_id)
        return UserAPIKeyAuth(
            api_key=digest.hex(),
            key_alias=found.key_id,
            team_id=found.team_id,
            team_rpm_limit=found.rpm_limit,
            team_tpm_limit=found.tpm_limit,
            user_role=LitellmUserRoles.INTERNAL_USER,
            allowed_routes=[state.path],  # LiteLLM enforces it as well: this path and nothing else
        )
