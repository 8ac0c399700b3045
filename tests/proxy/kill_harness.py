"""Kills a proxy, or one of its workers, at random moments under load, and compares the books with what clients saw.

The clients' word is the truth: what was answered in full is charged once; what was cut off in mid-answer is charged
once the proxy has found out; what was refused is not charged; what never came to an answer may be charged, once, since
the charge is durable before the answer leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import httpx
import load
from running import Proxy
from selling import Customer

_T = TypeVar("_T")
WORKERS = 4
RECOVERY_S = 10  # within which what dead processes held is settled or freed
TOP_UP = 50
_HIT = 4  # streams under way, of which one ends before a signal arrives, but not all
_REST_S = 0.5  # of a client that nobody answered, or that has no credit


class Load:
    """Clients that go on and on in a thread of their own, until told to stop."""

    def __init__(self, clients: list[load.Client]) -> None:
        self.clients = clients
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(load.all_at_once(clients, self._go_on)))

    async def _go_on(self, client: load.Client, http: httpx.AsyncClient) -> None:
        while not self._stop.is_set():
            call = await client.call(http)
            if call.status in (None, 402):
                await asyncio.sleep(_REST_S)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def started(self) -> int:
        return sum(len(client.calls) for client in self.clients)

    def in_mid_stream(self) -> int:
        """Clients that have a part of an answer."""
        last = [client.calls[-1:] for client in self.clients]
        return sum(call.chunks > 0 and not call.complete for calls in last for call in calls)


@dataclass
class Account:
    """A customer's clients and books."""

    customer: Customer
    clients: list[load.Client]
    books: load.Books

    def least(self) -> Counter[str]:
        """Answered so far, by client: charged already."""
        return Counter({client.alias: sum(call.answered for call in client.calls) for client in self.clients})

    def most(self) -> Counter[str]:
        """What may have been charged by now, by client."""
        return Counter({client.alias: sum(not _free(call) for call in client.calls) for client in self.clients})

    def cut_off(self) -> Counter[str]:
        return Counter({client.alias: sum(call.cut_off for call in client.calls) for client in self.clients})


def _free(call: load.Call) -> bool:
    return call.complete and call.status != 200


@dataclass
class Outcome:
    """What came of it. `wrong` is empty if no credit was lost, overspent or charged twice."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int | None] = field(default_factory=Counter)
    failures: set[str] = field(default_factory=set)  # the bodies of answers of 500 and above
    cut_off: int = 0
    uncertain: int = 0
    wrong: list[str] = field(default_factory=list)
    recovered_s: float | None = None  # after the load's end; None: not in time
    uncharged: list[str] = field(default_factory=list)  # clients with calls cut off in mid-answer that nobody paid for

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {dict(self.kills)} killed; {dict(self.statuses)} by status, "
            f"{self.cut_off} cut off, failures: {self.failures}, "
            f"{self.uncertain} uncertain; recovered after {self.recovered_s} s; wrong: {self.wrong}; "
            f"not charged: {self.uncharged}"
        )


class Killing:
    """One run: kills of `proxy` while all clients of both accounts call. The poor one has TOP_UP credits at first, and
    is given as many after every kill.
    """

    def __init__(self, proxy: Proxy, *, rich: Account, poor: Account, seed: int) -> None:
        self._proxy = proxy
        self._accounts = [rich, poor]
        self._poor = poor.customer
        self._random = random.Random(seed)
        self._load = Load([*rich.clients, *poor.clients])
        self._outcome = Outcome(seed)

    def run(self, kills: int) -> Outcome:
        outcome = self._outcome
        with self._load.running():
            for _ in range(kills):
                load.until(lambda: len(load.serving(self._proxy)) == WORKERS, f"{WORKERS} workers serve")
                self._wait_for_a_moment()
                outcome.kills[self._kill()] += 1
                self._top_up()
                self._check_books()
                if outcome.wrong:
                    break
        self._check_the_end()
        return outcome

    def _wait_for_a_moment(self) -> None:
        target = self._load.started() + self._random.randrange(1, 200)
        load.until(lambda: self._load.started() >= target, "the clients go on")
        time.sleep(self._random.uniform(0, 0.1))  # not to wait for anything: any moment is as good as another

    def _kill(self) -> str:
        if not self._outcome.kills:  # however few there are, one has to hit streams
            load.until(lambda: self._load.in_mid_stream() >= _HIT, f"{_HIT} streams are under way")
            return self._kill_proxy()
        if self._random.random() < 0.25:
            return self._kill_proxy()
        os.kill(self._random.choice(load.serving(self._proxy)), signal.SIGKILL)
        return "worker"

    def _kill_proxy(self) -> str:
        self._proxy.stop(signal.SIGKILL)
        self._check_ledger()  # as the dead left it
        self._proxy.start()
        return "proxy"

    def _top_up(self) -> None:
        body = {"team_id": self._poor.team_id, "amount": TOP_UP, "description": "more"}
        key = f"top-up-{self._outcome.kills.total()}"
        with self._proxy.admin() as admin:
            # The same request may be sent again: the worker that had it may have been the one that was killed.
            load.until(lambda: _succeeds(admin, "/api/credits/add", body, key), "credits can be added")

    def _check_books(self) -> None:
        for account in self._accounts:
            least = account.least()  # before the books are read, and the most after that: the load goes on
            charges = _answered(account.books.charges)
            self._compare(least, charges, account.most())
        self._check_ledger()

    def _check_ledger(self) -> None:
        self._outcome.wrong += [str(fault) for fault in load.verified(self._proxy)["faults"]]

    def _compare(self, least: Counter[str], charges: Counter[str], most: Counter[str]) -> None:
        self._outcome.wrong += [
            f"'{name}' was charged {charges[name]} times, not {least[name]} to {most[name]}"
            for name in least
            if not least[name] <= charges[name] <= most[name]
        ]

    def _check_the_end(self) -> None:
        """Nothing runs any more."""
        outcome = self._outcome
        ended = time.monotonic()
        while time.monotonic() - ended < RECOVERY_S and outcome.recovered_s is None:
            if not any(_answered(account.customer.balance)["credits_reserved"] for account in self._accounts):
                outcome.recovered_s = time.monotonic() - ended
            time.sleep(load.LOOK_S)
        self._check_books()
        for account in self._accounts:
            self._count(account.clients)
            charges, least, cut_off = account.books.charges(), account.least(), account.cut_off()
            outcome.uncharged += [name for name in least if charges[name] < least[name] + cut_off[name]]
            balance = account.customer.balance()
            if balance["credits_used"] != charges.total():
                outcome.wrong.append(f"{charges.total()} calls of one credit were charged, and {balance} is left")

    def _count(self, clients: list[load.Client]) -> None:
        self._outcome.statuses += load.statuses(clients)
        self._outcome.failures |= {call.failure for client in clients for call in client.calls if call.failure}
        self._outcome.cut_off += len(load.names(clients, lambda call: call.cut_off))
        self._outcome.uncertain += len(load.names(clients, lambda call: call.uncertain))


def _succeeds(admin: httpx.Client, path: str, body: dict[str, object], key: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return admin.post(path, json=body, headers={"idempotency-key": key}).status_code == 200
    return False


def _answered(ask: Callable[[], _T]) -> _T:
    """The answer, asked for again where the worker that had the question was killed."""
    found: list[_T] = []

    def answers() -> bool:
        with contextlib.suppress(httpx.TransportError):
            found.append(ask())
        return bool(found)

    load.until(answers, "the API answers")
    return found[0]
