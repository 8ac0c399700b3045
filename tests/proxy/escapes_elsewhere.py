"""Escapes on other routes than chat, in forms, in paths, and in how a body is written (see escapes.py).

Besides `chat`, the aliases `claude` and `gemini` are sold: the deployments `real-claude` and `real-gemini`.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from escapes import ELSEWHERE, INTRUDER

CHAT = "/v1/chat/completions"
IMAGE = {"image": ("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * 64)}
AUDIO = {"file": ("a.mp3", b"ID3" * 50)}
SAID = [{"role": "user", "content": "hi"}]
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]
FORM_ESCAPES: dict[str, tuple[str, set[int]]] = {
    "tags": (INTRUDER, {200}),
    "metadata[tags]": (INTRUDER, {200}),
    "litellm_metadata[tags][]": (INTRUDER, {200}),
    "tags[]": (INTRUDER, {200}),
    "guardrails[]": (INTRUDER, {200}),
    "plugins[]": (INTRUDER, {200}),
    "no-log": ("true", {200}),
    "no-log[]": ("true", {200}),
    "models[]": ("forbidden", {422}),
    "num_retries": ("5", {200}),
    "metadata": (json.dumps({"tags": [INTRUDER], "model_group": "forbidden"}), {200}),
    "litellm_metadata": (json.dumps({"tags": [INTRUDER]}), {200}),
    "api_key": (INTRUDER, {422}),
    "custom_llm_provider": ("anthropic", {422}),
    "fallbacks": ("forbidden", {422}),
    "api_base": (ELSEWHERE, {422}),
}


def message(**body: Any) -> dict[str, Any]:
    return {"json": {"model": "chat", "max_tokens": 9, "messages": SAID, **body}}


def response(**body: Any) -> dict[str, Any]:
    return {"json": {"model": "chat", "input": "hi", **body}}


def raw(text: str | bytes, content_type: str = "application/json") -> dict[str, Any]:
    content = text.encode() if isinstance(text, str) else text
    return {"content": content, "headers": {"content-type": content_type}}


def base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


MCP = {"type": "mcp", "server_label": "x", "require_approval": "never"}
REASONING = {
    "type": "reasoning",
    "summary": [],
    "id": "encitem_" + base64url("litellm:model_id:dep-1;item_id:rs_1"),
    "encrypted_content": "litellm_enc:" + base64url("model_id:dep-1") + ";x",
}
FORGED_ID = "resp_" + base64url("litellm:custom_llm_provider:anthropic;model_id:dep-1;response_id:resp_intruder")
STEERING = json.dumps({"model": "chat", "messages": SAID, "tags": [INTRUDER], "metadata": {"tags": [INTRUDER]}})
OWN_KEY = json.dumps({"model": "chat", "messages": SAID, "api_key": INTRUDER})
TWO_MODELS = '{"messages": [{"role": "user", "content": "hi"}], "model": "%s", "model": "%s"}'
CONFIG = {"model": "forbidden", "api_base": ELSEWHERE, "apiKey": INTRUDER, "extra_headers": {"x": INTRUDER}}

# name: (path, how it is asked, the deployment that may be reached, the statuses that are right)
ELSE: dict[str, tuple[str, dict[str, Any], str, set[int]]] = {
    "a tool that calls another model": (
        "/v1/messages",
        message(
            tools=[{"type": "advisor_20260301", "name": "advisor", "model": "forbidden"}], tool_choice={"type": "any"}
        ),
        "real-a",
        {422},
    ),
    "compaction by another model": (
        "/v1/messages",
        message(
            context_management={
                "edits": [{"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 1}}]
            }
        ),
        "real-a",
        {200},
    ),
    "Anthropic fields": (
        "/v1/messages",
        message(
            model="claude",
            container={"skills": [{"skill_id": f"litellm_skill_{INTRUDER}"}]},
            mcp_servers=[{"url": ELSEWHERE}],
            metadata={"user_id": "u", "model_group": "forbidden", "tags": [INTRUDER]},
            litellm_metadata={"tags": [INTRUDER]},
        ),
        "real-claude",
        {200},
    ),
    "the operator's MCP servers": (
        "/v1/responses",
        response(tools=[{**MCP, "server_url": "litellm_proxy/mcp/x"}]),
        "real-a",
        {422},
    ),
    "the same by address": (
        "/v1/responses",
        response(tools=[{**MCP, "server_url": "https://x.example/mcp/x"}]),
        "real-a",
        {422},
    ),
    "the operator's stores": (
        "/v1/responses",
        response(tools=[{"type": "file_search", "vector_store_ids": [INTRUDER]}]),
        "real-a",
        {422},
    ),
    "tools in tools": (
        "/v1/responses",
        response(tools=[{"type": "namespace", "tools": [{"type": "file_search"}]}]),
        "real-a",
        {422},
    ),
    "a forged response id": ("/v1/responses", response(previous_response_id=FORGED_ID), "real-a", {403}),
    "an unknown response id": ("/v1/responses", response(previous_response_id="resp_1"), "real-a", {403}),
    "a deployment's id in the input": (
        "/v1/responses",
        response(input=[REASONING, *SAID], prompt={"id": INTRUDER}),
        "real-a",
        {200},
    ),
    "Google configuration": (
        "/v1beta/models/chat:generateContent",
        {"json": {"contents": CONTENTS, "generationConfig": CONFIG, "config": CONFIG, "model": "forbidden"}},
        "real-a",
        {200},
    ),
    "a key in Google's query": (
        f"/v1beta/models/gemini:generateContent?key={INTRUDER}",
        {"json": {"contents": CONTENTS}},
        "real-gemini",
        {200},
    ),
    "two actions": (
        "/v1beta/models/chat:generateContent:generateContent",
        {"json": {"contents": CONTENTS}},
        "real-a",
        {403},
    ),
    "an address for the proxy to fetch": (
        CHAT,
        message(
            model="gemini",
            messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "{witness}/x.png"}}]}],
        ),
        "real-gemini",
        {400},
    ),
    "a file for the proxy to read": (
        "/v1/images/edits",
        {"json": {"model": "chat", "prompt": "x", "image": "/etc/passwd"}},
        "real-a",
        {422},
    ),
    "model in the path alone": ("/engines/forbidden/chat/completions", message(), "real-a", {403}),
    "model in the body alone": ("/engines/chat/chat/completions", message(model="forbidden"), "real-a", {200}),
    "an encoded path": ("/engines/chat%2F..%2Fforbidden/chat/completions", message(), "real-a", {403}),
    "the last of two query models": (f"{CHAT}?model=chat&model=forbidden", message(), "real-a", {403}),
    "the last of two models": (CHAT, raw(TWO_MODELS % ("chat", "forbidden")), "real-a", {403}),
    "the first of two models": (CHAT, raw(TWO_MODELS % ("forbidden", "chat")), "real-a", {200}),
    "a name in escapes": (CHAT, raw(OWN_KEY.replace("api_key", "api\\u005fkey")), "real-a", {422}),
    "a key after a byte order mark": (CHAT, raw(OWN_KEY.encode("utf-8-sig")), "real-a", {422}),
    "a key in UTF-16": (CHAT, raw(OWN_KEY.encode("utf-16")), "real-a", {400, 422}),
    "a list": (CHAT, raw(f"[{OWN_KEY}]"), "real-a", {400, 500}),  # 500: LiteLLM 1.103, by itself
    "other routes' count": ("/v1/messages/count_tokens?model=forbidden", message(tags=[INTRUDER]), "real-a", {200}),
    **{
        f"{what} as {content_type or 'nothing'}": (CHAT, raw(text, content_type), "real-a", {status})
        for content_type in (
            "",
            "text/plain",
            "application/json; form",
            "application/x-informed",
            "application/octet-stream",
            "application/json; charset=utf-16",
        )
        for what, text, status in (("tags", STEERING, 200), ("a key", OWN_KEY, 422))
    },
    **{
        f"form {name} on {path}": (
            path,
            {"data": {"model": "chat", "prompt": "x", name: value}, "files": files},
            "real-a",
            statuses,
        )
        for name, (value, statuses) in FORM_ESCAPES.items()
        for path, files in (("/v1/images/edits", IMAGE), ("/v1/audio/transcriptions", AUDIO))
    },
}
