"""The plugin in one process of the proxy: settings, store, hook, middleware and admin API, put together once."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import litellm

from saas_access._core import AvailableModel, CoreError, Decision, Engine
from saas_access.admin.access import Service
from saas_access.admin.app import create_app
from saas_access.dashboard.app import create_dashboard
from saas_access.proxy import picker_names
from saas_access.proxy.auth import VirtualKeyAuth
from saas_access.proxy.calls import Calls
from saas_access.proxy.counting import counting_router
from saas_access.proxy.fail_closed import Troubles
from saas_access.proxy.hook import AccessHook
from saas_access.proxy.host import ProxyHost
from saas_access.proxy.litellm_versions import (
    compressing,
    litellm_version,
    make_room_for_rate_limits,
    require_supported,
)
from saas_access.proxy.middleware import AccessMiddleware
from saas_access.proxy.model_list import model_list_router
from saas_access.proxy.passing_on import put_in_front
from saas_access.runtime import Runtime, shared
from saas_access.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from saas_access.proxy.request_state import Principal, RequestState
    from saas_access.refusal import Refusal

# They expire after a minute: this bounds the memory of a proxy that serves hundreds of thousands of teams a minute.
_RATE_LIMIT_ENTRIES = 1_000_000


class Plugin:
    """Everything that lives as long as the worker does. Its own methods are cheap, and called on the event loop."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.settings: Settings = runtime.settings
        self.engine: Engine = runtime.engine
        self.calls = Calls(self.engine)
        self.troubles = Troubles()
        self.access_hook = AccessHook(self)
        self.user_api_key_auth = VirtualKeyAuth(self)
        self.service = Service(runtime=runtime, host=ProxyHost(self))

    def mount(self, app: FastAPI) -> None:
        """Put the middleware around LiteLLM's application, and our routes in front of its own."""
        make_room_for_rate_limits(_RATE_LIMIT_ENTRIES)
        put_in_front(app, counting_router(self, app))
        put_in_front(app, model_list_router(self, app))
        admin = create_app(runtime=self.runtime, host=self.service.host)
        dashboard = create_dashboard(admin=admin, service=self.service) if self.settings.dashboard else None
        # The stack stands already when LiteLLM imports its callbacks, so `add_middleware` comes too late.
        inner = app.middleware_stack or app.build_middleware_stack()
        app.middleware_stack = compressing(AccessMiddleware(inner, self, admin, dashboard, app))

    def decide(self, principal: Principal, model: object, *, picker_forms: bool) -> Decision:
        """The decision on what a client named as its model; anything but a string names nothing. Raises
        StoreUnavailable.
        """
        name = model if isinstance(model, str) else ""
        decision = self._authorize(principal, name)
        if picker_forms and not decision.litellm_model and (alias := picker_names.decoded(name)) != name:
            return self._authorize(principal, alias)
        return decision

    def _authorize(self, principal: Principal, alias: str) -> Decision:
        if principal.digest is not None:
            return self.engine.authorize(digest=principal.digest, alias=alias)
        return self.engine.authorize(team_id=principal.team_id, alias=alias)

    def available_models(self, principal: Principal) -> list[AvailableModel]:
        """What the principal may call, in the documented order. Raises StoreUnavailable."""
        if principal.digest is not None:
            return self.engine.available_models(digest=principal.digest)
        return self.engine.available_models(team_id=principal.team_id)

    def count_denial(self, state: RequestState, refusal: Refusal) -> None:
        """Counts what a team was refused, in memory. What was refused to nobody we know is nobody's usage."""
        principal, decision = state.principal, state.decision
        if principal is None:
            return
        with suppress(CoreError):  # the engine was closed: the process ends
            self.engine.note_denial(
                reason=refusal.reason,
                team_id=principal.team_id,
                key_id=principal.key_id,
                alias=(decision.alias or None) if decision else None,
                access_group=decision.groups[0] if decision and decision.groups else None,
            )


class _Started:
    lock = threading.Lock()
    plugin: Plugin | None = None


def _given_settings() -> dict[str, Any]:
    """`callback_settings.saas_access`, in force before LiteLLM imports callbacks. The environment names another
    database.
    """
    given = dict((getattr(litellm, "callback_settings", None) or {}).get("saas_access") or {})
    database_url = os.environ.get("SAAS_ACCESS_DATABASE_URL")
    return {**given, "database_url": database_url} if database_url else given


def plugin() -> Plugin:
    """The process's plugin, started by the first call. Raises what stops the proxy's start: UnsupportedLiteLLMError,
    SettingsError, StoreUnavailable; each with a message for the operator.
    """
    with _Started.lock:
        if _Started.plugin is None:
            from litellm.proxy.proxy_server import app

            require_supported(litellm_version())
            started = Plugin(shared(Settings.parse(_given_settings())))
            started.mount(app)
            _Started.plugin = started
        return _Started.plugin
