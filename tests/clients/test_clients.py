"""Client programs as their vendors ship them, given nothing but the proxy's address and a team's virtual key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import PROGRAMS, Program
from running import Proxy, Upstream, configuration, running_proxy, running_upstream
from selling import Customer, sell

SOLD = {"chat": "real-a", "claude": "real-claude", "gemini": "real-gemini"}
TEXT = "Hello from upstream"
PLACE = {"city": "Paris", "population": 7}
ANSWERS: dict[str, Any] = {
    "list": list(SOLD),
    "chat": TEXT,
    "stream": TEXT,
    "tools": ["weather", PLACE],
    "structured": PLACE,
    "structured_stream": PLACE,
    "embeddings": [0.5, 0.25],
    "responses": TEXT,
    "responses_stream": TEXT,
    "count": True,
    "picked": TEXT,
}


def for_each_program(*, but: str = "") -> pytest.MarkDecorator:
    programs = {name: program for name, program in PROGRAMS.items() if name != but}
    return pytest.mark.parametrize("program", programs.values(), ids=programs)


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    with running_upstream(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(scope="session")
def proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running_proxy(tmp_path_factory.mktemp("proxy"), configuration(upstream)) as running:
        yield running


@pytest.fixture
def seen(upstream: Upstream) -> Upstream:
    """The upstream with an empty record."""
    upstream.forget()
    return upstream


def refusals(proxy: Proxy, status: int) -> int:
    """How many requests the proxy's access log says were answered so, since its start."""
    return len(re.findall(rf'^INFO: .* HTTP/1\.1" {status} ', proxy.log.read_text(), re.MULTILINE))


def spent(customer: Customer) -> tuple[float, float]:
    balance = customer.balance()
    return balance["credits_used"], balance["credits_reserved"]


def read_by_user(said: dict[str, Any]) -> str:
    """The error as one line: commands break theirs as wide as a terminal is."""
    assert "answer" not in said, said
    return " ".join(said["error"].split())


@for_each_program()
def test_everything_that_a_client_does_works(program: Program, proxy: Proxy, seen: Upstream, tmp_path: Path) -> None:
    customer = sell(proxy, SOLD)
    actions = program.actions.split()
    said = program.run(customer, tmp_path, program.model, actions)
    for about in said.values():
        if isinstance(about.get("answer"), str):
            about["answer"] = about["answer"].strip()
    assert said == {action: {"answer": ANSWERS[action]} for action in actions}
    actual = SOLD[program.model]
    at_upstream = seen.seen()
    asked = {(entry["model"], entry["key"]) for entry in at_upstream}
    assert asked == {(actual.replace("real", "up"), f"KEY-{actual}")}
    counted = [entry for entry in at_upstream if entry["path"].endswith(("/count_tokens", "/input_tokens"))]
    assert len(at_upstream) - len(counted) == program.calls
    assert spent(customer) == (program.calls, 0)


@for_each_program()
def test_a_model_that_was_not_sold(program: Program, proxy: Proxy, seen: Upstream, tmp_path: Path) -> None:
    """`forbidden` is a model of the proxy's own; nobody was sold it."""
    customer = sell(proxy, SOLD)
    actions = [action for action in ("chat", "stream", "tools", "responses") if action in program.actions.split()]
    before = refusals(proxy, 403)
    said = program.run(customer, tmp_path, "forbidden", actions)
    for about in said.values():
        shown = read_by_user(about)
        assert "Team does not have access to model 'forbidden'" in shown
        if program.lists_available:
            assert "Available models: chat, claude, gemini" in shown
    assert refusals(proxy, 403) - before == program.tries * len(actions)
    assert seen.seen() == []
    assert spent(customer) == (0, 0)


@for_each_program(but="aider")
def test_a_team_without_credits(program: Program, proxy: Proxy, seen: Upstream, tmp_path: Path) -> None:
    """Not aider: it would repeat the call for another minute."""
    customer = sell(proxy, SOLD, credits_allocated=0)
    action = next(action for action in ("chat", "stream", "tools") if action in program.actions.split())
    before = refusals(proxy, 402)
    said = program.run(customer, tmp_path, program.model, [action])
    assert "The call needs 1 credits, and 0 are left" in read_by_user(said[action])
    assert refusals(proxy, 402) - before == program.tries
    assert seen.seen() == []
