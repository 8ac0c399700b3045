"""Many clients that call at the same time, and what each of them saw of each of its calls.

Every client calls an alias of its own, so the books tell whose calls they charge by nothing that a client chooses; and
every call says in its message which one it is, so the provider's record tells which of them reached it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from running import Proxy, Upstream
from selling import Customer

CHARGES = ("charge", "interrupted")
LOOK_S = 0.05  # between two looks at a condition


@dataclass(slots=True)
class Call:
    """One call as its client saw it."""

    name: str
    streamed: bool
    status: int | None = None
    chunks: int = 0  # events of a stream that carry an answer
    complete: bool = False  # the whole answer came
    failure: str = ""  # the body of an answer that is neither success nor refusal

    @property
    def answered(self) -> bool:
        """Answered in full: it has to be charged."""
        return self.status == 200 and self.complete

    @property
    def cut_off(self) -> bool:
        """Something was delivered, so it has to be charged once the proxy has found out."""
        return self.status == 200 and not self.complete and self.chunks > 0

    @property
    def uncertain(self) -> bool:
        """Nothing was delivered, but the proxy may have charged it when it was about to."""
        return not self.complete and self.chunks == 0


@dataclass
class Client:
    """Calls one after another, every other one as a stream, in the name of `customer`."""

    customer: Customer
    alias: str
    calls: list[Call] = field(default_factory=list)

    async def call(self, http: httpx.AsyncClient) -> Call:
        number = len(self.calls)
        call = Call(f"{self.alias} {number}", streamed=number % 2 == 1)
        self.calls.append(call)
        body = {
            "model": self.alias,
            "messages": [{"role": "user", "content": call.name}],
            "stream": call.streamed,
        }
        headers = {"authorization": f"Bearer {self.customer.key}"}
        url = f"{self.customer.proxy.url}/v1/chat/completions"
        try:
            async with http.stream("POST", url, json=body, headers=headers) as answer:
                call.status = answer.status_code
                await read(answer, call)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self.calls.pop()  # nobody listened
        except httpx.TransportError:
            pass  # the call says how far it got
        return call


async def read(answer: httpx.Response, call: Call) -> None:
    if not call.streamed or call.status != 200:
        content = await answer.aread()
        call.complete = True
        if answer.is_server_error:
            call.failure = content.decode()
        return
    last = ""
    async for line in answer.aiter_lines():
        last = line or last
        call.chunks += line.startswith("data: ") and not line.startswith('data: {"error"')
    call.complete = last == "data: [DONE]"  # and the stream has ended as it should


def clients(customer: Customer, aliases: Iterable[str]) -> list[Client]:
    return [Client(customer, alias) for alias in aliases]


async def all_at_once(several: list[Client], work: Callable[[Client, httpx.AsyncClient], Awaitable[None]]) -> None:
    """`work` for each client, each with connections of its own."""

    async def one(client: Client) -> None:
        async with httpx.AsyncClient(timeout=60) as http:
            await work(client, http)

    await asyncio.gather(*map(one, several))


def statuses(several: list[Client]) -> Counter[int | None]:
    return Counter(call.status for client in several for call in client.calls)


def names(several: list[Client], wanted: Callable[[Call], bool]) -> list[str]:
    return [call.name for client in several for call in client.calls if wanted(call)]


class Books:
    """How often each alias of a customer was charged. Reading again reads only what is new."""

    def __init__(self, customer: Customer) -> None:
        self._customer = customer
        self._newest: str | None = None
        self._charges: Counter[str] = Counter()

    def charges(self) -> Counter[str]:
        entries = list(self._new_entries())  # all or, where the proxy doesn't answer, none
        self._charges.update(entry["alias"] for entry in entries if entry["type"] in CHARGES)
        if entries:
            self._newest = entries[0]["transaction_id"]
        return self._charges.copy()

    def _new_entries(self) -> Iterator[dict[str, Any]]:
        page = {"team_id": self._customer.team_id, "limit": "1000"}
        with self._customer.proxy.admin() as admin:
            while True:
                answer = admin.get("/api/credits/transactions", params=page).json()
                for entry in answer["transactions"]:
                    if entry["transaction_id"] == self._newest:
                        return
                    yield entry
                if "next_cursor" not in answer:
                    return
                page["cursor"] = answer["next_cursor"]


def reached(upstream: Upstream) -> Counter[str]:
    """How often each call reached the provider."""
    return Counter(entry["body"]["messages"][0]["content"] for entry in upstream.seen() if entry["body"])


def verified(proxy: Proxy) -> dict[str, Any]:
    """What `saas-access ledger verify` says of the proxy's store, which may be in use."""
    return verified_store(proxy.folder / "store.db")


def verified_store(database: Path, *, by: tuple[str, ...] = ()) -> dict[str, Any]:
    """`by`: a program that runs the command, with its arguments."""
    command = [*by, sys.executable, "-m", "saas_access.cli", "ledger", "verify", "--json", "--database", str(database)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["sound"] is (done.returncode == 0)
    return report


def numbered(prefix: str, count: int) -> list[str]:
    """`count` names of aliases."""
    return [f"{prefix}-{number}" for number in range(1, count + 1)]


def until(condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(LOOK_S)


def serving(proxy: Proxy) -> list[int]:
    """The processes of the proxy that have its store open, in order."""
    assert proxy.process is not None
    children = Path(f"/proc/{proxy.process.pid}/task/{proxy.process.pid}/children").read_text().split()
    return sorted(int(pid) for pid in children if _has_open(int(pid), proxy.folder / "store.db"))


def _has_open(pid: int, path: Path) -> bool:
    try:
        return any(str(link.readlink()) == str(path) for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it ended, or closed a file meanwhile
        return False
