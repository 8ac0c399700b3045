"""What a client may put into a chat completion to get past what its team was sold, and what must come of it.

For the proxy of test_escapes.py: alias `chat`, sold, is the deployment `real-a`; `forbidden` is a deployment that
nobody was sold, and `dep-1` its id.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

INTRUDER = "intruder"  # part of every value by which a client steers something here


class Outcome(enum.Enum):
    """What a call with an escape in it comes to."""

    IGNORED = "answered as if it weren't there"
    FIELD = "refused, and the field named"
    MODEL = "refused, for that model isn't the team's"
    ENDED = "refused, one way or another"
    EITHER = "ignored, or refused and the field named"


@dataclass(frozen=True)
class Escape:
    """`paired`: tried together with all others that are."""

    name: str
    outcome: Outcome
    body: dict[str, Any] = field(default_factory=dict, hash=False)
    headers: dict[str, str] = field(default_factory=dict, hash=False)
    query: dict[str, str] = field(default_factory=dict, hash=False)
    paired: bool = False

    def combines_with(self, other: Escape) -> bool:
        """Whether one request can hold both."""
        return not (
            self.body.keys() & other.body.keys()
            or self.headers.keys() & other.headers.keys()
            or self.query.keys() & other.query.keys()
        )


def fields(outcome: Outcome, values: dict[str, Any], *, paired: Iterable[str] = ()) -> list[Escape]:
    return [
        Escape(f"body {name}", outcome, body={name: value}, paired=name in paired) for name, value in values.items()
    ]


def headers(values: dict[str, str], *, paired: Iterable[str] = ()) -> list[Escape]:
    return [
        Escape(f"header {name}", Outcome.IGNORED, headers={name: value}, paired=name in paired)
        for name, value in values.items()
    ]


def parameters(values: dict[str, str], *, paired: Iterable[str] = ()) -> list[Escape]:
    return [
        Escape(f"query {name}", Outcome.IGNORED, query={name: value}, paired=name in paired)
        for name, value in values.items()
    ]


ELSEWHERE = f"http://127.0.0.1:9/{INTRUDER}"
FORBIDDEN = {"model": "forbidden", "litellm_params": {"model": "openai/up-forbidden", "api_key": INTRUDER}}

REFUSED_FIELDS = fields(
    Outcome.FIELD,
    {
        "models": ["forbidden"],
        "fallbacks": ["forbidden", {"model": "forbidden"}],
        "context_window_fallbacks": [{"chat": ["forbidden"]}],
        "content_policy_fallbacks": [{"chat": ["forbidden"]}],
        "router_settings_override": {"fallbacks": [{"chat": ["forbidden"]}], "num_retries": 5},
        "model_list": [{**FORBIDDEN, "model_name": "chat"}],
        "user_config": {"model_list": [{**FORBIDDEN, "model_name": "chat"}]},
        "model_id": "dep-1",
        "model_info": {"id": "dep-1", "input_cost_per_token": 0},
        "deployment_id": "dep-1",
        "specific_deployment": True,
        "fastest_response": True,
        "base_model": "gpt-3.5-turbo",
        "litellm_params": {"model": "openai/up-forbidden"},
        "custom_llm_provider": "anthropic",
        "api_base": ELSEWHERE,
        "base_url": ELSEWHERE,
        "api_version": INTRUDER,
        "api_key": f"KEY-{INTRUDER}",
        "organization": INTRUDER,
        "litellm_credential_name": INTRUDER,
        "headers": {"authorization": INTRUDER},
        "extra_headers": {"authorization": INTRUDER},
        "provider_specific_header": {"custom_llm_provider": "openai", "extra_headers": {"authorization": INTRUDER}},
        "extra_body": {"model": "up-forbidden"},
        "extra_query": {"model": INTRUDER},
        "region_name": INTRUDER,
        "aws_role_name": INTRUDER,
        "azure_ad_token": INTRUDER,
        "vertex_credentials": INTRUDER,
        "mock_response": "free of charge",
        "mock_tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        "mock_timeout": True,
        "mock_testing_fallbacks": True,
        "input_cost_per_token": 0,
        "output_cost_per_token": 0,
        "tiered_pricing": [],
        "routing_strategy": "latency-based-routing",
        "tools": [{"type": "mcp", "server_url": "litellm_proxy", "require_approval": "never"}],
    },
    paired=(
        "fallbacks",
        "router_settings_override",
        "deployment_id",
        "custom_llm_provider",
        "api_base",
        "api_key",
        "extra_headers",
        "mock_response",
        "input_cost_per_token",
        "tools",
    ),
)
IGNORED_FIELDS = fields(
    Outcome.IGNORED,
    {
        "no-log": True,
        "num_retries": 5,
        "max_retries": 5,
        "retry_policy": {"InternalServerErrorRetries": 5},
        "timeout": 0.000001,
        "request_timeout": 0.000001,
        "cache": {"no-cache": True, "namespace": INTRUDER},
        "caching": True,
        "ttl": 0,
        "tags": [INTRUDER],
        "guardrails": [INTRUDER],
        "guardrail_config": {INTRUDER: True},
        "policies": [INTRUDER],
        "priority": 0,
        "prompt_id": INTRUDER,
        "prompt_variables": {"x": INTRUDER},
        "callbacks": [INTRUDER],
        "success_callback": [INTRUDER],
        "litellm_disabled_callbacks": ["saas_access"],
        "turn_off_message_logging": True,
        "litellm_call_id": INTRUDER,
        "litellm_session_id": INTRUDER,
        "litellm_trace_id": INTRUDER,
        "id": INTRUDER,
        "disable_fallbacks": False,
        "weights": {INTRUDER: 1},
        "_target_order": 2,
        "max_agentic_loops": 9,
        "drop_params": True,
        "allowed_openai_params": [INTRUDER],
        "plugins": [{"id": INTRUDER}],
        "transforms": [INTRUDER],
        "a field that nobody knows": INTRUDER,
        "metadata": {
            "model_group": "forbidden",
            "tags": [INTRUDER],
            "user_api_key_team_id": INTRUDER,
            "saas_access_ticket": INTRUDER,
            "model_info": {"id": "dep-1"},
            "redis_namespace": INTRUDER,
        },
        "litellm_metadata": {"tags": [INTRUDER], "model_group": "forbidden", "user_api_key_team_id": INTRUDER},
    },
    paired=(
        "no-log",
        "num_retries",
        "timeout",
        "cache",
        "tags",
        "priority",
        "litellm_call_id",
        "metadata",
        "litellm_metadata",
    ),
)
HEADERS = headers(
    {
        "x-litellm-num-retries": "5",
        "x-litellm-timeout": "0.000001",
        "x-litellm-stream-timeout": "0.000001",
        "x-litellm-keepalive-seconds": "0.001",
        "x-litellm-tags": INTRUDER,
        "x-litellm-model": "forbidden",
        "x-litellm-call-id": INTRUDER,
        "x-litellm-session-id": INTRUDER,
        "x-litellm-trace-id": INTRUDER,
        "x-litellm-agent-id": INTRUDER,
        "x-litellm-spend-logs-metadata": json.dumps({"tags": [INTRUDER]}),
        "x-litellm-disable-callbacks": "saas_access",
        "x-litellm-disable-message-redaction": "true",
        "litellm-disable-message-redaction": "true",
        "litellm_user_api_key": INTRUDER,
        "x-api-key": INTRUDER,
        "api-key": INTRUDER,
        "x-goog-api-key": INTRUDER,
        "ocp-apim-subscription-key": INTRUDER,
        "custom-llm-provider": "anthropic",
        "openai-organization": INTRUDER,
        "openai-project": INTRUDER,
        "x-pass-authorization": INTRUDER,
        "x-mcp-auth": INTRUDER,
        "typesafe-danger-zone-x": INTRUDER,
        "anthropic-beta": INTRUDER,
        "tags": INTRUDER,
        "cache-control": "no-store, s-maxage=0",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "baggage": f"session.id={INTRUDER}",
        "x-claude-code-session-id": f"{INTRUDER}-1234",
        "x-forwarded-host": INTRUDER,
        "x-original-url": "/queue/chat/completions",
        "x-rewrite-url": "/queue/chat/completions",
        "x-http-method-override": "DELETE",
        "user-agent": f"claude-cli/2.1.0 ({INTRUDER})",
    },
    paired=(
        "x-litellm-num-retries",
        "x-litellm-timeout",
        "x-litellm-tags",
        "x-litellm-call-id",
        "x-litellm-model",
        "x-api-key",
        "anthropic-beta",
        "cache-control",
    ),
)
QUERY = parameters(
    {
        "api-version": INTRUDER,
        "api_version": INTRUDER,
        "api_base": ELSEWHERE,
        "api_key": INTRUDER,
        "key": INTRUDER,
        "custom_llm_provider": "anthropic",
        "target_model_names": "forbidden",
        "fallbacks": "forbidden",
        "user_config": "{}",
        "no-log": "true",
        "tags": INTRUDER,
    },
    paired=("api-version", "api_base", "custom_llm_provider"),
)
MODELS = [
    *(
        Escape(
            f"model {model!r}",
            Outcome.MODEL,
            body={"model": model},
            paired=model in ("forbidden", "dep-1", "chat,forbidden"),
        )
        for model in (
            "forbidden",
            "real-a",
            "real-b",
            "openai/up-a",
            "openai/up-forbidden",
            "sold/up-forbidden",
            "dep-1",
            "chat,forbidden",
            "forbidden,chat",
            "chat,chat",
            ",chat",
            "chat,",
            "CHAT",
            " chat",
            "chat ",
            "chat\u200b",
            "\uff43\uff48\uff41\uff54",
            "chat\x00",
            "prompt_mgmt/chat",
            "litellm_proxy/chat",
            "a2a/chat",
            "*",
            "sold/*",
        )
    ),
    *(
        Escape(f"model {model!r}", Outcome.ENDED, body={"model": model})
        for model in (ELSEWHERE, ["chat"], ["chat", "forbidden"], {"model": "chat"}, 7, True)
    ),
    Escape("query model", Outcome.MODEL, query={"model": "forbidden"}, paired=True),
    Escape("query model,model", Outcome.MODEL, query={"model": "chat,forbidden"}),
]
KINDS = {
    "refused fields": REFUSED_FIELDS,
    "ignored fields": IGNORED_FIELDS,
    "headers": HEADERS,
    "query": QUERY,
    "models": MODELS,
}
