"""A proxy that is set up wrongly doesn't start, or refuses calls; and says what is wrong."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from running import MASTER_KEY, Upstream, configuration, new_proxy, running_proxy
from selling import sell

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def log_of_failed_start(tmp_path: Path, config: dict[str, Any], **environment: str) -> str:
    proxy = new_proxy(tmp_path, config)
    proxy.environment.update(environment)
    with proxy.log.open("wb") as output:
        ended = subprocess.run(
            proxy.command, cwd=tmp_path, env=proxy.environment, stdout=output, stderr=output, timeout=120, check=False
        )
    assert ended.returncode != 0
    return " ".join(proxy.log.read_text().split())  # some printed lines are folded to the terminal's width


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"locl_admin": True}, "locl_admin"),
        ({"local_admin": "perhaps"}, "local_admin"),
        ({"database_url": "mysql://x"}, "'mysql://...' can't be used"),
        ({"admin_key": "os.environ/NOT_SET_ANYWHERE"}, "admin_key - has no value"),
        ({"bootstrap": {"access_groups": [{"group_name": "g", "model_aliases": ["nowhere"]}]}}, "nowhere"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    upstream: Upstream, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    assert message in log_of_failed_start(tmp_path, configuration(upstream, **settings))


def test_a_database_that_cannot_be_used_stops_the_start(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"this is no database, but it is long enough to be looked at " * 20)
    assert "store.db" in log_of_failed_start(tmp_path, configuration(upstream))


def test_a_database_of_a_newer_schema_stops_the_start(upstream: Upstream, tmp_path: Path) -> None:
    config = configuration(upstream)
    with running_proxy(tmp_path, config):
        pass
    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("PRAGMA user_version = 99")
    log = log_of_failed_start(tmp_path, config)
    assert "store.db" in log
    assert "99" in log


def test_the_compiled_path_is_refused(upstream: Upstream, tmp_path: Path) -> None:
    assert "LITELLM_RUST" in log_of_failed_start(tmp_path, configuration(upstream), LITELLM_RUST="1")


def test_without_the_callback_every_call_is_refused(upstream: Upstream, tmp_path: Path) -> None:
    config = configuration(upstream, local_admin=True)
    del config["litellm_settings"]["callbacks"]
    with running_proxy(tmp_path, config) as proxy:
        customer = sell(proxy, {"chat": "real-a"})
        upstream.forget()
        with customer.client() as client:
            refused = client.post("/v1/chat/completions", json=CHAT)
        assert refused.status_code == 503, refused.text
        assert refused.json()["reason"] == "hook_missing"
        assert "access_hook" in refused.json()["message"]
        assert upstream.seen() == []
        with proxy.client(authorization=f"Bearer {MASTER_KEY}") as operator:
            health = operator.get("/api/health")
        assert health.status_code == 503
        assert health.json()["hook_loaded"] is False


def test_a_store_that_becomes_unreadable_refuses_calls_and_recovers(upstream: Upstream, tmp_path: Path) -> None:
    with running_proxy(tmp_path, configuration(upstream)) as proxy:
        customer = sell(proxy, {"chat": "real-a"})
        upstream.forget()
        (tmp_path / "store.db").rename(tmp_path / "moved.db")
        with customer.client() as client:
            refused = client.post("/v1/chat/completions", json=CHAT)
            while refused.status_code == 200:  # until the check, once a second, has noticed
                refused = client.post("/v1/chat/completions", json=CHAT)
            assert refused.status_code == 503, refused.text
            assert refused.json()["reason"] == "store_unavailable"
            upstream.forget()
            assert client.post("/v1/chat/completions", json=CHAT).status_code == 503
            assert upstream.seen() == []
            (tmp_path / "moved.db").rename(tmp_path / "store.db")
            while client.post("/v1/chat/completions", json=CHAT).status_code == 503:
                pass
            assert client.post("/v1/chat/completions", json=CHAT).status_code == 200
