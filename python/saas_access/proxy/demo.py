"""A model provider that needs no account: it answers every chat with a sentence of its own, so that a newcomer sees
the proxy work.

In LiteLLM's configuration: `custom_provider_map: [{provider: demo, custom_handler:
saas_access.proxy.demo.provider}]`, and models named `demo/<anything>`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from litellm.llms.custom_llm import CustomLLM
from litellm.types.llms.openai import ChatCompletionUsageBlock
from litellm.types.utils import EmbeddingResponse, GenericStreamingChunk, ModelResponse, Usage

_WORDS_IN_VECTOR = 8


class DemoProvider(CustomLLM):
    """Chat, streamed or not, and embeddings. Routes of other dialects reach it through LiteLLM's own translation."""

    def completion(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """LiteLLM's interface: it passes everything by keyword."""
        model, messages = kwargs["model"], kwargs["messages"]
        text = _answer(model, messages)
        response: ModelResponse = kwargs["model_response"]
        response.created, response.model = int(time.time()), model
        response.choices[0].message.content = text
        response.choices[0].finish_reason = "stop"
        setattr(response, "usage", _usage(messages, text))  # noqa: B010 no declared field
        return response

    async def acompletion(self, *args: Any, **kwargs: Any) -> ModelResponse:
        """As `completion`."""
        return self.completion(*args, **kwargs)

    def streaming(self, *args: Any, **kwargs: Any) -> Iterator[GenericStreamingChunk]:
        """The same answer word by word."""
        messages = kwargs["messages"]
        text = _answer(kwargs["model"], messages)
        words = text.split(" ")
        for word in words[:-1]:
            yield _chunk(word + " ")
        yield _chunk(words[-1], usage=_usage(messages, text))

    async def astreaming(  # type: ignore[override]  # LiteLLM declares a coroutine and iterates over it
        self, *args: Any, **kwargs: Any
    ) -> AsyncIterator[GenericStreamingChunk]:
        """As `streaming`."""
        for chunk in self.streaming(*args, **kwargs):
            yield chunk

    async def aembedding(self, *args: Any, **kwargs: Any) -> EmbeddingResponse:
        """A short vector for each input that depends on nothing but its letters."""
        inputs = kwargs["input"] if isinstance(kwargs["input"], list) else [kwargs["input"]]
        response: EmbeddingResponse = kwargs["model_response"]
        response.model = kwargs["model"]
        response.data = [
            {"object": "embedding", "index": index, "embedding": _vector(str(text))}
            for index, text in enumerate(inputs)
        ]
        tokens = sum(_tokens(str(text)) for text in inputs)
        response.usage = Usage(prompt_tokens=tokens, total_tokens=tokens)
        return response


def _answer(model: str, messages: list[dict[str, Any]]) -> str:
    asked = next((message.get("content") for message in reversed(messages) if message.get("role") == "user"), "")
    shown = asked if isinstance(asked, str) else "something other than plain text"
    return f'Hello from the demonstration provider, standing in for {model}. You said: "{shown[:200]}"'


def _usage(messages: list[dict[str, Any]], text: str) -> Usage:
    prompt = sum(_tokens(str(message.get("content") or "")) for message in messages)
    return Usage(prompt_tokens=prompt, completion_tokens=_tokens(text), total_tokens=prompt + _tokens(text))


def _tokens(text: str) -> int:
    return max(1, len(text.split()))


def _vector(text: str) -> list[float]:
    data = text.encode()[:_WORDS_IN_VECTOR].ljust(_WORDS_IN_VECTOR, b"\0")
    return [byte / 256 for byte in data]


def _chunk(text: str, usage: Usage | None = None) -> GenericStreamingChunk:
    counted: ChatCompletionUsageBlock | None = None
    if usage is not None:
        counted = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
    return {
        "text": text,
        "is_finished": usage is not None,
        "finish_reason": "stop" if usage is not None else "",
        "usage": counted,
        "index": 0,
        "tool_use": None,
    }


provider = DemoProvider()
