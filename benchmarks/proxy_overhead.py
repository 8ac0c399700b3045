"""What the plugin costs in the real proxy: CPU time a request without it over CPU time with it.

Two proxies of one worker each run side by side, one with a constant authentication and an empty hook, one with
saas_access and a store of many teams. They take turns (ABBA) under the same closed-loop load; each turn counts the CPU
time of that proxy's processes, from its first request until it is still again. `--control` compares the first kind
with itself, which shows the noise of the method; `--package FOLDER` takes saas_access from there (the folder that
holds the package), and `--reference` likewise for the first proxy, to compare two versions of it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import importlib.metadata
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from saas_access import _core as core
from saas_access import virtual_keys

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "proxy"))

from running import MASTER_KEY, Proxy, Upstream, deployment, free_port, new_proxy, wait_until_answers  # noqa: E402

_PROCESS_CLOCK = 2  # CPUCLOCK_SCHED, in Linux's numbers for the clocks of other processes
_STILL_S = 0.05
CREDITS = 10**14  # micro-credits: a hundred million calls of one credit
TEXT = "Say in one sentence what a reservation of credits is good for. " * 12
MESSAGES = [{"role": "user", "content": TEXT}]


@dataclass(frozen=True)
class Route:
    """One kind of request; `model` is the actual model's name, and the alias's behind the plugin."""

    path: str
    model: str
    body: dict[str, Any]
    ends_with: bytes = b"}"

    def request(self, secret: str, model: str) -> bytes:
        body = json.dumps({"model": model, **self.body}).encode()
        lines = [
            f"POST {self.path} HTTP/1.1",
            "host: proxy",
            "accept: application/json",
            "accept-encoding: gzip, deflate",
            "content-type: application/json",
            f"authorization: Bearer {secret}",
            f"content-length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


ROUTES = {
    "chat": Route("/v1/chat/completions", "real-chat", {"messages": MESSAGES, "max_tokens": 100}),
    "chat, streamed": Route(
        "/v1/chat/completions", "real-chat", {"messages": MESSAGES, "max_tokens": 100, "stream": True}, b"[DONE]\n\n"
    ),
    "embeddings": Route("/v1/embeddings", "real-embedding", {"input": TEXT}),
    "messages": Route("/v1/messages", "real-claude", {"messages": MESSAGES, "max_tokens": 100}),
}


@dataclass
class Side:
    """One of the two proxies, and how to call it."""

    name: str
    proxy: Proxy
    secrets: list[str]
    alias: str  # put before an actual model's name
    turns: dict[str, list[Turn]] = field(default_factory=dict)


@dataclass(frozen=True)
class Turn:
    """What one turn of one proxy on one route took."""

    cpu_ms: float  # for each request
    rate: float  # requests a second


# -- the proxies


def models(upstream: Upstream) -> list[dict[str, Any]]:
    return [
        deployment("real-chat", "openai/up", upstream, path="/v1"),
        deployment("real-embedding", "openai/up-embedding", upstream, path="/v1"),
        deployment("real-claude", "anthropic/up", upstream),
    ]


def configuration(upstream: Upstream, auth: str, hook: str, **more: Any) -> dict[str, Any]:
    return {
        "model_list": models(upstream),
        "general_settings": {"master_key": MASTER_KEY, "custom_auth": auth},
        "litellm_settings": {"callbacks": [hook], "global_disable_no_log_param": True, "num_retries": 0},
        **more,
    }


def constant_side(name: str, folder: Path, upstream: Upstream, clients: int) -> Side:
    config = configuration(upstream, "constant_plugin.user_api_key_auth", "constant_plugin.no_hook")
    proxy = new_proxy(folder, config)
    proxy.environment["PYTHONPATH"] = str(HERE)
    return Side(name, proxy, ["sk-anything"] * clients, "")


def plugin_side(name: str, folder: Path, upstream: Upstream, package: Path | None, options: argparse.Namespace) -> Side:
    plugin = "saas_access.proxy"
    config = configuration(
        upstream,
        f"{plugin}.user_api_key_auth",
        f"{plugin}.access_hook",
        callback_settings={"saas_access": {"database_url": "sqlite:///store.db"}},
    )
    proxy = new_proxy(folder, config)
    proxy.environment["PYTHONPATH"] = str(package.resolve()) if package else ""
    return Side(name, proxy, filled_store(folder / "store.db", options), "sold-")


def filled_store(database: Path, options: argparse.Namespace) -> list[str]:
    """Fills a new store, each team in 3 of 200 groups of 10 aliases; answers the keys of as many teams as there are
    clients. Those may call every route's alias.
    """
    engine = core.Engine(database=str(database))
    fillers = [f"alias-{number}" for number in range(500)]
    aliases = [core.NewModelAlias(alias=alias, litellm_model="real-chat", description="") for alias in fillers]
    sold = sorted({route.model for route in ROUTES.values()})
    aliases += [core.NewModelAlias(alias=f"sold-{model}", litellm_model=model, description="") for model in sold]
    members = {f"group-{number}": random.Random(number).sample(fillers, 10) for number in range(200)}  # noqa: S311
    members["sold"] = [f"sold-{model}" for model in sold]
    engine.bootstrap(
        model_aliases=aliases,
        access_groups=[
            core.NewAccessGroup(group_name=group, description="", model_aliases=listed)
            for group, listed in members.items()
        ],
    )
    engine.create_organization(organization=core.NewOrganization(organization_id="customers", name="Customers"))
    mode = next(mode for mode in core.BudgetMode if core.slug(mode) == options.budget_mode)
    secrets = []
    for number in range(options.teams):
        key = virtual_keys.generate()
        groups = [f"group-{(number + step) % 200}" for step in range(3)]
        if number < options.clients:
            secrets.append(key.virtual_key)
            groups.append("sold")
        engine.create_team(
            team=core.NewTeam(
                organization_id="customers",
                team_id=f"team-{number}",
                team_alias=f"Team {number}",
                access_groups=groups,
                credits_allocated=CREDITS,
                budget_mode=mode,
                first_key=key.secret,
            )
        )
        if number % 1000 == 999:
            progress(f"{number + 1} teams")
    engine.close()
    return secrets


@contextlib.contextmanager
def running_upstream(folder: Path) -> Iterator[Upstream]:
    upstream = Upstream(free_port())
    log = folder / "upstream.log"
    with log.open("wb") as output:
        command = [sys.executable, str(HERE / "canned_upstream.py"), str(upstream.port)]
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603
    try:
        wait_until_answers(f"{upstream.url}/v1/models", process, log)
        yield upstream
    finally:
        process.terminate()
        process.wait(timeout=20)


# -- CPU time


def cpu_seconds(root: int) -> float:
    """CPU time so far of a process and its descendants, with all their threads, those that have ended included."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    family = {root}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    # The kernel's clock of each process: in nanoseconds, where /proc/PID/stat has hundredths of a second.
    return sum(time.clock_gettime((~member << 3) | _PROCESS_CLOCK) for member in family)


async def cpu_when_still(root: int) -> float:
    """The CPU time once what the last request left behind is done: LiteLLM logs calls after it has answered them."""
    before = cpu_seconds(root)
    for _ in range(200):
        await asyncio.sleep(_STILL_S)
        now = cpu_seconds(root)
        if now - before < _STILL_S / 20:
            return now
        before = now
    raise RuntimeError("a proxy that nobody calls doesn't come to rest")


# -- the load


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer on a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" not in head:
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        return status, gzip.decompress(body) if b"content-encoding: gzip" in head else body
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return status, body


async def client(port: int, request: bytes, route: Route, count: int) -> None:
    """`count` requests, one after the other, on one connection. Raises RuntimeError for anything but a whole 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(request)
        status, body = await answer_of(reader)
        if status != 200 or not body.endswith(route.ends_with):
            raise RuntimeError(f"{route.path} answered {status}: {body[:500]!r}")
    writer.close()
    await writer.wait_closed()


async def turn(side: Side, route: Route, requests: int) -> Turn:
    each, root = requests // len(side.secrets), side.proxy.process.pid if side.proxy.process else 0
    before, started = await cpu_when_still(root), time.monotonic()
    calls = [route.request(secret, side.alias + route.model) for secret in side.secrets]
    await asyncio.gather(*(client(side.proxy.port, call, route, each) for call in calls))
    elapsed = time.monotonic() - started
    answered = each * len(side.secrets)
    spent = await cpu_when_still(root) - before
    return Turn(cpu_ms=spent / answered * 1000, rate=answered / elapsed)


async def measure(sides: list[Side], options: argparse.Namespace) -> None:
    """Every round, each route on both sides, in changing order."""
    for number in range(options.rounds + 1):
        for name in options.routes:
            for side in sides[:: 1 if number % 2 else -1]:
                taken = await turn(side, ROUTES[name], options.requests)
                if number:  # the first warms up
                    side.turns.setdefault(name, []).append(taken)
        done = {name: ratios(sides, name)[-1] for name in options.routes} if number else "warmed up"
        progress(f"round {number} of {options.rounds}: {done}")


# -- the report


def ratios(sides: list[Side], name: str) -> list[float]:
    return [round(a.cpu_ms / b.cpu_ms, 3) for a, b in zip(sides[0].turns[name], sides[1].turns[name], strict=True)]


def total_ratio(pairs: list[tuple[float, float]]) -> float:
    return sum(a for a, _ in pairs) / sum(b for _, b in pairs)


def interval(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """95 % bootstrap interval of the ratio of the totals, whole rounds drawn."""
    chance = random.Random(1)  # noqa: S311
    drawn = sorted(total_ratio(chance.choices(pairs, k=len(pairs))) for _ in range(4000))
    return drawn[100], drawn[-101]


def report(sides: list[Side], name: str) -> dict[str, Any]:
    pairs = [(a.cpu_ms, b.cpu_ms) for a, b in zip(sides[0].turns[name], sides[1].turns[name], strict=True)]
    low, high = interval(pairs)
    summary: dict[str, Any] = {"route": name, "ratio": total_ratio(pairs), "ratio_low": low, "ratio_high": high}
    summary["median_of_rounds"] = statistics.median(a / b for a, b in pairs)
    for letter, side in zip("ab", sides, strict=True):
        rates = [turn.rate for turn in side.turns[name]]
        summary[letter] = {
            "cpu_ms": statistics.mean(turn.cpu_ms for turn in side.turns[name]),
            "rate": statistics.median(rates),
            "rate_quartiles": statistics.quantiles(rates, n=4)[::2] if len(rates) > 1 else [rates[0], rates[0]],
            "turns": [asdict(turn) for turn in side.turns[name]],
        }
    return summary


def table(sides: list[Side], found: list[dict[str, Any]]) -> str:
    a, b = (side.name for side in sides)
    rows = [
        f"A: {a}; B: {b}; LiteLLM {importlib.metadata.version('litellm')}",
        "| route | CPU ms A | CPU ms B | A/B (95 %) | A/B, median round | req/s A (quartiles) | req/s B (quartiles) |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        rates = ["{rate:.0f} ({rate_quartiles[0]:.0f} to {rate_quartiles[1]:.0f})".format(**one[x]) for x in "ab"]
        rows.append(
            f"| {one['route']} | {one['a']['cpu_ms']:.2f} | {one['b']['cpu_ms']:.2f} "
            f"| {one['ratio']:.3f} ({one['ratio_low']:.3f} to {one['ratio_high']:.3f}) "
            f"| {one['median_of_rounds']:.3f} | {' | '.join(rates)} |"
        )
    return "\n".join(rows)


def progress(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--rounds", type=int, default=40, help="turns of each proxy on each route (default: %(default)s)"
    )
    parser.add_argument("--requests", type=int, default=48, help="requests in a turn (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=8, help="clients at a time, each a team (default: %(default)s)")
    parser.add_argument("--teams", type=int, default=10_000, help="teams in the store (default: %(default)s)")
    parser.add_argument(
        "--budget-mode",
        default="job_based",
        choices=["job_based", "consumption_usd", "consumption_tokens"],
        help="how the teams pay (default: %(default)s)",
    )
    parser.add_argument("--routes", nargs="+", default=list(ROUTES), choices=list(ROUTES), metavar="ROUTE")
    parser.add_argument("--control", action="store_true", help="compare the proxy without the plugin with itself")
    parser.add_argument("--package", type=Path, metavar="FOLDER", help="saas_access for B is in this folder")
    parser.add_argument("--reference", type=Path, metavar="FOLDER", help="A runs saas_access too, from this folder")
    parser.add_argument("--json", action="store_true", help="print everything measured, as JSON")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="proxy-overhead-") as name, contextlib.ExitStack() as closing:
        folder = Path(name)
        upstream = closing.enter_context(running_upstream(folder))
        if options.reference:
            a = plugin_side("saas_access, reference", folder / "a", upstream, options.reference, options)
        else:
            a = constant_side("without the plugin", folder / "a", upstream, options.clients)
        if options.control:
            b = constant_side("without the plugin, again", folder / "b", upstream, options.clients)
        else:
            b = plugin_side("saas_access", folder / "b", upstream, options.package, options)
        for side in (a, b):
            closing.callback(side.proxy.stop)
            side.proxy.start()
            progress(f"running: {side.name}")
        asyncio.run(measure([a, b], options))
        found = [report([a, b], route) for route in options.routes]
    sys.stdout.write((json.dumps(found, indent=2) if options.json else table([a, b], found)) + "\n")


if __name__ == "__main__":
    main()
