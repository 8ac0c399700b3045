"""What the installed LiteLLM can be asked: all routes of its application, all names that its calls give a meaning.

Run with an interpreter that has LiteLLM, it prints them as JSON. Routers that LiteLLM loads only with the first request
for one of their paths are loaded here.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Route:
    """`kind` is http, websocket or mount (an application of its own below `template`, with no method)."""

    kind: str
    method: str
    template: str


@functools.cache
def _told() -> dict[str, Any]:
    """Asked in a process of its own: importing the application changes the importing process for good."""
    asked = subprocess.run([sys.executable, __file__], capture_output=True, text=True, timeout=300, check=False)
    assert asked.returncode == 0, asked.stderr[-4000:]
    told: dict[str, Any] = json.loads(asked.stdout.splitlines()[-1])
    return told


def routes() -> list[Route]:
    """Every route, once."""
    return [Route(*found) for found in _told()["routes"]]


def call_parameters() -> list[str]:
    """Every name that LiteLLM or its router reads from a call's arguments or refuses there."""
    return list(_told()["parameters"])


def _routes(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for entry in routes:
        if hasattr(entry, "effective_candidates"):  # an included router stays one entry
            yield from _routes(entry.effective_candidates(), prefix)
            yield from _routes(entry.effective_low_priority_routes(), prefix)
            continue
        # In it, FastAPI wraps each route: an HTTP route's wrapper has the path, others keep it in a route of their own.
        route = entry if getattr(entry, "path", "") else getattr(entry, "starlette_route", None) or entry
        template = prefix + str(getattr(route, "path", ""))
        methods = getattr(route, "methods", None)
        if methods:
            yield from (("http", str(method), template) for method in methods)
        elif "WebSocket" in type(route).__name__:
            yield "websocket", "GET", template
        else:
            yield "mount", "", template
            yield from _routes(getattr(route, "routes", None) or (), template)


def _parameters() -> Iterator[str]:
    import litellm
    from litellm import router
    from litellm.proxy.auth import auth_utils
    from litellm.types.utils import CustomPricingLiteLLMParams, all_litellm_params

    yield from all_litellm_params
    yield from CustomPricingLiteLLMParams.model_fields
    yield from auth_utils._BANNED_REQUEST_BODY_PARAMS
    for call in (litellm.completion, litellm.responses, litellm.anthropic_messages, router.Router.__init__):
        yield from inspect.signature(call).parameters


def main() -> None:
    from litellm.proxy._lazy_features import LAZY_FEATURES
    from litellm.proxy.proxy_server import app

    for feature in LAZY_FEATURES:
        feature.register_fn(app, importlib.import_module(feature.module_path))
    print(json.dumps({"routes": sorted(set(_routes(app.routes))), "parameters": sorted(set(_parameters()))}))


if __name__ == "__main__":
    main()
