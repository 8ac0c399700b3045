"""Tokens and dollars from requests, LiteLLM's floats and tables, and answers, into the core's whole numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from saas_access._core import Usage
from saas_access.proxy.metering import demand_of, prompt_of, usage_of_body, usage_of_event
from saas_access.proxy.prices import Price, Tokens, picodollars, price_of
from saas_access.proxy.routes import Used


def price(**rates: str) -> Price:
    return Price({name: Decimal(rate) for name, rate in rates.items()})


KNOWN = price(input_cost_per_token="0.000003", output_cost_per_token="0.000006")
CHAT = frozenset({"model", "messages", "n", "max_tokens", "max_completion_tokens", "metadata", "size", "documents"})


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


def deployment(**info: Any) -> dict[str, Any]:
    return {"litellm_params": {"model": "openai/up"}, "model_info": info}


def test_the_dearest_deployment_counts() -> None:
    cheap = deployment(input_cost_per_token=1e-6, output_cost_per_token=2e-6)
    dear = deployment(input_cost_per_token="3e-06", output_cost_per_token=6e-6)
    assert price_of([cheap, dear], {}) == price(input_cost_per_token="3e-06", output_cost_per_token="6e-06")


@pytest.mark.parametrize(
    "deployments",
    [
        [],
        [deployment()],
        [deployment(input_cost_per_token=0, output_cost_per_token=None)],
        [deployment(input_cost_per_token="nan")],
        [deployment(input_cost_per_token=1e-6), deployment()],
    ],
)
def test_being_listed_is_no_price(deployments: list[dict[str, Any]]) -> None:
    assert not price_of(deployments, {"openai/up": {"input_cost_per_token": 0}, "up": {"mode": "chat"}}).known


def test_litellms_table_knows_a_model_with_or_without_its_provider_or_by_its_base_model() -> None:
    for name in ("openai/up", "up"):
        assert price_of([deployment()], {name: {"input_cost_per_token": 1e-6}}).known
    assert price_of([deployment(base_model="azure/x")], {"azure/x": {"input_cost_per_token": 1e-6}}).known


def test_prices_in_tiers_count_by_the_dearest() -> None:
    tiers = [{"input_cost_per_token": 1e-6, "range": [0, 9]}, {"input_cost_per_token": 2e-6, "range": [9, 99]}]
    assert price_of([deployment()], {"up": {"tiered_pricing": tiers}}).rate("input_cost_per_token") == Decimal("2e-06")


def test_long_prompts_have_their_surcharge_and_caches_their_own_price() -> None:
    known = price(
        input_cost_per_token="3e-6",
        input_cost_per_token_above_200k_tokens="6e-6",
        output_cost_per_token="1e-5",
        cache_read_input_token_cost="3e-7",
    )
    assert known.of_tokens(Tokens(input=200_000)) == picodollars(0.6)
    assert known.of_tokens(Tokens(input=200_001)) == picodollars(Decimal("1.200006"))
    assert known.of_tokens(Tokens(input=10, cached=100, written=5, output=1)) == picodollars(Decimal("0.000085"))


def most(data: dict[str, Any], known: Price = KNOWN, used: Used = Used.TEXT, size: int = 0) -> Usage:
    return demand_of(data, CHAT, used, 1000, size).usage(known)


def test_the_estimate_is_the_content_and_the_clients_limit() -> None:
    data = {"model": "m", "messages": [{"role": "user", "content": "x" * 4000}], "metadata": "y" * 9000}
    default = most(data)
    assert 2000 < default.total_tokens < 2020  # 1,000 for the text, a few for what is around it, 1,000 for the answer
    assert default.price_known
    limited = most({**data, "max_tokens": 10})
    assert default.total_tokens - limited.total_tokens == pytest.approx(990, abs=10)
    assert most({**data, "max_tokens": 10, "max_completion_tokens": 90}).total_tokens > limited.total_tokens + 70
    several = most({**data, "max_tokens": 10, "n": 3})
    assert several.total_tokens - limited.total_tokens == pytest.approx(20, abs=5)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"max_output_tokens": 7}, 7),
        ({"generationConfig": {"maxOutputTokens": 7}}, 7),
        ({"generationConfig": {"maxOutputTokens": 7, "candidateCount": 3}}, 21),
        ({"config": {"max_output_tokens": 7}}, 7),
        ({"max_tokens": 7, "best_of": 4, "n": 2}, 28),
        ({"max_tokens": 50, "thinking": {"budget_tokens": 2000}}, 50),
        ({"thinking": {"budget_tokens": 2000}}, 3000),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 500}}}, 1500),
    ],
)
def test_each_dialect_has_its_limit(data: dict[str, Any], answer: int) -> None:
    assert demand_of(data, frozenset(), Used.TEXT, 1000).output_tokens == answer


def test_nonsense_limits_count_as_none() -> None:
    for nonsense in (True, -1, 0, "9", 1.5, None):
        assert demand_of({"max_tokens": nonsense, "n": nonsense}, frozenset(), Used.TEXT, 1000).output_tokens == 1000


PICTURE = "A" * 400_000


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PICTURE}},
        {"type": "input_image", "image_url": "data:image/png;base64," + PICTURE},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
        {"inlineData": {"mimeType": "image/png", "data": PICTURE}},
        {"type": "input_audio", "input_audio": {"format": "wav", "data": PICTURE}},
    ],
)
def test_an_image_or_a_sound_is_not_measured_as_text(part: dict[str, Any]) -> None:
    assert 100 < prompt_of({"messages": [{"role": "user", "content": [part]}]}).tokens < 4100


def test_text_that_looks_like_an_image_is_text() -> None:
    assert prompt_of({"messages": [{"role": "user", "content": "data:image/png;base64," + PICTURE}]}).tokens > 100_000


@pytest.mark.parametrize(
    ("used", "data", "rates", "dollars"),
    [
        (Used.IMAGES, {"n": 2}, {"output_cost_per_image": "0.04"}, "0.08"),
        (Used.IMAGES, {"size": "100x200"}, {"input_cost_per_pixel": "0.000001"}, "0.02"),
        (Used.SPEECH, {"input": "x" * 300}, {"input_cost_per_character": "0.000015"}, "0.0045"),
        (Used.SPEECH, {"input": "x" * 300}, {"output_cost_per_audio_token": "0.00001"}, "0.004"),
        (Used.TRANSCRIPTION, {}, {"input_cost_per_second": "0.0001"}, "0.001"),
        (Used.RERANK, {"documents": ["x"] * 101}, {"input_cost_per_query": "0.002"}, "0.004"),
        (Used.TEXT, {"max_tokens": 500}, {"output_cost_per_second": "0.001"}, "0.01"),
    ],
)
def test_each_unit_that_models_are_priced_by(used: Used, data: Any, rates: dict[str, str], dollars: str) -> None:
    usage = demand_of(data, frozenset(), used, 1000, size=40_000).usage(price(**rates))
    assert (usage.price_known, usage.cost) == (True, picodollars(Decimal(dollars)))


@pytest.mark.parametrize("used", [Used.CONTENT, Used.CHECK, Used.RERANK])
def test_what_writes_no_answer_uses_its_content(used: Used) -> None:
    assert most({"messages": "x" * 400}, used=used).total_tokens < 120


def test_of_a_prompt_alone_no_answer_is_charged() -> None:
    demand = demand_of({"messages": "x" * 398, "max_tokens": 50}, frozenset({"messages"}), Used.TEXT, 1000)
    known = price(input_cost_per_token="3e-6", output_cost_per_token="5e-6")
    everything = demand.usage(known)
    assert (everything.total_tokens, everything.cost) == (
        154,
        picodollars(Decimal("3e-6") * 104 + Decimal("5e-6") * 50),
    )
    prompt = demand.usage_of_prompt(known, everything)
    assert (prompt.total_tokens, prompt.price_known) == (104, True)
    assert prompt.cost == picodollars(Decimal("3e-6") * 104)


def test_of_a_model_without_a_price_the_prompt_has_none() -> None:
    demand = demand_of({"messages": "x"}, frozenset({"messages"}), Used.TEXT, 1000)
    assert not demand.usage_of_prompt(Price(), demand.usage(Price())).price_known


def test_a_price_that_the_call_has_no_unit_of_is_not_known() -> None:
    assert not most({"messages": "hi"}, price(output_cost_per_video_per_second="1")).price_known


def event(**payload: Any) -> dict[str, Any]:
    return {"standard_logging_object": payload}


def test_an_events_usage() -> None:
    usage = usage_of_event(event(total_tokens=33, response_cost=0.000135), Price())
    assert (usage.total_tokens, usage.price_known, usage.cost) == (33, True, 135_000_000)
    assert not usage_of_event(event(total_tokens=33, response_cost=0.0), Price()).price_known
    assert usage_of_event({}, KNOWN).total_tokens == 0


def test_an_event_without_a_cost_is_priced_by_its_tokens() -> None:
    lost = event(total_tokens=33, prompt_tokens=21, completion_tokens=12, response_cost=0.0)
    assert usage_of_event(lost, KNOWN).cost == 135_000_000


def test_what_litellm_had_in_its_cache_costs_what_a_new_answer_would() -> None:
    usage = usage_of_event(event(total_tokens=33, response_cost=0.0, cache_hit=True, saved_cache_cost=0.5), KNOWN)
    assert (usage.total_tokens, usage.cost) == (33, picodollars(0.5))


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 21, "completion_tokens": 12, "total_tokens": 33}, Tokens(21, 0, 0, 12)),
        ({"input_tokens": 21, "output_tokens": 12}, Tokens(21, 0, 0, 12)),
        ({"promptTokenCount": 21, "candidatesTokenCount": 12, "totalTokenCount": 33}, Tokens(21, 0, 0, 12)),
        (
            {"prompt_tokens": 21, "prompt_tokens_details": {"cached_tokens": 16}, "completion_tokens": 12},
            Tokens(5, 16, 0, 12),
        ),
        ({"input_tokens": 5, "cache_read_input_tokens": 16, "cache_creation_input_tokens": 2}, Tokens(5, 16, 2, 0)),
        (
            {"promptTokenCount": 21, "cachedContentTokenCount": 1, "candidatesTokenCount": 2, "thoughtsTokenCount": 10},
            Tokens(20, 1, 0, 12),
        ),
        ({"prompt_tokens": 21, "completion_tokens": None, "total_tokens": 40}, Tokens(40, 0, 0, 0)),
        ({"prompt_tokens": -1, "completion_tokens": "12", "total_tokens": True}, Tokens()),
    ],
)
def test_an_answers_own_usage_in_each_dialect(usage: dict[str, Any], tokens: Tokens) -> None:
    assert Tokens.stated(usage) == tokens
    stated = usage_of_body(json.dumps({"usage": usage}).encode(), KNOWN)
    assert stated is not None
    assert (stated.total_tokens, stated.cost) == (tokens.total, KNOWN.of_tokens(tokens))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"usage": null}', b'{"usage": []}'])
def test_no_usage_is_none(body: bytes) -> None:
    assert usage_of_body(body, KNOWN) is None


def test_a_prompt_of_any_depth_is_measured() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep, "text"]
    assert 100 < prompt_of({"messages": deep}).tokens < 400
