"""`GET /v1/models` shows a team exactly what its key may call, in each shape that LiteLLM serves."""

from __future__ import annotations

from typing import Any

import pytest
from running import Proxy
from selling import Customer, sell

MESSAGES = [{"role": "user", "content": "hi"}]
MODELS = {"list-b": "real-a", "list/a": "real-b", "list-claude": "real-claude"}


@pytest.fixture
def lister(proxy: Proxy) -> Customer:
    return sell(proxy, MODELS)


def get(customer: Customer, path: str, **headers: str) -> Any:
    with customer.client(**headers) as client:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    for hidden in ("real-", "up-", "forbidden"):
        assert hidden not in answer.text
    return answer.json()


@pytest.mark.parametrize(
    "path", ["/v1/models", "/models", "/v1/models?limit=1000", "/v1/models?return_wildcard_routes=true"]
)
def test_openais_shape(lister: Customer, path: str) -> None:
    listed = get(lister, path)
    assert listed["object"] == "list"
    assert [row["id"] for row in listed["data"]] == list(MODELS)
    assert {row["object"] for row in listed["data"]} == {"model"}
    assert all(isinstance(row["created"], int) and row["owned_by"] for row in listed["data"])


def test_anthropics_shape(lister: Customer) -> None:
    listed = get(lister, "/v1/models", **{"anthropic-version": "2023-06-01"})
    assert [(row["type"], row["id"], row["display_name"]) for row in listed["data"]] == [
        ("model", alias, alias) for alias in MODELS
    ]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("list-b", "list-claude", False)


def test_claude_codes_shape_and_its_names_can_be_called(lister: Customer) -> None:
    headers = {"anthropic-version": "2023-06-01", "user-agent": "claude-code/2.1"}
    listed = get(lister, "/v1/models", **headers)
    assert [row["source_model"] for row in listed["data"]] == list(MODELS)
    assert listed["data"][0]["id"] == "claude-router-" + b"list-b".hex()
    with lister.client() as client:
        for row in listed["data"]:
            body = {"model": row["id"], "messages": MESSAGES, "max_tokens": 5}
            answer = client.post("/v1/messages", json=body)
            assert answer.status_code == 200, answer.text
            assert answer.json()["model"] == row["source_model"]


def test_codexs_shape(lister: Customer) -> None:
    listed = get(lister, "/v1/models?client_version=0.159.3")
    if "models" in listed:
        assert {row["slug"] for row in listed["models"]} == set(MODELS)
    else:  # LiteLLM has had it since 1.106
        assert [row["id"] for row in listed["data"]] == list(MODELS)


def test_one_model_by_its_alias(lister: Customer) -> None:
    assert get(lister, "/v1/models/list-b")["id"] == "list-b"
    assert get(lister, "/v1/models/list/a")["id"] == "list/a"
    with lister.client() as client:
        missing = client.get("/v1/models/real-a")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "model_not_found"


def test_the_list_agrees_with_the_decision_and_the_admin_api(proxy: Proxy, lister: Customer) -> None:
    with proxy.admin() as admin:
        admin.put("/api/model-aliases/list-claude", json={"active": False})
        team = admin.get(f"/api/teams/{lister.team_id}").json()
    try:
        listed = [row["id"] for row in get(lister, "/v1/models")["data"]]
        assert listed == team["available_models"] == ["list-b", "list/a"]
        with lister.client() as client:
            for alias in MODELS:
                answer = client.post("/v1/chat/completions", json={"model": alias, "messages": MESSAGES})
                assert (answer.status_code == 200) == (alias in listed)
    finally:
        with proxy.admin() as admin:
            admin.put("/api/model-aliases/list-claude", json={"active": True})


def test_a_narrowed_key_lists_and_calls_only_its_own(proxy: Proxy, lister: Customer) -> None:
    with proxy.admin() as admin:
        made = admin.post(f"/api/teams/{lister.team_id}/keys", json={"model_aliases": ["list/a"]}).json()
    narrowed = Customer(proxy, lister.team_id, made["virtual_key"], lister.groups)
    assert [row["id"] for row in get(narrowed, "/v1/models")["data"]] == ["list/a"]
    with narrowed.client() as client:
        refused = client.post("/v1/chat/completions", json={"model": "list-b", "messages": MESSAGES})
    assert refused.status_code == 403
    assert refused.json()["available_models"] == ["list/a"]


def test_a_suspended_team_still_sees_its_models(proxy: Proxy, lister: Customer) -> None:
    with proxy.admin() as admin:
        admin.put(f"/api/teams/{lister.team_id}/suspend")
    assert [row["id"] for row in get(lister, "/v1/models")["data"]] == list(MODELS)
    with lister.client() as client:
        refused = client.post("/v1/chat/completions", json={"model": "list-b", "messages": MESSAGES})
    assert (refused.status_code, refused.json()["reason"]) == (403, "team_suspended")
    assert refused.json()["error"]["message"].startswith("Team suspended: ")
