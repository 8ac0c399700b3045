"""Credentials: in force at once in every process, guessed at a limited rate, repeated nowhere."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
from running import ADMIN_KEY, MASTER_KEY, Proxy, Upstream, configuration, running_proxy
from selling import Customer, sell

CHAT_PATH = "/v1/chat/completions"
CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
VIEWER_KEY = "viewer-key-for-tests-1234567890"
MOST_GUESSES = 2  # the next is looked at half a minute later
MIB = 1024 * 1024


def call(
    proxy: Proxy, key: str | None, *, source: str = "127.0.0.1", path: str = CHAT_PATH, body: Any = None, **headers: str
) -> httpx.Response:
    """One request on a connection of its own, so that any of the workers may get it, from one of this machine's own
    addresses.
    """
    credential = {} if key is None else {"authorization": f"Bearer {key}"}
    transport = httpx.HTTPTransport(local_address=source)
    with httpx.Client(base_url=proxy.url, headers={**credential, **headers}, transport=transport, timeout=60) as client:
        return client.get(path) if path != CHAT_PATH and body is None else client.post(path, json=body or CHAT)


def outcomes(proxy: Proxy, key: str, times: int = 4, **how: Any) -> set[tuple[int, str | None]]:
    """What several calls come to: with two workers, either of them gets some."""
    answers = [call(proxy, key, **how) for _ in range(times)]
    return {(answer.status_code, answer.json().get("reason")) for answer in answers}


ALLOWED: set[tuple[int, str | None]] = {(200, None)}
REVOKED: set[tuple[int, str | None]] = {(401, "key_revoked")}


# -- in force at once, whichever process gets the next request


@pytest.fixture(scope="module")
def workers(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running_proxy(tmp_path_factory.mktemp("workers"), configuration(upstream), workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def sold(workers: Proxy) -> Customer:
    return sell(workers, {"chat": "real-a", "other": "real-b"})


def new_key(customer: Customer, **key: Any) -> dict[str, Any]:
    with customer.proxy.admin() as admin:
        made = admin.post(f"/api/teams/{customer.team_id}/keys", json=key)
        assert made.status_code == 201, made.text
        body: dict[str, Any] = made.json()
        return body


def rotated(customer: Customer, key_id: str, grace_seconds: int) -> str:
    with customer.proxy.admin() as admin:
        path = f"/api/teams/{customer.team_id}/keys/{key_id}/rotate"
        answer = admin.post(path, json={"grace_seconds": grace_seconds})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["virtual_key"])


def test_a_revoked_key_is_refused_at_once(workers: Proxy, sold: Customer) -> None:
    for _ in range(5):
        key = new_key(sold)
        assert outcomes(workers, key["virtual_key"]) == ALLOWED
        with workers.admin() as admin:
            assert admin.delete(f"/api/teams/{sold.team_id}/keys/{key['key_id']}").status_code == 200
        assert outcomes(workers, key["virtual_key"]) == REVOKED
        assert outcomes(workers, key["virtual_key"], path="/v1/models") == REVOKED
        assert outcomes(workers, key["virtual_key"], path=f"/api/teams/{sold.team_id}") == REVOKED
    assert outcomes(workers, sold.key) == ALLOWED


def test_a_rotated_key_is_another_at_once(workers: Proxy, sold: Customer) -> None:
    key = new_key(sold)
    secret = key["virtual_key"]
    for _ in range(5):
        old, secret = secret, rotated(sold, key["key_id"], 0)
        assert outcomes(workers, secret) == ALLOWED
        assert outcomes(workers, old) == REVOKED


def test_the_old_secret_works_for_the_time_of_grace(workers: Proxy, sold: Customer) -> None:
    key = new_key(sold)
    before = time.time()
    new = rotated(sold, key["key_id"], 5)
    after = time.time()
    seen = until_refused(workers, key["virtual_key"], not_before=before + 5, not_after=after + 5)
    assert seen == {(200, None), (401, "key_revoked")}
    assert outcomes(workers, key["virtual_key"]) == REVOKED
    assert outcomes(workers, new) == ALLOWED


def test_rotating_again_ends_the_grace_of_the_secret_before(workers: Proxy, sold: Customer) -> None:
    key = new_key(sold)
    second = rotated(sold, key["key_id"], 600)
    assert outcomes(workers, key["virtual_key"]) == ALLOWED
    third = rotated(sold, key["key_id"], 0)
    assert outcomes(workers, second) == REVOKED
    assert outcomes(workers, third) == ALLOWED


def test_a_key_expires_when_it_says(workers: Proxy, sold: Customer) -> None:
    expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=5)
    key = new_key(sold, expires_at=expires.isoformat().replace("+00:00", "Z"))
    end = expires.timestamp()
    seen = until_refused(workers, key["virtual_key"], not_before=end, not_after=end)
    assert seen == {(200, None), (401, "key_expired")}
    assert outcomes(workers, key["virtual_key"]) == {(401, "key_expired")}


def until_refused(proxy: Proxy, key: str, *, not_before: float, not_after: float) -> set[tuple[int, str | None]]:
    """Calls until one is refused: none that was answered before `not_before` may be, each that began after
    `not_after` must be.
    """
    seen: set[tuple[int, str | None]] = set()
    while True:
        began = time.time()
        outcome = outcomes(proxy, key, 1)
        seen |= outcome
        if outcome != ALLOWED:
            assert time.time() >= not_before
            return seen
        assert began <= not_after


def test_a_key_reaches_what_it_was_narrowed_to(workers: Proxy, sold: Customer) -> None:
    key = new_key(sold, model_aliases=["other"])["virtual_key"]
    assert outcomes(workers, key) == {(403, "model_not_granted")}
    assert outcomes(workers, key, body={**CHAT, "model": "other"}) == ALLOWED
    assert call(workers, key).json()["available_models"] == ["other"]
    for _ in range(4):
        assert [row["id"] for row in call(workers, key, path="/v1/models").json()["data"]] == ["other"]


def test_narrowing_adds_nothing(workers: Proxy, sold: Customer) -> None:
    """The group is taken away and given back: the key follows, for it holds no right of its own."""
    key = new_key(sold, model_aliases=["other"])["virtual_key"]
    for groups, outcome in (([], {(403, "model_not_granted")}), (sold.groups, ALLOWED)):
        with workers.admin() as admin:
            changed = admin.put(f"/api/teams/{sold.team_id}", json={"access_groups": groups})
        assert changed.status_code == 200
        assert outcomes(workers, key, body={**CHAT, "model": "other"}) == outcome


def test_a_suspended_teams_keys_and_its_organizations(workers: Proxy) -> None:
    customer = sell(workers, {"chat": "real-a"})
    organization = customer.team_id.replace("team", "org")
    for path, reason in (
        (f"/api/teams/{customer.team_id}", "team_suspended"),
        (f"/api/organizations/{organization}", "organization_suspended"),
    ):
        with workers.admin() as admin:
            assert admin.put(f"{path}/suspend").status_code == 200
            assert outcomes(workers, customer.key) == {(403, reason)}
            assert admin.put(f"{path}/resume").status_code == 200
        assert outcomes(workers, customer.key) == ALLOWED


@pytest.fixture(scope="module")
def guarded(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Few guesses, small bodies, a viewer, a local operator; and LiteLLM writing into its log whatever it can."""
    config = configuration(
        upstream,
        failed_attempts_per_minute=MOST_GUESSES,
        max_request_mb=1,
        viewer_key=VIEWER_KEY,
        local_admin=True,
    )
    if find_spec("prometheus_client"):
        config["litellm_settings"]["callbacks"] += ["prometheus"]
    server = ("--detailed_debug",)
    with running_proxy(tmp_path_factory.mktemp("guarded"), config, server=server) as running:
        yield running


@pytest.fixture(scope="module")
def buyer(guarded: Proxy) -> Customer:
    return sell(guarded, {"chat": "real-a"})


# -- guessing


def guess(proxy: Proxy, source: str, path: str = CHAT_PATH) -> None:
    """Uses up what the source may try."""
    for number in range(MOST_GUESSES):
        assert call(proxy, f"sk-a-guess-{number}", source=source, path=path).status_code == 401


@pytest.mark.parametrize(("source", "path"), [("127.0.1.1", CHAT_PATH), ("127.0.1.2", "/api/teams")])
def test_too_many_wrong_keys_close_a_source_for_operators_alone(
    guarded: Proxy, buyer: Customer, seen: Upstream, source: str, path: str
) -> None:
    """Wherever they were tried: on LiteLLM's routes or ours."""
    guess(guarded, source, path)
    as_guessed = call(guarded, "sk-a-guess", source=source)
    right = call(guarded, MASTER_KEY, source=source, body={**CHAT, "model": "real-a"})
    assert right.status_code == 401, right.text
    assert right.json()["error"] == as_guessed.json()["error"]
    assert seen.seen() == []
    for key in (MASTER_KEY, ADMIN_KEY, VIEWER_KEY, "sk-a-guess"):
        assert call(guarded, key, source=source, path="/api/teams").status_code == 429
    assert call(guarded, buyer.key, source=source).status_code == 200
    assert call(guarded, buyer.key, source=source, path=f"/api/teams/{buyer.team_id}").status_code == 200
    assert call(guarded, MASTER_KEY, source="127.0.1.9", body={**CHAT, "model": "real-a"}).status_code == 200
    assert call(guarded, ADMIN_KEY, source="127.0.1.9", path="/api/teams").status_code == 200


LOOKED_AT = {
    "page without a key": ("GET", "/public/litellm_model_cost_map", {}),
    "refused field": ("POST", CHAT_PATH, {**CHAT, "api_base": "http://127.0.0.1:1"}),
    "large body": ("POST", CHAT_PATH, {**CHAT, "user": "x" * MIB}),
}


@pytest.mark.parametrize("name", LOOKED_AT)
def test_nothing_else_tells_a_right_guess_from_a_wrong_one(guarded: Proxy, name: str) -> None:
    """What is answered before LiteLLM asks for the caller is no place to guess in without being counted."""
    method, path, body = LOOKED_AT[name]
    transport = httpx.HTTPTransport(local_address=f"127.0.2.{1 + list(LOOKED_AT).index(name)}")
    wrong = [f"sk-a-guess-{number}" for number in range(MOST_GUESSES + 1)]
    with httpx.Client(base_url=guarded.url, transport=transport, timeout=60) as client:
        answers = [
            client.request(method, path, json=body or None, headers={"authorization": f"Bearer {key}"})
            for key in (*wrong, MASTER_KEY)
        ]
    assert answers[-1].status_code == answers[-2].status_code
    assert {**answers[-1].json(), "request_id": ""} == {**answers[-2].json(), "request_id": ""}


def test_a_source_is_who_is_connected(guarded: Proxy) -> None:
    """A header that says otherwise moves no guess to somebody else's account. uvicorn believes it from 127.0.0.1
    alone, where a reverse proxy of this machine's would be; nobody else changes their address by it.
    """
    source, claimed = "127.0.3.1", "127.0.3.2"
    for number in range(MOST_GUESSES):
        guessed = call(
            guarded, f"sk-a-guess-{number}", source=source, path="/api/teams", **{"x-forwarded-for": claimed}
        )
        assert guessed.status_code == 401
    assert call(guarded, ADMIN_KEY, source=source, path="/api/teams").status_code == 429
    assert call(guarded, ADMIN_KEY, source=claimed, path="/api/teams").status_code == 200


# -- who else is an operator


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "localhost"},
        {"host": "[::1]:8003"},
        {"origin": "{url}"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_local_request_without_a_key_is_the_operators(guarded: Proxy, headers: dict[str, str]) -> None:
    sent = {name: value.format(url=guarded.url) for name, value in headers.items()}
    assert httpx.get(f"{guarded.url}/api/teams", headers=sent).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "localhost.evil.example"},
        {"host": "127.0.0.1.nip.io"},
        {"host": "127.0.0.1@evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-for": "203.0.113.5"},
        {"x-forwarded-host": "localhost"},
        {"x-forwarded-proto": "http"},
        {"forwarded": "for=127.0.0.1"},
        {"x-real-ip": "127.0.0.1"},
        {"via": "1.1 proxy"},
        {"cf-connecting-ip": "127.0.0.1"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_one_that_may_come_from_elsewhere_is_not(guarded: Proxy, headers: dict[str, str], method: str) -> None:
    path = "/api/teams" if method == "GET" else "/api/organizations/create"
    answer = httpx.request(method, guarded.url + path, headers=headers, json={"organization_id": "evil", "name": "x"})
    assert answer.status_code == 401, answer.text


def test_the_local_operator_is_nobody_to_litellm(guarded: Proxy, seen: Upstream) -> None:
    assert call(guarded, None).status_code == 401
    assert httpx.get(f"{guarded.url}/v1/models").status_code == 401
    assert seen.seen() == []


def test_a_viewer_looks_and_nothing_else(guarded: Proxy, buyer: Customer, seen: Upstream) -> None:
    source = "127.0.4.1"
    with guarded.client(**{"x-admin-key": VIEWER_KEY}) as viewer:
        for path in ("/api/teams", "/api/audit", f"/api/credits/balance?team_id={buyer.team_id}"):
            assert viewer.get(path).status_code == 200
        assert "warnings" in viewer.get("/api/health").json()
        refused = viewer.put(f"/api/teams/{buyer.team_id}", json={"access_groups": []})
        assert (refused.status_code, refused.json()["reason"]) == (403, "viewer_reads_only")
        job = viewer.post("/api/jobs/create", json={"team_id": buyer.team_id, "job_type": "t"})
        assert job.status_code == 403
        with buyer.client() as client:
            mine = client.post("/api/jobs/create", json={"team_id": buyer.team_id, "job_type": "t"}).json()
        assert viewer.post(f"/api/jobs/{mine['job_id']}/llm-call", json=CHAT).status_code == 403
    assert call(guarded, VIEWER_KEY, source=source).status_code == 401
    assert call(guarded, VIEWER_KEY, source=source, path="/v1/models").status_code == 401
    assert seen.seen() == []


# -- bodies


def pieces(body: bytes) -> Iterator[bytes]:
    """So that it is sent without its length being said ahead."""
    for start in range(0, len(body), 64 * 1024):
        yield body[start : start + 64 * 1024]


LARGE = b'{"model": "chat", "messages": [{"role": "user", "content": "' + b"x" * MIB + b'"}]}'


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", [CHAT_PATH, "/v1/messages", "/v1/messages/count_tokens", "/v1/audio/speech"])
def test_a_call_over_the_limit_is_refused(
    guarded: Proxy, buyer: Customer, seen: Upstream, path: str, chunked: bool
) -> None:
    with buyer.client(**{"content-type": "application/json"}) as client:
        answer = client.post(path, content=pieces(LARGE) if chunked else LARGE)
    assert answer.status_code == 413, answer.text
    assert answer.json()["message"] == "The body is larger than the limit of 1 MiB"
    assert seen.seen() == []
    assert buyer.balance()["credits_reserved"] == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_over_the_limit_too(guarded: Proxy, buyer: Customer, seen: Upstream, chunked: bool) -> None:
    form = httpx.Request("POST", "http://x", data={"model": "chat"}, files={"file": ("a.mp3", b"ID3" * MIB)})
    body = form.read()
    with buyer.client(**{"content-type": form.headers["content-type"]}) as client:
        answer = client.post("/v1/audio/transcriptions", content=pieces(body) if chunked else body)
    assert answer.status_code == 413, answer.text
    assert seen.seen() == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_jobs_call_takes_what_the_chat_route_takes(
    guarded: Proxy, buyer: Customer, seen: Upstream, chunked: bool
) -> None:
    with buyer.client(**{"content-type": "application/json"}) as client:
        job = client.post("/api/jobs/create", json={"team_id": buyer.team_id, "job_type": "t"}).json()["job_id"]
        answer = client.post(f"/api/jobs/{job}/llm-call", content=pieces(LARGE) if chunked else LARGE)
    assert answer.status_code == 413, answer.text
    assert seen.seen() == []


@pytest.mark.parametrize(
    "path", [CHAT_PATH, "/v1/files", "/queue/chat/completions", "/v1/models", "/nothing", "/api/teams"]
)
def test_a_body_over_the_limit_is_not_waited_for(guarded: Proxy, path: str) -> None:
    """On no route, whoever sends it: what is kept of a request before anybody is known is bounded."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    piece = b"x" * 64 * 1024
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=10) as connection:
        connection.sendall(head.encode())
        with contextlib.suppress(ConnectionError):  # it may be closed before all is sent
            for _ in range(3 * MIB // len(piece)):
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        status = connection.recv(12)  # and the last piece was never sent
    assert status in {b"HTTP/1.1 %d" % code for code in (401, 403, 404, 405, 413)}


@pytest.mark.parametrize("chunked", [False, True])
def test_the_admin_api_takes_a_mebibyte(guarded: Proxy, chunked: bool) -> None:
    body = b'{"organization_id": "org", "name": "' + b"x" * MIB + b'"}'
    with guarded.admin() as admin:
        answer = admin.post("/api/organizations/create", content=pieces(body) if chunked else body)
    assert answer.status_code == 413, answer.text
    assert "1 MiB" in answer.json()["message"]


# -- keys are repeated nowhere


def test_no_key_is_repeated_anywhere(guarded: Proxy, upstream: Upstream) -> None:
    """The log is LiteLLM's at its most talkative."""
    source = "127.0.5.1"
    customer = sell(guarded, {"chat": "real-a", "failing": "real-failing"})
    wrong, revoked = "sk-wrong-key-of-the-tests-0123456789", ""
    with guarded.admin() as admin:
        made = admin.post(f"/api/teams/{customer.team_id}/keys", json={}).json()
        revoked = made["virtual_key"]
        admin.delete(f"/api/teams/{customer.team_id}/keys/{made['key_id']}")
        audit = admin.get("/api/audit").text
        shown = admin.get(f"/api/teams/{customer.team_id}").text
        health = admin.get("/api/health").text
    told = []
    for key in (customer.key, wrong, revoked):
        for model in ("chat", "failing", "forbidden"):
            for path in (CHAT_PATH, "/v1/messages", "/v1/responses", "/queue/chat/completions"):
                body = {**CHAT, "model": model, "max_tokens": 9, "input": "hi"}
                told.append(call(guarded, key, source=source, path=path, body=body).text)
        told.append(call(guarded, key, source=source, path="/api/teams").text)
        url = f"/v1beta/models/chat:generateContent?key={key}"
        told.append(call(guarded, None, source=source, path=url, body={"contents": []}).text)
    metrics = httpx.get(
        f"{guarded.url}/metrics/", follow_redirects=True, headers={"authorization": f"Bearer {MASTER_KEY}"}
    )
    places = {
        "answers": "".join(told),
        "audit": audit,
        "team": shown,
        "health": health,
        "metrics": metrics.text,
        "log": guarded.log.read_text(),
        "upstream": str(upstream.seen()),
    }
    keys = {"team's": customer.key, "wrong": wrong, "revoked": revoked}
    keys |= {"master": MASTER_KEY, "admin": ADMIN_KEY, "viewer": VIEWER_KEY}
    assert [(name, place) for name, key in keys.items() for place, text in places.items() if key in text] == []
