"""What all writes have in common: dry runs, ETags, preconditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client, Server

FAR = "2999-01-01T00:00:00Z"
TEAM = "/api/teams/acme-prod"

# Every write, in a form that would succeed; {key} and {grant} are ids of acme-prod's.
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/api/organizations/create", {"organization_id": "o", "name": "O"}),
    ("PUT", "/api/organizations/org_acme", {"name": "new"}),
    ("PUT", "/api/organizations/org_acme/suspend", None),
    ("PUT", "/api/organizations/org_acme/resume", None),
    ("DELETE", "/api/organizations/org_empty", None),
    ("POST", "/api/model-aliases/create", {"alias": "a", "litellm_model": "m"}),
    ("PUT", "/api/model-aliases/gpt-4", {"active": False}),
    ("DELETE", "/api/model-aliases/gpt-4?force=true", None),
    ("POST", "/api/model-access-groups/create", {"group_name": "g", "model_aliases": ["gpt-4"]}),
    ("PUT", "/api/model-access-groups/gpt-models", {"model_aliases": []}),
    ("POST", "/api/model-access-groups/gpt-models/add-models", {"model_aliases": ["claude-3-opus"]}),
    ("POST", "/api/model-access-groups/gpt-models/remove-models", {"model_aliases": ["gpt-4"]}),
    ("DELETE", "/api/model-access-groups/gpt-models", None),
    ("POST", "/api/teams/create", {"organization_id": "org_acme", "team_id": "t", "access_groups": ["gpt-models"]}),
    ("PUT", TEAM, {"access_groups": ["claude-models"], "credits_allocated": 7, "team_alias": "new"}),
    ("PUT", f"{TEAM}/suspend", None),
    ("PUT", f"{TEAM}/resume", None),
    ("DELETE", TEAM, None),
    ("POST", f"{TEAM}/grants", {"access_group": "claude-models", "expires_at": FAR}),
    ("DELETE", TEAM + "/grants/{grant}", None),
    ("POST", f"{TEAM}/keys", {"name": "ci"}),
    ("POST", TEAM + "/keys/{key}/rotate", None),
    ("DELETE", TEAM + "/keys/{key}", None),
    ("POST", "/api/credits/add", {"team_id": "acme-prod", "amount": 5}),
    ("POST", "/api/webhooks/test", None),
    ("POST", "/api/jobs/create", {"team_id": "acme-prod", "job_type": "x"}),
    ("POST", "/api/jobs/{job}/complete", {"status": "completed"}),
    ("POST", "/api/audit/{entry}/undo", None),
]


def everything(operator: Client) -> list[Any]:
    """All that a write could have changed."""
    paths = [
        "/api/organizations",
        "/api/model-aliases",
        "/api/model-access-groups",
        "/api/model-access-groups/gpt-models",
        "/api/teams",
        TEAM,
        f"{TEAM}/keys",
        f"{TEAM}/jobs",
        "/api/credits/transactions?team_id=acme-prod",
        "/api/webhooks/events",
        "/api/audit",
    ]
    return [answered(operator.get(path)) for path in paths]


def fill(operator: Client, path: str) -> str:
    created(operator.post("/api/organizations/create", json={"organization_id": "org_empty", "name": "Empty"}))
    grant = {"access_group": "claude-models", "expires_at": FAR}
    return path.format(
        key=answered(operator.get(TEAM))["keys"][0]["key_id"],
        grant=created(operator.post(f"{TEAM}/grants", json=grant))["grant_id"],
        job=created(operator.post("/api/jobs/create", json={"team_id": "acme-prod", "job_type": "x"}))["job_id"],
        entry=answered(operator.get("/api/audit?action=grant.create"))["entries"][0]["id"],
    )


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=lambda value: str(value)[:60])
def test_a_dry_run_answers_what_would_be_and_changes_nothing(
    operator: Client, stocked: Acme, method: str, path: str, body: Any
) -> None:
    path = fill(operator, path)
    before = everything(operator)
    revision = operator.get("/api/teams").headers["x-access-revision"]
    tried = operator.request(method, f"{path}{'&' if '?' in path else '?'}dry_run=true", json=body)
    content = answered(tried)
    assert content.pop("dry_run") is True
    changes = {change["team_id"]: change for change in content.pop("changes")}
    assert "virtual_key" not in content
    assert "etag" not in tried.headers
    assert tried.headers["x-access-revision"] == revision
    assert everything(operator) == before

    models = {team["team_id"]: team["available_models"] for team in before[4]["teams"]}
    done = operator.request(method, path, json=body)
    assert done.status_code in (200, 201)
    assert_same_but_for_ids(content, done.json())
    for team in answered(operator.get("/api/teams"))["teams"]:
        was, now = models.get(team["team_id"], []), team["available_models"]
        change = changes.get(team["team_id"], {"gains": [], "loses": []})
        assert [alias for alias in now if alias not in was] == change["gains"]
        assert [alias for alias in was if alias not in now] == change["loses"]


def assert_same_but_for_ids(tried: dict[str, Any], done: dict[str, Any]) -> None:
    made = {"key_id", "last_four", "grant_id", "transaction_id", "job_id", "event_id", "virtual_key"}
    moments = {"created_at", "starts_at", "completed_at", "next_attempt_at", "payload"}  # a payload has a moment in it
    assert set(done) - set(tried) <= {"virtual_key"}
    for name, value in tried.items():
        if name not in moments and not (name in made and value is None):
            assert value == done[name] or name in made, name


def test_every_documented_write_is_among_those_tried(server: Server) -> None:
    documented = {
        (method.upper(), path)
        for path, methods in server.app.openapi()["paths"].items()
        for method, operation in methods.items()
        if any(parameter["name"] == "dry_run" for parameter in operation.get("parameters", []))
    }
    calls = {
        f"/api/jobs/{call}{stream}" for call in ("{job_id}/llm-call", "create-and-call") for stream in ("", "-stream")
    }
    reads_and_calls = {"/api/authorize/explain", *calls}
    for path, methods in server.app.openapi()["paths"].items():
        for method in methods:
            assert method == "get" or path in reads_and_calls or (method.upper(), path) in documented
    assert len(documented) == len(WRITES)


def test_the_models_after_a_dry_run_are_in_the_order_of_the_groups(operator: Client, stocked: Acme) -> None:
    body = {"access_groups": ["claude-models", "gpt-models"]}
    tried = answered(operator.put(f"{TEAM}?dry_run=true", json=body))
    assert tried["available_models"] == ["claude-3-opus", "gpt-4", "gpt-3.5-turbo"]
    assert tried["available_models"] == answered(operator.put(TEAM, json=body))["available_models"]


RESOURCES = [
    ("/api/organizations/org_acme", {"name": "new"}),
    ("/api/model-aliases/gpt-4", {"description": "new"}),
    ("/api/model-access-groups/gpt-models", {"description": "new"}),
    (TEAM, {"team_alias": "new"}),
]


@pytest.mark.parametrize(("path", "change"), RESOURCES)
def test_a_change_based_on_an_old_state_is_412(operator: Client, stocked: Acme, path: str, change: Any) -> None:
    seen = operator.get(path).headers["etag"]
    for query in ("?dry_run=true", ""):
        changed = operator.put(f"{path}{query}", json=change, headers={"If-Match": seen})
        answered(changed)
    assert changed.headers["etag"] == operator.get(path).headers["etag"] != seen
    before = everything(operator)
    for query in ("?dry_run=true", ""):
        body = refused(operator.put(f"{path}{query}", json=change, headers={"If-Match": seen}), 412)
        assert body["error"] == "Precondition failed"
        refused(operator.delete(f"{path}{query}", headers={"If-Match": seen}), 412)
    assert everything(operator) == before


@pytest.mark.parametrize("pattern", ["{0}", '"0", {0}', '{0} , "0"', "*", '"abc", {0}', 'W/"9", {0}'])
def test_if_match_takes_what_http_allows(operator: Client, stocked: Acme, pattern: str) -> None:
    seen = operator.get(TEAM).headers["etag"]
    answered(operator.put(TEAM, json={"team_alias": "new"}, headers={"If-Match": pattern.format(seen)}))


@pytest.mark.parametrize(
    "value", ["7", "", '"', "W/{0}", '"abc"', '"0"', '"0", "1"', "{0} {0}", '"99999999999999999999"']
)
def test_if_match_of_anything_else_is_412(operator: Client, stocked: Acme, value: str) -> None:
    seen = operator.get(TEAM).headers["etag"]
    refused(operator.put(TEAM, json={"team_alias": "new"}, headers={"If-Match": value.format(seen)}), 412)
    assert answered(operator.get(TEAM))["team_alias"] == "Production"


def test_a_create_has_nothing_to_match(operator: Client) -> None:
    body = {"organization_id": "o", "name": "O"}
    refused(operator.post("/api/organizations/create", json=body, headers={"If-Match": "*"}), 412)


def test_a_teams_etag_covers_neither_credits_nor_use(server: Server, operator: Client, stocked: Acme) -> None:
    seen = operator.get(TEAM).headers["etag"]
    answered(operator.post("/api/credits/add", json={"team_id": "acme-prod", "amount": 5}))
    answered(server.client(stocked.acme_key).get(TEAM))
    assert operator.get(TEAM).headers["etag"] == seen
    created(operator.post(f"{TEAM}/grants", json={"access_group": "claude-models", "expires_at": FAR}))
    assert operator.get(TEAM).headers["etag"] != seen
