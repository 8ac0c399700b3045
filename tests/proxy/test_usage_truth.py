"""What a call that is billed by use is charged, for every kind of call: what it used, once, and never nothing."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import Proxy, Upstream, configuration, deployment, running_proxy
from selling import Customer, sell
from upstream import CACHED_TOKENS, COMPLETION_TOKENS, PROMPT_TOKENS, TEXT, TOKENS

PER_TOKEN: dict[str, Any] = {"input_cost_per_token": 0.000003, "output_cost_per_token": 0.000006}
# In millionths of a credit at 1,000 credits a dollar, and at one credit a token.
COST = 3_000 * PROMPT_TOKENS + 6_000 * COMPLETION_TOKENS
USD: dict[str, Any] = {"budget_mode": "consumption_usd", "credits_per_dollar": 1000}
BY_TOKENS: dict[str, Any] = {"budget_mode": "consumption_tokens", "tokens_per_credit": 1, "credits_allocated": 100_000}

MESSAGES = [{"role": "user", "content": "hi"}]
CHAT = ("/v1/chat/completions", {"messages": MESSAGES})
COMPLETIONS = ("/v1/completions", {"prompt": "hi"})
RESPONSES = ("/v1/responses", {"input": "hi"})
ANTHROPIC = ("/v1/messages", {"messages": MESSAGES, "max_tokens": 50})
GOOGLE: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
TOOL = {"type": "function", "function": {"name": "where", "parameters": {"type": "object", "properties": {}}}}


def models(upstream: Upstream) -> list[dict[str, Any]]:
    in_params = deployment("params", "openai/up-params", upstream, path="/v1")
    in_params["litellm_params"].update(PER_TOKEN)
    image = {"mode": "image_generation", "output_cost_per_image": 0.05}
    return [
        deployment("priced", "openai/up-priced", upstream, path="/v1", **PER_TOKEN),
        in_params,
        deployment("listed", "openai/gpt-4o-mini", upstream, path="/v1"),
        deployment("unpriced", "openai/up-unpriced", upstream, path="/v1"),
        deployment("claude", "anthropic/up-claude", upstream, **PER_TOKEN),
        deployment("gemini", "gemini/up-gemini", upstream, **PER_TOKEN),
        deployment(
            "detailed", "openai/up-detailed", upstream, path="/v1", cache_read_input_token_cost=3e-7, **PER_TOKEN
        ),
        deployment("silent", "openai/up-silent", upstream, path="/v1", **PER_TOKEN),
        deployment("flaky", "openai/up-flaky", upstream, path="/v1", **PER_TOKEN),
        deployment(
            "failing", "openai/up-failing", upstream, path="/v1", input_cost_per_token=1, output_cost_per_token=1
        ),
        deployment("cut", "openai/up-cut", upstream, path="/v1", **PER_TOKEN),
        deployment("cut-claude", "anthropic/up-cut", upstream, **PER_TOKEN),
        deployment("cut-gemini", "gemini/up-cut", upstream, **PER_TOKEN),
        deployment("image", "openai/up-image", upstream, path="/v1", **image),
        deployment("image-tokens", "openai/gpt-image-1", upstream, path="/v1", mode="image_generation"),
        deployment("speech", "openai/tts-1", upstream, path="/v1"),
        deployment("whisper", "openai/whisper-1", upstream, path="/v1"),
        deployment("embedding", "openai/text-embedding-3-small", upstream, path="/v1"),
        deployment("rerank", "cohere/rerank-v3.5", upstream, path="/v1/rerank"),
    ]


def truth_configuration(upstream: Upstream, **settings: Any) -> dict[str, Any]:
    config = configuration(upstream, **settings)
    config["model_list"] = models(upstream)
    config["litellm_settings"].update(num_retries=1, fallbacks=[{"failing": ["priced"]}])
    return config


@pytest.fixture(scope="module")
def truth(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running_proxy(tmp_path_factory.mktemp("truth"), truth_configuration(upstream)) as running:
        yield running


def asked(model: str, path: str, body: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    """Path and body for a model, which Google's protocol names in the path."""
    return (path.format(model=model), body) if "{model}" in path else (path, {"model": model, **body, **more})


def used(customer: Customer) -> int:
    """Millionths of a credit, once nothing is reserved any more."""
    while (balance := customer.balance())["credits_reserved"]:
        pass
    return round(float(balance["credits_used"]) * 1_000_000)


def charges(customer: Customer) -> int:
    with customer.client() as client:
        entries = client.get("/api/credits/transactions", params={"team_id": customer.team_id}).json()["transactions"]
    return sum(entry["type"] == "charge" for entry in entries)


def post(customer: Customer, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    with customer.client() as client:
        answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


GENERATE, STREAM = "/v1beta/models/{model}:generateContent", "/v1beta/models/{model}:streamGenerateContent?alt=sse"
TEXT_CALLS = [
    *((model, *CHAT, more) for model in ("priced", "params", "claude") for more in ({}, {"stream": True})),
    ("priced", *CHAT, {"stream": True, "stream_options": {"include_usage": True}}),
    ("priced", *CHAT, {"stream": True, "stream_options": {"include_usage": False}}),
    ("priced", *CHAT, {"n": 3}),
    ("priced", *CHAT, {"tools": [TOOL], "tool_choice": "required"}),
    ("priced", *CHAT, {"tools": [TOOL], "tool_choice": "required", "stream": True}),
    *((model, *COMPLETIONS, more) for model in ("priced",) for more in ({}, {"stream": True})),
    *((model, *RESPONSES, more) for model in ("priced",) for more in ({}, {"stream": True})),
    *((model, *ANTHROPIC, more) for model in ("claude", "priced") for more in ({}, {"stream": True})),
    *((model, path, GOOGLE, {}) for model in ("gemini", "priced") for path in (GENERATE, STREAM)),
    ("flaky", *CHAT, {}),
    ("flaky", *CHAT, {"stream": True}),
]


@pytest.mark.parametrize(("model", "path", "body", "more"), TEXT_CALLS)
def test_a_text_costs_its_tokens(truth: Proxy, model: str, path: str, body: dict[str, Any], more: Any) -> None:
    for team, cost in ((USD, COST), (BY_TOKENS, TOKENS * 1_000_000)):
        customer = sell(truth, {model: model}, **team)
        post(customer, *asked(model, path, body, **more))
        assert (used(customer), charges(customer)) == (cost, 1)


@pytest.mark.parametrize("stream", [False, True])
def test_the_providers_cache_has_its_own_price(truth: Proxy, stream: bool) -> None:
    customer = sell(truth, {"detailed": "detailed"}, **USD)
    post(customer, *asked("detailed", *CHAT, stream=stream))
    assert used(customer) == COST - CACHED_TOKENS * 2_700


@pytest.mark.parametrize("stream", [False, True])
def test_litellms_table_has_the_price(truth: Proxy, stream: bool) -> None:
    customer = sell(truth, {"listed": "listed"}, **USD)
    post(customer, *asked("listed", *CHAT, stream=stream))
    assert used(customer) == 150 * PROMPT_TOKENS + 600 * COMPLETION_TOKENS


@pytest.mark.parametrize("stream", [False, True])
def test_without_a_price_a_call_costs_what_its_alias_does(truth: Proxy, stream: bool) -> None:
    customer = sell(truth, {"unpriced": "unpriced"}, **USD)
    post(customer, *asked("unpriced", *CHAT, stream=stream))
    assert used(customer) == 1_000_000


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("team", [USD, BY_TOKENS])
def test_an_answer_that_states_nothing_is_counted(truth: Proxy, team: dict[str, Any], stream: bool) -> None:
    customer = sell(truth, {"silent": "silent"}, **team)
    post(customer, *asked("silent", *CHAT, stream=stream))
    least, most = (30_000, 90_000) if team is USD else (7_000_000, 25_000_000)
    assert least < used(customer) < most


@pytest.mark.parametrize("stream", [False, True])
def test_a_fallback_is_charged_once_and_by_its_own_price(truth: Proxy, seen: Upstream, stream: bool) -> None:
    customer = sell(truth, {"failing": "failing", "priced": "priced"}, **{**USD, "credits_allocated": 10_000_000})
    post(customer, *asked("failing", *CHAT, stream=stream))
    assert seen.models() == ["up-failing", "up-failing", "up-priced"]
    assert (used(customer), charges(customer)) == (COST, 1)


def sound(seconds: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(16_000 * seconds))
    return file.getvalue()


OTHER_CALLS = [
    ("embedding", "/v1/embeddings", {"input": "hi"}, 20 * PROMPT_TOKENS, PROMPT_TOKENS),
    ("image", "/v1/images/generations", {"prompt": "a cat"}, 50_000_000, 1010),
    ("image-tokens", "/v1/images/generations", {"prompt": "a cat"}, 40_000_000, 1010),
    ("unpriced", "/v1/images/generations", {"prompt": "a cat"}, 1_000_000, 1010),
    ("speech", "/v1/audio/speech", {"input": "x" * 300, "voice": "alloy"}, 4_500_000, 490),
    ("rerank", "/v1/rerank", {"query": "q", "documents": ["a", "b"]}, 2_000_000, 10),
    ("priced", "/v1/moderations", {"input": "x" * 400}, 300_000, 102),
    ("unpriced", "/v1/moderations", {"input": "x" * 400}, 1_000_000, 102),
]


@pytest.mark.parametrize(("model", "path", "body", "cost", "tokens"), OTHER_CALLS)
def test_other_calls_cost_what_models_of_their_kind_do(
    truth: Proxy, *, model: str, path: str, body: dict[str, Any], cost: int, tokens: int
) -> None:
    """Dollars are LiteLLM's where it tells them; of the tokens, which these providers don't state, the order counts."""
    customer = sell(truth, {model: model}, **USD)
    post(customer, *asked(model, path, body))
    assert used(customer) == pytest.approx(cost, rel=0.1)
    customer = sell(truth, {model: model}, **BY_TOKENS)
    post(customer, *asked(model, path, body))
    assert used(customer) == pytest.approx(tokens * 1_000_000, rel=0.3)


def test_a_transcription_costs_its_length(truth: Proxy) -> None:
    for team, cost in ((USD, 200_000), (BY_TOKENS, 126_000_000)):
        customer = sell(truth, {"whisper": "whisper"}, **team)
        with customer.client() as client:
            file = {"file": ("a.wav", sound(2), "audio/wav")}
            answer = client.post("/v1/audio/transcriptions", data={"model": "whisper"}, files=file)
        assert answer.status_code == 200, answer.text
        assert used(customer) == pytest.approx(cost, rel=0.3)


CUT_CALLS = [
    ("cut", *CHAT),
    ("cut", *COMPLETIONS),
    ("cut", *RESPONSES),
    ("cut-claude", *ANTHROPIC),
    ("cut", *ANTHROPIC),
    ("cut-gemini", STREAM, GOOGLE),
    ("cut", STREAM, GOOGLE),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("who", ["client", "upstream"])
@pytest.mark.parametrize("team", [USD, BY_TOKENS])
@pytest.mark.parametrize(("model", "path", "body"), CUT_CALLS)
def test_a_stream_that_ends_early_costs_what_was_produced(
    truth: Proxy, upstream: Upstream, *, model: str, path: str, body: dict[str, Any], team: dict[str, Any], who: str
) -> None:
    """One to three of the answer's words, and the prompt; a thousand tokens were reserved for the answer."""
    customer = sell(truth, {model: model}, **team)
    path, body = asked(model, path, body, stream=True)
    with customer.client() as client, client.stream("POST", path, json=body) as answer:
        chunks = answer.iter_text()
        # Other protocols begin with a word; here events without one come first, each perhaps by itself.
        word, read = ".delta" if path.endswith("/responses") else "data: ", ""
        while word not in read:
            read += next(chunks)
        if who == "upstream":
            upstream.cut()
            "".join(chunks)
    least, most = (20_000, 110_000) if team is USD else (5_000_000, 36_000_000)
    assert least < used(customer) < most
    assert charges(customer) == 1


def test_the_upstream_is_left_when_the_client_leaves(truth: Proxy, upstream: Upstream) -> None:
    customer = sell(truth, {"cut": "cut"}, **USD)
    before = len(httpx.get(f"{upstream.url}/abandoned").json())
    path, body = asked("cut", *CHAT, stream=True)
    with customer.client() as client, client.stream("POST", path, json=body) as answer:
        assert "data: " in next(answer.iter_text())
    assert used(customer) > 0
    while len(httpx.get(f"{upstream.url}/abandoned").json()) == before:
        pass


HIDING: list[dict[str, Any]] = [
    {"no-log": True},
    {"litellm_disable_logging": True},
    {"turn_off_message_logging": True},
    {"cache": {"no-store": True, "no-cache": True}},
    {"metadata": {"litellm_call_id": "mine", "saas_access_ticket": "mine", "tags": "free"}},
    {"user": "nobody"},
    {"litellm_call_id": "mine", "id": "mine"},
    {"service_tier": None, "callbacks": [], "success_callback": []},
    {"input_cost_per_token": None, "mock_response": None},
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("field", HIDING, ids=",".join)
def test_nothing_that_a_client_sends_hides_a_call(truth: Proxy, field: dict[str, Any], stream: bool) -> None:
    customer = sell(truth, {"priced": "priced"}, **USD)
    post(customer, *asked("priced", *CHAT, stream=stream, **field))
    assert (used(customer), charges(customer)) == (COST, 1)


@pytest.mark.parametrize("field", [{"mock_response": "free"}, {"input_cost_per_token": 0}, {"mock_tool_calls": []}])
def test_a_price_or_an_answer_of_ones_own_is_refused(truth: Proxy, seen: Upstream, field: dict[str, Any]) -> None:
    customer = sell(truth, {"priced": "priced"}, **USD)
    path, body = asked("priced", *CHAT, **field)
    with customer.client() as client:
        assert client.post(path, json=body).status_code == 422
    assert (used(customer), seen.models()) == (0, [])


SAME = {
    "x-request-id": "same",
    "x-litellm-call-id": "same",
    "idempotency-key": "same",
    "x-litellm-disable-callbacks": "saas_access",
    "x-litellm-enable-message-redaction": "true",
}


def test_the_same_ids_twice_are_two_calls(truth: Proxy) -> None:
    customer = sell(truth, {"priced": "priced"}, **USD)
    same: dict[str, Any] = {"user": "same", "metadata": {"id": "same"}, "litellm_call_id": "same"}
    for _ in range(2):
        post(customer, *asked("priced", *CHAT, **same), headers=SAME)
    assert (used(customer), charges(customer)) == (2 * COST, 2)


@pytest.fixture(params=["charged", "free"])
def cached_answers(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.timeout(180)
def test_what_litellm_has_in_its_cache(upstream: Upstream, tmp_path: Path, cached_answers: str) -> None:
    """By use it costs what a new answer would, unless the operator says it's free; by the call always its price."""
    config = truth_configuration(upstream, cached_answers=cached_answers)
    config["litellm_settings"].update(cache=True, cache_params={"type": "local"})
    again = COST if cached_answers == "charged" else 0
    with running_proxy(tmp_path, config) as proxy:
        for model, path, body in (("priced", *CHAT), ("priced", *RESPONSES), ("claude", *ANTHROPIC)):
            question = asked(model, path, body)
            first = sell(proxy, {model: model}, **USD)
            answer = post(first, *question)
            assert used(first) == COST
            upstream.forget()
            second, flat = sell(proxy, {model: model}, **USD), sell(proxy, {model: model})
            assert TEXT in post(second, *question).text
            assert TEXT in answer.text
            post(flat, *question)
            assert upstream.models() == []
            assert used(second) == again
            assert used(flat) == 1_000_000
