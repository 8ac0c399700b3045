"""What a call may use, as far as a request tells, and what LiteLLM's events and the answers themselves say it used."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from saas_access._core import Usage
from saas_access.proxy.prices import Price, Tokens, picodollars, whole
from saas_access.proxy.routes import Used

# The usual rule of thumb for English text; other languages use more tokens a byte-count, but also more bytes a
# character.
_BYTES_PER_TOKEN = 4
_LIMIT_FIELDS = ("max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens")
_BUDGET_FIELDS = ("budget_tokens", "thinkingBudget", "thinking_budget")
# An image in a prompt, however large its file is: the providers scale it down.
_MOST_TOKENS_PER_IMAGE = 4000
# LiteLLM keeps its own books in `metadata`, which are long.
_NOT_SENT_AS_TEXT = frozenset({"metadata", "client_metadata", "model", "user", "stream", "stream_options"})
# Levels of a request that are measured; no provider reads as many.
_DEEPEST = 100
_PIXELS_PER_IMAGE = 1024 * 1024
# Sound: a file of 32 kbit/s, ten tokens for a second heard and twenty for one spoken, four tokens of text a second.
_BYTES_PER_SECOND = 4000
_TOKENS_PER_SECOND_HEARD, _TOKENS_PER_SECOND_SPOKEN, _TEXT_TOKENS_PER_SECOND = 10, 20, 4
_CHARACTERS_PER_SECOND_SPOKEN = 15
_DOCUMENTS_PER_QUERY = 100
# For models priced by the time that they take.
_TOKENS_WRITTEN_PER_SECOND = 50


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a request sends to the model: text, and the tokens that its images and sounds come to."""

    text: bytes = b""
    media_tokens: int = 0

    @property
    def tokens(self) -> int:
        """By the rule of thumb."""
        return tokens_of_bytes(len(self.text)) + self.media_tokens


def tokens_of_bytes(size: int) -> int:
    """One token for every four bytes of text."""
    return math.ceil(size / _BYTES_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Demand:
    """The most that a request may use, in each unit that models are priced by."""

    used: Used
    prompt: Prompt = Prompt()
    input_tokens: int = 0
    output_tokens: int = 0
    characters: int = 0
    seconds: int = 0
    images: int = 0
    pixels: int = 0  # of one image
    queries: int = 0

    def usage(self, price: Price) -> Usage:
        """At a price. Where it has several units, they are alternatives, and the dearest counts. A price none of whose
        units the request uses is not known.
        """
        rate, before = price.rate, self.input_tokens
        inputs, outputs = ["input_cost_per_token"], ["output_cost_per_token", "output_cost_per_reasoning_token"]
        if self.used is Used.IMAGES:
            outputs = ["output_cost_per_image_token"] if "output_cost_per_image_token" in price.rates else outputs
        elif self.used is Used.SPEECH:
            outputs.append("output_cost_per_audio_token")
        elif self.used is Used.TRANSCRIPTION:
            inputs.append("input_cost_per_audio_token")
        dollars = max(
            self.input_tokens * rate(*inputs, prompt=before) + self.output_tokens * rate(*outputs, prompt=before),
            self.characters * rate("input_cost_per_character")
            + self.output_tokens * _BYTES_PER_TOKEN * rate("output_cost_per_character"),
            self.seconds * rate("input_cost_per_second", "output_cost_per_second", "cost_per_second"),
            self.images * rate("input_cost_per_image", "output_cost_per_image"),
            self.images * self.pixels * rate("input_cost_per_pixel", "output_cost_per_pixel"),
            self.queries * rate("input_cost_per_query", "input_cost_per_request"),
        )
        return Usage(
            total_tokens=self.input_tokens + self.output_tokens, price_known=dollars > 0, cost=picodollars(dollars)
        )

    def usage_of_prompt(self, price: Price) -> Usage:
        """The part that is certain before anything is answered."""
        prompt = replace(self, output_tokens=0, seconds=0, images=0, queries=0).usage(price)
        return Usage(total_tokens=prompt.total_tokens, price_known=self.usage(price).price_known, cost=prompt.cost)


def demand_of(
    data: Mapping[str, Any], fields: frozenset[str], used: Used, default_max_tokens: int, size: int = 0
) -> Demand:
    """What a request to a route with these `fields` may use: one token for every four bytes of its text, and for each
    answer the client's own limit, or `default_max_tokens` and what it allows for thinking where it sets none. `size` is
    the body's, in bytes. docs/credits.md has the rules for other kinds of calls.
    """
    content = fields - _NOT_SENT_AS_TEXT
    prompt = prompt_of({name: value for name, value in data.items() if name in content})
    tokens, count = prompt.tokens, max(1, *(whole(value) or 1 for value in _values(data, "n", "best_of")))
    characters = len(prompt.text)
    if used is Used.IMAGES:
        answer = count * default_max_tokens
        return Demand(used, prompt, tokens, answer, characters, images=count, pixels=_pixels(data.get("size")))
    if used is Used.SPEECH:
        spoken = len(str(data.get("input") or ""))
        seconds = math.ceil(spoken / _CHARACTERS_PER_SECOND_SPOKEN)
        return Demand(used, prompt, tokens, seconds * _TOKENS_PER_SECOND_SPOKEN, spoken, seconds)
    if used is Used.TRANSCRIPTION:
        seconds = math.ceil(size / _BYTES_PER_SECOND)
        heard = tokens + seconds * _TOKENS_PER_SECOND_HEARD
        return Demand(used, prompt, heard, seconds * _TEXT_TOKENS_PER_SECOND, characters, seconds)
    if used in (Used.CONTENT, Used.CHECK, Used.RERANK):
        documents = data.get("documents")
        queries = math.ceil(len(documents) / _DOCUMENTS_PER_QUERY) if isinstance(documents, list) else 1
        return Demand(used, prompt, tokens, 0, characters, seconds=1, queries=max(1, queries))
    count = max(count, *(whole(value) or 1 for value in _values(_google(data), "candidateCount", "candidate_count")))
    answer = _token_limit(data, default_max_tokens) * count
    seconds = math.ceil(answer / _TOKENS_WRITTEN_PER_SECOND)
    return Demand(used, prompt, tokens, answer, characters, seconds, queries=1)


def prompt_of(content: Mapping[str, Any]) -> Prompt:
    """A request's content as text, and what of it isn't."""
    media: list[int] = []
    text = _without_media(content, media)
    try:
        return Prompt(orjson.dumps(text, default=_nothing), sum(media))
    except TypeError:  # half of a surrogate pair, or a number that only the standard library writes
        return Prompt(json.dumps(text, default=_nothing, ensure_ascii=False).encode("utf-8", "replace"), sum(media))


def _nothing(_upload: object) -> str:
    """Stands in for what has no JSON form: an uploaded file."""
    return ""


def _without_media(value: Any, media: list[int], depth: int = 0) -> Any:
    if not isinstance(value, (list, Mapping)):
        return value
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        return [_without_media(item, media, depth + 1) for item in value]
    kind = value.get("media_type") or value.get("mimeType") or value.get("mime_type") or ""
    sound = "format" in value or str(kind).startswith("audio/")
    kept = {}
    for name, item in value.items():
        if not isinstance(item, str):
            kept[name] = _without_media(item, media, depth + 1)
        elif name == "data" and sound:
            media.append(_sound_tokens(item))
        elif (name == "data" and str(kind).startswith("image/")) or (
            name in ("url", "image_url") and item.startswith("data:image/")
        ):
            media.append(min(tokens_of_bytes(len(item)), _MOST_TOKENS_PER_IMAGE))
        else:
            kept[name] = item
    return kept


def _sound_tokens(base64_text: str) -> int:
    return math.ceil(len(base64_text) * 3 / 4 / _BYTES_PER_SECOND * _TOKENS_PER_SECOND_HEARD)


def _values(data: Mapping[str, Any], *names: str) -> list[Any]:
    return [data.get(name) for name in names]


def _google(data: Mapping[str, Any]) -> Mapping[str, Any]:
    config = data.get("generationConfig") or data.get("generation_config") or data.get("config") or {}
    return config if isinstance(config, Mapping) else {}


def _token_limit(data: Mapping[str, Any], default: int) -> int:
    """The largest of the limits that are given: which of them holds is the provider's choice."""
    google = _google(data)
    limits = list(
        _positive(*_values(data, *_LIMIT_FIELDS), google.get("maxOutputTokens"), google.get("max_output_tokens"))
    )
    if limits:
        return max(limits)
    thinking = data.get("thinking") or google.get("thinkingConfig") or google.get("thinking_config") or {}
    budgets = _positive(*_values(thinking, *_BUDGET_FIELDS)) if isinstance(thinking, Mapping) else ()
    return default + max(budgets, default=0)


def _positive(*values: Any) -> Iterator[int]:
    return (number for value in values if (number := whole(value)) is not None and number > 0)


def _pixels(size: Any) -> int:
    width, _, height = str(size).partition("x")
    return int(width) * int(height) if width.isdecimal() and height.isdecimal() else _PIXELS_PER_IMAGE


def usage_of_event(kwargs: Mapping[str, Any], price: Price) -> Usage:
    """The usage that LiteLLM's event reports. LiteLLM's cost knows tiers, caches, tools and the operator's margins. It
    is zero for what LiteLLM answered from its own cache, which costs what a new answer would, and where LiteLLM lost
    sight of the deployment: then it's ours for the tokens. A cost of zero counts as one only where the model has a
    price.
    """
    payload = kwargs.get("standard_logging_object") or {}
    total = max(0, int(payload.get("total_tokens") or 0))
    dollars = payload.get("response_cost") or kwargs.get("response_cost") or payload.get("saved_cache_cost") or 0.0
    cost = picodollars(max(0.0, float(dollars)))
    if not cost and price.known:
        stated = (payload.get("metadata") or {}).get("usage_object") or {}
        tokens = Tokens.stated(stated if isinstance(stated, Mapping) else {})
        cost = price.of_tokens(tokens if tokens.total else Tokens.stated(payload))
    return Usage(total_tokens=total, price_known=price.known or cost > 0, cost=cost)


def from_cache(kwargs: Mapping[str, Any]) -> bool:
    """Whether LiteLLM's event is about an answer that it had in its own cache."""
    return (kwargs.get("standard_logging_object") or {}).get("cache_hit") is True or kwargs.get("cache_hit") is True


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
    tokens = Tokens.stated(usage)
    return Usage(total_tokens=tokens.total, price_known=price.known, cost=price.of_tokens(tokens))
