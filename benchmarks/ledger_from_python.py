"""Durable calls a second from Python, each one reservation and one settlement: through the ledger's writer, whose
results wake the event loop, beside one transaction for each write in a thread of asyncio's pool.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from saas_access._core import (
    MICRO_PER_CREDIT,
    Engine,
    LedgerWriter,
    NewOrganization,
    NewTeam,
    Pricing,
    Reservation,
    ReserveRequest,
    Usage,
    WriteOptions,
)

TEAM = "team"
Pair = Callable[[], Awaitable[None]]


def request() -> ReserveRequest:
    return ReserveRequest(
        team_id=TEAM, alias="gpt-4", purpose="", pricing=Pricing(credits_per_call=1), estimate=Usage()
    )


class Together:
    """As the plugin does it: numbers go in, and the loop watches the writer's descriptor for those that have ended."""

    def __init__(self, engine: Engine) -> None:
        self._ledger = LedgerWriter(engine=engine)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        asyncio.get_running_loop().add_reader(self._ledger.fileno(), self._deliver)

    def _deliver(self) -> None:
        for number in self._ledger.ended():
            self._waiting.pop(number).set_result(self._ledger.take(number=number))

    def _durable(self, number: int) -> asyncio.Future[Any]:
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        return waiting

    async def pair(self) -> None:
        """One call."""
        reservation: Reservation = await self._durable(self._ledger.reserve(request=request()))
        number = self._ledger.settle(call_id=reservation.call_id, usage=Usage(), latency_ms=1, delivered=True)
        await self._durable(number)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ledger.fileno())


class OneByOne:
    """A transaction for each write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def pair(self) -> None:
        """One call."""
        reservation = await asyncio.to_thread(self._engine.reserve, request=request())
        await asyncio.to_thread(self._engine.settle, call_id=reservation.call_id, usage=Usage(), latency_ms=1)

    def close(self) -> None:
        """Nothing is open."""


async def pairs_a_second(pair: Pair, callers: int, seconds: float) -> float:
    """Closed loop: each caller begins again as soon as its settlement is durable."""
    begun, done = time.monotonic(), 0

    async def caller() -> None:
        nonlocal done
        while time.monotonic() - begun < seconds:
            await pair()
            done += 1

    await asyncio.gather(*(caller() for _ in range(callers)))
    return done / (time.monotonic() - begun)


def measure(way: type[Together | OneByOne], engine: Engine, callers: int, seconds: float) -> float:
    """One round."""

    async def run() -> float:
        made = way(engine)
        try:
            return await pairs_a_second(made.pair, callers, seconds)
        finally:
            made.close()

    return asyncio.run(run())


def filled(database: Path) -> Engine:
    """An engine with a team that has credits for any number of calls."""
    engine = Engine(database=str(database))
    engine.create_organization(organization=NewOrganization(organization_id="org", name=""), options=WriteOptions())
    allocated = 1_000_000 * MICRO_PER_CREDIT
    team = NewTeam(organization_id="org", team_id=TEAM, team_alias="", access_groups=[], credits_allocated=allocated)
    engine.create_team(team=team, options=WriteOptions())
    return engine


def compare(callers: int, rounds: int, seconds: float) -> str:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        engine = filled(Path(folder) / "access.db")
        measured = [
            (measure(Together, engine, callers, seconds), measure(OneByOne, engine, callers, seconds))
            for _ in range(rounds + 1)
        ][1:]  # the first warms up
        engine.close()
    ratios = [together / alone for together, alone in measured]
    return (
        f"| {callers} | {statistics.median(together for together, _ in measured):.0f} "
        f"| {statistics.median(alone for _, alone in measured):.0f} "
        f"| **{statistics.median(ratios):.1f}** ({min(ratios):.1f} to {max(ratios):.1f}) |\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, nargs="+", default=[8, 64, 512])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5, help="of a round")
    options = parser.parse_args()
    sys.stdout.write("| callers | together, calls a second | one by one | ratio, median (least to most) |\n")
    sys.stdout.write("|---|---|---|---|\n")
    for callers in options.callers:
        sys.stdout.write(compare(callers, options.rounds, options.seconds))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
