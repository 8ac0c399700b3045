"""Who may call what: credentials, the local operator, and what a team's key sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request

from saas_access import times
from saas_access.admin import access

from .serving import ADMIN_KEY, MASTER_KEY, Server, answered, created, make_server, refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .serving import Acme, Client

TEAMS_MAY = {
    ("GET", "/api/teams/{team_id}"),
    ("GET", "/api/teams/{team_id}/jobs"),
    ("GET", "/api/credits/balance"),
    ("GET", "/api/credits/transactions"),
    ("GET", "/api/credits/pace"),
    ("GET", "/api/credits/history"),
    ("GET", "/api/usage"),
    ("GET", "/api/whoami"),
    ("POST", "/api/jobs/create"),
    ("GET", "/api/jobs/{job_id}"),
    ("POST", "/api/jobs/{job_id}/complete"),
    ("POST", "/api/jobs/{job_id}/llm-call"),
    ("POST", "/api/jobs/{job_id}/llm-call-stream"),
    ("POST", "/api/jobs/create-and-call"),
    ("POST", "/api/jobs/create-and-call-stream"),
}
ANYONE_MAY = {("GET", "/api/health")}


def endpoints(server: Server) -> list[tuple[str, str]]:
    paths = server.app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def test_every_endpoint_but_the_listed_ones_refuses_a_teams_key(server: Server, stocked: Acme) -> None:
    team = server.client(stocked.acme_key)
    closed = set(endpoints(server)) - TEAMS_MAY - ANYONE_MAY
    assert len(closed) > 30
    for method, path in closed:
        body = refused(team.request(method, path, content=b"not even JSON"), 403)
        assert (body["error"], body["reason"]) == ("Forbidden", "operator_only"), path


def test_every_endpoint_but_health_wants_a_credential(server: Server, anonymous: Client, stocked: Acme) -> None:
    stranger = server.client("sk-nobody")
    for method, path in endpoints(server):
        if (method, path) not in ANYONE_MAY:
            assert refused(anonymous.request(method, path), 401)["error"] == "Authentication required"
        body = refused(stranger.request(method, path), 401)
        assert (body["error"], body["reason"]) == ("Invalid API key", "key_unknown"), path


def test_no_endpoint_answers_500_to_a_request_without_sense(server: Server, operator: Client) -> None:
    for method, path in endpoints(server):
        for content in (b"", b"{}", b"[]", b"null", b'{"a":', b"\xff\xfe"):
            response = operator.request(method, path.replace("{", "%00").replace("}", "\u00e9"), content=content)
            assert response.status_code < 500, (method, path, response.text)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {ADMIN_KEY}"},
        {"Authorization": f"bearer  {ADMIN_KEY}"},
        {"X-Admin-Key": ADMIN_KEY},
        {"x-api-key": ADMIN_KEY},
        {"Authorization": f"Bearer {MASTER_KEY}"},
        {"X-Admin-Key": MASTER_KEY},
    ],
)
def test_the_operator_by_admin_or_master_key(anonymous: Client, headers: dict[str, str]) -> None:
    answered(anonymous.get("/api/teams", headers=headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ADMIN_KEY},
        {"Authorization": f"Basic {ADMIN_KEY}"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {ADMIN_KEY}x"},
        {"Authorization": f"Bearer Bearer {ADMIN_KEY}"},
        {"X-Admin-Key": ""},
        {"X-Admin-Key": "wr\u00f6ng"},
        {"X-Admin-Key": "wrong", "Authorization": f"Bearer {ADMIN_KEY}"},
    ],
)
def test_a_wrong_credential_is_401_for_a_local_caller_too(local: Server, headers: dict[str, str]) -> None:
    client = local.client(address="127.0.0.1", host="localhost:8003")
    answered(client.get("/api/teams"))
    encoded = {name: value.encode() for name, value in headers.items()}
    response = client.get("/api/teams", headers=encoded)
    assert refused(response, 401)["reason"] == "key_unknown"
    assert response.headers["www-authenticate"] == "Bearer"


VIEWER_KEY = "viewer-key-of-the-tests"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Server]:
    made = make_server(tmp_path, viewer_key=VIEWER_KEY)
    yield made
    made.runtime.close()


def test_a_viewer_sees_everything_and_changes_nothing(watched: Server) -> None:
    viewer, operator = watched.client(VIEWER_KEY), watched.client(ADMIN_KEY)
    created(operator.post("/api/organizations/create", json={"organization_id": "org", "name": "O"}))
    revision = watched.runtime.engine.revision()
    read = [("GET", path) for method, path in endpoints(watched) if method == "GET"]
    assert len(read) > 10
    for method, path in read:
        assert viewer.request(method, path).status_code not in (401, 403), path
    changing = [(method, path) for method, path in endpoints(watched) if method != "GET"]
    for method, path in changing:
        response = viewer.request(method, path + "?dry_run=true", json={})
        if path == "/api/authorize/explain":
            assert response.status_code == 422
        else:
            assert refused(response, 403)["reason"] == "viewer_reads_only", path
    assert watched.runtime.engine.revision() == revision
    assert "warnings" in answered(viewer.get("/api/health"))


def test_the_audit_names_the_operator_by_their_key(tmp_path: Path) -> None:
    server = make_server(tmp_path, operators={"alice": "key-of-alice", "bob": "key-of-bob"}, viewers={"eve": "eves"})
    made: list[str] = []
    for key, actor in [
        ("key-of-bob", "bob"),
        ("key-of-alice", "alice"),
        (ADMIN_KEY, "operator"),
        (MASTER_KEY, "operator"),
    ]:
        body = {"organization_id": f"org{len(made)}", "name": "O"}
        created(server.client(key).post("/api/organizations/create", json=body))
        made.append(actor)
    audit = answered(server.client("eves").get("/api/audit"))["entries"]
    assert [entry["actor"] for entry in reversed(audit)] == made
    assert len(answered(server.client(ADMIN_KEY).get("/api/audit?actor=bob"))["entries"]) == 1
    assert refused(server.client("eves").delete("/api/organizations/org0"), 403)["reason"] == "viewer_reads_only"
    refused(server.client("key-of-alic").get("/api/teams"), 401)
    server.runtime.close()


def test_code_in_the_process_says_who_is_calling_by_the_scope(server: Server) -> None:
    def as_caller(caller: object) -> Client:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await server.app({**scope, access.CALLER_IN_SCOPE: caller}, receive, send)

        return Server(app=app, runtime=server.runtime, host=server.host).client("sk-nobody")  # type: ignore[arg-type]

    body = {"organization_id": "org", "name": "O"}
    refused(as_caller(access.Operator(actor="eve", viewer=True)).post("/api/organizations/create", json=body), 403)
    created(as_caller(access.Operator(actor="alice")).post("/api/organizations/create", json=body))
    [entry] = answered(as_caller(access.Operator(actor="eve", viewer=True)).get("/api/audit"))["entries"]
    assert entry["actor"] == "alice"
    for other in ("alice", None, {"actor": "alice"}):
        refused(as_caller(other).get("/api/audit"), 401)
    refused(server.client().get("/api/audit", headers={access.CALLER_IN_SCOPE: "alice"}), 401)


def test_the_digest_of_all_keys_covers_the_hosts(server: Server) -> None:
    service = server.app.state.service
    before = service.operator_keys_digest()
    assert service.operator_keys_digest() == before
    server.host.master_key = "sk-another"
    assert service.operator_keys_digest() != before


def test_too_many_wrong_keys_from_a_source_close_it_for_operators_alone(tmp_path: Path) -> None:
    server = make_server(tmp_path, failed_attempts_per_minute=3)
    operator = server.client(ADMIN_KEY, address="192.0.2.7")
    created(operator.post("/api/organizations/create", json={"organization_id": "org", "name": "O"}))
    team = {"organization_id": "org", "team_id": "team"}
    key = created(operator.post("/api/teams/create", json=team))["virtual_key"]
    guesser = server.client("a guess", address="192.0.2.7")
    for _ in range(3):
        refused(guesser.get("/api/teams"), 401)
    for client in (guesser, operator):
        response = client.get("/api/teams")
        assert refused(response, 429)["message"] == "Too many wrong keys came from this address; try again in 20 s."
        assert response.headers["retry-after"] == "20"
    answered(server.client(key, address="192.0.2.7").get("/api/teams/team"))
    answered(server.client(ADMIN_KEY, address="192.0.2.8").get("/api/teams"))
    server.runtime.close()


def test_refusals_and_revoked_keys_are_no_guesses(tmp_path: Path) -> None:
    server = make_server(tmp_path, failed_attempts_per_minute=1)
    operator = server.client(ADMIN_KEY)
    created(operator.post("/api/organizations/create", json={"organization_id": "org", "name": "O"}))
    team = created(operator.post("/api/teams/create", json={"organization_id": "org", "team_id": "team"}))
    client = server.client(team["virtual_key"])
    (key,) = answered(operator.get("/api/teams/team/keys"))["keys"]
    for _ in range(3):
        refused(client.get("/api/teams"), 403)
    answered(operator.delete(f"/api/teams/team/keys/{key['key_id']}"))
    for _ in range(3):
        assert refused(client.get("/api/teams/team"), 401)["reason"] == "key_revoked"
        refused(server.client().get("/api/teams"), 401)
    answered(operator.get("/api/teams"))
    server.runtime.close()


def test_a_secret_is_never_repeated(server: Server, operator: Client, stocked: Acme) -> None:
    key = stocked.acme_key
    for response in (
        server.client(key + "x").get("/api/teams"),
        operator.post("/api/authorize/explain", json={"virtual_key_id": key, "model": "gpt-4"}),
        operator.post("/api/credits/add", json={"team_id": "acme-prod", "amount": key}),
    ):
        assert response.status_code in (401, 422)
        assert key not in response.text


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Server]:
    made = make_server(tmp_path, local_admin=True)
    yield made
    made.runtime.close()


LOCAL = [
    ("127.0.0.1", "localhost:8003", {}),
    ("127.8.9.1", "127.0.0.1", {}),
    ("::1", "[::1]:8003", {}),
    ("::ffff:127.0.0.1", "LOCALHOST", {}),
    ("127.0.0.1", "localhost:8003", {"Origin": "http://localhost:8003", "Sec-Fetch-Site": "same-origin"}),
    ("127.0.0.1", "localhost:8003", {"Sec-Fetch-Site": "none"}),
]
NOT_LOCAL: list[tuple[str, str, dict[str, str]]] = [
    ("192.0.2.7", "localhost:8003", {}),
    ("::ffff:192.0.2.7", "localhost:8003", {}),
    ("testclient", "localhost:8003", {}),
    ("127.0.0.1", "saas.example", {}),
    ("127.0.0.1", "localhost.evil.example", {}),
    ("127.0.0.1", "127.0.0.1.evil.example", {}),
    ("127.0.0.1", "0.0.0.0", {}),
    ("127.0.0.1", "localhost:8003", {"Host": ""}),
    ("127.0.0.1", "localhost:8003", {"Host": "localhost:x"}),
    ("127.0.0.1", "localhost:8003", {"Host": "user@localhost"}),
    ("127.0.0.1", "localhost:8003", {"Origin": "null"}),
    ("127.0.0.1", "localhost:8003", {"Origin": "http://evil.example"}),
    ("127.0.0.1", "localhost:8003", {"Origin": "http://localhost:3000"}),
    ("127.0.0.1", "localhost:8003", {"Sec-Fetch-Site": "cross-site"}),
    ("127.0.0.1", "localhost:8003", {"Sec-Fetch-Site": "same-site"}),
    *(
        ("127.0.0.1", "localhost:8003", {name: "127.0.0.1"})
        for name in (
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Real-IP",
            "Via",
            "CF-Connecting-IP",
            "CF-Ray",
            "True-Client-IP",
            "X-Client-IP",
            "X-Original-Forwarded-For",
        )
    ),
]


@pytest.mark.parametrize(("address", "host", "headers"), LOCAL)
def test_a_local_request_without_a_key_is_the_operators(
    local: Server, address: str, host: str, headers: dict[str, str]
) -> None:
    answered(local.client(address=address, host=host).get("/api/teams", headers=headers))


@pytest.mark.parametrize(("address", "host", "headers"), NOT_LOCAL)
def test_a_request_that_may_come_from_elsewhere_is_not(
    local: Server, address: str, host: str, headers: dict[str, str]
) -> None:
    refused(local.client(address=address, host=host).get("/api/teams", headers=headers), 401)


def test_two_host_headers_are_not_local() -> None:
    host = (b"host", b"localhost")
    scope: dict[str, Any] = {"type": "http", "client": ("127.0.0.1", 40_000), "headers": [host]}
    assert access.is_local(Request(scope))
    assert not access.is_local(Request({**scope, "headers": [host, host]}))


def test_local_admin_is_off_by_default(server: Server) -> None:
    refused(server.client(address="127.0.0.1", host="localhost").get("/api/teams"), 401)


def test_the_audit_tells_the_operators_apart(local: Server) -> None:
    body = {"organization_id": "o1", "name": "O"}
    created(local.client(address="127.0.0.1", host="localhost").post("/api/organizations/create", json=body))
    operator = local.client(ADMIN_KEY)
    created(operator.post("/api/organizations/create", json={**body, "organization_id": "o2"}))
    entries = answered(operator.get("/api/audit"))["entries"]
    assert [entry["actor"] for entry in entries] == ["operator", "local operator"]


def test_a_team_sees_its_own(server: Server, stocked: Acme) -> None:
    team = server.client(stocked.acme_key)
    assert answered(team.get("/api/teams/acme-prod"))["models"] == [
        {"alias": "gpt-4", "via": ["gpt-models"]},
        {"alias": "gpt-3.5-turbo", "via": ["gpt-models"]},
    ]
    assert answered(team.get("/api/credits/balance?team_id=acme-prod"))["credits_remaining"] == 100
    assert len(answered(team.get("/api/credits/transactions?team_id=acme-prod"))["transactions"]) == 1
    job_id = created(team.post("/api/jobs/create", json={"team_id": "acme-prod", "job_type": "x"}))["job_id"]
    assert len(answered(team.get("/api/teams/acme-prod/jobs"))["jobs"]) == 1
    answered(team.get(f"/api/jobs/{job_id}"))
    assert answered(team.post(f"/api/jobs/{job_id}/complete", json={"status": "failed"}))["status"] == "failed"


def test_a_team_sees_actual_models_where_the_setting_says_so(tmp_path: Path) -> None:
    server = make_server(tmp_path, show_actual_model=True)
    operator = server.client(ADMIN_KEY)
    created(operator.post("/api/organizations/create", json={"organization_id": "o", "name": "O"}))
    created(operator.post("/api/model-aliases/create", json={"alias": "a", "litellm_model": "openai/a"}))
    created(operator.post("/api/model-access-groups/create", json={"group_name": "g", "model_aliases": ["a"]}))
    body = {"organization_id": "o", "team_id": "t", "access_groups": ["g"]}
    key = created(operator.post("/api/teams/create", json=body))["virtual_key"]
    assert answered(server.client(key).get("/api/teams/t"))["models"][0]["litellm_model"] == "openai/a"
    server.runtime.close()


def bodies(server: Server, key: str, requests: list[tuple[str, str, Any]], names: tuple[str, str]) -> list[Any]:
    """What the requests are refused with, `names[0]` being what they ask for and `names[1]` what stands for it."""
    found = []
    for method, path, body in requests:
        response = server.client(key).request(
            method, path.format(name=names[0]), json=body and {**body, "team_id": names[0]}
        )
        found.append((response.status_code, response.text.replace(names[0], names[1])))
    return found


def test_what_is_anothers_is_refused_exactly_as_what_is_absent(server: Server, operator: Client, stocked: Acme) -> None:
    requests = [
        ("GET", "/api/teams/{name}", None),
        ("GET", "/api/teams/{name}/jobs", None),
        ("GET", "/api/credits/balance?team_id={name}", None),
        ("GET", "/api/credits/transactions?team_id={name}", None),
        ("POST", "/api/jobs/create", {"job_type": "x"}),
        ("POST", "/api/jobs/create?dry_run=true", {"job_type": "x"}),
    ]
    others = bodies(server, stocked.acme_key, requests, ("techco-dev", "it"))
    assert others == bodies(server, stocked.acme_key, requests, ("no-such-team", "it"))
    assert [status for status, _ in others] == [404, 404, 404, 404, 422, 422]

    job = {"team_id": "techco-dev", "job_type": "x"}
    job_id = created(operator.post("/api/jobs/create", json=job))["job_id"]
    requests = [
        ("GET", "/api/jobs/{name}", None),
        ("POST", "/api/jobs/{name}/llm-call", None),
        ("POST", "/api/jobs/{name}/llm-call-stream", None),
    ]
    others = bodies(server, stocked.acme_key, requests, (job_id, "it"))
    assert others == bodies(server, stocked.acme_key, requests, ("job_none", "it"))
    assert [status for status, _ in others] == [404, 404, 404]
    team = server.client(stocked.acme_key)
    refused(team.post(f"/api/jobs/{job_id}/complete", json={"status": "completed"}), 404)


def test_an_expired_key_says_so(server: Server, operator: Client, stocked: Acme) -> None:
    engine = server.runtime.engine
    expires_at_ms = engine.now_ms() + 500
    made = created(operator.post("/api/teams/acme-prod/keys", json={"expires_at": times.text(expires_at_ms)}))
    team = server.client(made["virtual_key"])
    while engine.now_ms() < expires_at_ms:
        assert team.get("/api/teams/acme-prod").status_code == 200 or engine.now_ms() >= expires_at_ms
    assert refused(team.get("/api/teams/acme-prod"), 401)["reason"] == "key_expired"


def test_using_a_key_is_noted(tmp_path: Path, server: Server, stocked: Acme) -> None:
    answered(server.client(stocked.acme_key).get("/api/teams/acme-prod"))
    server.runtime.close()  # what was noted in memory is written by now
    reopened = make_server(tmp_path)
    team = answered(reopened.client(ADMIN_KEY).get("/api/teams/acme-prod"))
    assert team["keys"][0]["last_used_at"] is not None
    reopened.runtime.close()
