"""What of a request's body passes, by the tables."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message

from saas_access import request_fields
from saas_access.proxy.request_state import RequestState
from saas_access.proxy.routes import TEAM_ROUTES, Kind, TeamRoute, route_of_path
from saas_access.proxy.sanitising import clean, sanitised
from saas_access.refusal import RequestRefusedError
from saas_access.settings import Settings, SettingsError

CHAT = TEAM_ROUTES["POST", "/v1/chat/completions"]


def cleaned(body: dict[str, Any], **settings: Any) -> tuple[dict[str, Any], list[str]]:
    """What is left, and the fields that are refused."""
    answer = clean(body, CHAT, Settings.parse(settings))
    return body, [name for name, _ in answer.details] if answer else []


def test_no_table_lets_through_what_another_refuses() -> None:
    for route in TEAM_ROUTES.values():
        for name in route.fields:
            assert request_fields.would_choose(name) is None, name
            assert name not in request_fields.STRIPPED, name
    assert not set(request_fields.REFUSED) & set(request_fields.STRIPPED)
    assert [name for name in request_fields.STRIPPED if request_fields.would_choose(name)] == []


def test_every_route_that_takes_a_body_says_what_it_may_hold() -> None:
    for key, route in TEAM_ROUTES.items():
        assert (route.kind is Kind.LIST) == (not route.fields), key


def test_what_the_table_lists_passes_as_it_is() -> None:
    body = {"model": "chat", "messages": [{"role": "user"}], "seed": 7, "store": False, "tools": [{"type": "function"}]}
    assert cleaned(dict(body)) == (body, [])


def test_unknown_fields_are_dropped_or_refused_as_the_operator_says() -> None:
    body = {"model": "chat", "unheard_of": 1, "num_retries": 9, "also_null": None}
    assert cleaned(dict(body)) == ({"model": "chat"}, [])
    assert cleaned(dict(body), unknown_fields="refuse") == ({"model": "chat"}, ["unheard_of", "num_retries"])
    assert cleaned(dict(body), extra_fields=["unheard_of"]) == ({"model": "chat", "unheard_of": 1}, [])


@pytest.mark.parametrize(
    "name",
    [
        "api_base",
        "api_key",
        "models",
        "fallbacks",
        "input_cost_per_second",
        "mock_delay",
        "vertex_project",
        "x_api_key",
    ],
)
def test_what_would_choose_more_than_an_alias_is_refused_unless_null(name: str) -> None:
    assert cleaned({"model": "chat", name: "x"}) == ({"model": "chat"}, [name])
    assert cleaned({"model": "chat", name: None}) == ({"model": "chat"}, [])
    assert cleaned({"model": "chat", f"{name}[0]": "x"})[1] == [f"{name}[0]"]


@pytest.mark.parametrize("name", ["api_base", "num_retries"])
def test_no_setting_lets_such_a_field_through(name: str) -> None:
    with pytest.raises(SettingsError, match=f"'{name}' can't be let through"):
        Settings.parse({"extra_fields": [name]})


def test_metadata_is_a_clients_own_short_texts() -> None:
    given = {
        "customer": "42",
        "user_id": '{"device": 1}',
        "tags": "free",
        "model_group": "forbidden",
        "user_api_key_team_id": "other",
        "api_base": "http://x",
        "list": ["x"],
        "number": 1,
    }
    body, found = cleaned({"model": "chat", "metadata": given})
    assert (body["metadata"], found) == ({"customer": "42", "user_id": '{"device": 1}'}, [])
    assert cleaned({"model": "chat", "metadata": "text"})[0]["metadata"] == {}


@pytest.mark.parametrize(
    ("tool", "where"),
    [
        ({"type": "advisor_20260301", "model": "forbidden"}, "tools[0]"),
        ({"type": "file_search", "vector_store_ids": ["vs"]}, "tools[0]"),
        ({"type": "mcp", "server_url": "litellm_proxy"}, "tools[0]"),
        ({"type": "mcp", "server_url": "https://proxy.example/mcp/jira"}, "tools[0]"),
        ({"type": "namespace", "tools": [{"type": "function"}, {"type": "file_search"}]}, "tools[0].tools[1]"),
    ],
)
def test_tools_that_use_what_is_the_operators_are_refused(tool: dict[str, Any], where: str) -> None:
    assert cleaned({"model": "chat", "tools": [tool]})[1] == [where]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f"}},
        {"type": "web_search", "external_web_access": True},
        {"type": "mcp", "server_url": "https://mcp.example/sse"},
        {"name": "Read", "input_schema": {}, "defer_loading": True},
        {"functionDeclarations": [{"name": "f"}]},
    ],
)
def test_other_tools_pass(tool: dict[str, Any]) -> None:
    assert cleaned({"model": "chat", "tools": [tool]})[1] == []


def test_tools_nested_without_end_are_refused() -> None:
    tool: dict[str, Any] = {"type": "advisor_1"}
    for _ in range(50):
        tool = {"type": "namespace", "tools": [tool]}
    assert len(cleaned({"model": "chat", "tools": [tool]})[1]) == 1


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("POST", "/v1/chat/completions", "/v1/chat/completions"),
        ("POST", "/engines/acme/x/chat/completions", "/engines/{model:path}/chat/completions"),
        ("POST", "/v1beta/models/acme/x:generateContent", "/v1beta/models/{model_name:path}:generateContent"),
        ("GET", "/v1/models/acme/x", "/v1/models/{model_id:path}"),
        ("GET", "/v1/chat/completions", None),
        ("POST", "/v1/messages/batches", None),
        ("POST", "/v1/chat/completions/", None),
    ],
)
def test_a_path_finds_its_entry_as_litellms_router_does(method: str, path: str, template: str | None) -> None:
    assert route_of_path(method, path) is (TEAM_ROUTES[method, template] if template else None)


TRANSCRIPTION = TEAM_ROUTES["POST", "/v1/audio/transcriptions"]


def sent(body: bytes, content_type: str, route: TeamRoute = CHAT, query: str = "") -> tuple[RequestState, bytes]:
    """What reaches LiteLLM of a request."""
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": query.encode(), "headers": headers}
    state = RequestState(request_id="req_1", scope=scope)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def passed_on() -> bytes:
        return bytes((await (await sanitised(state, route, receive, Settings()))())["body"])

    return state, asyncio.run(passed_on())


def part(name: str, value: str, *, also: str = "") -> str:
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{also}\r\n\r\n{value}\r\n'


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; form", "text/plain", "application/x-www-form-urlencoded"]
)
def test_an_object_in_the_body_is_json_whatever_it_is_called(content_type: str) -> None:
    state, body = sent(b'{"model": "chat", "tags": ["x"], "tags": ["y"]}', content_type, query="a=1&model=chat")
    assert json.loads(body) == {"model": "chat"}
    assert state.sanitised
    headers = dict(state.scope["headers"])
    assert headers[b"content-type"] == b"application/json"
    assert int(headers[b"content-length"]) == len(body)
    assert state.scope["query_string"] == b"model=chat"


def test_a_form_keeps_the_parts_that_pass() -> None:
    kept = part("model", "chat") + part("file", "RIFF", also='; filename="a.wav"') + part("include[]", "logprobs")
    dropped = part("tags[]", "x") + part("metadata[tags]", "x") + part("temper", "1") + "--B\r\nX: y\r\n\r\nz\r\n"
    header = "Content-Disposition: form-data; name"
    twice = f'--B\r\n{header}="model"\r\n{header}="tags"\r\n\r\nx\r\n'
    state, body = sent(
        (kept + dropped + twice + "--B--\r\n").encode(), "multipart/form-data; boundary=B", TRANSCRIPTION
    )
    assert body == (kept + "--B--\r\n").encode()
    assert state.sanitised
    assert state.bad_request is None


def test_a_form_that_would_choose_more_is_refused_by_name() -> None:
    body = (part("model", "chat") + part("models[]", "forbidden") + "--B--\r\n").encode()
    state, _ = sent(body, "multipart/form-data; boundary=B", TRANSCRIPTION)
    assert state.bad_request is not None
    assert state.bad_request.details == (("models", "would choose another model"),)


def test_pairs_of_a_form_are_cut_too() -> None:
    state, body = sent(
        b"model=ch%C3%A4t&tags=x&a;model=y&prompt=1;tags=2", "application/x-www-form-urlencoded", TRANSCRIPTION
    )
    assert body == b"model=ch%C3%A4t&prompt=1%3Btags%3D2"
    assert state.sanitised


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"--C\r\n", b"\xff"])
def test_a_body_of_no_known_kind_is_marked_by_nobody(body: bytes) -> None:
    state, passed_on = sent(body, "multipart/form-data; boundary=B")
    assert passed_on == body
    assert not state.sanitised


def test_a_body_nested_without_end_is_refused() -> None:
    body = b'{"model": "chat", "x": 1, "stop": ' + b"[" * 1000 + b"]" * 1000 + b"}"
    with pytest.raises(RequestRefusedError, match="nested not too deeply"):
        sent(body, "application/json")
