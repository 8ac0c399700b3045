"""A store that is locked, full or not where it was: nothing goes through unrecorded, and all goes on when it's over."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import load
import pytest
from running import Proxy, Upstream, configuration, new_proxy, running_proxy
from selling import Customer, sell

PARALLEL = 8
# A call is not made to wait for as many locks as there are calls.
ANSWERED_WITHIN_S = 40

HOLD_DATABASE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
"""
HOLD_LOCK_FILE = """
import fcntl, sys
file = open(sys.argv[1] + "-lock")
fcntl.flock(file, fcntl.LOCK_EX)
"""
# Until its standard input ends, or for so many seconds.
UNTIL_TOLD = "print(flush=True); sys.stdin.read()"
FOR_SECONDS = "print(flush=True); import time; time.sleep({seconds})"


@dataclass
class Store:
    """The database of a running proxy, by the name that it has there, and what runs a program where it has it."""

    proxy: Proxy
    path: Path
    by: tuple[str, ...] = ()


@contextlib.contextmanager
def held(program: str, store: Store, how: str) -> Iterator[None]:
    """While another process holds a lock."""
    command = [sys.executable, "-c", program + how, str(store.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"\n", "the lock could not be had"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


@contextlib.contextmanager
def full(store: Store) -> Iterator[None]:
    assert store.proxy.process is not None
    filler = Path(f"/proc/{store.proxy.process.pid}/root{store.path.with_name('filler')}")
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    filler.unlink()


@contextlib.contextmanager
def taken_away(store: Store) -> Iterator[None]:
    aside = store.path.with_name("aside.db")
    store.path.rename(aside)
    yield
    aside.rename(store.path)


@contextlib.contextmanager
def replaced(store: Store) -> Iterator[None]:
    aside = store.path.with_name("aside.db")
    store.path.rename(aside)
    shutil.copy(aside, store.path)
    yield
    aside.replace(store.path)


CAUSES: dict[str, Callable[[Store], contextlib.AbstractContextManager[None]]] = {
    "locked database": lambda store: held(HOLD_DATABASE, store, UNTIL_TOLD),
    "held lock file": lambda store: held(HOLD_LOCK_FILE, store, UNTIL_TOLD),
    "full disk": full,
    "no database": taken_away,
    "another database": replaced,
}
TOLD = {
    "locked database": "is locked by another program",
    "held lock file": "was held by other processes",
    "full disk": "can't grow: free some space",
    "no database": "can't be reached",
    "another database": "was replaced while it was open",
}


@pytest.fixture(scope="module")
def plain(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with running_proxy(tmp_path_factory.mktemp("faults"), configuration(upstream)) as proxy:
        yield Store(proxy, proxy.folder / "store.db")


@pytest.fixture(scope="module")
def small(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store on a small disk of its own: in memory, mounted where the proxy alone sees it, which any user may do who
    is let.
    """
    folder = tmp_path_factory.mktemp("small")
    (folder / "disk").mkdir()
    mounted = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o size=16m tmpfs disk && exec "$@"',
    ]
    tried = subprocess.run([*mounted, "sh", "true"], cwd=folder, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {tried.stderr.strip()}")
    proxy = new_proxy(folder, configuration(upstream, database_url="sqlite:///disk/store.db"))
    proxy.command = [*mounted, "sh", *proxy.command]
    try:
        proxy.start()
        assert proxy.process is not None
        there = ("nsenter", "--user", "--mount", "--preserve-credentials", "--target", str(proxy.process.pid))
        yield Store(proxy, folder / "disk" / "store.db", by=there)
    finally:
        proxy.stop()


@pytest.fixture(params=CAUSES)
def cause(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(request: pytest.FixtureRequest, cause: str) -> Store:
    found: Store = request.getfixturevalue("small" if cause == "full disk" else "plain")
    return found


@pytest.fixture
def customer(store: Store) -> Customer:
    return sell(store.proxy, {"chat": "real-a", "held": "real-held"})


def body(model: str = "chat", *, stream: bool = False) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}


def post(customer: Customer, content: dict[str, Any]) -> httpx.Response:
    with customer.client() as client:
        return client.post("/v1/chat/completions", json=content, timeout=ANSWERED_WITHIN_S)


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)  # between two looks at a condition


def at_once(customer: Customer, pool: ThreadPoolExecutor) -> list[Future[httpx.Response]]:
    return [pool.submit(post, customer, body(stream=number % 2 == 1)) for number in range(PARALLEL)]


def assert_books(store: Store, customer: Customer, answered: int) -> None:
    """The books hold exactly what was answered, and nothing is held any more."""
    until(lambda: customer.balance()["credits_reserved"] == 0)
    assert load.Books(customer).charges().total() == answered
    assert load.verified_store(store.path, by=store.by)["faults"] == []


def assert_goes_on(customer: Customer) -> None:
    """Without a restart."""
    until(lambda: post(customer, body()).status_code == 200)
    with customer.proxy.admin() as admin:
        until(lambda: admin.get("/api/health").status_code == 200)


@pytest.mark.parametrize("lock", [HOLD_DATABASE, HOLD_LOCK_FILE], ids=["database", "lock file"])
def test_a_lock_of_some_seconds_delays_calls(plain: Store, seen: Upstream, lock: str) -> None:
    customer = sell(plain.proxy, {"chat": "real-a"})
    with ThreadPoolExecutor(PARALLEL) as pool, held(lock, plain, FOR_SECONDS.format(seconds=5)):
        calls = at_once(customer, pool)
        statuses = [call.result().status_code for call in calls]
    assert set(statuses) <= {200, 503}
    assert len(seen.seen()) == statuses.count(200)
    assert_books(plain, customer, statuses.count(200))
    assert_goes_on(customer)


def test_calls_are_refused_and_reach_nobody(store: Store, customer: Customer, seen: Upstream, cause: str) -> None:
    with ThreadPoolExecutor(PARALLEL) as pool, CAUSES[cause](store):
        answers = [call.result() for call in at_once(customer, pool)]
    assert {(answer.status_code, answer.json()["reason"]) for answer in answers} == {(503, "store_unavailable")}
    assert seen.seen() == []
    assert_goes_on(customer)
    assert_books(store, customer, len(seen.seen()))


def test_health_says_why(store: Store, customer: Customer, cause: str) -> None:
    with CAUSES[cause](store):
        assert post(customer, body()).status_code == 503
        with store.proxy.admin() as admin:
            answer = admin.get("/api/health")
    assert TOLD[cause] in " ".join(answer.json()["warnings"]), answer.text
    assert answer.status_code == 503
    assert_goes_on(customer)


def test_an_answer_that_can_not_be_charged_is_not_given(
    store: Store, customer: Customer, seen: Upstream, cause: str
) -> None:
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(post, customer, body("held"))
        until(lambda: seen.models() == ["up-held"])
        with CAUSES[cause](store):
            seen.go()
            answer = call.result()
    assert (answer.status_code, answer.json()["reason"]) == (503, "store_unavailable")
    assert "Hello" not in answer.text
    assert_books(store, customer, 0)
    assert_goes_on(customer)


def test_a_stream_that_was_delivered_is_charged_when_it_can_be(
    store: Store, customer: Customer, seen: Upstream, cause: str
) -> None:
    call: dict[str, Any] = {"method": "POST", "url": "/v1/chat/completions", "json": body("held", stream=True)}
    with customer.client() as client, client.stream(**call) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        assert "data: " in next(lines)
        with CAUSES[cause](store), contextlib.suppress(httpx.TransportError):
            seen.go()
            list(lines)
    assert_books(store, customer, 1)
    assert_goes_on(customer)
