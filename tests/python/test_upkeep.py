from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from saas_access._core import Engine, NewOrganization, NewTeam, Refill, RefillPeriod
from saas_access.runtime import Runtime
from saas_access.settings import Settings
from saas_access.upkeep import Duty, Upkeep, refill

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = 24 * 3600 * 1000


def duty(run: Callable[[], str | None], *, name: str = "test", every_s: float = 0.001) -> Duty:
    return Duty(name=name, every_s=every_s, run=run)


def fail(error: Exception) -> None:
    raise error


def test_a_duty_runs_again_and_again_until_it_is_stopped() -> None:
    runs = threading.Semaphore(0)
    upkeep = Upkeep([duty(runs.release)])
    upkeep.start()
    for _ in range(5):
        assert runs.acquire(timeout=30)
    upkeep.stop()
    while runs.acquire(blocking=False):
        pass
    assert not any(thread.name == "saas_access test" for thread in threading.enumerate())
    assert not runs.acquire(blocking=False)
    upkeep.stop()


def test_a_duty_that_hangs_delays_no_other() -> None:
    release, began, ran = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        release.wait()

    upkeep = Upkeep([duty(hang, name="hangs"), duty(ran.set, name="runs")])
    upkeep.start()
    assert began.wait(30)
    ran.clear()
    assert ran.wait(30)
    release.set()
    upkeep.stop()


def test_a_failure_ends_nothing_and_is_told_once_for_each_change(caplog: pytest.LogCaptureFixture) -> None:
    outcome: list[Callable[[], str | None]] = []
    ran: list[None] = []

    def run() -> str | None:
        return outcome[0]()

    upkeep = Upkeep([duty(run, name="books"), duty(lambda: ran.append(None), name="other")])
    for now, troubles in [
        (lambda: fail(ValueError("broken")), ["Upkeep (books) failed: broken"]),
        (lambda: fail(ValueError("broken")), ["Upkeep (books) failed: broken"]),
        (lambda: fail(KeyError()), ["Upkeep (books) failed: KeyError"]),
        (lambda: "Somebody should look.", ["Somebody should look."]),
        (lambda: None, []),
        (lambda: None, []),
    ]:
        outcome[:] = [now]
        with caplog.at_level(logging.INFO):
            upkeep.run_round()
        assert upkeep.troubles() == troubles
    assert len(ran) == 6
    assert [record.getMessage() for record in caplog.records] == [
        "Upkeep (books) failed: broken",
        "Upkeep (books) failed: KeyError",
        "Somebody should look.",
        "Upkeep (books) works again",
    ]


def test_a_runtime_does_its_upkeep_until_it_is_closed(tmp_path: Path) -> None:
    settings = Settings.parse({"database_url": f"sqlite:///{tmp_path / 'test.db'}"})
    opened = Runtime.open(settings)
    assert "saas_access refills" in [thread.name for thread in threading.enumerate()]
    opened.close()
    idle = Runtime.open(settings, upkeep=False)
    assert not any(thread.name.startswith("saas_access ") for thread in threading.enumerate())
    idle.upkeep.run_round()
    assert idle.upkeep.troubles() == []
    idle.engine.close()
    idle.upkeep.run_round()
    assert "was closed" in idle.upkeep.troubles()[0]
    idle.close()


def test_webhooks_are_a_duty_where_there_is_an_address(tmp_path: Path) -> None:
    section = {"webhook_url": "http://127.0.0.1:9/", "webhook_secret": "x" * 24}
    settings = Settings.parse({"database_url": f"sqlite:///{tmp_path / 'test.db'}", **section})
    opened = Runtime.open(settings, upkeep=False)
    event, _ = opened.engine.add_test_webhook_event()
    opened.upkeep.run_round()
    [trouble] = opened.upkeep.troubles()
    assert event.event_id in trouble
    opened.close()


_ENDS_WITH_A_BUSY_DUTY = """
import sys, threading
from saas_access._core import Engine
from saas_access.upkeep import Duty, Upkeep, refill
engine, ran = Engine(database=sys.argv[1]), threading.Event()
def run():
    refill(engine, 0)
    ran.set()
Upkeep([Duty(name=str(n), every_s=0, run=run) for n in range(3)]).start()
ran.wait()
"""


def test_a_process_that_ends_without_closing_ends_well(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _ENDS_WITH_A_BUSY_DUTY, str(tmp_path / "test.db")]
    for _ in range(3):
        ended = subprocess.run(command, check=False, capture_output=True, timeout=120)
        assert (ended.returncode, ended.stderr) == (0, b"")


def test_every_due_refill_is_given(tmp_path: Path) -> None:
    engine = Engine(database=str(tmp_path / "test.db"))
    engine.create_organization(organization=NewOrganization(organization_id="org", name=""))
    for number in range(150):  # more than fit into one transaction
        team = NewTeam(
            organization_id="org",
            team_id=f"team-{number}",
            team_alias="",
            access_groups=[],
            refill=Refill(credits=1_000_000, period=RefillPeriod.DAILY),
        )
        engine.create_team(team=team)
    later = engine.now_ms() + 3 * DAY
    refill(engine, later)
    refill(engine, later)
    for number in range(150):
        assert engine.find_balance(team_id=f"team-{number}").remaining == 3_000_000
    assert len(engine.list_entries(team_id="team-0")[0]) == 3
    engine.close()
