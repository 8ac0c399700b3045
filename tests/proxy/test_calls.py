"""Every route that a team may use: the upstream gets the actual model, the client its alias, a refused call nothing at
all.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from running import ADMIN_KEY, MASTER_KEY, Proxy, Upstream
from selling import Customer, sell

MESSAGES = [{"role": "user", "content": "hi"}]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64

# name: (path, JSON body without model, files, alias sold, its actual model, the model that the upstream sees)
ROUTES: dict[str, tuple[str, dict[str, Any], dict[str, Any] | None, str, str, str]] = {
    "chat": ("/v1/chat/completions", {"messages": MESSAGES}, None, "chat", "real-a", "up-a"),
    "chat, short path": ("/chat/completions", {"messages": MESSAGES}, None, "chat", "real-a", "up-a"),
    "completions": ("/v1/completions", {"prompt": "hi"}, None, "chat", "real-a", "up-a"),
    "embeddings": ("/v1/embeddings", {"input": "hi"}, None, "chat", "real-a", "up-a"),
    "images": ("/v1/images/generations", {"prompt": "a cat"}, None, "chat", "real-a", "up-a"),
    "image edits": ("/v1/images/edits", {"prompt": "a cat"}, {"image": ("a.png", PNG)}, "chat", "real-a", "up-a"),
    "speech": ("/v1/audio/speech", {"input": "hi", "voice": "alloy"}, None, "chat", "real-a", "up-a"),
    "transcriptions": ("/v1/audio/transcriptions", {}, {"file": ("a.mp3", b"ID3" * 50)}, "chat", "real-a", "up-a"),
    "moderations": ("/v1/moderations", {"input": "hi"}, None, "chat", "real-a", "up-a"),
    "rerank": ("/v1/rerank", {"query": "q", "documents": ["d"]}, None, "ranker", "real-rerank", "up-rerank"),
    "messages": ("/v1/messages", {"messages": MESSAGES, "max_tokens": 9}, None, "claude", "real-claude", "up-claude"),
    "messages, other dialect": (
        "/v1/messages",
        {"messages": MESSAGES, "max_tokens": 9},
        None,
        "chat",
        "real-a",
        "up-a",
    ),
    "responses": ("/v1/responses", {"input": "hi"}, None, "chat", "real-a", "up-a"),
    "responses, short path": ("/responses", {"input": "hi"}, None, "chat", "real-a", "up-a"),
}
STREAMED = ("chat", "completions", "messages", "messages, other dialect", "responses")
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def post(
    customer: Customer, path: str, model: str, body: dict[str, Any], files: dict[str, Any] | None
) -> httpx.Response:
    with customer.client() as client:
        if files is not None:
            return client.post(path, data={**body, "model": model}, files=files)
        return client.post(path, json={**body, "model": model})


@pytest.mark.parametrize("name", ROUTES)
def test_a_granted_alias_reaches_the_actual_model(proxy: Proxy, seen: Upstream, name: str) -> None:
    path, body, files, alias, actual, at_upstream = ROUTES[name]
    answer = post(sell(proxy, {alias: actual}), path, alias, body, files)
    assert answer.status_code == 200, answer.text
    (call,) = seen.seen()
    assert call["model"] == at_upstream
    for ours in ("disable_fallbacks", "saas_access"):
        assert ours not in json.dumps(call["body"])
    assert answer.headers["x-request-id"]
    if answer.headers["content-type"].startswith("application/json"):
        assert answer.json().get("model", alias) == alias
    assert at_upstream not in answer.text
    assert actual not in answer.text
    assert not [name for name in answer.headers if name.startswith(("x-litellm-model", "x-litellm-response-cost"))]


@pytest.mark.parametrize("name", ROUTES)
def test_an_alias_that_was_not_granted_is_refused_and_nothing_is_sent(
    customer: Customer, seen: Upstream, name: str
) -> None:
    path, body, files, *_ = ROUTES[name]
    answer = post(customer, path, "forbidden", body, files)
    assert answer.status_code == 403, answer.text
    told = answer.json()
    assert told["message"] == "Team does not have access to model 'forbidden'"
    assert told["reason"] == "model_not_granted"
    assert told["available_models"] == ["chat", "other"]
    assert told["request_id"] == answer.headers["x-request-id"]
    shown = "Model access denied: Team does not have access to model 'forbidden'. Available models: chat, other."
    assert told["error"]["message"] == shown
    assert seen.seen() == []
    assert customer.balance()["credits_remaining"] == 1000


@pytest.mark.parametrize("name", STREAMED)
def test_a_stream_names_the_alias_in_every_event(proxy: Proxy, seen: Upstream, name: str) -> None:
    path, body, _, alias, actual, at_upstream = ROUTES[name]
    with sell(proxy, {alias: actual}).client() as client:
        answer = client.post(path, json={**body, "model": alias, "stream": True})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    assert "upstream" in answer.text
    named = {model for event in events for model in models_in(event)}
    assert named == {alias}
    assert seen.models() == [at_upstream]


def models_in(value: Any) -> list[str]:
    """Every value of a `model` field, however deep."""
    if isinstance(value, dict):
        found = [model for item in value.values() for model in models_in(item)]
        return [*found, value["model"]] if isinstance(value.get("model"), str) else found
    return [model for item in value for model in models_in(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", STREAMED)
def test_a_refused_stream_is_plain_json_before_any_event(customer: Customer, seen: Upstream, name: str) -> None:
    path, body, *_ = ROUTES[name]
    with customer.client() as client:
        answer = client.post(path, json={**body, "model": "forbidden", "stream": True})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["reason"] == "model_not_granted"
    assert seen.seen() == []


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent"])
@pytest.mark.parametrize("actual", ["real-gemini", "real-a"])
def test_google_routes(proxy: Proxy, seen: Upstream, action: str, actual: str) -> None:
    alias = f"gem-{len(actual)}"
    customer = sell(proxy, {alias: actual})
    query = "?alt=sse" if action.startswith("stream") else ""
    with customer.client() as client:
        answer = client.post(f"/v1beta/models/{alias}:{action}{query}", json=CONTENTS)
        assert answer.status_code == 200, answer.text
        assert seen.models() == [actual.replace("real", "up")]
        assert actual not in answer.text
        assert "up-" not in answer.text
        assert "[DONE]" not in answer.text
        seen.forget()
        refused = client.post(f"/v1beta/models/forbidden:{action}{query}", json=CONTENTS)
    assert refused.status_code == 403
    assert refused.json()["error"]["status"] == "PERMISSION_DENIED"
    assert refused.json()["error"]["code"] == 403
    assert seen.seen() == []


def test_googles_sdk_may_use_the_version_that_it_does_by_default(proxy: Proxy, seen: Upstream) -> None:
    with sell(proxy, {"acme/gem": "real-gemini"}).client() as client:
        answer = client.post("/v1/models/acme/gem:generateContent", json=CONTENTS)
        assert answer.status_code == 200, answer.text
        refused = client.post("/v1/models/forbidden:generateContent", json=CONTENTS)
    assert seen.models() == ["up-gemini"]
    assert (refused.status_code, refused.json()["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_the_anthropic_shape_of_a_refusal(customer: Customer) -> None:
    refused = post(customer, "/v1/messages", "forbidden", {"messages": MESSAGES, "max_tokens": 9}, None).json()
    assert refused["type"] == "error"
    assert refused["error"]["type"] == "permission_error"


COUNTING: list[tuple[str, dict[str, Any], str, str]] = [
    ("/v1/messages/count_tokens", {"messages": MESSAGES}, "claude", "real-claude"),
    ("/v1/responses/input_tokens", {"input": "hi"}, "chat", "real-a"),
]


@pytest.mark.parametrize("counting", COUNTING)
def test_counting_tokens_is_checked_like_a_call_and_free(
    proxy: Proxy, seen: Upstream, counting: tuple[str, dict[str, Any], str, str]
) -> None:
    path, body, alias, actual = counting
    customer = sell(proxy, {alias: actual}, credits_allocated=0)
    with customer.client() as client:
        counted = client.post(path, json={**body, "model": alias})
        assert counted.status_code == 200, counted.text
        assert counted.json()["input_tokens"] > 0
        assert set(seen.models()) <= {actual.replace("real", "up")}
        seen.forget()
        refused = client.post(path, json={**body, "model": "forbidden"})
    assert refused.status_code == 403
    assert refused.json()["message"] == "Team does not have access to model 'forbidden'"
    assert seen.seen() == []


def test_counting_by_googles_route_is_checked(customer: Customer, seen: Upstream) -> None:
    with customer.client() as client:
        refused = client.post("/v1beta/models/forbidden:countTokens", json=CONTENTS)
    assert refused.status_code == 403
    assert seen.seen() == []


@pytest.mark.parametrize(
    "model",
    [
        "real-a",
        "openai/up-a",
        "up-a",
        "forbidden",
        "CHAT",
        " chat",
        "chat ",
        "chat,other",
        ",chat",
        "ch\u200bat",
        "",
        None,
    ],
)
def test_only_the_exact_alias_names_a_model(customer: Customer, seen: Upstream, model: str | None) -> None:
    with customer.client() as client:
        answer = client.post("/v1/chat/completions", json={"model": model, "messages": MESSAGES})
    assert answer.status_code == 403, answer.text
    assert seen.seen() == []


def test_a_request_without_a_model_says_so(customer: Customer) -> None:
    with customer.client() as client:
        as_form = client.post("/v1/chat/completions", data={"{": "}"})
    assert as_form.status_code == 403
    assert as_form.json()["message"].startswith("The request names no model")
    assert as_form.json()["available_models"] == ["chat", "other"]


def test_the_path_and_query_cannot_name_another_model(customer: Customer, seen: Upstream) -> None:
    body = {"model": "chat", "messages": MESSAGES}
    with customer.client() as client:
        by_path = client.post("/openai/deployments/forbidden/chat/completions", json=body)
        by_query = client.post("/v1/chat/completions?model=forbidden", json=body)
        allowed = client.post("/openai/deployments/chat/chat/completions", json={**body, "model": "forbidden"})
    assert (by_path.status_code, by_query.status_code, allowed.status_code) == (403, 403, 200)
    assert seen.models() == ["up-a"]


@pytest.mark.parametrize("form", ["authorization", "x-api-key", "x-goog-api-key", "x-litellm-api-key", "api-key"])
def test_each_header_that_carries_a_key_works(proxy: Proxy, customer: Customer, form: str) -> None:
    value = f"Bearer {customer.key}" if form in ("authorization", "x-litellm-api-key") else customer.key
    with proxy.client(**{form: value}) as client:
        answer = client.post("/v1/chat/completions", json={"model": "chat", "messages": MESSAGES})
        unknown = client.post(
            "/v1/chat/completions", json={"model": "chat", "messages": MESSAGES}, headers={form: "sk-nobody"}
        )
    assert answer.status_code == 200
    assert unknown.status_code == 401
    assert unknown.json()["reason"] == "key_unknown"
    assert unknown.json()["error"]["message"].startswith("Invalid API key: ")


def test_no_key_at_all_is_refused(proxy: Proxy, seen: Upstream) -> None:
    with proxy.client() as client:
        answer = client.post("/v1/chat/completions", json={"model": "chat", "messages": MESSAGES})
    assert answer.status_code == 401
    assert seen.seen() == []


def test_the_master_key_keeps_what_litellm_gives_it(proxy: Proxy, seen: Upstream) -> None:
    with proxy.client(authorization=f"Bearer {MASTER_KEY}") as client:
        assert client.post("/v1/chat/completions", json={"model": "forbidden", "messages": MESSAGES}).status_code == 200
        assert "real-a" in [row["id"] for row in client.get("/v1/models").json()["data"]]
        assert client.get("/v1/models/real-a").json()["id"] == "real-a"
        counted = client.post("/v1/messages/count_tokens", json={"model": "real-claude", "messages": MESSAGES})
        assert counted.status_code == 200
        assert client.get("/health").status_code == 200
    assert "up-forbidden" in seen.models()


def test_the_admin_key_works_under_api_alone(proxy: Proxy, seen: Upstream) -> None:
    with proxy.client(authorization=f"Bearer {ADMIN_KEY}") as client:
        assert client.get("/api/teams").status_code == 200
        assert client.post("/v1/chat/completions", json={"model": "real-a", "messages": MESSAGES}).status_code == 401
    assert seen.seen() == []


REFUSED_ROUTES = [
    ("POST", "/queue/chat/completions"),
    ("POST", "/v1/files"),
    ("GET", "/v1/files"),
    ("POST", "/v1/batches"),
    ("POST", "/v1/rag/query"),
    ("GET", "/health"),
    ("GET", "/model/info"),
    ("GET", "/v1/model/info"),
    ("GET", "/model_group/info"),
    ("POST", "/key/generate"),
    ("POST", "/openai/chat/completions"),
    ("POST", "/v1/responses/compact"),
    ("GET", "/v1/responses/resp_1"),
    ("POST", "/utils/token_counter"),
    ("GET", "/router/settings"),
    ("POST", "/v1/ocr"),
]


@pytest.mark.parametrize(("method", "path"), REFUSED_ROUTES)
def test_every_other_route_is_refused_to_a_team(customer: Customer, seen: Upstream, method: str, path: str) -> None:
    body = {"model": "chat", "messages": MESSAGES, "priority": 0, "input": "hi"}
    with customer.client() as client:
        answer = client.request(method, path, json=body if method == "POST" else None)
    assert answer.status_code == 403, answer.text
    told = answer.json()
    assert told["reason"] == "route_not_allowed"
    assert told["message"] == f"A team's key may not use {method} {path}"
    assert seen.seen() == []


def test_a_page_without_a_key_names_no_deployment(proxy: Proxy) -> None:
    with proxy.client() as client:
        assert client.get("/public/litellm_model_cost_map").status_code == 403


def test_knobs_and_unknown_fields_have_no_effect(customer: Customer, seen: Upstream) -> None:
    body = {
        "model": "chat",
        "messages": MESSAGES,
        "temperature": 0.5,
        "metadata": {"mine": "1", "tags": ["theirs"], "model_group": "forbidden"},
        "litellm_metadata": {"tags": ["theirs"]},
        "fallbacks": None,
        "no-log": True,
        "num_retries": 7,
        "unheard_of": 1,
    }
    headers = {"x-litellm-num-retries": "7", "x-litellm-model": "forbidden"}
    with customer.client(**headers) as client:
        answer = client.post("/v1/chat/completions?api-version=9&unheard=of", json=body)
    assert answer.status_code == 200, answer.text
    (call,) = seen.seen()
    assert call["key"] == "KEY-real-a"
    assert call["path"] == "/v1/chat/completions"
    assert set(call["body"]) == {"model", "messages", "temperature"}
    assert customer.balance()["credits_remaining"] == 999


REFUSED_FIELDS = {
    "api_base": "http://127.0.0.1:1/v1",
    "api_key": "sk-of-the-client",
    "fallbacks": ["forbidden"],
    "custom_llm_provider": "anthropic",
    "extra_headers": {"authorization": "Bearer sk-of-the-client"},
    "models": ["forbidden"],
    "input_cost_per_token": 0,
    "mock_response": "free",
    "aws_region_name": "eu-west-1",
    "model_list": [],
}


@pytest.mark.parametrize("name", REFUSED_FIELDS)
def test_a_field_that_would_choose_more_than_an_alias_is_refused_by_name(
    customer: Customer, seen: Upstream, name: str
) -> None:
    """Some of these LiteLLM would refuse before it asks who calls, by an exception that leaves its application."""
    with customer.client() as client:
        answer = client.post(
            "/v1/chat/completions", json={"model": "chat", "messages": MESSAGES, name: REFUSED_FIELDS[name]}
        )
    assert answer.status_code == 422, answer.text
    told = answer.json()
    assert told["error"]["code"] == "field_not_allowed"
    assert told["error"]["param"] == name
    assert told["details"][0]["field"] == name
    assert told["message"].startswith(f"The field '{name}' can't be set here: it would choose ")
    assert "sk-of-the-client" not in answer.text
    assert seen.seen() == []
    assert customer.balance()["credits_remaining"] == 1000


def test_a_refused_field_in_a_form_is_refused_too(customer: Customer, seen: Upstream) -> None:
    with customer.client() as client:
        files = {"file": ("a.wav", b"RIFF", "audio/wav")}
        answer = client.post(
            "/v1/audio/transcriptions", data={"model": "chat", "custom_llm_provider": "x"}, files=files
        )
        own = client.post("/v1/audio/transcriptions", data={"model": "chat", "metadata": "{}"}, files=files)
    assert (answer.status_code, own.status_code) == (422, 200), (answer.text, own.text)
    assert answer.json()["details"][0]["field"] == "custom_llm_provider"
    (reached,) = seen.seen()  # a form's metadata is dropped
    assert "metadata" not in reached["body"]


TOOLS = [
    {"type": "advisor_20260301", "name": "advisor", "model": "forbidden"},
    {"type": "mcp", "server_label": "x", "server_url": "litellm_proxy/mcp/x", "require_approval": "never"},
    {"type": "file_search", "vector_store_ids": ["vs_1"]},
]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool["type"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_tools_that_would_use_what_is_the_operators_are_refused(
    customer: Customer, seen: Upstream, path: str, tool: dict[str, Any]
) -> None:
    body = {"messages": MESSAGES, "input": "hi", "max_tokens": 9, "tools": [{"type": "namespace", "tools": [tool]}]}
    answer = post(customer, path, "chat", body, None)
    assert answer.status_code == 422, answer.text
    assert answer.json()["details"][0]["field"] == "tools[0].tools[0]"
    assert seen.seen() == []


def test_who_calls_is_asked_before_what(proxy: Proxy) -> None:
    with proxy.client(authorization="Bearer sk-nobody") as client:
        answer = client.post("/v1/chat/completions", json={"model": "chat", "messages": MESSAGES, "api_base": "x"})
    assert answer.status_code == 401, answer.text


def test_a_second_credential_does_not_travel_on(customer: Customer, proxy: Proxy, seen: Upstream) -> None:
    """LiteLLM hands an Anthropic token that stands beside the caller's key to the provider, in place of its own."""
    claude = sell(proxy, {"claude-2": "real-claude"})
    headers = {"x-litellm-api-key": claude.key, "authorization": "Bearer sk-ant-oat-of-the-client"}
    with proxy.client(**headers) as client:
        answer = client.post("/v1/messages", json={"model": "claude-2", "messages": MESSAGES, "max_tokens": 9})
    assert answer.status_code == 200, answer.text
    assert [call["key"] for call in seen.seen()] == ["KEY-real-claude"]


def test_a_fallback_does_not_reach_a_model_that_was_not_granted(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"shaky": "real-failing"})
    with customer.client() as client:
        answer = client.post("/v1/chat/completions", json={"model": "shaky", "messages": MESSAGES})
    assert answer.status_code >= 400
    assert set(seen.models()) == {"up-failing"}
    for secret in ("real-failing", "up-failing", "forbidden", "127.0.0.1"):
        assert secret not in answer.text
    assert customer.balance()["credits_remaining"] == 1000


def test_an_alias_may_resolve_to_what_a_wildcard_covers(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"wild": "sold/gpt-new"})
    with customer.client() as client:
        answer = client.post("/v1/chat/completions", json={"model": "wild", "messages": MESSAGES})
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == "wild"
    assert seen.models() == ["gpt-new"]


def test_an_alias_may_hold_a_slash_and_odd_characters(proxy: Proxy, seen: Upstream) -> None:
    alias = "acme/größe:1+ü"
    customer = sell(proxy, {alias: "real-a"})
    with customer.client() as client:
        answer = client.post("/v1/chat/completions", json={"model": alias, "messages": MESSAGES})
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == alias


def test_the_clients_request_id_is_kept(customer: Customer) -> None:
    body = {"model": "forbidden", "messages": MESSAGES}
    with customer.client(**{"x-request-id": "mine-1"}) as client:
        assert client.post("/v1/chat/completions", json=body).json()["request_id"] == "mine-1"
    with customer.client(**{"x-request-id": "not sane, is it"}) as client:
        assert client.post("/v1/chat/completions", json=body).json()["request_id"].startswith("req_")


@pytest.mark.parametrize("form", ["claude-router-{hex}", "{alias}[1m]", "claude-router-{hex}[1m]"])
def test_the_names_of_claude_codes_picker_are_understood(customer: Customer, seen: Upstream, form: str) -> None:
    body = {"messages": MESSAGES, "max_tokens": 9}
    granted = form.format(hex=b"chat".hex(), alias="chat")
    refused = form.format(hex=b"real-b".hex(), alias="real-b")
    answer = post(customer, "/v1/messages", granted, body, None)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"] == "chat"
    assert seen.models() == ["up-a"]
    denied = post(customer, "/v1/messages", refused, body, None)
    assert denied.status_code == 403
    assert denied.json()["message"] == "Team does not have access to model 'real-b'"
