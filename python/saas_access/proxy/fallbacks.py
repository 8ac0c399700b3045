"""The operator's fallbacks, as far as a team may follow them: to models that it was sold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litellm.router_utils.fallback_event_handlers import get_fallback_model_group

# The router's lists, and the request's fields by which LiteLLM takes others in their place.
_LISTS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """`lists`: what a request is given in place of the router's own lists. `models`: every actual model that may then
    answer a call in another's place, in the order in which LiteLLM would come to them.
    """

    lists: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _LISTS})
    models: tuple[str, ...] = ()


def has_fallbacks(router: Any) -> bool:
    """Whether the operator has named any."""
    return any(getattr(router, name, None) for name in _LISTS)


def granted_fallbacks(router: Any, litellm_model: str, sold: Collection[str]) -> Fallbacks:
    """What is left of the router's fallbacks where only the actual models in `sold` may answer, for a call of
    `litellm_model`.
    """
    lists = {name: _granted(getattr(router, name, None) or [], sold) for name in _LISTS}
    found: dict[str, None] = {}
    waiting = [litellm_model]
    while waiting:
        group = waiting.pop(0)
        for listed in lists.values():
            targets = map(_model_of, get_fallback_model_group(fallbacks=listed, model_group=group)[0] or [])
            new = [target for target in targets if target != litellm_model and target not in found]
            found.update(dict.fromkeys(new))
            waiting += new
    return Fallbacks(lists, tuple(found))


def _granted(listed: Sequence[Any], sold: Collection[str]) -> list[Any]:
    """Entries are `{group: [target, ...]}`."""
    kept = [
        {group: [target for target in targets if _model_of(target) in sold] for group, targets in entry.items()}
        for entry in listed
        if isinstance(entry, Mapping)
    ]
    return [entry for entry in kept if any(entry.values())]


def _model_of(target: object) -> str:
    """A target is a model, or a mapping of what the attempt changes, its model among it."""
    return str(target.get("model", "")) if isinstance(target, Mapping) else str(target)
