"""What a process of the product does from time to time, whether or not anybody calls it."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from saas_access.overdue_jobs import complete_overdue_jobs
from saas_access.webhooks import WebhookSender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from saas_access._core import Engine
    from saas_access.settings import Settings

_log = logging.getLogger(__name__)

# At most so many teams in one transaction, so that calls don't wait for all the teams of a first of the month.
_REFILLS_AT_ONCE = 100
# How long `stop` waits for what is under way: a webhook may take its 10 s.
_STOP_S = 12.0


@dataclass(frozen=True, kw_only=True)
class Duty:
    """`run` is called every so many seconds, by one thread of its own in each process. It answers a sentence on what an
    operator should look at, or None. What it raises is such a sentence too.
    """

    name: str
    every_s: float
    run: Callable[[], str | None]


def duties(engine: Engine, settings: Settings) -> list[Duty]:
    """All of them. Each is safe to run in any number of processes at once."""
    found = [
        Duty(name="recovery", every_s=2, run=lambda: recover(engine)),
        Duty(name="refills", every_s=5, run=lambda: refill(engine, engine.now_ms())),
        Duty(name="open jobs", every_s=60, run=lambda: complete_jobs(engine, settings)),
        Duty(name="old usage", every_s=3600, run=lambda: engine.prune_usage(days_kept=settings.usage_hours_kept_days)),
    ]
    if (sender := WebhookSender.of(engine, settings)) is not None:
        found.append(Duty(name="webhooks", every_s=1, run=sender.send_due))
    return found


def recover(engine: Engine) -> None:
    """Closes the calls of processes that have died."""
    recovered = engine.recover()
    if recovered.released or recovered.charged:
        _log.warning(
            "A process died in %d calls: %d were released, %d streams charged by what was known",
            recovered.released + recovered.charged,
            recovered.released,
            recovered.charged,
        )


def complete_jobs(engine: Engine, settings: Settings) -> None:
    """Ends the jobs that were left open."""
    if (completed := complete_overdue_jobs(engine, settings)) > 0:
        _log.info("%d jobs were open for %d hours, and are completed", completed, settings.job_timeout_hours)


def refill(engine: Engine, now_ms: int) -> None:
    """Gives every team the credits that are due to it."""
    while engine.apply_due_refills(now_ms=now_ms, limit=_REFILLS_AT_ONCE) > 0:
        pass


class Upkeep:
    """Runs duties, each in a daemon thread, so that one that hangs delays no other. Belongs to the process that made
    it, not to forked children. Thread-safe.
    """

    def __init__(self, duties: Iterable[Duty]) -> None:
        self._duties = list(duties)
        self._pid = os.getpid()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._troubles: dict[str, str] = {}  # by the duty's name

    def start(self) -> None:
        """Begins at once with each duty's first run. Called once."""
        # A daemon thread that is inside the core when the interpreter goes would take the process down with it.
        atexit.register(self.stop)
        for duty in self._duties:
            thread = threading.Thread(target=self._repeat, args=(duty,), name=f"saas_access {duty.name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Waits for what is under way, a hanging webhook's time-out at most. May be called twice."""
        if os.getpid() != self._pid:
            return
        atexit.unregister(self.stop)
        self._stopping.set()
        deadline = time.monotonic() + _STOP_S
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    def run_round(self) -> None:
        """Each duty once, in this thread."""
        for duty in self._duties:
            self._run(duty)

    def troubles(self) -> list[str]:
        """What the last runs found that an operator should look at."""
        return list(self._troubles.copy().values())

    def _repeat(self, duty: Duty) -> None:
        while not self._stopping.is_set():
            self._run(duty)
            self._stopping.wait(duty.every_s)

    def _run(self, duty: Duty) -> None:
        try:
            trouble = duty.run()
        except Exception as error:  # noqa: BLE001 whatever it is, it must end neither the thread nor go unseen
            trouble = f"Upkeep ({duty.name}) failed: {str(error) or type(error).__name__}"
        if self._stopping.is_set():
            return
        before = self._troubles.get(duty.name)
        if trouble is not None:
            self._troubles[duty.name] = trouble
            if trouble != before:
                _log.warning("%s", trouble)
        elif before is not None:
            del self._troubles[duty.name]
            _log.warning("Upkeep (%s) works again", duty.name)
