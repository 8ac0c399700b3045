"""What models cost, from LiteLLM's price table and the deployments' own prices, in the core's exact units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any

_PICO = Decimal(10) ** 12
# A float that a provider's price times a count gave carries its error from the 16th digit on; twelve lose nothing of a
# price.
_COST_DIGITS = ".12g"
_TIER = re.compile(r"(?P<name>.+)_above_(?P<thousands>\d+)k_tokens")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by what they cost. `input` is what was neither read from a provider's cache (`cached`) nor stored there
    (`written`); `output` includes reasoning.
    """

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0

    @property
    def prompt(self) -> int:
        """All that was sent."""
        return self.input + self.cached + self.written

    @property
    def total(self) -> int:
        return self.prompt + self.output

    def most(self, other: Tokens) -> Tokens:
        """Field by field the larger, of two statements about the same call."""
        return Tokens(
            max(self.input, other.input),
            max(self.cached, other.cached),
            max(self.written, other.written),
            max(self.output, other.output),
        )

    @classmethod
    def stated(cls, usage: Mapping[str, Any]) -> Tokens:
        """What an answer's `usage` (OpenAI, Anthropic) or `usageMetadata` (Google) states. Anthropic counts what its
        cache did apart from `input_tokens`, the others include it; Google counts thoughts apart from the answer.
        """
        details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
        included = _first(details, "cached_tokens") or _first(usage, "cachedContentTokenCount")
        apart = _first(usage, "cache_read_input_tokens") if "input_tokens" in usage else 0
        written = _first(usage, "cache_creation_input_tokens") if "input_tokens" in usage else 0
        prompt = _first(usage, "prompt_tokens", "input_tokens", "promptTokenCount")
        output = _first(usage, "completion_tokens", "output_tokens", "candidatesTokenCount")
        output += _first(usage, "thoughtsTokenCount")
        tokens = cls(max(0, prompt - included), min(included, prompt) + apart, written, output)
        rest = _first(usage, "total_tokens", "totalTokenCount") - tokens.total
        return cls(tokens.input + rest, tokens.cached, written, output) if rest > 0 else tokens


def _first(usage: object, *names: str) -> int:
    """The first of these fields that holds a count."""
    if not isinstance(usage, Mapping):
        return 0
    return next((value for name in names if (value := whole(usage.get(name))) is not None and value >= 0), 0)


def whole(value: Any) -> int | None:
    """A whole number as JSON gave it, None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one unit, as exact decimals, under LiteLLM's names (`input_cost_per_token`); those above zero.
    Without any, LiteLLM has no price for the model.
    """

    rates: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        return any("cost_per_" in name for name in self.rates)

    def rate(self, *names: str, prompt: int = 0) -> Decimal:
        """The dearest of these; with the surcharge (`..._above_200k_tokens`) that a prompt of so many tokens incurs."""
        found = [self.rates.get(name, Decimal(0)) for name in names]
        for name, value in self.rates.items() if prompt else ():
            tier = _TIER.fullmatch(name)
            if tier and tier["name"] in names and prompt > int(tier["thousands"]) * 1000:
                found.append(value)
        return max(found, default=Decimal(0))

    def of_tokens(self, tokens: Tokens) -> int:
        """Picodollars."""
        new = self.rate("input_cost_per_token", prompt=tokens.prompt)
        cached = self.rate("cache_read_input_token_cost", prompt=tokens.prompt) or new
        written = self.rate("cache_creation_input_token_cost", prompt=tokens.prompt) or new
        output = self.rate("output_cost_per_token", prompt=tokens.prompt)
        dollars = tokens.input * new + tokens.cached * cached + tokens.written * written + tokens.output * output
        return picodollars(dollars)


def picodollars(dollars: float | Decimal) -> int:
    """Dollars as a whole number of 1e-12 dollars, rounded up. Floats are read to twelve significant digits."""
    exact = dollars if isinstance(dollars, Decimal) else Decimal(format(dollars, _COST_DIGITS))
    return int((exact * _PICO).to_integral_value(rounding=ROUND_CEILING))


def price_of(deployments: Sequence[Mapping[str, Any]], model_cost: Mapping[str, Any]) -> Price:
    """For each unit the dearest of the deployments that may answer; none where one of them has no price.
    `deployments` are the router's entries (litellm_params, model_info).

    LiteLLM's router registers every deployment in its price table, so being listed there is no price: only a number is.
    """
    prices = [_deployment_price(deployment, model_cost) for deployment in deployments]
    if not all(price.known for price in prices):
        return Price()
    names = {name for price in prices for name in price.rates}
    return Price({name: max(price.rate(name) for price in prices) for name in names})


def _deployment_price(deployment: Mapping[str, Any], model_cost: Mapping[str, Any]) -> Price:
    params, info = deployment.get("litellm_params") or {}, deployment.get("model_info") or {}
    model = str(params.get("model", ""))
    listed = (str(info.get("base_model") or ""), model, model.partition("/")[2])
    for source in (params, info, *(model_cost.get(name) or {} for name in listed)):
        price = Price(dict(_rates(source)))
        if price.known:
            return price
    return Price()


def _rates(source: Mapping[str, Any]) -> Iterator[tuple[str, Decimal]]:
    """The prices above zero that an entry of the table gives; of prices in tiers, the last and dearest."""
    for tier in source.get("tiered_pricing") or ():
        yield from _rates(tier)
    for name, value in source.items():
        if "cost" in name and (rate := _decimal(value)) > 0:
            yield name, rate


def _decimal(value: Any) -> Decimal:
    """A price as YAML or JSON gave it: a number, or a string such as "3e-05" (YAML 1.1 reads that as text)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Decimal(0)
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)
