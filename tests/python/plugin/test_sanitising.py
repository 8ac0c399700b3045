"""What of a request's body passes, by the tables."""

from __future__ import annotations

from typing import Any

import pytest

from saas_access import request_fields
from saas_access.proxy.routes import TEAM_ROUTES, Kind, route_of_path
from saas_access.proxy.sanitising import clean
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
