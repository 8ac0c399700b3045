from __future__ import annotations

import json
import multiprocessing
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from receiving import DRIP, HANG, Receiver, running_receiver

from saas_access import webhooks
from saas_access._core import Engine, WebhookEvent
from saas_access.webhooks import WebhookSender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = b"the-secret-of-these-tests"
DOCUMENT = Path(__file__).parents[2] / "docs" / "credits.md"
SECOND = 1000
DAY = 24 * 3600 * SECOND


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@dataclass
class Desk:
    """A store with events, and whoever sends them. Its clock is ahead of the store's, and moves when it is told."""

    database: str
    receiver: Receiver
    engine: Engine
    now_ms: int

    def sender(self) -> WebhookSender:
        return WebhookSender(engine=self.engine, url=self.receiver.url, key=KEY, clock=lambda: self.now_ms)

    def add(self) -> str:
        event, _ = self.engine.add_test_webhook_event()
        return event.event_id

    def event(self) -> WebhookEvent:
        [found], _ = self.engine.list_webhook_events()
        return found

    def pass_pause(self) -> None:
        next_ms = self.event().next_attempt_at_ms
        assert next_ms is not None
        self.now_ms = next_ms


@pytest.fixture
def desk(tmp_path: Path, receiver: Receiver) -> Iterator[Desk]:
    database = str(tmp_path / "test.db")
    engine = Engine(database=database)
    made = Desk(database, receiver, engine, engine.now_ms() + SECOND)
    yield made
    made.engine.close()


def verifier() -> Callable[..., Any]:
    """The documentation's example."""
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), found)
    return found["verified"]  # type: ignore[no-any-return]


def test_an_event_is_posted_once_and_signed(desk: Desk) -> None:
    event_id = desk.add()
    assert desk.sender().send_due() is None
    assert desk.sender().send_due() is None
    [came] = desk.receiver.all()
    assert came.headers["webhook-id"] == event_id
    assert came.headers["content-type"] == "application/json"
    assert json.loads(came.body)["type"] == "webhook.test"
    assert verifier()(came.headers, came.body, KEY.decode(), now=desk.now_ms // SECOND) == json.loads(came.body)
    assert (desk.event().attempts, desk.event().delivered_at_ms) == (1, desk.now_ms)


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"{}"},
        {"secret": "another-secret-of-24-chars"},
        {"webhook-id": "evt_other"},
        {"webhook-timestamp": "1"},
        {"webhook-signature": "v1,"},
        {"late": 3600},
    ],
)
def test_the_documented_check_refuses_what_was_changed(desk: Desk, change: dict[str, Any]) -> None:
    desk.add()
    desk.sender().send_due()
    came = desk.receiver.next()
    changed = dict(change)
    body = changed.pop("body", came.body)
    secret = changed.pop("secret", KEY.decode())
    now = desk.now_ms // SECOND + changed.pop("late", 0)
    with pytest.raises(ValueError, match="webhook"):
        verifier()(came.headers | changed, body, secret, now=now)


def test_a_signature_is_that_of_the_standard() -> None:
    """The example of the Standard Webhooks libraries."""
    key = webhooks.signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = webhooks.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("status", "error"), [(500, "the answer was 500"), (301, "the answer was 301"), (404, "the answer was 404")]
)
def test_what_is_not_accepted_is_tried_again_under_the_same_id(desk: Desk, status: int, error: str) -> None:
    event_id = desk.add()
    desk.receiver.answer(status)
    assert desk.sender().send_due() == f"Webhook event '{event_id}' is not delivered so far: {error}."
    assert desk.event().last_error == error
    assert len(desk.receiver.all()) == 1
    desk.pass_pause()
    assert desk.sender().send_due() is None
    [came] = desk.receiver.all()
    assert came.headers["webhook-id"] == event_id
    assert desk.event().delivered_at_ms is not None


@pytest.mark.parametrize("how", [HANG, DRIP])
def test_a_receiver_that_hangs_is_left_after_the_time_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, how: int
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.5)
    desk.add()
    desk.receiver.answer(how)
    desk.sender().send_due()
    assert desk.event().last_error == "no answer came within 0.5 s"
    desk.pass_pause()
    assert desk.sender().send_due() is None


def test_no_receiver_at_all_is_told_without_the_address(desk: Desk) -> None:
    desk.add()
    sender = WebhookSender(engine=desk.engine, url="http://127.0.0.1:9/secret-path", key=KEY, clock=lambda: desk.now_ms)
    sender.send_due()
    error = desk.event().last_error
    assert error is not None
    assert "ConnectError" in error
    assert "secret-path" not in error


def test_an_event_outlives_the_process(desk: Desk) -> None:
    event_id = desk.add()
    desk.receiver.answer(503)
    desk.sender().send_due()
    desk.engine.close()
    desk.engine = Engine(database=desk.database)
    desk.pass_pause()
    desk.sender().send_due()
    assert [came.headers["webhook-id"] for came in desk.receiver.all()] == [event_id, event_id]
    assert desk.event().delivered_at_ms is not None


def test_what_a_process_took_and_died_with_is_sent_by_another(desk: Desk) -> None:
    event_id = desk.add()
    assert desk.engine.claim_webhook_event(now_ms=desk.now_ms, lease_ms=60 * SECOND) is not None
    desk.sender().send_due()
    assert desk.receiver.all() == []
    desk.now_ms += 60 * SECOND
    desk.sender().send_due()
    assert desk.receiver.next().headers["webhook-id"] == event_id


def test_pauses_double_from_seconds_to_hours_and_end_after_days(desk: Desk) -> None:
    desk.add()
    pauses = []
    while True:
        desk.receiver.answer(500)
        desk.sender().send_due()
        next_ms = desk.event().next_attempt_at_ms
        if next_ms is None:
            break
        pauses.append(next_ms - desk.now_ms)
        desk.now_ms = next_ms
    for number, pause in enumerate(pauses):
        longest = min(5 * SECOND * 2**number, 4 * 3600 * SECOND)
        assert longest // 2 <= pause <= longest
    assert 2.5 * DAY < sum(pauses) < 3 * DAY
    assert desk.event().attempts == len(pauses) + 1
    assert desk.event().delivered_at_ms is None
    assert desk.sender().send_due() is None


def test_what_waited_for_days_for_an_address_is_not_sent(desk: Desk) -> None:
    desk.add()
    desk.now_ms += 3 * DAY
    desk.sender().send_due()
    assert desk.receiver.all() == []
    assert desk.event().last_error == "it was three days old before there was anywhere to send it"
    assert desk.event().next_attempt_at_ms is None


def _send(database: str, url: str, now_ms: int) -> None:
    engine = Engine(database=database)
    WebhookSender(engine=engine, url=url, key=KEY, clock=lambda: now_ms).send_due()
    engine.close()


def test_two_processes_send_each_event_once(desk: Desk) -> None:
    ids = [desk.add() for _ in range(20)]
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_send, args=(desk.database, desk.receiver.url, desk.now_ms)) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join(timeout=120)
        assert other.exitcode == 0
    assert sorted(came.headers["webhook-id"] for came in desk.receiver.all()) == sorted(ids)
