"""The one place that knows which LiteLLM this is and where its versions differ."""

from __future__ import annotations

import importlib.metadata
import inspect
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from litellm.proxy._types import UserAPIKeyAuth
    from starlette.types import ASGIApp

OLDEST = (1, 90, 0)
TESTED = ("1.103.11", "1.106.2", "1.109.1")
_DASHBOARD_TEAM = "litellm-dashboard"
COMPROMISED = {"1.82.7", "1.82.8", "1.107.0"}


class UnsupportedLiteLLMError(RuntimeError):
    """This LiteLLM can't be used, or not as it is set up; the message says why and what to do."""


def litellm_version() -> str:
    """The installed version, as its package metadata says."""
    return importlib.metadata.version("litellm")


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:3]
    return tuple(int("".join(char for char in part if char.isdigit()) or 0) for part in parts)


def require_supported(version: str) -> None:
    """Raises UnsupportedLiteLLMError for a version that is too old or compromised, or with the compiled path on."""
    if version in COMPROMISED:
        raise UnsupportedLiteLLMError(
            f"LiteLLM {version} is known to be compromised: install one of {', '.join(TESTED)}"
        )
    if _numbers(version) < OLDEST:
        raise UnsupportedLiteLLMError(
            f"LiteLLM {version} is too old for saas_access: install one of {', '.join(TESTED)}"
        )
    if os.environ.get("LITELLM_RUST", "").strip().lower() not in {"", "0", "false", "no", "off"}:
        raise UnsupportedLiteLLMError(
            "LITELLM_RUST is set: calls on LiteLLM's compiled path can end without a usage event and would go unbilled;"
            " unset it"
        )


def codex_catalog(rows: list[dict[str, Any]], router: Any, client_version: str) -> bytes | None:
    """Codex's shape of the model list, built by LiteLLM; None where this version has none (1.103: the OpenAI shape is
    served).

    The rows stand for themselves: looked up by their actual model, Codex's stock entries would show its name.
    """
    try:
        from litellm.proxy.common_utils.codex_model_catalog import codex_model_list_body
    except ImportError:
        return None
    entries = [(row["id"], row["id"]) for row in rows]
    extra = {"client_version": client_version} if _takes(codex_model_list_body, "client_version") else {}
    return str(codex_model_list_body(cast(Any, rows), entries, router, None, **extra)).encode()


def _takes(function: Any, parameter: str) -> bool:
    return parameter in inspect.signature(function).parameters


def listing_row(litellm_model: str, router: Any) -> dict[str, Any]:
    """LiteLLM's own row for an actual model: id, object, created, owned_by, and its limits where it knows them."""
    from litellm.proxy.utils import create_model_info_response

    return dict(create_model_info_response(model_id=litellm_model, provider="openai", llm_router=router))


def caller_of(scope: Mapping[str, Any]) -> UserAPIKeyAuth | None:
    """Whom LiteLLM's authentication found, for keys of LiteLLM's own; None where it found nobody, or one of its
    dashboard's users.
    """
    found = getattr((scope.get("state") or {}).get("principal"), "source_key", None)
    return None if found is None or found.team_id == _DASHBOARD_TEAM else cast("UserAPIKeyAuth", found)


def compressing(app: ASGIApp) -> ASGIApp:
    """`app` with LiteLLM's own compression around it, which is kept from answers that have to be read first. None where
    this version compresses nothing (1.103).
    """
    try:
        from litellm.proxy.middleware.gzip_middleware import GZipBufferedResponseMiddleware
    except ImportError:
        return app
    return GZipBufferedResponseMiddleware(app)


def make_room_for_rate_limits(entries: int) -> None:
    """Let LiteLLM's limiter count for many teams. Its counters share a cache of 200 entries, three for each limited
    team, and once that is full new ones are dropped: past some 65 teams a minute nothing would be limited any more.
    """
    from litellm.proxy import proxy_server

    cache = proxy_server.proxy_logging_obj.internal_usage_cache.dual_cache.in_memory_cache
    cache.max_size_in_memory = max(cache.max_size_in_memory, entries)
