"""What a team's request may not decide. LiteLLM reads far more from a request than its clients' protocols define, and
passes what it doesn't know on to the provider; here is what becomes of each such name.

A body's field passes if its route's table lists it (proxy/routes.py). Of all others, those that would choose where a
call goes or what it costs are refused by name: dropping them silently would answer another question than was asked.
The rest is dropped, or with the setting `unknown_fields: refuse` refused as well.
"""

from __future__ import annotations

import re

_MODEL = "another model"
_PROVIDER = "another provider"
_CREDENTIAL = "another credential"
_ENDPOINT = "another endpoint"
_PRICE = "what the call costs"
_ANSWER = "the answer itself"

# field -> what it would choose.
REFUSED: dict[str, str] = {
    **dict.fromkeys(
        (
            "models",
            "model_list",
            "model_group",
            "model_id",
            "model_info",
            "base_model",
            "route",
            "fallbacks",
            "context_window_fallbacks",
            "content_policy_fallbacks",
            "default_fallbacks",
            "router_settings_override",
            "deployment_id",
            "specific_deployment",
            "fastest_response",
            "target_model_names",
            "litellm_params",
            "model_alias_map",
            "silent_model",
            "context_window_fallback_dict",
            "routing_strategy",
            "routing_strategy_args",
            "routing_groups",
        ),
        _MODEL,
    ),
    **dict.fromkeys(("provider", "providers", "custom_llm_provider", "litellm_embedding_config"), _PROVIDER),
    **dict.fromkeys(
        (
            "api_key",
            "api_keys",
            "auth",
            "client",
            "configurable_clientside_auth_params",
            "default_headers",
            "extra_headers",
            "headers",
            "litellm_credential_name",
            "organization",
            "token",
            "user_config",
            "provider_specific_header",
            "client_id",
            "client_secret",
            "tenant_id",
        ),
        _CREDENTIAL,
    ),
    **dict.fromkeys(
        (
            "api_base",
            "api_type",
            "api_version",
            "base_url",
            "data_residency",
            "deployment_url",
            "extra_body",
            "extra_query",
            "http_client",
            "project",
            "region_name",
            "rust",
            "ssl_certificate",
            "ssl_verify",
        ),
        _ENDPOINT,
    ),
    **dict.fromkeys(("custom_pricing", "tiered_pricing", "pricing"), _PRICE),
}

# Families of them: LiteLLM's integrations each bring more.
REFUSED_PATTERNS: dict[str, str] = {
    r"(aws|azure|vertex|vertex_ai|gcs|s3|sagemaker|watsonx|oci|databricks|snowflake)_.*": _ENDPOINT,
    r".*_(api_base|base_url|endpoint|endpoint_url)": _ENDPOINT,
    r".*_(api_key|credentials|secret|secret_key)": _CREDENTIAL,
    r".*cost_per_.*": _PRICE,
    r"mock_.*": _ANSWER,
}
_FAMILY = re.compile("|".join(f"(?P<f{index}>{pattern})" for index, pattern in enumerate(REFUSED_PATTERNS)), re.DOTALL)
_FAMILIES = list(REFUSED_PATTERNS.values())

# Dropped, always: LiteLLM's knobs that real clients of LiteLLM set without meaning harm. field -> why.
STRIPPED: dict[str, str] = {
    **dict.fromkeys(
        ("num_retries", "max_retries", "retry_policy", "retry_strategy", "max_fallbacks", "disable_fallbacks"),
        "retries multiply a call",
    ),
    **dict.fromkeys(
        ("timeout", "request_timeout", "stream_timeout", "force_timeout", "cooldown_time", "allowed_fails"),
        "time limits are the operator's",
    ),
    **dict.fromkeys(
        ("no-log", "no_log", "turn_off_message_logging", "callbacks", "success_callback", "failure_callback"),
        "logging is what calls are charged by",
    ),
    **dict.fromkeys(("cache", "caching", "ttl"), "a cache is shared between teams"),
    **dict.fromkeys(
        ("tags", "guardrails", "policies", "priority", "prompt_id"), "routing and guards are the operator's"
    ),
    **dict.fromkeys(
        ("litellm_metadata", "litellm_session_id", "litellm_trace_id"), "LiteLLM keeps its own books there"
    ),
}

# Names in the query that mean something to a client's protocol; all others are dropped before LiteLLM reads them.
QUERY: dict[str, str] = {
    "model": "read like the body's `model`, and decided on",
    "key": "the virtual key, on Google's routes",
    "alt": "Google's form of a stream",
    "beta": "sent by Anthropic's clients",
    "client_version": "Codex's form of the model list",
    **dict.fromkeys(("limit", "after_id", "before_id"), "pages of the model list"),
}

# Request headers, by pattern: dropped before LiteLLM reads them. Unknown ones pass.
HEADERS: dict[str, str] = {
    "keys behind the one that LiteLLM takes": "a second credential would travel on to a provider",
    "x-litellm-.* (but x-litellm-api-key)": "by them LiteLLM lets a caller choose models, retries, time limits, tags",
}


def would_choose(field: str) -> str | None:
    """What a body's field of this name would choose, if it is one that is refused. `metadata[x]` is a form's way to
    say `metadata`.
    """
    name = field.partition("[")[0]
    if (choice := REFUSED.get(name)) is not None:
        return choice
    family = _FAMILY.fullmatch(name)
    return None if family is None else _FAMILIES[int(str(family.lastgroup)[1:])]


# Tools by which LiteLLM or a provider would use what is the operator's, by type. -> what they do.
REFUSED_TOOLS: dict[str, str] = {
    r"advisor.*": "would call another model",
    r"file_search": "would search the operator's stores",
    r"mcp at litellm_proxy or a path /mcp/": "would use the operator's MCP servers",
}
_OPERATORS_MCP = re.compile(r"litellm_proxy.*|.*/mcp/.+", re.DOTALL)
_DEEPEST_TOOL = 8


def refused_tools(tools: object, place: str = "tools", depth: int = 0) -> list[tuple[str, str]]:
    """(where, what it would do) for each tool in a request's `tools` that is refused; tools may hold tools."""
    found: list[tuple[str, str]] = []
    for index, tool in enumerate(tools if isinstance(tools, list) else []):
        if not isinstance(tool, dict):
            continue
        where, kind = f"{place}[{index}]", str(tool.get("type", ""))
        if depth > _DEEPEST_TOOL:
            found.append((where, "is nested too deeply"))
        elif kind.startswith("advisor"):
            found.append((where, REFUSED_TOOLS["advisor.*"]))
        elif kind == "file_search":
            found.append((where, REFUSED_TOOLS[kind]))
        elif kind == "mcp" and _OPERATORS_MCP.fullmatch(str(tool.get("server_url", ""))):
            found.append((where, "would use the operator's MCP servers"))
        else:
            found += refused_tools(tool.get("tools"), f"{where}.tools", depth + 1)
    return found


# Inside `metadata`, which LiteLLM fills with its own entries: a client's are short texts, as the vendors define them.
_OURS_IN_METADATA = re.compile(
    r"(user_api_|litellm_|saas_access|model_|deployment|previous_|attempted_|trace_|session_).*"
)
_OTHERS_IN_METADATA = frozenset({"tags", "guardrails", "policies", "headers", "endpoint", "api_base", "caching_groups"})


def clean_metadata(given: object) -> dict[str, str]:
    """What of a client's `metadata` passes: texts, under names that LiteLLM gives no meaning to."""
    if not isinstance(given, dict):
        return {}
    return {
        name: value
        for name, value in given.items()
        if isinstance(name, str)
        and isinstance(value, str)
        and name not in _OTHERS_IN_METADATA
        and not _OURS_IN_METADATA.fullmatch(name)
        and would_choose(name) is None
    }
