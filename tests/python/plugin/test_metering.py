"""Tokens and dollars from LiteLLM's floats and tables into the core's whole numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from saas_access.proxy.metering import Price, estimate, picodollars, price_of, usage_of_body, usage_of_event

KNOWN = Price(True, Decimal("0.000003"), Decimal("0.000006"))
CHAT = frozenset({"model", "messages", "n", "max_tokens", "max_completion_tokens"})


@pytest.mark.parametrize(
    ("dollars", "pico"),
    [
        (0.00102 * 7, 7_140_000_000),  # 0.0071400000000000005 as a float
        (0.1 + 0.2, 300_000_000_000),
        (1.5e-07, 150_000),
        (0.0, 0),
        (Decimal("0.0000000000001"), 1),
    ],
)
def test_a_floats_error_is_not_money(dollars: float | Decimal, pico: int) -> None:
    assert picodollars(dollars) == pico


def deployment(**price: Any) -> dict[str, Any]:
    return {"litellm_params": {"model": "openai/up"}, "model_info": price}


def test_the_dearest_deployment_counts() -> None:
    cheap = deployment(input_cost_per_token=1e-6, output_cost_per_token=2e-6)
    dear = deployment(input_cost_per_token="3e-06", output_cost_per_token=6e-6)
    assert price_of([cheap, dear], {}) == Price(True, Decimal("3e-06"), Decimal("6e-06"))


@pytest.mark.parametrize(
    "deployments",
    [
        [],
        [deployment()],
        [deployment(input_cost_per_token=0, output_cost_per_token=None)],
        [deployment(input_cost_per_token=1e-6), deployment()],
    ],
)
def test_being_listed_is_no_price(deployments: list[dict[str, Any]]) -> None:
    assert not price_of(deployments, {"openai/up": {"input_cost_per_token": 0}, "up": {"mode": "chat"}}).known


def test_litellms_table_knows_a_model_with_or_without_its_provider() -> None:
    for name in ("openai/up", "up"):
        assert price_of([deployment()], {name: {"input_cost_per_token": 1e-6}}).known


def test_the_estimate_is_the_content_and_the_clients_limit() -> None:
    data = {"model": "m", "messages": [{"role": "user", "content": "x" * 4000}], "metadata": "y" * 9000}
    default = estimate(data, CHAT, KNOWN, 1000)
    assert 2000 < default.total_tokens < 2020  # 1,000 for the text, a few for what is around it, 1,000 for the answer
    assert default.price_known
    limited = estimate({**data, "max_tokens": 10}, CHAT, KNOWN, 1000)
    assert default.total_tokens - limited.total_tokens == pytest.approx(990, abs=10)
    several = estimate({**data, "max_tokens": 10, "n": 3}, CHAT, KNOWN, 1000)
    assert several.total_tokens - limited.total_tokens == pytest.approx(20, abs=5)
    google = estimate({"config": {"maxOutputTokens": 7}}, frozenset(), KNOWN, 1000)
    assert google.total_tokens == 8


def test_nonsense_limits_count_as_none() -> None:
    for nonsense in (True, -1, 0, "9", 1.5, None):
        assert estimate({"max_tokens": nonsense}, frozenset(), KNOWN, 1000).total_tokens == 1001


def test_an_events_usage() -> None:
    event = {"standard_logging_object": {"total_tokens": 33, "response_cost": 0.000135}}
    usage = usage_of_event(event, price_known=False)
    assert (usage.total_tokens, usage.price_known, usage.cost) == (33, True, 135_000_000)
    free = usage_of_event({"standard_logging_object": {"total_tokens": 33, "response_cost": 0.0}}, price_known=False)
    assert not free.price_known
    assert usage_of_event({}, price_known=True).total_tokens == 0


@pytest.mark.parametrize(
    "usage",
    [
        {"usage": {"prompt_tokens": 21, "completion_tokens": 12, "total_tokens": 33}},
        {"usage": {"input_tokens": 21, "output_tokens": 12}},
        {"usageMetadata": {"promptTokenCount": 21, "candidatesTokenCount": 12, "totalTokenCount": 33}},
    ],
)
def test_an_answers_own_usage_in_each_dialect(usage: dict[str, Any]) -> None:
    import json

    stated = usage_of_body(json.dumps(usage).encode(), KNOWN)
    assert stated is not None
    assert (stated.total_tokens, stated.cost) == (33, 135_000_000)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"usage": null}', b'{"usage": []}'])
def test_no_usage_is_none(body: bytes) -> None:
    assert usage_of_body(body, KNOWN) is None
