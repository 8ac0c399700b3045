"""What the admin API asks of the proxy that it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import litellm

from saas_access.proxy.auth import is_master_key, master_key_digest
from saas_access.proxy.litellm_versions import litellm_version
from saas_access.proxy.router_view import can_route, names_of_models

if TYPE_CHECKING:
    from saas_access.proxy.plugin import Plugin


class ProxyHost:
    """See saas_access.admin.host.Host. Thread-safe."""

    serves_calls = True

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin

    @property
    def litellm_version(self) -> str:
        return litellm_version()

    def is_operator_key(self, key: str) -> bool:
        return is_master_key(key)

    def operator_key_digest(self) -> bytes:
        return master_key_digest()

    def can_route(self, litellm_model: str) -> bool | None:
        return can_route(litellm_model)

    def litellm_models(self) -> list[str]:
        return names_of_models()

    def trouble(self) -> str | None:
        return self._plugin.troubles.warning()

    def ledger_transactions(self) -> int:
        return self._plugin.calls.transactions

    def hook_loaded(self) -> bool:
        return any(callback is self._plugin.access_hook for callback in litellm.callbacks)
