"""A decision that begins after an admin write was answered is made on that write, in every worker; and a write
survives kill -9.
"""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest
from running import Proxy, Upstream, configuration, new_proxy, running_proxy
from selling import sell

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
# LiteLLM's way of running several workers is the same for all but the server in front: the long round is uvicorn's.
ROUNDS = {"uvicorn": 100, "gunicorn": 10, "granian": 10}


def once(proxy: Proxy, key: str) -> httpx.Response:
    """One call on a connection of its own, so that either worker may get it."""
    headers = {"authorization": f"Bearer {key}", "connection": "close"}
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=CHAT, headers=headers, timeout=60)


SERVERS = {
    "uvicorn": (),
    "gunicorn": ("--run_gunicorn",),
    "granian": ("--run_granian",),
}


@pytest.mark.parametrize("server", SERVERS)
def test_no_stale_decision_with_two_workers(upstream: Upstream, tmp_path: Path, server: str) -> None:
    config = configuration(upstream)
    with running_proxy(tmp_path, config, server=SERVERS[server], workers=2) as proxy, proxy.admin() as admin:
        customer = sell(proxy, {"chat": "real-a"})
        for _ in range(ROUNDS[server]):
            taken = admin.put(f"/api/teams/{customer.team_id}", json={"access_groups": []})
            assert taken.status_code == 200
            refused = once(proxy, customer.key)
            assert refused.status_code == 403, refused.text
            assert refused.json()["message"] == "Team does not have access to model 'chat'"
            given = admin.put(f"/api/teams/{customer.team_id}", json={"access_groups": customer.groups})
            assert given.status_code == 200
            assert once(proxy, customer.key).status_code == 200
        assert admin.delete(f"/api/model-access-groups/{customer.groups[0]}").status_code == 200
        assert once(proxy, customer.key).status_code == 403


def test_an_answered_write_survives_kill_9(upstream: Upstream, tmp_path: Path) -> None:
    proxy = new_proxy(tmp_path, configuration(upstream))
    try:
        proxy.start()
        customer = sell(proxy, {"chat": "real-a"})
        proxy.stop(signal.SIGKILL)
        proxy.start()
        assert once(proxy, customer.key).status_code == 200
    finally:
        proxy.stop()
