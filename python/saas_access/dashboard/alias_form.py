"""An alias's fields between the form, where all is text, and the API."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from saas_access.dashboard.visit import Form

if TYPE_CHECKING:
    from saas_access.dashboard.api import Json

_TEXTS = ("alias", "litellm_model", "description", "credits_per_call", "retires_on", "retires_at", "successor")
BLANK: Json = dict.fromkeys(_TEXTS, "") | {"credits_per_call": "1", "active": True}


def typed_from(source: Form | Json) -> Json:
    """What the form shows: of one that was sent, or of an alias as the API shows it. `retires_on` is the UTC day of
    `retires_at`.
    """
    if isinstance(source, Form):
        return {name: source.one(name) for name in _TEXTS} | {"active": "active" in source}
    retires_at = source.get("retires_at") or ""
    return {
        **{name: source[name] for name in ("alias", "litellm_model", "description", "active")},
        "credits_per_call": f"{source['credits_per_call']:f}",
        "retires_on": retires_at[:10],
        "retires_at": retires_at,
        "successor": source.get("successor") or "",
    }


def read_form(typed: Json) -> Json:
    """The fields that the API is sent, but `alias` and `active`. What isn't a number goes as it is, to be refused."""
    try:
        credits: object = Decimal(typed["credits_per_call"])
    except InvalidOperation:
        credits = typed["credits_per_call"]
    retires_on, retires_at = typed["retires_on"], typed["retires_at"]
    if retires_on != retires_at[:10]:  # else it keeps its time of day
        retires_at = f"{retires_on}T00:00:00Z" if retires_on else ""
    return {
        "litellm_model": typed["litellm_model"],
        "description": typed["description"],
        "credits_per_call": credits,
        "retires_at": retires_at or None,
        "successor": typed["successor"] or None,
    }
