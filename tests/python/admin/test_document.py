"""The OpenAPI document and its page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from .serving import ADMIN_KEY, MASTER_KEY, answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .serving import Client, Server

ENDPOINTS = """
POST   /api/organizations/create
GET    /api/organizations
GET    /api/organizations/{organization_id}
PUT    /api/organizations/{organization_id}
DELETE /api/organizations/{organization_id}
GET    /api/organizations/{organization_id}/teams
PUT    /api/organizations/{organization_id}/suspend
PUT    /api/organizations/{organization_id}/resume
POST   /api/model-aliases/create
GET    /api/model-aliases
GET    /api/model-aliases/{alias}
PUT    /api/model-aliases/{alias}
DELETE /api/model-aliases/{alias}
GET    /api/litellm-models
POST   /api/model-access-groups/create
GET    /api/model-access-groups
GET    /api/model-access-groups/{group_name}
PUT    /api/model-access-groups/{group_name}
DELETE /api/model-access-groups/{group_name}
POST   /api/model-access-groups/{group_name}/add-models
POST   /api/model-access-groups/{group_name}/remove-models
POST   /api/teams/create
GET    /api/teams
GET    /api/teams/{team_id}
PUT    /api/teams/{team_id}
DELETE /api/teams/{team_id}
PUT    /api/teams/{team_id}/suspend
PUT    /api/teams/{team_id}/resume
POST   /api/teams/{team_id}/grants
DELETE /api/teams/{team_id}/grants/{grant_id}
GET    /api/teams/{team_id}/keys
POST   /api/teams/{team_id}/keys
POST   /api/teams/{team_id}/keys/{key_id}/rotate
DELETE /api/teams/{team_id}/keys/{key_id}
GET    /api/teams/{team_id}/jobs
GET    /api/teams/{team_id}/denials
POST   /api/credits/add
GET    /api/credits/balance
GET    /api/credits/transactions
GET    /api/credits/pace
GET    /api/credits/lowest
GET    /api/credits/history
POST   /api/jobs/create
POST   /api/jobs/create-and-call
POST   /api/jobs/create-and-call-stream
GET    /api/jobs/{job_id}
POST   /api/jobs/{job_id}/llm-call
POST   /api/jobs/{job_id}/llm-call-stream
POST   /api/jobs/{job_id}/complete
POST   /api/authorize/explain
GET    /api/usage
GET    /api/usage/review
GET    /api/reach
GET    /api/organization-sums
GET    /api/metrics
GET    /api/search
GET    /api/counts
GET    /api/audit
GET    /api/audit/{entry_id}
POST   /api/audit/{entry_id}/undo
GET    /api/access-matrix
GET    /api/overview
GET    /api/webhooks/events
POST   /api/webhooks/test
GET    /api/health
GET    /api/whoami
"""


@pytest.fixture
def document(anonymous: Client) -> Any:
    return answered(anonymous.get("/api/openapi.json"))


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def test_it_holds_every_endpoint_and_no_other(document: Any) -> None:
    expected = {tuple(line.split()) for line in ENDPOINTS.strip().splitlines()}
    assert {(method, path) for method, path, _ in operations(document)} == expected


def test_it_is_valid(document: Any) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(document)


def test_its_references_lead_somewhere_and_its_operation_ids_are_unique(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert {reference.removeprefix("#/components/schemas/") for reference in references(document)} <= set(schemas)
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)


def test_every_operation_tells_its_answers_credentials_and_errors(document: Any) -> None:
    for method, path, operation in operations(document):
        successes = [status for status in operation["responses"] if status.startswith("2")]
        assert successes, (method, path)
        assert {"401", "403", "404", "422", "503"} <= set(operation["responses"]), (method, path)
        assert {"HTTPBearer": []} in operation["security"], (method, path)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_body_has_examples_of_its_required_fields(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Body") and "enum" not in schema:
            assert schema["additionalProperties"] is False
            for field in schema.get("required", []):
                given = schema["properties"][field]
                assert "examples" in given or "enum" in given, (name, field)


def test_the_page_asks_no_other_server(anonymous: Client) -> None:
    page = anonymous.get("/api/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith("/api/docs/")
        assert anonymous.get(address).status_code == 200, address
    assert "http" not in page.text
    assert "'self'" in page.headers["content-security-policy"]
    assert "SwaggerUIBundle" in anonymous.get("/api/docs/start.js").text
    assert anonymous.get("/api/docs/assets/../app.py").status_code == 404


def test_it_holds_no_key(server: Server, document: Any) -> None:
    assert not any(key in str(document) for key in (ADMIN_KEY, MASTER_KEY))
