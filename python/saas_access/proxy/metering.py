"""What a call may use and did use: tokens and dollars, from LiteLLM's price table and usage events, in the core's
exact units.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

import orjson

from saas_access._core import Usage

_PICO = Decimal(10) ** 12
# A float that a provider's price times a count gave carries its error from the 16th digit on; twelve lose nothing of a
# price.
_COST_DIGITS = ".12g"
# The usual rule of thumb for English text; other languages use more tokens a byte-count, but also more bytes a
# character.
_BYTES_PER_TOKEN = 4
_LIMIT_FIELDS = ("max_completion_tokens", "max_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one token, as exact decimals; `known` is false where LiteLLM has no price for the model."""

    known: bool = False
    input_per_token: Decimal = Decimal(0)
    output_per_token: Decimal = Decimal(0)


def picodollars(dollars: float | Decimal) -> int:
    """Dollars as a whole number of 1e-12 dollars, rounded up. Floats are read to twelve significant digits."""
    exact = dollars if isinstance(dollars, Decimal) else Decimal(format(dollars, _COST_DIGITS))
    return int((exact * _PICO).to_integral_value(rounding=ROUND_CEILING))


def price_of(deployments: Sequence[Mapping[str, Any]], model_cost: Mapping[str, Any]) -> Price:
    """The dearest of the deployments that may answer. `deployments` are the router's entries (litellm_params,
    model_info).

    LiteLLM's router registers every deployment in its price table, so being listed there is no price: only a number is.
    """
    prices = [price for deployment in deployments if (price := _deployment_price(deployment, model_cost)).known]
    if not prices or len(prices) < len(deployments):
        return Price()
    return max(prices, key=lambda price: (price.output_per_token, price.input_per_token))


def _deployment_price(deployment: Mapping[str, Any], model_cost: Mapping[str, Any]) -> Price:
    params, info = deployment.get("litellm_params") or {}, deployment.get("model_info") or {}
    model = str(params.get("model", ""))
    for source in (params, info, model_cost.get(model) or {}, model_cost.get(model.partition("/")[2]) or {}):
        costs = {name: value for name, value in source.items() if _is_price(name, value)}
        if costs:
            return Price(
                True, _decimal(costs.get("input_cost_per_token")), _decimal(costs.get("output_cost_per_token"))
            )
    return Price()


def _is_price(name: str, value: Any) -> bool:
    return "cost_per_" in name and _decimal(value) > 0


def _decimal(value: Any) -> Decimal:
    """A price as YAML or JSON gave it: a number, or a string such as "3e-05" (YAML 1.1 reads that as text)."""
    try:
        return Decimal(str(value)) if value is not None and not isinstance(value, bool) else Decimal(0)
    except ArithmeticError:
        return Decimal(0)


def estimate(data: Mapping[str, Any], fields: frozenset[str], price: Price, default_max_tokens: int) -> Usage:
    """The most that a request may use, as far as can be told before it is sent: one token for every four bytes of its
    content, and for each answer the client's own limit, or `default_max_tokens` where it sets none.
    """
    content = {name: value for name, value in data.items() if name in fields}
    prompt = math.ceil(len(json.dumps(content, default=_size_of, ensure_ascii=False).encode()) / _BYTES_PER_TOKEN)
    answer = _token_limit(data, default_max_tokens) * max(1, _whole(data.get("n")) or 1)
    return Usage(
        total_tokens=prompt + answer,
        price_known=price.known,
        cost=picodollars(prompt * price.input_per_token + answer * price.output_per_token),
    )


def _size_of(value: object) -> str:
    """Stands in for what has no JSON form: an uploaded file, by its size."""
    return "x" * min(int(getattr(value, "size", None) or 0), 1_000_000)


def _token_limit(data: Mapping[str, Any], default: int) -> int:
    google = data.get("generationConfig") or data.get("generation_config") or data.get("config") or {}
    candidates = [data.get(name) for name in _LIMIT_FIELDS]
    if isinstance(google, Mapping):
        candidates += [google.get("maxOutputTokens"), google.get("max_output_tokens")]
    limits = [limit for value in candidates if (limit := _whole(value)) is not None and limit > 0]
    return min(limits, default=default)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def usage_of_event(kwargs: Mapping[str, Any], price_known: bool) -> Usage:
    """The usage that LiteLLM's success event reports. A cost of zero counts as one only where the model has a price."""
    payload = kwargs.get("standard_logging_object") or {}
    cost = payload.get("response_cost") or kwargs.get("response_cost") or 0.0
    return Usage(
        total_tokens=max(0, int(payload.get("total_tokens") or 0)),
        price_known=price_known or cost > 0,
        cost=picodollars(max(0.0, float(cost))),
    )


def usage_of_body(body: bytes, price: Price) -> Usage | None:
    """The usage that an answer states itself, in any of the dialects; None where it states none. For calls without an
    event.
    """
    try:
        answer = orjson.loads(body)
    except ValueError:
        return None
    usage = (answer.get("usage") or answer.get("usageMetadata") or {}) if isinstance(answer, dict) else {}
    if not isinstance(usage, dict) or not usage:
        return None
    prompt = _first(usage, "prompt_tokens", "input_tokens", "promptTokenCount")
    answered = _first(usage, "completion_tokens", "output_tokens", "candidatesTokenCount")
    total = _first(usage, "total_tokens", "totalTokenCount") or prompt + answered
    cost = prompt * price.input_per_token + answered * price.output_per_token
    return Usage(total_tokens=total, price_known=price.known, cost=picodollars(cost))


def _first(usage: Mapping[str, Any], *names: str) -> int:
    return next((value for name in names if (value := _whole(usage.get(name))) is not None and value >= 0), 0)
