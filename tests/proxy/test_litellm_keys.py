"""The second mode: a proxy that keeps LiteLLM's own keys. The callback alone; the team is the one the key names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running import Proxy, Upstream, configuration, running_proxy
from selling import sell

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
# LiteLLM's own keys live in its PostgreSQL; an authentication that names a team as they do stands in for it.
OWN_KEYS = """
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

async def own_keys(request, api_key):
    role = LitellmUserRoles.PROXY_ADMIN if api_key == "sk-admin" else LitellmUserRoles.INTERNAL_USER
    team = None if api_key in ("sk-admin", "sk-teamless") else api_key.removeprefix("sk-of-")
    return UserAPIKeyAuth(api_key=api_key, team_id=team, user_role=role)
"""


@pytest.fixture(scope="module")
def own_keys_proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder: Path = tmp_path_factory.mktemp("own-keys")
    (folder / "own_keys_for_tests.py").write_text(OWN_KEYS)
    config = configuration(upstream)
    config["general_settings"]["custom_auth"] = "own_keys_for_tests.own_keys"
    with running_proxy(folder, config) as proxy:
        yield proxy


def test_the_team_of_the_key_decides(own_keys_proxy: Proxy, seen: Upstream) -> None:
    customer = sell(own_keys_proxy, {"chat": "real-a"}, credits_allocated=1)
    with own_keys_proxy.client(authorization=f"Bearer sk-of-{customer.team_id}") as client:
        assert [row["id"] for row in client.get("/v1/models").json()["data"]] == ["chat"]
        answer = client.post("/v1/chat/completions", json=CHAT)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == "chat"
        refused = client.post("/v1/chat/completions", json={**CHAT, "model": "forbidden"})
        assert (refused.status_code, refused.json()["reason"]) == (403, "model_not_granted")
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 402
        counted = client.post("/v1/messages/count_tokens", json={**CHAT, "model": "forbidden"})
        assert counted.status_code == 403
        queued = client.post("/queue/chat/completions", json={**CHAT, "model": "forbidden", "priority": 0})
        assert queued.status_code >= 400
    assert seen.models() == ["up-a"]


@pytest.mark.parametrize("key", ["sk-of-nobody", "sk-teamless"])
def test_a_key_of_no_team_we_know_may_call_nothing(own_keys_proxy: Proxy, seen: Upstream, key: str) -> None:
    with own_keys_proxy.client(authorization=f"Bearer {key}") as client:
        refused = client.post("/v1/chat/completions", json={**CHAT, "model": "real-a"})
        assert client.get("/v1/models").json()["data"] == []
    assert refused.status_code == 403, refused.text
    assert refused.json()["available_models"] == []
    assert "No models are available." in refused.json()["error"]["message"]
    assert seen.seen() == []


def test_the_proxys_administrator_is_not_a_team(own_keys_proxy: Proxy, seen: Upstream) -> None:
    with own_keys_proxy.client(authorization="Bearer sk-admin") as client:
        assert "forbidden" in [row["id"] for row in client.get("/v1/models").json()["data"]]
        assert client.post("/v1/chat/completions", json={**CHAT, "model": "forbidden"}).status_code == 200
    assert seen.models() == ["up-forbidden"]


def test_nothing_outside_of_the_table_answers_a_team(own_keys_proxy: Proxy, seen: Upstream) -> None:
    customer = sell(own_keys_proxy, {"chat": "real-a"})
    paths = ["/model/info", "/v1/model/info", "/model_group/info", "/v1/files", "/router/settings", "/health"]
    with own_keys_proxy.client(authorization=f"Bearer sk-of-{customer.team_id}") as client:
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 403, (path, answer.text)
            assert answer.json()["reason"] == "route_not_allowed", path
            assert "real-a" not in answer.text
    assert seen.seen() == []
    with own_keys_proxy.client(authorization="Bearer sk-admin") as admin:
        assert "real-a" in admin.get("/model/info").text


def test_what_is_refused_by_name_is_refused_here_too(own_keys_proxy: Proxy, seen: Upstream) -> None:
    customer = sell(own_keys_proxy, {"chat": "real-a"})
    with own_keys_proxy.client(authorization=f"Bearer sk-of-{customer.team_id}") as client:
        answer = client.post("/v1/chat/completions", json={**CHAT, "fallbacks": ["forbidden"]})
    assert answer.status_code == 422, answer.text
    assert seen.seen() == []
