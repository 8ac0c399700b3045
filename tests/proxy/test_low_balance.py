"""Real calls that bring a team's balance to a threshold, and the webhook that tells of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from receiving import Received, running_receiver
from running import Proxy, Upstream, configuration, running_proxy
from selling import Customer, sell

SECRET = "the-webhooks-secret-of-the-tests"
CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def call(customer: Customer) -> int:
    with customer.client() as client:
        return client.post("/v1/chat/completions", json=CHAT).status_code


def events(proxy: Proxy) -> list[Any]:
    with proxy.admin() as admin:
        found: list[Any] = admin.get("/api/webhooks/events").json()["events"]
        return found


def signed(came: Received) -> bool:
    text = f"{came.headers['webhook-id']}.{came.headers['webhook-timestamp']}.".encode() + came.body
    expected = base64.b64encode(hmac.digest(SECRET.encode(), text, hashlib.sha256)).decode()
    return came.headers["webhook-signature"] == f"v1,{expected}"


def test_calls_that_cross_a_threshold_are_told_of_also_after_a_restart(upstream: Upstream, tmp_path: Path) -> None:
    with running_receiver() as receiver:
        config = configuration(upstream, webhook_url=receiver.url, webhook_secret=SECRET)
        with running_proxy(tmp_path / "proxy", config) as proxy:
            customer = sell(proxy, {"chat": "real-a"}, credits_allocated=3, low_balance_thresholds=[2, 0])
            receiver.answer(500)
            assert [call(customer) for _ in range(4)] == [200, 200, 200, 402]
            came = [receiver.next(), receiver.next()]
            assert all(signed(each) for each in came)
            low, exhausted = (json.loads(each.body) for each in came)
            assert (low["type"], low["data"]["threshold"], low["data"]["balance"]) == ("credits.low", 2, 2)
            assert (exhausted["type"], exhausted["data"]["balance"]) == ("credits.exhausted", 0)
            assert low["data"]["team_id"] == customer.team_id
            assert customer.balance()["low_balance"] is True
            proxy.stop()
            proxy.start()
            again = receiver.next()
            assert signed(again)
            assert (again.headers["webhook-id"], again.body) == (came[0].headers["webhook-id"], came[0].body)
