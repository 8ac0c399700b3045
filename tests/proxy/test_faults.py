"""Whatever is missing, broken or unreadable: a call is refused, or it is charged; never is it let through for free."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import meddling
import pytest
from running import MASTER_KEY, Proxy, Upstream, configuration, running_proxy
from selling import Customer, sell
from test_start import log_of_failed_start

MESSAGES = [{"role": "user", "content": "hi"}]
CHAT: tuple[str, dict[str, Any]] = ("/v1/chat/completions", {"model": "chat", "messages": MESSAGES})
FAILING_CHAT = (CHAT[0], {**CHAT[1], "model": "failing"})
STREAM = (CHAT[0], {**CHAT[1], "stream": True})
SPEECH = ("/v1/audio/speech", {"model": "chat", "input": "hi", "voice": "alloy"})
WAVE = {"file": ("a.wav", b"RIFF", "audio/wav")}
FORM = ("/v1/audio/transcriptions", {"model": "chat"})
COUNT = ("/v1/messages/count_tokens", {"model": "chat", "messages": MESSAGES})


@pytest.fixture(scope="module")
def proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    config = meddling.configuration(configuration(upstream))
    config["litellm_settings"]["fallbacks"] = []
    with running_proxy(tmp_path_factory.mktemp("fail-closed"), config) as running:
        yield running


@pytest.fixture
def customer(proxy: Proxy) -> Customer:
    return sell(proxy, {"chat": "real-a", "failing": "real-failing"})


def post(customer: Customer, call: tuple[str, dict[str, Any]], wish: str = "") -> httpx.Response:
    path, body = call
    with customer.client(**({meddling.HEADER: wish} if wish else {})) as client:
        return client.post(path, data=body, files=WAVE) if call is FORM else client.post(path, json=body)


def health(proxy: Proxy) -> tuple[int, dict[str, Any]]:
    """As the operator is told it, though every other team and key may be unknown: the store isn't asked."""
    with proxy.admin() as admin:
        answer = admin.get("/api/health")
        return answer.status_code, answer.json()


def faults(proxy: Proxy) -> int:
    """How many calls the health says were refused for a fault."""
    told = next((text for text in health(proxy)[1]["warnings"] if "refused since the start" in text), "0")
    return int(told.split()[0])


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)  # between two looks at a condition


# -- a fault anywhere in our own code

BEFORE_THE_CALL = {
    **dict.fromkeys(meddling.BREAKABLE, CHAT),
    "listing what is available": (CHAT[0], {**CHAT[1], "model": "forbidden"}),
    "naming what is counted": COUNT,
    "cleaning a form": FORM,
}
# Looked at only where a team is charged by them.
BY_USE = {"estimating", "pricing", "reading the usage"}
AFTER_IT = {
    "the tripwire": CHAT,
    "cleaning headers": CHAT,
    "reading the usage": CHAT,
    "settling": CHAT,
    "renaming": CHAT,
    "hiding names": FAILING_CHAT,
    "releasing": FAILING_CHAT,
}
for name in (*AFTER_IT, "reading the event"):
    del BEFORE_THE_CALL[name]


def assert_refused_for_a_fault(proxy: Proxy, answer: httpx.Response, name: str, faults_before: int) -> None:
    assert f"broken for a test: {name}" in proxy.log.read_text()
    assert answer.status_code == 503, answer.text
    assert answer.json()["reason"] == "hook_missing"
    assert "broken" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert faults(proxy) > faults_before


@pytest.mark.parametrize("name", BEFORE_THE_CALL)
def test_a_fault_before_the_call_refuses_it(proxy: Proxy, customer: Customer, seen: Upstream, name: str) -> None:
    if name in BY_USE:
        customer = sell(proxy, {"chat": "real-a"}, budget_mode="consumption_tokens")
    before = faults(proxy)
    answer = post(customer, BEFORE_THE_CALL[name], name)
    assert seen.seen() == []
    balance = customer.balance()
    assert (balance["credits_remaining"], balance["credits_reserved"]) == (1000, 0)
    assert_refused_for_a_fault(proxy, answer, name, before)
    assert post(customer, CHAT).status_code == 200


@pytest.mark.parametrize("team", [{}, {"budget_mode": "consumption_tokens"}])
@pytest.mark.parametrize("depth", [900, 1000, 1020, 100_000])
def test_a_body_as_deep_as_may_be_is_answered_in_json(proxy: Proxy, team: dict[str, Any], depth: int) -> None:
    """Two JSON libraries read it, and each has a limit of its own, for writing another than for reading."""
    customer = sell(proxy, {"chat": "real-a"}, **team)
    body = '{"model": "chat", "messages": [], "metadata": {}, "temperature": ' + "[" * depth + "]" * depth + "}"
    with customer.client(**{"content-type": "application/json"}) as client:
        answer = client.post(CHAT[0], content=body)
    assert answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert customer.balance()["credits_reserved"] == 0


@pytest.mark.parametrize("name", AFTER_IT)
def test_a_fault_after_the_call_delivers_nothing(proxy: Proxy, customer: Customer, seen: Upstream, name: str) -> None:
    if name in BY_USE:
        customer = sell(proxy, {"chat": "real-a"}, budget_mode="consumption_tokens")
    before = faults(proxy)
    answer = post(customer, AFTER_IT[name], name)
    assert "upstream" not in answer.text
    assert customer.balance()["credits_reserved"] == (1 if name == "releasing" else 0)  # held is not free either
    assert_refused_for_a_fault(proxy, answer, name, before)
    assert post(customer, CHAT).status_code == 200


def test_a_stream_whose_settlement_fails_ends_there(proxy: Proxy, customer: Customer, seen: Upstream) -> None:
    """What was delivered stays held."""
    before = faults(proxy)
    with pytest.raises(httpx.RemoteProtocolError):
        post(customer, STREAM, "settling")
    assert "broken for a test: settling" in proxy.log.read_text()
    assert customer.balance()["credits_remaining"] == 999
    assert faults(proxy) > before


def test_a_stream_in_which_a_fault_comes_first_is_refused(proxy: Proxy, customer: Customer, seen: Upstream) -> None:
    before = faults(proxy)
    answer = post(customer, STREAM, "renaming")
    assert customer.balance()["credits_remaining"] == 1000
    assert_refused_for_a_fault(proxy, answer, "renaming", before)


@pytest.mark.parametrize("call", [CHAT, STREAM])
def test_a_call_whose_usage_never_comes_is_charged_by_what_is_known(
    proxy: Proxy, seen: Upstream, call: tuple[str, dict[str, Any]]
) -> None:
    customer = sell(proxy, {"chat": "real-a"}, budget_mode="consumption_tokens", credits_allocated=1)
    assert post(customer, call, "reading the event").status_code == 200
    assert "broken for a test: reading the event" in proxy.log.read_text()
    balance = customer.balance()
    assert 10 / 10_000 < balance["credits_used"] < 100 / 10_000  # a thousand tokens more were reserved
    assert balance["credits_reserved"] == 0


# -- the hook is not where it should be


@pytest.fixture
def put_back(proxy: Proxy) -> Iterator[None]:
    yield
    with proxy.client(authorization=f"Bearer {MASTER_KEY}", **{meddling.HEADER: meddling.RESTORE}) as operator:
        assert operator.get("/health/liveliness").status_code == 200


@pytest.mark.usefixtures("put_back")
@pytest.mark.parametrize("wish", [meddling.REMOVE, meddling.REPLACE])
def test_without_the_hook_every_call_is_refused(proxy: Proxy, customer: Customer, seen: Upstream, wish: str) -> None:
    for call in (CHAT, STREAM, SPEECH, COUNT):
        answer = post(customer, call, wish)
        assert answer.status_code == 503, answer.text
        assert answer.json()["reason"] == "hook_missing"
        assert "saas_access.proxy.access_hook" in answer.json()["message"]
    assert seen.seen() == []
    assert customer.balance()["credits_remaining"] == 1000
    status, told = health(proxy)
    assert (status, told["status"], told["hook_loaded"]) == (503, "unavailable", False)
    assert "without the product's hook" in told["warnings"][0]
    anonymous = httpx.get(f"{proxy.url}/api/health")
    assert (anonymous.status_code, anonymous.json()) == (503, {"status": "unavailable"})
    assert post(customer, CHAT, meddling.RESTORE).status_code == 200
    assert health(proxy)[0] == 200


@pytest.mark.parametrize("call", [CHAT, STREAM, SPEECH], ids=["chat", "stream", "speech"])
def test_an_answer_without_a_decision_trips_the_wire(
    proxy: Proxy, customer: Customer, seen: Upstream, call: tuple[str, dict[str, Any]]
) -> None:
    """The hook was there when the caller was authenticated, and neither of its gates was asked after that."""
    before = faults(proxy)
    path, body = call
    answer = post(customer, (path, {**body, "model": "real-a"}), meddling.SKIP_BOTH)
    assert seen.models() == ["up-a"]
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["reason"] == "hook_missing"
    assert answer.json()["message"].startswith("The call was answered without a decision of the access hook")
    for content in (b"Hello", b"ID3audio", b"up-a"):
        assert content not in answer.content
    assert faults(proxy) == before + 1
    assert f"{answer.headers['x-request-id']} {path} refused: it was answered 200 without" in proxy.log.read_text()


SUBCLASS = """
from saas_access.proxy import access_hook
from saas_access.proxy.hook import AccessHook

class Theirs(AccessHook):
    pass

hook = Theirs(access_hook._plugin)
"""


def test_a_hook_of_ones_own_made_from_ours_stops_the_start(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "theirs_for_tests.py").write_text(SUBCLASS)
    config = configuration(upstream)
    config["litellm_settings"]["callbacks"] = ["theirs_for_tests.hook"]
    assert "TypeError: Theirs can't extend the access hook" in log_of_failed_start(tmp_path, config)


# -- the store can't be read


def assert_unavailable(proxy: Proxy, customer: Customer, upstream: Upstream, problem: str) -> None:
    until(lambda: post(customer, COUNT).status_code == 503)  # which needs the policy alone, looked at once a second
    upstream.forget()
    for call in (CHAT, STREAM, SPEECH, COUNT):
        answer = post(customer, call)
        assert (answer.status_code, answer.json()["reason"]) == (503, "store_unavailable"), answer.text
        assert answer.json()["message"] == "The access store can't be used; see the proxy's log"
    assert upstream.seen() == []
    status, told = health(proxy)
    assert (status, told["status"], told["hook_loaded"]) == (503, "unavailable", True)
    assert problem in " ".join(told["warnings"])
    anonymous = httpx.get(f"{proxy.url}/api/health")
    assert (anonymous.status_code, anonymous.json()) == (503, {"status": "unavailable"})
    with proxy.admin() as admin:
        changed = admin.put(f"/api/teams/{customer.team_id}", json={"access_groups": []})
    assert changed.status_code == 503, changed.text


def test_a_store_whose_files_were_taken_away_or_replaced(upstream: Upstream, tmp_path: Path) -> None:
    store, aside = tmp_path / "store.db", tmp_path / "aside.db"
    with running_proxy(tmp_path, configuration(upstream)) as proxy:
        customer = sell(proxy, {"chat": "real-a"})
        assert post(customer, CHAT).status_code == 200
        (tmp_path / "store.db-revision").unlink()
        assert_unavailable(proxy, customer, upstream, "store.db-revision")
        proxy.stop()
        proxy.start()
        assert post(customer, CHAT).status_code == 200
        assert health(proxy)[0] == 200
        store.rename(aside)
        shutil.copy(aside, store)
        assert_unavailable(proxy, customer, upstream, "store.db")
        aside.replace(store)
        until(lambda: post(customer, CHAT).status_code == 200)
        assert health(proxy)[0] == 200
