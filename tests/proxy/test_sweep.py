"""Every route of the installed LiteLLM: it is in the table of what a team may use, or a team's key is refused there.

The list of routes is LiteLLM's own (installed_litellm.py), so a route that a new version brings is asked as well.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from installed_litellm import Route, routes
from running import ADMIN_KEY, MASTER_KEY, Proxy, Upstream
from selling import Customer, sell
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from saas_access.proxy.routes import TEAM_ROUTES, Kind

AT_ONCE = 12
# What any route may want, so that none refuses a request for its form alone.
BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": "hi"}],
    "input": "hi",
    "prompt": "hi",
    "query": "hi",
    "documents": ["hi"],
    "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
    "max_tokens": 9,
    "priority": 0,
    "voice": "alloy",
}
FORM = {"prompt": "hi", "input": "hi"}
OUTSIDE_FORM = {**FORM, "purpose": "batch", "target_model_names": "forbidden"}
FILES = dict.fromkeys(("file", "image"), ("a.jsonl", b'{"body": {"model": "forbidden"}}\n'))
BODY_METHODS = ("POST", "PUT", "PATCH")

# What answers without any key, and why that's none of a team's models.
KEYLESS: dict[str, str] = {
    r"/|/openapi\.json|/redoc|/docs.*|/mcp/(openapi\.json|docs.*|redoc)": "the description of LiteLLM's own interface",
    r"/health/(liveliness|liveness|readiness)": "whether the process lives, for load balancers",
    r"/public/.*": "LiteLLM's catalogues; the one that lists deployments is closed",
    r"(/litellm)?/\.well-known/.*|/v1/mcp/oauth/protected-resource|/mcp/enabled": "how to sign in",
    r"(/.+)?/register|/sso/(cli/start|key/generate|debug/login)|/fallback/login": "the beginning of a sign-in",
    r"/get(_favicon|_image|_logo_url|/ui_theme_settings)|/claude-code/.*": "how the sign-in page looks",
    r"/(ui|_next|litellm-asset-prefix|swagger)/.*": "files of the dashboard and of the interface's description",
    r"/api/event_logging/batch": "takes a client's telemetry and drops it",
}


@dataclass(frozen=True)
class Sent:
    """One request of the sweep."""

    route: Route
    path: str
    form: str
    arguments: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)

    def __str__(self) -> str:
        return f"{self.route.method} {self.path} ({self.form})"


def concrete(template: str, model: str = "forbidden") -> str:
    """A path of this template, with `model` wherever it may name one."""

    def value(match: re.Match[str]) -> str:
        name, _, convertor = match[1].partition(":")
        if "model" in name:
            return model
        return {"int": "1", "path": "v1/chat/completions"}.get(convertor, "x-1")

    return re.sub(r"\{([^}]+)\}", value, template) or "/"


def requests(route: Route, model: str, form: dict[str, str] | None) -> Iterator[Sent]:
    """The route asked in each way in which it can be: with a body as JSON and, given `form`, as forms."""
    path = concrete(route.template, model)
    if route.method not in BODY_METHODS:
        yield Sent(route, path, "plain", {"params": {"model": model}})
        return
    yield Sent(route, path, "JSON", {"json": {**BODY, "model": model}})
    if form is not None:
        yield Sent(route, path, "form", {"data": {**form, "model": model}})
        yield Sent(route, path, "multipart", {"data": {**form, "model": model}, "files": FILES})


def answers(proxy: Proxy, key: str | None, sent: Iterable[Sent]) -> dict[Sent, httpx.Response]:
    """All of them, some at a time. The key goes into each header that a route may read it from."""
    headers = {"authorization": f"Bearer {key}", "x-goog-api-key": key} if key else {}

    async def ask_all() -> dict[Sent, httpx.Response]:
        gate = asyncio.Semaphore(AT_ONCE)
        # A connection for each: the server closes one in which LiteLLM failed, which isn't what is asked here.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=proxy.url, headers=headers, timeout=120, limits=limits) as client:

            async def ask(one: Sent) -> tuple[Sent, httpx.Response]:
                async with gate:
                    return one, await client.request(one.route.method, one.path, **one.arguments)

            return dict(await asyncio.gather(*(ask(one) for one in sent)))

    return asyncio.run(ask_all())


class Telltales:
    """What no answer to anybody but the operator may hold: actual models, deployments' ids, keys and addresses."""

    def __init__(self, proxy: Proxy, upstream: Upstream) -> None:
        with proxy.client(authorization=f"Bearer {MASTER_KEY}") as operator:
            deployments = operator.get("/model/info").json()["data"]
        ids = {deployment["model_info"]["id"] for deployment in deployments}
        assert len(ids) > 1
        words = "|".join(map(re.escape, sorted(ids)))
        names = "a|b|claude|gemini|rerank|failing|cut|forbidden"
        self._pattern = re.compile(
            rf"KEY-\w+|\bup-(?:{names})\b|\breal-(?:{names})\b|127\.0\.0\.1:{upstream.port}|{words}".encode()
        )

    def within(self, received: bytes) -> list[bytes]:
        """What is found, in plain or in anything that may be base64."""
        hidden = b"\n".join(decoded(token) for token in re.findall(rb"[A-Za-z0-9+/_-]{16,}={0,2}", received))
        return sorted(set(self._pattern.findall(received) + self._pattern.findall(hidden)))


def decoded(token: bytes) -> bytes:
    """A token's bytes, without a prefix such as `resp_`; empty if it isn't base64."""
    for text in {token, token.partition(b"_")[2]}:
        try:
            plain = base64.urlsafe_b64decode(text.replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=") + b"==")
        except binascii.Error:
            continue
        if plain.isascii():
            return plain
    return b""


@pytest.fixture(scope="module")
def telltales(proxy: Proxy, upstream: Upstream) -> Telltales:
    return Telltales(proxy, upstream)


def received(answer: httpx.Response) -> bytes:
    return b"\n".join([*(b"%s: %s" % header for header in answer.headers.raw), answer.content])


def assert_tells_nothing(telltales: Telltales, got: dict[Sent, httpx.Response]) -> None:
    told = {str(one): found for one, answer in got.items() if (found := telltales.within(received(answer)))}
    assert told == {}


def is_keyless(path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in KEYLESS)


def succeeded(got: dict[Sent, httpx.Response]) -> list[str]:
    """The requests that were answered though their route isn't for everybody."""
    return [
        f"{one}: {answer.status_code} {answer.text[:200]}"
        for one, answer in got.items()
        if answer.status_code < 400 and not is_keyless(one.path)
    ]


def is_in_table(route: Route) -> bool:
    return (route.method, route.template) in TEAM_ROUTES


def http_routes() -> list[Route]:
    """All of them; an application of its own below a path is asked as if it were two."""
    found = [route for route in routes() if route.kind == "http"]
    mounts = [route.template for route in routes() if route.kind == "mount"]
    return [*found, *(Route("http", method, f"{mount}/x-1") for mount in mounts for method in ("GET", "POST"))]


def inside(model: str = "", *, form: dict[str, str] = FORM) -> list[Sent]:
    """The table's routes, asked for `model`, else for an alias that the customer below was sold."""

    def alias(route: Route) -> str:
        return "ranker" if "rerank" in route.template else "chat"

    table = [route for route in http_routes() if is_in_table(route)]
    return [sent for route in table for sent in requests(route, model or alias(route), form)]


def kind(sent: Sent) -> Kind:
    return TEAM_ROUTES[sent.route.method, sent.route.template].kind


@pytest.fixture
def buyer(proxy: Proxy) -> Customer:
    return sell(proxy, {"chat": "real-a", "ranker": "real-rerank"})


def test_the_table_names_only_routes_that_exist() -> None:
    exist = {(route.method, route.template.replace(":path", "")) for route in http_routes()}
    assert [entry for entry in TEAM_ROUTES if (entry[0], entry[1].replace(":path", "")) not in exist] == []
    assert len(exist) > 900


def test_a_team_gets_nothing_outside_the_table(
    proxy: Proxy, buyer: Customer, seen: Upstream, telltales: Telltales
) -> None:
    outside = [route for route in http_routes() if not is_in_table(route)]
    got = answers(proxy, buyer.key, [sent for route in outside for sent in requests(route, "forbidden", OUTSIDE_FORM)])
    assert succeeded(got) == []
    assert seen.seen() == []
    assert_tells_nothing(telltales, got)
    assert buyer.balance()["credits_used"] == 0


@pytest.mark.parametrize("key", [None, ADMIN_KEY], ids=["no key", "admin key"])
def test_who_is_no_team_gets_nothing_anywhere(
    proxy: Proxy, seen: Upstream, telltales: Telltales, key: str | None
) -> None:
    got = answers(proxy, key, [sent for route in http_routes() for sent in requests(route, "chat", None)])
    assert succeeded(got) == []
    assert seen.seen() == []
    assert_tells_nothing(telltales, got)


def test_the_table_s_routes_reach_what_was_granted_and_nothing_else(
    proxy: Proxy, buyer: Customer, seen: Upstream, telltales: Telltales
) -> None:
    got = answers(proxy, buyer.key, inside())
    answered = [sent for sent, answer in got.items() if answer.status_code == 200]
    assert {sent.route for sent in got} == {sent.route for sent in answered}
    assert [str(sent) for sent, answer in got.items() if answer.status_code in (502, 503)] == []  # failures of ours
    reached = {(call["model"], call["key"]) for call in seen.seen()}
    assert reached == {("up-a", "KEY-real-a"), ("up-rerank", "KEY-real-rerank")}
    assert_tells_nothing(telltales, got)
    assert buyer.balance()["credits_used"] == sum(kind(sent) is Kind.CALL for sent in answered)


def test_the_table_s_routes_refuse_what_was_not_granted(
    proxy: Proxy, buyer: Customer, seen: Upstream, telltales: Telltales
) -> None:
    got = answers(proxy, buyer.key, inside("forbidden"))
    assert {
        str(sent) for sent, answer in got.items() if answer.status_code < 400 and kind(sent) is not Kind.LIST
    } == set()
    refused = {
        answer.status_code for sent, answer in got.items() if sent.form == "JSON" and "audio/trans" not in sent.path
    }
    assert refused == {403}
    assert seen.seen() == []
    assert_tells_nothing(telltales, got)
    assert buyer.balance()["credits_used"] == 0


@pytest.mark.parametrize("carried", ["header", "subprotocol"])
def test_no_websocket_opens_for_a_team(proxy: Proxy, buyer: Customer, seen: Upstream, carried: str) -> None:
    header = {"additional_headers": {"authorization": f"Bearer {buyer.key}"}}
    subprotocol = {"subprotocols": ["realtime", f"openai-insecure-api-key.{buyer.key}"]}
    how: dict[str, Any] = header if carried == "header" else subprotocol

    async def is_refused(route: Route, model: str) -> bool:
        url = f"ws://127.0.0.1:{proxy.port}{concrete(route.template)}?model={model}"
        try:
            async with connect(url, open_timeout=60, **how):
                return False
        except InvalidStatus as refusal:
            return refusal.response.status_code in (401, 403)

    sockets = [(route, model) for route in routes() if route.kind == "websocket" for model in ("chat", "forbidden")]
    assert len(sockets) >= 16
    opened = [str(socket) for socket in sockets if not asyncio.run(is_refused(*socket))]
    assert opened == []
    assert seen.seen() == []
