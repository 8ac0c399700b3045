"""What of an answer was passed on, kept so that a call without a usable report is charged for just that."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import litellm
import orjson

from saas_access._core import Usage
from saas_access.proxy.metering import Prompt, tokens_of_bytes
from saas_access.proxy.prices import Price, Tokens

_KEPT_BYTES = 1024 * 1024
# Past this, counting by LiteLLM's tokenizer takes seconds.
_COUNTED_BYTES = 1024 * 1024
# Beside the text in an answer's parts.
_NO_TEXT = frozenset({"type", "role", "id", "call_id", "status", "signature", "thoughtSignature", "data", "mimeType"})


class Delivered:
    """An answer in the making. `add` is cheap and called on the event loop; `usage` takes its time and isn't."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._kept = bytearray()
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Another piece, passed on. Of a very long answer the beginning is kept, and stands for the rest."""
        self._size += len(chunk)
        if len(self._kept) < _KEPT_BYTES:
            self._kept += chunk

    def usage(self, price: Price) -> Usage:
        """The tokens of the prompt and of what was passed on: as the answer stated them itself so far, else counted."""
        stated = Tokens()
        text: list[str] = []
        for event in _events(bytes(self._kept)):
            stated = stated.most(_stated(event))
            text += _texts(event)
        if not stated.prompt:
            stated = stated.most(Tokens(input=_count(self._prompt.text) + self._prompt.media_tokens))
        if not stated.output:
            kept = _count("".join(text).encode("utf-8", "replace"))
            scale = max(1.0, self._size / max(1, len(self._kept)))
            stated = stated.most(Tokens(output=math.ceil(kept * scale)))
        return Usage(total_tokens=stated.total, price_known=price.known, cost=price.of_tokens(stated))


def _events(raw: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects of server-sent events, or the one of a whole body. What is cut off is passed over."""
    lines = [line[5:] for line in raw.splitlines() if line.startswith(b"data:")]
    for text in lines or [raw]:
        try:
            event = orjson.loads(text)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _stated(event: Mapping[str, Any]) -> Tokens:
    """Anthropic's first event states the prompt; of the answer it can't know more than that it begins."""
    tokens = Tokens()
    for holder in (event, _mapping(event, "response")):
        for name in ("usage", "usageMetadata"):
            tokens = tokens.most(Tokens.stated(_mapping(holder, name)))
    return tokens.most(Tokens.stated({**_mapping(_mapping(event, "message"), "usage"), "output_tokens": 0}))


def _texts(event: Mapping[str, Any]) -> Iterator[str]:
    """The pieces of the answer in one event or body of any dialect: text, thoughts, what tools are called with."""
    kind = str(event.get("type") or "")
    for choice in _list(event, "choices"):
        yield from _leaves([choice.get("text"), choice.get("delta"), choice.get("message")])
    for candidate in _list(event, "candidates"):
        yield from _leaves(candidate.get("content"))
    if kind.endswith(("_delta", ".delta")) and "audio.delta" not in kind:
        yield from _leaves(event.get("delta"))
    elif kind == "content_block_start":
        yield from _leaves(event.get("content_block"))
    elif kind == "message":
        yield from _leaves(event.get("content"))
    elif event.get("object") == "response":
        yield from _leaves(event.get("output"))


def _mapping(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = event.get(name)
    return value if isinstance(value, Mapping) else {}


def _list(event: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    values = event.get(name)
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name not in _NO_TEXT:
                yield from _leaves(item)


def _count(text: bytes) -> int:
    """By LiteLLM's own tokenizer, which it brings along for models that it doesn't know; else by the rule of thumb."""
    if len(text) > _COUNTED_BYTES:
        return tokens_of_bytes(len(text))
    try:
        return int(litellm.token_counter(model="", text=text.decode("utf-8", "replace")))
    except Exception:  # noqa: BLE001 whatever it is, the call has to be charged
        return tokens_of_bytes(len(text))
