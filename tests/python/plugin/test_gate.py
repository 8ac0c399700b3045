"""The second gate: no attempt goes upstream that no live ticket of the very request covers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException
from litellm.types.utils import CallTypes

from saas_access._core import Pricing, Reason, Usage
from saas_access.proxy.calls import Candidate, Ticket
from saas_access.proxy.hook import AccessHook
from saas_access.proxy.plugin import Plugin
from saas_access.proxy.prices import Price
from saas_access.proxy.request_state import Principal, RequestState, current_request
from saas_access.refusal import Refusal
from saas_access.runtime import Runtime
from saas_access.settings import Settings

METADATA = ("metadata", "litellm_metadata")
PATH = "/v1/chat/completions"
DEPLOYMENT = "openai/up-a"


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    runtime = Runtime.open(Settings.parse({"database_url": f"sqlite:///{tmp_path / 'store.db'}"}))
    yield Plugin(runtime)
    runtime.close()


@pytest.fixture
def hook(plugin: Plugin) -> AccessHook:
    return plugin.access_hook


def request_of(team: str | None = "acme", **known: Any) -> RequestState:
    """A request to the chat route; of the operator where it names no team."""
    state = RequestState(request_id="req_1", scope={"type": "http", "method": "POST", "path": PATH}, **known)
    state.principal = None if team is None else Principal(team_id=team)
    state.operator = team is None
    return state


async def admitted(plugin: Plugin, state: RequestState, *models: str) -> Ticket:
    """The request's ticket, as the first gate issues it. Nothing is reserved for it."""
    asked = [Candidate(f"alias of {model}", model, Pricing(), Price(), Usage()) for model in models or ("real-a",)]
    state.ticket = plugin.calls.issue(candidates=asked, call_id="call_1", job=None)
    return state.ticket


async def attempt(hook: AccessHook, state: RequestState | None, kwargs: dict[str, Any]) -> None:
    """What LiteLLM asks before it sends. Raises HTTPException for an attempt that is refused."""
    token = current_request.set(state)
    try:
        assert await hook.async_pre_call_deployment_hook(kwargs, CallTypes.acompletion) is kwargs
    finally:
        current_request.reset(token)


async def refused(hook: AccessHook, state: RequestState, kwargs: dict[str, Any]) -> Reason:
    """Why the attempt is refused; the client is told the same."""
    with pytest.raises(HTTPException) as ended:
        await attempt(hook, state, kwargs)
    assert isinstance(state.refusal, Refusal)
    assert ended.value.status_code == state.refusal.status
    return state.refusal.reason


def kwargs_of(ticket: object, group: str | None = "real-a", *, model: str = DEPLOYMENT, at: str = "metadata") -> Any:
    """An attempt as LiteLLM's router makes it: its group and the ticket's id in one of the two metadata."""
    entries = {"saas_access_ticket": ticket, "model_group": group, "user_api_key_team_id": "acme"}
    return {"model": model, at: {name: value for name, value in entries.items() if value is not None}}


@pytest.mark.parametrize("at", METADATA)
def test_the_requests_own_ticket_lets_it_through(plugin: Plugin, hook: AccessHook, at: str) -> None:
    async def scenario() -> None:
        state = request_of()
        ticket = await admitted(plugin, state)
        await attempt(hook, state, kwargs_of(ticket.id, at=at))
        await attempt(hook, state, kwargs_of(ticket.id, at=at))  # again: an attempt may be repeated

    asyncio.run(scenario())


@pytest.mark.parametrize("at", METADATA)
@pytest.mark.parametrize("forged", [None, "", "x" * 24, 7, True, ["a"], {"id": "a"}, {"candidates": {"real-a": {}}}])
@pytest.mark.parametrize("decided", [False, True])
def test_no_forged_ticket_does(plugin: Plugin, hook: AccessHook, at: str, forged: object, decided: bool) -> None:
    async def scenario() -> None:
        state = request_of()
        if decided:
            await admitted(plugin, state)
        assert await refused(hook, state, kwargs_of(forged, at=at)) is Reason.ROUTE_NOT_ALLOWED

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "kwargs", [{}, {"model": DEPLOYMENT}, {"metadata": None}, {"metadata": '{"model_group": "a"}'}]
)
def test_nor_an_attempt_that_says_nothing(plugin: Plugin, hook: AccessHook, kwargs: dict[str, Any]) -> None:
    async def scenario() -> None:
        state = request_of()
        await admitted(plugin, state)
        assert await refused(hook, state, kwargs) is Reason.ROUTE_NOT_ALLOWED

    asyncio.run(scenario())


@pytest.mark.parametrize("answered", [False, True])
def test_a_ticket_ends_with_its_call(plugin: Plugin, hook: AccessHook, answered: bool) -> None:
    async def scenario() -> None:
        state = request_of()
        ticket = await admitted(plugin, state)
        await attempt(hook, state, kwargs_of(ticket.id))
        await (plugin.calls.settle(ticket, stated=None) if answered else plugin.calls.release(ticket, failed=False))
        assert await refused(hook, state, kwargs_of(ticket.id)) is Reason.ROUTE_NOT_ALLOWED
        later = request_of()
        await admitted(plugin, later)
        assert await refused(hook, later, kwargs_of(ticket.id)) is Reason.ROUTE_NOT_ALLOWED

    asyncio.run(scenario())


def test_a_ticket_that_is_being_settled_admits_nothing_more(plugin: Plugin, hook: AccessHook) -> None:
    async def scenario() -> None:
        state = request_of()
        ticket = await admitted(plugin, state)
        ticket.open = False
        assert await refused(hook, state, kwargs_of(ticket.id)) is Reason.HOOK_MISSING

    asyncio.run(scenario())


@pytest.mark.parametrize("other_team", ["acme", "techco"])
@pytest.mark.parametrize("decided", [False, True])
def test_another_requests_ticket_is_none(plugin: Plugin, hook: AccessHook, other_team: str, decided: bool) -> None:
    """Of the same team or another, both running at once; whether or not the request has a ticket of its own."""

    async def scenario() -> None:
        mine, other = request_of("acme"), request_of(other_team)
        others = await admitted(plugin, other)
        if decided:
            await admitted(plugin, mine)
        assert await refused(hook, mine, kwargs_of(others.id)) is Reason.ROUTE_NOT_ALLOWED
        await attempt(hook, other, kwargs_of(others.id))

    asyncio.run(scenario())


def test_only_what_was_decided_on_may_answer(plugin: Plugin, hook: AccessHook) -> None:
    async def scenario() -> None:
        state = request_of()
        ticket = await admitted(plugin, state, "real-a", "real-b")
        await attempt(hook, state, kwargs_of(ticket.id, "real-b", model="openai/up-b"))
        assert ticket.answering.litellm_model == "real-b"
        assert plugin.troubles.warning() is None
        assert await refused(hook, state, kwargs_of(ticket.id, "forbidden")) is Reason.HOOK_MISSING
        told = plugin.troubles.warning()
        assert told is not None
        assert "'forbidden'" in told
        assert ticket.answering.litellm_model == "real-b"

    asyncio.run(scenario())


def test_an_inner_attempt_follows_an_outer_one_that_was_let_through(plugin: Plugin, hook: AccessHook) -> None:
    """LiteLLM bridges some dialects by a second attempt, which names no group."""

    async def scenario() -> None:
        state = request_of()
        ticket = await admitted(plugin, state)
        assert await refused(hook, state, kwargs_of(ticket.id, None)) is Reason.HOOK_MISSING
        await attempt(hook, state, kwargs_of(ticket.id, model="openai/up-a"))
        await attempt(hook, state, kwargs_of(ticket.id, None, model="openai/up-a"))
        assert await refused(hook, state, kwargs_of(ticket.id, None, model="openai/up-b")) is Reason.HOOK_MISSING

    asyncio.run(scenario())


def test_what_was_let_through_for_one_request_says_nothing_of_the_next(plugin: Plugin, hook: AccessHook) -> None:
    async def scenario() -> None:
        first, second = request_of(), request_of()
        await attempt(hook, first, kwargs_of((await admitted(plugin, first)).id))
        ticket = await admitted(plugin, second)
        assert await refused(hook, second, kwargs_of(ticket.id, None)) is Reason.HOOK_MISSING

    asyncio.run(scenario())


def test_counting_tokens_reaches_the_model_that_is_counted_for(plugin: Plugin, hook: AccessHook) -> None:
    async def scenario() -> None:
        await attempt(hook, request_of(counted_model="real-a"), kwargs_of(None, "real-a"))
        state = request_of(counted_model="real-a")
        assert await refused(hook, state, kwargs_of(None, "forbidden")) is Reason.ROUTE_NOT_ALLOWED

    asyncio.run(scenario())


def test_the_operators_own_requests_pass_and_a_teams_never_as_theirs(plugin: Plugin, hook: AccessHook) -> None:
    async def scenario() -> None:
        await attempt(hook, request_of(None), kwargs_of(None, "forbidden"))
        state = request_of("acme")
        state.operator = True
        assert await refused(hook, state, kwargs_of(None, "forbidden")) is Reason.ROUTE_NOT_ALLOWED

    asyncio.run(scenario())


def test_a_request_whose_caller_is_not_known_yet_is_refused(plugin: Plugin, hook: AccessHook) -> None:
    async def scenario() -> None:
        state = request_of(None)
        state.operator = False
        assert await refused(hook, state, kwargs_of(None, "real-a")) is Reason.ROUTE_NOT_ALLOWED

    asyncio.run(scenario())


@pytest.mark.parametrize("at", METADATA)
@pytest.mark.parametrize("team", [None, "", "litellm-internal-health-check"])
def test_outside_of_any_request_the_proxy_may_check_its_models(hook: AccessHook, at: str, team: str | None) -> None:
    asyncio.run(attempt(hook, None, {"model": DEPLOYMENT, at: {"user_api_key_team_id": team}}))


def test_outside_of_any_request_nothing_is_done_in_a_teams_name(plugin: Plugin, hook: AccessHook) -> None:
    async def scenario() -> None:
        ticket = await admitted(plugin, request_of())
        for at in METADATA:
            with pytest.raises(HTTPException, match="403"):
                await attempt(hook, None, {"model": DEPLOYMENT, at: {"user_api_key_team_id": "acme"}})
            with pytest.raises(HTTPException, match="403"):
                await attempt(hook, None, {"model": DEPLOYMENT, at: {"saas_access_ticket": ticket.id}})

    asyncio.run(scenario())


def test_the_gates_own_mistakes_refuse(plugin: Plugin, hook: AccessHook, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM sends nothing where this hook raises, whatever it raises."""

    def broken(*_: object) -> bool:
        raise RuntimeError("broken for a test")

    async def scenario() -> None:
        state = request_of()
        ticket = await admitted(plugin, state)
        monkeypatch.setattr(Ticket, "admits", broken)
        assert await refused(hook, state, kwargs_of(ticket.id)) is Reason.HOOK_MISSING
        assert plugin.troubles.warning() is not None

    asyncio.run(scenario())


def test_nobody_extends_the_hook() -> None:
    """LiteLLM looks its methods up in the class of the object listed, and passes over what is inherited."""
    with pytest.raises(TypeError, match="Theirs can't extend the access hook"):
        type("Theirs", (AccessHook,), {})
