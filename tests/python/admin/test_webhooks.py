from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from receiving import Receiver, running_receiver

from .serving import ADMIN_KEY, Server, answered, created, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .serving import Acme, Client

SECRET = "the-webhooks-secret-of-the-tests"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, receiver: Receiver) -> Iterator[Server]:
    """One that sends, a round at a time."""
    made = make_server(tmp_path, webhook_url=receiver.url, webhook_secret=SECRET)
    yield made
    made.runtime.close()


def listed(operator: Client, query: str = "") -> list[Any]:
    found: list[Any] = answered(operator.get(f"/api/webhooks/events{query}"))["events"]
    return found


def test_a_test_event_is_sent_and_listed(server: Server, operator: Client, receiver: Receiver) -> None:
    made = created(operator.post("/api/webhooks/test"))
    assert listed(operator) == [made]
    assert made == {
        "event_id": made["event_id"],
        "type": "webhook.test",
        "team_id": None,
        "payload": {"type": "webhook.test", "timestamp": made["created_at"], "data": {}},
        "state": "pending",
        "attempts": 0,
        "last_error": None,
        "created_at": made["created_at"],
        "next_attempt_at": made["next_attempt_at"],
        "delivered_at": None,
    }
    server.runtime.upkeep.run_round()
    [sent] = listed(operator)
    assert (sent["state"], sent["attempts"], sent["next_attempt_at"]) == ("delivered", 1, None)
    assert sent["delivered_at"] is not None
    assert receiver.next().headers["webhook-id"] == made["event_id"]


def test_a_dry_run_of_one_writes_nothing(operator: Client) -> None:
    tried = answered(operator.post("/api/webhooks/test?dry_run=true"))
    assert (tried["event_id"], tried["dry_run"]) == (None, True)
    assert listed(operator) == []


def test_what_is_not_delivered_shows_its_error_in_the_list_and_in_health(
    server: Server, operator: Client, receiver: Receiver
) -> None:
    receiver.answer(500)
    created(operator.post("/api/webhooks/test"))
    server.runtime.upkeep.run_round()
    [waiting] = listed(operator)
    assert (waiting["state"], waiting["attempts"], waiting["last_error"]) == ("pending", 1, "the answer was 500")
    [warning] = answered(operator.get("/api/health"))["warnings"]
    assert waiting["event_id"] in warning
    assert SECRET not in operator.get("/api/webhooks/events").text + warning


def test_the_list_comes_in_pages_newest_first(operator: Client) -> None:
    first, second = [created(operator.post("/api/webhooks/test"))["event_id"] for _ in range(2)]
    page = answered(operator.get("/api/webhooks/events?limit=1"))
    assert [event["event_id"] for event in page["events"]] == [second]
    assert [event["event_id"] for event in listed(operator, f"?cursor={page['next_cursor']}")] == [first]


def test_without_an_address_events_are_kept_and_not_sent(tmp_path: Path) -> None:
    made = make_server(tmp_path)
    operator = made.client(ADMIN_KEY)
    assert created(operator.post("/api/webhooks/test"))["state"] == "not_sent"
    made.runtime.upkeep.run_round()
    assert [event["state"] for event in listed(operator)] == ["not_sent"]
    made.runtime.close()


def test_a_balance_that_falls_to_a_threshold_is_told(operator: Client, stocked: Acme, receiver: Receiver) -> None:
    team = "/api/teams/acme-prod"
    balance = "/api/credits/balance?team_id=acme-prod"
    changed = answered(operator.put(team, json={"low_balance_thresholds": [0, 50.5]}))
    assert (changed["low_balance"], changed["low_balance_thresholds"]) == (False, [50.5, 0])
    assert answered(operator.put(team, json={"credits_allocated": 50.5}))["low_balance"] is True
    shown = answered(operator.get(balance))
    assert (shown["low_balance"], shown["low_balance_thresholds"]) == (True, [50.5, 0])
    [event] = listed(operator)
    assert (event["type"], event["team_id"]) == ("credits.low", "acme-prod")
    assert event["payload"]["data"] == {
        "team_id": "acme-prod",
        "organization_id": "org_acme",
        "threshold": 50.5,
        "balance": 50.5,
    }
    answered(operator.post("/api/credits/add", json={"team_id": "acme-prod", "amount": 1}))
    assert answered(operator.get(balance))["low_balance"] is False
    answered(operator.put(team, json={"credits_allocated": 0}))
    assert [event["type"] for event in listed(operator)] == ["credits.exhausted", "credits.low", "credits.low"]
