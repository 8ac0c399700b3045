"""The vendors' own SDKs, unmodified, with nothing but a base URL and the virtual key."""

from __future__ import annotations

import anthropic
import openai
import pytest
from running import Proxy, Upstream
from selling import Customer, sell

TEXT = "Hello from upstream"


@pytest.fixture
def client(customer: Customer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{customer.proxy.url}/v1", api_key=customer.key, max_retries=0)


def test_openai_lists_exactly_what_was_sold(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["chat", "other"]
    assert client.models.retrieve("other").id == "other"


def test_openai_chat(client: openai.OpenAI, seen: Upstream) -> None:
    answer = client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "hi"}])
    assert answer.model == "chat"
    assert answer.choices[0].message.content == TEXT
    assert seen.models() == ["up-a"]


def test_openai_chat_streamed(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "hi"}], stream=True)
    )
    assert {chunk.model for chunk in chunks} == {"chat"}
    assert all(chunk.choices for chunk in chunks)  # the usage that billing asked for is kept from a client that didn't
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip() == TEXT


def test_openai_stream_usage_for_those_who_ask(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="chat",
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [33]


def test_openai_embeddings_and_responses(client: openai.OpenAI) -> None:
    assert len(client.embeddings.create(model="chat", input="hi").data) == 1
    answer = client.responses.create(model="chat", input="hi")
    assert (answer.model, answer.output_text) == ("chat", TEXT)
    with client.responses.stream(model="chat", input="hi") as stream:
        assert stream.get_final_response().output_text == TEXT


def test_openai_says_why_a_model_is_refused(client: openai.OpenAI, seen: Upstream) -> None:
    with pytest.raises(openai.PermissionDeniedError) as refused:
        client.chat.completions.create(model="gpt-secret", messages=[{"role": "user", "content": "hi"}])
    assert "Team does not have access to model 'gpt-secret'" in str(refused.value)
    assert "chat, other" in str(refused.value)
    with pytest.raises(openai.PermissionDeniedError, match="Team does not have access to model 'gpt-secret'"):
        list(client.chat.completions.create(model="gpt-secret", messages=[], stream=True))
    assert seen.seen() == []


def test_openai_says_that_credits_are_gone(proxy: Proxy) -> None:
    poor = sell(proxy, {"chat": "real-a"}, credits_allocated=0)
    client = openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=poor.key, max_retries=0)
    with pytest.raises(openai.APIStatusError, match="Insufficient credits: The call needs 1 credits, and 0 are left"):
        client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "hi"}])


def test_anthropic(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"claude": "real-claude"})
    client = anthropic.Anthropic(base_url=proxy.url, api_key=customer.key, max_retries=0)
    assert [model.id for model in client.models.list()] == ["claude"]
    answer = client.messages.create(model="claude", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    assert answer.model == "claude"
    with client.messages.stream(model="claude", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as stream:
        final = stream.get_final_message()
    assert final.model == "claude"
    assert final.content[0].text == TEXT  # type: ignore[union-attr]
    counted = client.messages.count_tokens(model="claude", messages=[{"role": "user", "content": "hi"}])
    assert counted.input_tokens > 0
    assert set(seen.models()) == {"up-claude"}
    with pytest.raises(anthropic.PermissionDeniedError, match="Team does not have access to model 'opus'"):
        client.messages.create(model="opus", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
