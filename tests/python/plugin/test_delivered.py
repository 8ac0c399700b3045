"""What was passed on of an answer, counted where nothing better is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import litellm
import pytest

from saas_access.proxy.delivered import Delivered
from saas_access.proxy.metering import Prompt
from saas_access.proxy.prices import Price

KNOWN = Price({"input_cost_per_token": Decimal("0.000003"), "output_cost_per_token": Decimal("0.000006")})
TEXT = "The quick brown fox jumps over the lazy dog. " * 20
PROMPT = Prompt(b"Tell me about foxes, please.", 0)
PROMPT_TOKENS = int(litellm.token_counter(model="", text=PROMPT.text.decode()))
TEXT_TOKENS = int(litellm.token_counter(model="", text=TEXT))


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def pieces(wrap: Callable[[str], dict[str, Any]]) -> list[dict[str, Any]]:
    return [wrap(TEXT[start : start + 50]) for start in range(0, len(TEXT), 50)]


def chat(text: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]}


DIALECTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "chat": chat,
    "reasoning": lambda text: {"choices": [{"delta": {"reasoning_content": text}}]},
    "tools": lambda text: {
        "choices": [{"delta": {"tool_calls": [{"id": "call_1", "type": "function", "function": {"arguments": text}}]}}]
    },
    "completions": lambda text: {"choices": [{"text": text, "index": 0}]},
    "responses": lambda text: {"type": "response.output_text.delta", "item_id": "msg_1", "delta": text},
    "messages": lambda text: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}},
    "messages tools": lambda text: {
        "type": "content_block_delta",
        "delta": {"type": "input_json_delta", "partial_json": text},
    },
    "google": lambda text: {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]},
}


def delivered(*chunks: bytes) -> Delivered:
    kept = Delivered(PROMPT)
    for chunk in chunks:
        kept.add(chunk)
    return kept


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_of_each_dialect_is_counted(dialect: str) -> None:
    raw = sse(*pieces(DIALECTS[dialect]))
    usage = delivered(raw[:333], raw[333:-7]).usage(KNOWN)  # the last event is cut off
    produced = usage.total_tokens - PROMPT_TOKENS
    assert 0.9 * TEXT_TOKENS < produced < TEXT_TOKENS
    assert usage.cost == 3_000_000 * PROMPT_TOKENS + 6_000_000 * produced


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"message": {"role": "assistant", "content": TEXT}}]},
        {"object": "response", "output": [{"type": "message", "content": [{"type": "output_text", "text": TEXT}]}]},
        {"type": "message", "content": [{"type": "text", "text": TEXT}]},
    ],
)
def test_a_whole_body_is_counted_too(body: dict[str, Any]) -> None:
    assert delivered(json.dumps(body).encode()).usage(KNOWN).total_tokens == PROMPT_TOKENS + TEXT_TOKENS


def test_what_the_answer_stated_so_far_goes_before_counting() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 500, "output_tokens": 1}}}
    usage = delivered(sse(start, *pieces(DIALECTS["messages"]))).usage(KNOWN)
    assert usage.total_tokens - 500 == pytest.approx(TEXT_TOKENS, abs=5)
    final = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 40}}
    assert delivered(sse(start, *pieces(DIALECTS["messages"]), final)).usage(KNOWN).total_tokens == 540
    google = {**DIALECTS["google"]("x"), "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3}}
    assert delivered(sse(google)).usage(KNOWN).total_tokens == 12


def test_of_a_very_long_answer_the_beginning_stands_for_the_rest() -> None:
    one = sse(*pieces(chat))
    many = (4 * 1024 * 1024) // len(one)
    usage = delivered(*[one] * many).usage(KNOWN)
    assert usage.total_tokens == pytest.approx(many * TEXT_TOKENS, rel=0.05)


def test_without_a_tokenizer_four_bytes_are_one_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> int:
        raise OSError("no vocabulary")

    monkeypatch.setattr(litellm, "token_counter", broken)
    assert delivered(sse(chat("x" * 400))).usage(KNOWN).total_tokens == len(PROMPT.text) // 4 + 100


@pytest.mark.parametrize(
    "raw", [b"", b"data: [DONE]\n\n", b"data: nonsense\n\n", b"\xff\xfe", sse({"choices": [None]})]
)
def test_where_nothing_can_be_read_the_prompt_is_charged(raw: bytes) -> None:
    assert delivered(raw).usage(KNOWN).total_tokens == PROMPT_TOKENS
