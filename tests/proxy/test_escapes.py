"""What a client can put into a call to get past what it was sold: alone, in pairs, plain and streamed.

Each call carries a mark in its message, so that the provider's record (witness.py) tells what became of it: what was
answered reached the granted deployment, once, under its own address and key, and brought nothing along that the client
chose; what was refused reached nobody; and the team was charged for what was answered, once, by the operator's prices.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from escapes import INTRUDER, KINDS, REFUSED_FIELDS, Escape, Outcome
from escapes_elsewhere import CHAT, ELSE, message, response
from installed_litellm import call_parameters
from running import Proxy, configuration, deployment, running_proxy
from selling import Customer, sell
from witness import Witness, running_witness

from saas_access.proxy.routes import TEAM_ROUTES

ALIASES = {"chat": "real-a", "claude": "real-claude", "gemini": "real-gemini"}
# 21 prompt and 12 completion tokens at the deployment's prices, times 10 credits for a dollar.
CREDITS = (21 * 3 + 12 * 6) * 10 / 1_000_000
AT_ONCE = 8
_marks = itertools.count(1)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    with running_witness(tmp_path_factory.mktemp("witness")) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(witness: Witness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Each deployment under an address of its own; one of the granted group that only a tag leads to."""
    config = configuration(witness)
    for entry in config["model_list"]:
        params = entry["litellm_params"]
        params["api_base"] = params["api_base"].replace(witness.url, f"{witness.url}/{entry['model_name']}")
    granted, *_ = config["model_list"]
    granted["litellm_params"]["tags"] = ["default"]
    tagged = deployment("real-a", "openai/up-a", witness, path="/tagged/v1")
    tagged["litellm_params"] |= {"api_key": "KEY-tagged", "tags": [INTRUDER]}
    config["model_list"].append(tagged)
    next(entry for entry in config["model_list"] if entry["model_name"] == "forbidden")["model_info"]["id"] = "dep-1"
    config["router_settings"] = {"enable_tag_filtering": True}
    with running_proxy(tmp_path_factory.mktemp("proxy"), config) as running:
        yield running


@pytest.fixture
def seen(witness: Witness) -> Witness:
    witness.forget()
    return witness


@pytest.fixture(scope="module")
def buyer(proxy: Proxy) -> Customer:
    """Whose balance differs from test to test."""
    return sell(proxy, ALIASES, budget_mode="consumption_usd")


@pytest.fixture
def customer(proxy: Proxy) -> Customer:
    return sell(proxy, ALIASES, budget_mode="consumption_usd")


@dataclass
class Call:
    """One chat completion with escapes in it."""

    escapes: tuple[Escape, ...]
    stream: bool
    mark: str = field(default_factory=lambda: f"mark-{next(_marks)}-")

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": self.mark}]}
        if self.stream:
            body["stream"] = True
        for escape in self.escapes:
            body |= escape.body
        return body

    async def make(self, client: httpx.AsyncClient) -> httpx.Response:
        sent = {name: value for escape in self.escapes for name, value in escape.headers.items()}
        query = {name: value for escape in self.escapes for name, value in escape.query.items()}
        return await client.post(CHAT, json=self.body, headers=sent, params=query)

    def __str__(self) -> str:
        return " + ".join(escape.name for escape in self.escapes) + (" (streamed)" if self.stream else "")


def made(customer: Customer, calls: Iterable[Call]) -> list[tuple[Call, httpx.Response]]:
    """Makes the calls, some at a time."""

    async def make_all() -> list[tuple[Call, httpx.Response]]:
        gate = asyncio.Semaphore(AT_ONCE)
        key = {"authorization": f"Bearer {customer.key}"}
        async with httpx.AsyncClient(base_url=customer.proxy.url, headers=key, timeout=120) as client:

            async def make(call: Call) -> tuple[Call, httpx.Response]:
                async with gate:
                    return call, await call.make(client)

            return await asyncio.gather(*(make(call) for call in calls))

    return asyncio.run(make_all())


def faults_of_reaching(entry: dict[str, Any], granted: str = "real-a") -> Iterator[str]:
    """What is wrong with a request that reached the provider."""
    if entry["deployment"] != granted:
        yield f"it reached the address of {entry['deployment']!r}"
    if set(re.findall(r"\bup-\w+", entry["path"] + entry["body"])) != {granted.replace("real", "up")}:
        yield f"it asked for {entry['path']} {entry['body']}"
    keys = {value for name, value in entry["headers"] if name in ("authorization", "x-api-key", "x-goog-api-key")}
    if not keys or keys - {f"Bearer KEY-{granted}", f"KEY-{granted}"}:
        yield f"its key was {sorted(keys)}"
    if INTRUDER in json.dumps(entry).lower():
        yield f"it brought something along: {entry}"


TELLTALE = re.compile(r"KEY-real-\w+|KEY-tagged|\bup-(?:a|b|claude|gemini|forbidden)\b|\breal-(?:b|claude)\b")


def faults(call: Call, answer: httpx.Response, reached: list[dict[str, Any]]) -> Iterator[str]:
    """What is wrong with a call, its answer and what the provider saw of it."""
    expected = {escape.outcome for escape in call.escapes}
    allowed = {
        Outcome.IGNORED: {200},
        Outcome.FIELD: {422},
        Outcome.MODEL: {403},
        Outcome.ENDED: {400, 403, 422},
        Outcome.EITHER: {200, 422},
    }
    refusing = expected - {Outcome.IGNORED}
    statuses = set().union(*(allowed[outcome] for outcome in refusing or expected))
    if answer.status_code not in statuses:
        yield f"answered {answer.status_code} {answer.text[:300]!r}"
    if len(reached) != (answer.status_code < 300):
        yield f"{len(reached)} requests reached the provider"
    for entry in reached:
        yield from faults_of_reaching(entry)
    told = set(TELLTALE.findall(f"{answer.headers.raw} {answer.text}")) - set(TELLTALE.findall(json.dumps(call.body)))
    if told:
        yield f"the answer tells {sorted(told)}"


def judged(seen: Witness, got: Iterable[tuple[Call, httpx.Response]]) -> dict[str, list[str]]:
    """The faults of each call that has some."""
    statements = seen.statements()
    by_mark: dict[str, list[dict[str, Any]]] = {}
    for entry in statements:
        found = re.search(r"mark-\d+-", entry["body"])
        by_mark.setdefault(found[0] if found else "nobody's", []).append(entry)
    wrong = {str(call): list(faults(call, answer, by_mark.pop(call.mark, []))) for call, answer in got}
    wrong |= {mark: [str(entries)] for mark, entries in by_mark.items()}
    return {name: found for name, found in wrong.items() if found}


def assert_charged(customer: Customer, answered: int) -> None:
    """By one entry for each answered call, and each the same."""
    with customer.proxy.admin() as admin:
        query = {"team_id": customer.team_id}
        entries = admin.get("/api/credits/transactions", params=query).json()["transactions"]
    assert [entry["amount"] for entry in entries if entry["type"] != "allocation"] == [-CREDITS] * answered


def assert_nothing_steers(customer: Customer, seen: Witness, calls: Iterable[Call]) -> list[httpx.Response]:
    """Makes the calls, whose outcomes must be as expected, and each on the bill that should be. The answered ones."""
    got = made(customer, calls)
    assert judged(seen, got) == {}
    answered = [answer for _, answer in got if answer.status_code == 200]
    assert_charged(customer, len(answered))
    return answered


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_escape_alone(customer: Customer, seen: Witness, kind: str, stream: bool) -> None:
    assert_nothing_steers(customer, seen, [Call((escape,), stream) for escape in KINDS[kind]])


def test_a_refused_field_is_named_with_what_it_would_do(customer: Customer) -> None:
    for escape in REFUSED_FIELDS:
        ((_, answer),) = made(customer, [Call((escape,), False)])
        told = answer.json()
        (name,) = escape.body
        assert name in told["message"], told
        assert told["details"][0]["field"].partition("[")[0] == name
        assert told["error"]["code"] == "field_not_allowed"


def test_escapes_in_pairs(customer: Customer, seen: Witness) -> None:
    chosen = [escape for escapes in KINDS.values() for escape in escapes if escape.paired]
    pairs = [pair for pair in itertools.combinations(chosen, 2) if pair[0].combines_with(pair[1])]
    assert len(pairs) > 500
    calls = [Call(pair, stream=bool(index % 2)) for index, pair in enumerate(pairs)]
    assert len(assert_nothing_steers(customer, seen, calls)) > 50


def test_no_name_that_litellm_knows_steers_anything(customer: Customer, seen: Witness) -> None:
    """Every parameter of the installed version that isn't the route's own: as a text, as an object, as a number."""
    own = TEAM_ROUTES["POST", CHAT].fields
    names = [name for name in call_parameters() if name not in own]
    assert len(names) > 300
    values = itertools.cycle((INTRUDER, {"model": INTRUDER}, 0))
    calls = [Call((Escape(name, Outcome.EITHER, {name: next(values)}),), stream=False) for name in names]
    answered = assert_nothing_steers(customer, seen, calls)
    assert 0 < len(answered) < len(calls)


@pytest.mark.parametrize("name", ELSE)
def test_an_escape_elsewhere(proxy: Proxy, witness: Witness, seen: Witness, buyer: Customer, name: str) -> None:
    path, how, granted, statuses = ELSE[name]
    if "json" in how:
        how = {"json": json.loads(json.dumps(how["json"]).replace("{witness}", witness.url))}
    used = buyer.balance()["credits_used"]
    with buyer.client() as client:
        answer = client.post(path, **how)
    assert answer.status_code in statuses, answer.text
    reached = seen.statements()
    assert len(reached) == (answer.status_code == 200)
    assert [fault for entry in reached for fault in faults_of_reaching(entry, granted)] == []
    assert TELLTALE.findall(f"{answer.headers.raw} {answer.text}") == []
    charged = buyer.balance()["credits_used"] > used
    assert charged == (answer.status_code == 200 and "count" not in path)


def test_an_anthropic_subscription_beside_the_team_s_key_stays_here(
    proxy: Proxy, seen: Witness, buyer: Customer
) -> None:
    keys = {"x-litellm-api-key": buyer.key, "authorization": f"Bearer sk-ant-oat01-{INTRUDER}"}
    with proxy.client(**keys) as client:
        assert client.post("/v1/messages", **message(model="claude")).status_code == 200
    (entry,) = seen.statements()
    assert list(faults_of_reaching(entry, "real-claude")) == []


def test_a_response_is_continued_by_its_own_team_alone(proxy: Proxy, seen: Witness, buyer: Customer) -> None:
    other = sell(proxy, {"chat": "real-a"})
    with buyer.client() as client, other.client() as stranger:
        first = client.post("/v1/responses", **response()).json()["id"]
        seen.forget()
        assert stranger.post("/v1/responses", **response(previous_response_id=first)).status_code == 403
        assert (
            client.post("/v1/responses", **response(previous_response_id=first, model="forbidden")).status_code == 403
        )
        assert seen.statements() == []
        assert client.post("/v1/responses", **response(previous_response_id=first)).status_code == 200
    assert other.balance()["credits_used"] == other.balance()["credits_reserved"] == 0


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses", CHAT])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_no_id_tells_the_deployment(buyer: Customer, path: str, stream: bool) -> None:
    body = message(stream=stream, **({"input": "hi"} if "responses" in path else {}))
    with buyer.client() as client:
        answer = client.post(path, **body)
    assert answer.status_code == 200, answer.text
    for token in re.findall(r"resp_([\w+/-]{20,}={0,2})", answer.text):
        assert b"model_id" not in base64.urlsafe_b64decode(token.rstrip("=") + "==")


def test_calls_under_one_id_are_charged_one_by_one(customer: Customer, seen: Witness) -> None:
    same = Escape("call id", Outcome.IGNORED, {"litellm_call_id": "same"}, {"x-litellm-call-id": "same"})
    assert len(assert_nothing_steers(customer, seen, [Call((same,), stream=False) for _ in range(4)])) == 4
