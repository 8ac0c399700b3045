"""The LiteLLM plugin. `custom_auth: saas_access.proxy.user_api_key_auth`, `callbacks: [saas_access.proxy.access_hook]`.

Importing this does nothing; the first use of one of the two names starts the plugin in this process (settings, store,
admin API).
"""

from __future__ import annotations

from typing import Any

__all__ = ["access_hook", "user_api_key_auth"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from saas_access.proxy.plugin import plugin

    return getattr(plugin(), name)
