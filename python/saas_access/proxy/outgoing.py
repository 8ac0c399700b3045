"""What of LiteLLM's answers a team may read: the alias in place of the actual model, and no word of where it runs."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping

# Headers that say which deployment answered, where, and at what cost; and the provider's own.
_HIDDEN_HEADERS = re.compile(rb"(x-litellm-.*|llm_provider-.*|x-ratelimit-.*-model.*)", re.IGNORECASE)
_SHOWN_HEADERS = frozenset({b"x-litellm-call-id", b"x-litellm-version"})
_MODEL_FIELDS = rb"model|modelVersion|model_version|model_name|litellm_count_model"

Headers = list[tuple[bytes, bytes]]


def shown_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The answer's headers less those that tell a team more than it bought."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() in _SHOWN_HEADERS or not _HIDDEN_HEADERS.fullmatch(name)
    ]


class Renaming:
    """Puts the alias where an answer names the actual model: in the value of a `model` field, wherever it is nested,
    in a whole body or in one event of a stream. Text that a model wrote is left alone: inside a JSON string the
    quotes are escaped.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {
            json.dumps(name, ensure_ascii=escaped).encode(): json.dumps(alias).encode()
            for name, alias in names.items()
            for escaped in (True, False)  # both are JSON, and both are sent
        }
        longest_first = sorted(self._names, key=len, reverse=True)
        alternatives = b"|".join(re.escape(name) for name in longest_first)
        field = rb'("(?:' + _MODEL_FIELDS + rb')"\s*:\s*)('
        self._pattern = re.compile(field + alternatives + rb")") if names else None

    @classmethod
    def of(cls, names: Mapping[str, str]) -> Renaming:
        """The renaming for these names, made once for as long as they are much asked for."""
        return _renaming(frozenset(names.items()))

    def __call__(self, text: bytes) -> bytes:
        """`text` with the model's fields renamed."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: match[1] + self._names[match[2]], text)


@functools.lru_cache(maxsize=1024)
def _renaming(names: frozenset[tuple[str, str]]) -> Renaming:
    return Renaming(dict(names))


# "litellm:c..." in base64: LiteLLM's ids of bridged answers say which deployment gave them.
_TELLING_ID = re.compile(rb'"(?:[a-z]+_)?bGl0ZWxsbTpj[A-Za-z0-9+/=_-]*"')


def hide_deployment_ids(body: bytes) -> bytes:
    """The body with ids that tell a deployment replaced by ones of their own that don't."""
    return _TELLING_ID.sub(lambda match: b'"msg_' + hashlib.sha256(match[0]).hexdigest()[:24].encode() + b'"', body)


def hide_words(text: str, words: Iterable[str], names: Mapping[str, str]) -> str:
    """An error's text without actual names: those of the call's own model become its alias, all others `(hidden)`."""
    replacements = {**dict.fromkeys(words, "(hidden)"), **names}
    replacements = {word: shown for word, shown in replacements.items() if word and word != shown}
    shown_names = set(names.values())
    found = [re.escape(word) for word in sorted(replacements, key=len, reverse=True) if word not in shown_names]
    if not found:
        return text
    pattern = re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(found) + r")(?![A-Za-z0-9])")
    return pattern.sub(lambda match: replacements[match[0]], text)
