"""What LiteLLM's router can reach, read from the running proxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def llm_router() -> Any:
    """The proxy's router; None before the proxy has read its configuration."""
    from litellm.proxy import proxy_server

    return proxy_server.llm_router


def deployments_of(litellm_model: str) -> list[Mapping[str, Any]]:
    """The deployments that may answer for an actual model, wildcards resolved; empty where the proxy can't route it."""
    router = llm_router()
    if router is None:
        return []
    named = router.get_model_list(model_name=litellm_model) or []
    return list(named) or list(router.pattern_router.route(litellm_model) or [])


def can_route(litellm_model: str) -> bool | None:
    """Whether the running proxy has anything for this model; None while it has no router to ask. A pattern and a list
    of models are none, though LiteLLM would take them for some.
    """
    if {"*", ","} & set(litellm_model):
        return False
    return None if llm_router() is None else bool(deployments_of(litellm_model))


def names_of_models() -> list[str]:
    """The names, sorted, that the running proxy's deployments are called by; patterns as they are configured."""
    router = llm_router()
    deployments = (router.get_model_list() or []) if router is not None else []
    return sorted({str(deployment.get("model_name") or "") for deployment in deployments} - {""})


def names_of_deployments(litellm_model: str, deployments: Iterable[Mapping[str, Any]]) -> set[str]:
    """Every name under which an upstream, or LiteLLM itself, may speak of the model behind `litellm_model`, whose
    deployments are given.
    """
    names = {litellm_model}
    for deployment in deployments:
        names.add(str((deployment.get("litellm_params") or {}).get("model") or litellm_model))
    return names | {name.partition("/")[2] for name in names if "/" in name}


def hidden_words() -> set[str]:
    """What no team may read in an error: the names of all deployments and where they are."""
    router = llm_router()
    words: set[str] = set()
    for deployment in (router.get_model_list() or []) if router is not None else []:
        params = deployment.get("litellm_params") or {}
        model = str(params.get("model") or "")
        words |= {
            str(deployment.get("model_name") or ""),
            model,
            model.partition("/")[2],
            str(params.get("api_base") or ""),
        }
        words.add(str((deployment.get("model_info") or {}).get("id") or ""))
    return {word for word in words if word and "*" not in word}
