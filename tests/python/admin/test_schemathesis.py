"""Requests generated from the OpenAPI document, sent by everybody: no 5xx, and every answer is a documented one."""

from __future__ import annotations

import collections
import itertools
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .serving import ADMIN_KEY

if TYPE_CHECKING:
    from schemathesis import APIOperation, BaseSchema, Case

    Operation = APIOperation[Any, Any, Any, Any]

    from .serving import Acme, Client, Server

EXAMPLES = {"operator": 12, "team": 8, "nobody": 4}  # good ones and as many bad ones, of each operation

CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# What is there when the requests begin; every other request names it, so that it gets past "does not exist".
THERE: dict[str, Any] = {
    "organization_id": "org_acme",
    "alias": "gpt-4",
    "group_name": "gpt-models",
    "team_id": "acme-prod",
    "access_group": "gpt-models",
    "access_groups": ["gpt-models", "claude-models"],
    "model_aliases": ["claude-3-opus"],
    "litellm_model": "openai/gpt-4",
    "model": "gpt-4",
    "status": "completed",
    "expires_at": "2099-01-01T00:00:00Z",
}
# The field by which a create names what is new.
NEW = {
    "/api/organizations/create": "organization_id",
    "/api/model-aliases/create": "alias",
    "/api/model-access-groups/create": "group_name",
    "/api/teams/create": "team_id",
}

MODES = [GenerationMode("positive"), GenerationMode("negative")]

# Deleting comes last, so that there is something to read and change before.
METHODS = ["get", "post", "put", "delete"]


class Sender:
    """Sends what is generated as one caller, and looks at every answer."""

    def __init__(self, server: Server, *, key: str | None, examples: int, there: dict[str, Any]) -> None:
        self.schema: BaseSchema = schemathesis.openapi.from_asgi("/api/openapi.json", server.app)
        self.headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.examples = examples
        self.there = there
        self.new_names = (f"new-{number}" for number in itertools.count())
        self.statuses: collections.Counter[int] = collections.Counter()

    def operations(self) -> list[Operation]:
        found = [result.ok() for result in self.schema.get_all_operations() if isinstance(result, Ok)]
        return sorted(found, key=lambda operation: METHODS.index(operation.method))

    def send_all(self, operation: Operation, mode: GenerationMode) -> None:
        @settings(
            max_examples=self.examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(generation_mode=mode), of_what_is_there=st.booleans(), conditional=st.booleans()
        )
        def send(case: Case[Any], *, of_what_is_there: bool, conditional: bool) -> None:
            if of_what_is_there:
                self.name_what_is_there(case)
            kept = {"if-match"} if conditional else set()
            headers = {name: value for name, value in case.headers.items() if name.lower() in kept}
            case.headers.clear()  # above all, the credentials that were generated
            case.headers.update(headers)
            response = case.call(headers=self.headers)
            self.statuses[response.status_code] += 1
            case.validate_response(response, checks=CONFORMANCE)

        send()

    def name_what_is_there(self, case: Case[Any]) -> None:
        case.path_parameters.update({name: self.there[name] for name in case.path_parameters if name in self.there})
        if not isinstance(case.body, dict):
            return
        case.body.update({name: self.there[name] for name in case.body if name in self.there})
        if NEW.get(case.path) in case.body:
            case.body[NEW[case.path]] = next(self.new_names)


def there_is(operator: Client) -> dict[str, Any]:
    """THERE, and the ids that the server itself chose."""
    team = "/api/teams/acme-prod"
    grant = {"access_group": "claude-models", "expires_at": THERE["expires_at"]}
    job = {"team_id": "acme-prod", "job_type": "report"}
    return THERE | {
        "key_id": operator.post(f"{team}/keys", json={}).json()["key_id"],
        "grant_id": operator.post(f"{team}/grants", json=grant).json()["grant_id"],
        "job_id": operator.post("/api/jobs/create", json=job).json()["job_id"],
    }


@pytest.mark.parametrize("caller", ["operator", "team", "nobody"])
def test_every_answer_is_a_documented_one(server: Server, operator: Client, stocked: Acme, caller: str) -> None:
    keys = {"operator": ADMIN_KEY, "team": stocked.acme_key, "nobody": None}
    sender = Sender(server, key=keys[caller], examples=EXAMPLES[caller], there=there_is(operator))
    operations = sender.operations()
    assert len(operations) == sum(len(methods) for methods in sender.schema.raw_schema["paths"].values())
    for operation in operations:
        for mode in MODES:
            sender.send_all(operation, mode)
    assert sender.statuses.total() > len(operations) * EXAMPLES[caller]
    expected = {"operator": {200, 201, 404, 409, 412, 422}, "team": {200, 201, 403, 404, 422}, "nobody": {200, 401}}
    assert expected[caller] <= set(sender.statuses), sender.statuses
