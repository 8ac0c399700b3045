"""Which routes of the proxy a team's key may use. Anything that is not in this table is refused."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from starlette.routing import compile_path

from saas_access.refusal import Protocol


class Kind(enum.Enum):
    """What a route does with a model, which decides who checks it."""

    CALL = "call"  # LiteLLM calls the pre-call hook: it decides, reserves, rewrites
    COUNT = "count"  # LiteLLM has no hook here: checked by our own route in front of LiteLLM's (counting.py); free
    LIST = "list"  # answered by our own route (model_list.py)


class Named(enum.Enum):
    """Where LiteLLM reads the model's name on a route; the hook is given what it read."""

    BODY = "body"
    FIRST_OF_ALL = "path, else `?model=`, else body"
    QUERY_OR_FORM = "`?model=`, else form"
    FORM = "form"
    PATH = "path"
    NOWHERE = "-"


class Used(enum.Enum):
    """What a team that is billed by use is charged by on a route: what LiteLLM's usage event reports, else ..."""

    TEXT = "what the answer states, else its text and the request's, counted"
    CONTENT = "what the answer states, else the request's text"
    CHECK = "always the request's text: there is no event"
    IMAGES = "what the answer states, else the number of images"
    SPEECH = "the text to be spoken"
    TRANSCRIPTION = "what the answer states, else the file's size"
    RERANK = "the request's text, or the number of queries"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class TeamRoute:
    """One allowed route. `call_types`: what LiteLLM's pre-call hook is told; `fields`: what a body may hold."""

    protocol: Protocol
    kind: Kind
    named: Named
    used: Used
    call_types: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    picker_names: bool = False  # Claude Code's `claude-router-<hex>` and `[1m]` forms of a model's name are understood


def _fields(names: str) -> frozenset[str]:
    return frozenset(names.split())


# What the vendors' own interfaces define, less what would choose another model, provider, endpoint or price.
_CHAT = _fields(
    "model messages stream stream_options n seed user temperature top_p top_k max_tokens max_completion_tokens stop"
    " presence_penalty frequency_penalty logit_bias logprobs top_logprobs tools tool_choice parallel_tool_calls"
    " functions function_call"
    " response_format modalities audio prediction store metadata service_tier reasoning_effort reasoning"
    " thinking verbosity web_search_options prompt_cache_key prompt_cache_retention safety_identifier"
)
_COMPLETION = _fields(
    "model prompt suffix echo best_of stream stream_options n seed user temperature top_p max_tokens stop"
    " presence_penalty frequency_penalty logit_bias logprobs metadata"
)
_EMBEDDING = _fields("model input encoding_format dimensions user input_type")
_IMAGE = _fields(
    "model prompt n size quality style background moderation output_format output_compression response_format user"
    " image image[] mask mask[] input_fidelity partial_images stream"
)
_SPEECH = _fields("model input voice response_format speed instructions stream_format")
_TRANSCRIPTION = _fields(
    "model file language prompt response_format temperature timestamp_granularities timestamp_granularities[] include"
    " include[] chunking_strategy stream"
)
_MODERATION = _fields("model input")
_RERANK = _fields("model query documents top_n return_documents rank_fields max_chunks_per_doc max_tokens_per_doc")
_MESSAGES = _fields(
    "model messages max_tokens system stream metadata stop_sequences temperature top_p top_k tools tool_choice thinking"
    " service_tier context_management output_config output_format cache_control"
)
_RESPONSES = _fields(
    "model input instructions stream stream_options include store reasoning text tools tool_choice parallel_tool_calls"
    " max_tool_calls max_output_tokens temperature top_p top_logprobs truncation metadata client_metadata user"
    " prompt_cache_key prompt_cache_retention safety_identifier service_tier previous_response_id"
)
_GOOGLE = _fields(
    "contents systemInstruction system_instruction generationConfig generation_config tools toolConfig tool_config"
    " safetySettings safety_settings"
)

_COUNT_MESSAGES = _fields(
    "model messages system tools tool_choice thinking context_management output_config cache_control"
)
_COUNT_RESPONSES = _fields(
    "model input instructions tools tool_choice parallel_tool_calls reasoning text truncation previous_response_id"
)


def _call(
    protocol: Protocol,
    fields: frozenset[str],
    *call_types: str,
    named: Named = Named.BODY,
    used: Used = Used.TEXT,
    picker_names: bool = False,
) -> TeamRoute:
    return TeamRoute(protocol, Kind.CALL, named, used, frozenset(call_types), fields, picker_names)


def _count(protocol: Protocol, fields: frozenset[str], *, named: Named = Named.BODY) -> TeamRoute:
    return TeamRoute(protocol, Kind.COUNT, named, Used.FREE, frozenset(), fields, picker_names=named is Named.BODY)


_OPENAI, _ANY, _PATH = Protocol.OPENAI, Named.FIRST_OF_ALL, Named.PATH
_CHAT_ROUTE = _call(_OPENAI, _CHAT, "acompletion", named=_ANY, picker_names=True)
_COMPLETION_ROUTE = _call(_OPENAI, _COMPLETION, "atext_completion", named=_ANY)
_EMBEDDING_ROUTE = _call(_OPENAI, _EMBEDDING, "aembedding", named=_ANY, used=Used.CONTENT)
_IMAGE_ROUTE = _call(_OPENAI, _IMAGE, "image_generation", named=_ANY, used=Used.IMAGES)
_IMAGE_EDIT_ROUTE = _call(_OPENAI, _IMAGE, "aimage_edit", named=Named.QUERY_OR_FORM, used=Used.IMAGES)
_SPEECH_ROUTE = _call(_OPENAI, _SPEECH, "aspeech", used=Used.SPEECH)
_TRANSCRIPTION_ROUTE = _call(_OPENAI, _TRANSCRIPTION, "transcription", named=Named.FORM, used=Used.TRANSCRIPTION)
_MODERATION_ROUTE = _call(_OPENAI, _MODERATION, "moderation", used=Used.CHECK)
_RERANK_ROUTE = _call(_OPENAI, _RERANK, "rerank", used=Used.RERANK)
_MESSAGES_ROUTE = _call(Protocol.ANTHROPIC, _MESSAGES, "anthropic_messages", picker_names=True)
_RESPONSES_ROUTE = _call(_OPENAI, _RESPONSES, "aresponses", picker_names=True)
_GOOGLE_ROUTE = _call(Protocol.GOOGLE, _GOOGLE, "agenerate_content", "agenerate_content_stream", named=_PATH)
_LIST_ROUTE = TeamRoute(_OPENAI, Kind.LIST, Named.NOWHERE, Used.FREE)

# (method, LiteLLM's route template) -> what a team may do there. All names of a path that has several.
TEAM_ROUTES: dict[tuple[str, str], TeamRoute] = {
    **{
        ("POST", template): route
        for route, templates in {
            _CHAT_ROUTE: (
                "/v1/chat/completions",
                "/chat/completions",
                "/engines/{model:path}/chat/completions",
                "/openai/deployments/{model:path}/chat/completions",
            ),
            _COMPLETION_ROUTE: (
                "/v1/completions",
                "/completions",
                "/engines/{model:path}/completions",
                "/openai/deployments/{model:path}/completions",
            ),
            _EMBEDDING_ROUTE: (
                "/v1/embeddings",
                "/embeddings",
                "/engines/{model:path}/embeddings",
                "/openai/deployments/{model:path}/embeddings",
            ),
            _IMAGE_ROUTE: (
                "/v1/images/generations",
                "/images/generations",
                "/openai/deployments/{model:path}/images/generations",
            ),
            _IMAGE_EDIT_ROUTE: ("/v1/images/edits", "/images/edits", "/openai/deployments/{model:path}/images/edits"),
            _SPEECH_ROUTE: ("/v1/audio/speech", "/audio/speech"),
            _TRANSCRIPTION_ROUTE: ("/v1/audio/transcriptions", "/audio/transcriptions"),
            _MODERATION_ROUTE: ("/v1/moderations", "/moderations"),
            _RERANK_ROUTE: ("/v1/rerank", "/v2/rerank", "/rerank"),
            _MESSAGES_ROUTE: ("/v1/messages",),
            _RESPONSES_ROUTE: ("/v1/responses", "/responses", "/openai/v1/responses"),
            _GOOGLE_ROUTE: (
                "/v1beta/models/{model_name:path}:generateContent",
                "/models/{model_name:path}:generateContent",
                "/v1beta/models/{model_name:path}:streamGenerateContent",
                "/models/{model_name:path}:streamGenerateContent",
            ),
            _count(Protocol.ANTHROPIC, _COUNT_MESSAGES): ("/v1/messages/count_tokens",),
            _count(_OPENAI, _COUNT_RESPONSES): (
                "/v1/responses/input_tokens",
                "/responses/input_tokens",
                "/openai/v1/responses/input_tokens",
            ),
            _count(Protocol.GOOGLE, _GOOGLE, named=_PATH): (
                "/v1beta/models/{model_name:path}:countTokens",
                "/models/{model_name:path}:countTokens",
            ),
        }.items()
        for template in templates
    },
    **{
        ("GET", template): _LIST_ROUTE
        for template in ("/v1/models", "/models", "/v1/models/{model_id:path}", "/models/{model_id:path}")
    },
}


_PATTERNS: list[tuple[str, re.Pattern[str], TeamRoute]] = [
    (method, compile_path(template)[0], route) for (method, template), route in TEAM_ROUTES.items() if "{" in template
]


def route_of_path(method: str, path: str) -> TeamRoute | None:
    """The table's entry for a request, before LiteLLM has chosen a route for it."""
    exact = TEAM_ROUTES.get((method, path))
    if exact is not None:
        return exact
    return next((route for known, pattern, route in _PATTERNS if known == method and pattern.match(path)), None)


def protocol_of_path(path: str) -> Protocol:
    """Whose clients use this path, for an answer to a request that never reached a route of the table."""
    if path.startswith(("/v1/messages", "/anthropic")):
        return Protocol.ANTHROPIC
    if path.startswith("/v1beta/") or ":" in path.rpartition("/")[2]:
        return Protocol.GOOGLE
    return Protocol.OPENAI
