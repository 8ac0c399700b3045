"""For a proxy under test: makes parts of the product fail, and meddles with calls as other people's callbacks may.

`configuration` lists `meddling.early` before the product's callback and `meddling.late` after it. Both do nothing but
at a request's wish: its header `x-meddle` says what shall happen to this request, by the names below.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import litellm
from litellm.integrations.custom_logger import CustomLogger

HEADER = "x-meddle"
FORBIDDEN = "forbidden"

# What shall raise -> where it stands: a module or `module:class`, and the name there that is looked up at each call.
BREAKABLE = {
    "finding who the operator is": ("middleware", "_is_the_operators"),
    "cleaning the request": ("sanitising", "clean"),
    "comparing with the master key": ("auth", "is_master_key"),
    "counting failed attempts": ("auth", "source_of"),
    "digesting the key": ("auth:virtual_keys", "digest"),
    "noting the caller": ("hook", "note_caller"),
    "deciding": ("plugin:Plugin", "decide"),
    "listing what is available": ("plugin:Plugin", "available_models"),
    "cleaning a form": ("sanitising", "_judge_form"),
    "estimating": ("hook", "demand_of"),
    "pricing": ("hook", "price_of"),
    "reserving": ("calls:Calls", "reserve"),
    "issuing the ticket": ("calls:Calls", "issue"),
    "naming deployments": ("hook", "names_of_deployments"),
    "naming what is counted": ("counting", "names_of_deployments"),
    "finding the ticket": ("calls:Calls", "find"),
    "admitting": ("calls:Ticket", "admits"),
    "the tripwire": ("exchange:Exchange", "_tripped"),
    "cleaning headers": ("exchange", "shown_headers"),
    "reading the usage": ("exchange", "usage_of_body"),
    "reading the event": ("hook", "usage_of_event"),
    "settling": ("calls:Calls", "settle"),
    "renaming": ("outgoing:Renaming", "__call__"),
    "hiding names": ("exchange", "hidden_words"),
    "releasing": ("calls:Calls", "release"),
}
SKIP = "skip the decision"
REPLAY = "skip the decision, with the last ticket"
SKIP_BOTH = "skip the decision and the second gate"
REMOVE = "remove the hook"
REPLACE = "replace the hook"
RESTORE = "put the hook back"
REWRITE_EARLY = "another model before the decision"
REWRITE_LATE = "another model after the decision"
SWAP_LATE = "another granted model after the decision"

_wish: ContextVar[str] = ContextVar("wish", default="")


def configuration(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with both callbacks in it."""
    ours = config["litellm_settings"]["callbacks"]
    config["litellm_settings"]["callbacks"] = ["meddling.early", *ours, "meddling.late"]
    return config


class Early(CustomLogger):
    """Comes before the product's hook."""

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> Any:
        if _wish.get() == REWRITE_EARLY:
            data["model"] = FORBIDDEN
        return data


class Late(CustomLogger):
    """Comes after it."""

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> Any:
        if _wish.get() == REWRITE_LATE:
            data["model"] = FORBIDDEN
        elif _wish.get() == SWAP_LATE:
            data["model"] = "real-b"
        return data


def _noting_wishes(serve: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def noting(self: Any, scope: Any, receive: Any, send: Any) -> None:
        wishes = [value.decode() for name, value in scope.get("headers", ()) if name == HEADER.encode()]
        _wish.set(wishes[0] if wishes else "")
        _change_callbacks()
        await serve(self, scope, receive, send)

    return noting


def _change_callbacks() -> None:
    from saas_access.proxy import access_hook

    if _wish.get() in (REMOVE, REPLACE, RESTORE):
        kept = [callback for callback in litellm.callbacks if callback not in (access_hook, _replacement)]
        new = {REMOVE: [], REPLACE: [_replacement], RESTORE: [access_hook]}[_wish.get()]
        litellm.callbacks = [*kept, *new]


def _breakable(name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(whole)
    def breakable(*arguments: Any, **named: Any) -> Any:
        if _wish.get() == name:
            raise RuntimeError(f"broken for a test: {name}")
        return whole(*arguments, **named)

    return breakable


def _skippable(decide: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    last_ticket: list[Any] = [None]

    async def skippable(self: Any, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str) -> Any:
        if _wish.get() in (SKIP, REPLAY, SKIP_BOTH):
            ticket = last_ticket[0] if _wish.get() == REPLAY else None
            for place in ("metadata", "litellm_metadata"):
                if isinstance(data.get(place), dict) and ticket is not None:
                    data[place] = {**data[place], "saas_access_ticket": ticket}
            return data
        data = await decide(self, user_api_key_dict, cache, data, call_type)
        for place in ("metadata", "litellm_metadata"):
            last_ticket[0] = (data.get(place) or {}).get("saas_access_ticket") or last_ticket[0]
        return data

    return skippable


def _passable(gate: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def passable(self: Any, kwargs: dict[str, Any], call_type: Any) -> Any:
        return kwargs if _wish.get() == SKIP_BOTH else await gate(self, kwargs, call_type)

    return passable


def _meddle() -> None:
    import importlib

    from saas_access.proxy.hook import AccessHook
    from saas_access.proxy.middleware import AccessMiddleware

    for name, (place, attribute) in BREAKABLE.items():
        module, _, inner = place.partition(":")
        owner: Any = importlib.import_module(f"saas_access.proxy.{module}")
        owner = getattr(owner, inner) if inner else owner
        setattr(owner, attribute, _breakable(name, getattr(owner, attribute)))
    for owner, attribute, around in (
        (AccessHook, "async_pre_call_hook", _skippable),
        (AccessHook, "async_pre_call_deployment_hook", _passable),
        (AccessMiddleware, "__call__", _noting_wishes),
    ):
        setattr(owner, attribute, around(getattr(owner, attribute)))


early, late, _replacement = Early(), Late(), CustomLogger()
_meddle()
