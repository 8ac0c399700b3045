"""Odd requests: bodies, queries, paths and headers that a client gets wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .serving import Acme, Client, Server

CREATE = "/api/organizations/create"
MIB = 1024 * 1024


def organization(**fields: Any) -> dict[str, Any]:
    return {"organization_id": "o", "name": "O", **fields}


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "", None]
)
def test_a_body_is_json_whatever_its_content_type(operator: Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    created(operator.post(CREATE, content=json.dumps(organization()).encode(), headers=headers))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"organization_id=o&name=O",
        b"{",
        b'{"organization_id":"o","name":"O"} trailing',
        b'{"metadata":{"a":NaN}}',
        b'{"metadata":{"a":-Infinity}}',
        b'{"metadata":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b"[" * 100_000,
        b'{"name":"\xff"}',
        b'{"metadata":{"a":' + b"9" * 5000 + b"}}",
    ],
    ids=lambda content: repr(content[:24]),
)
def test_what_is_not_json_is_400(operator: Client, content: bytes) -> None:
    assert refused(operator.post(CREATE, content=content), 400)["error"] == "Bad request"


@pytest.mark.parametrize("content", [b"null", b"[]", b'"text"', b"5", b"true"])
def test_json_that_is_no_object_is_422(operator: Client, content: bytes) -> None:
    assert refused(operator.post(CREATE, content=content), 422)["details"][0]["field"] == "body"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "metadata",
    [
        nested(33),
        {"a": 2**63},
        {"a": -(2**63) - 1},
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": ["\ud800"]},
        [],
        "text",
        None,
    ],
    ids=lambda value: repr(value)[:24],
)
def test_metadata_that_cannot_be_kept_is_refused(operator: Client, metadata: Any) -> None:
    content = json.dumps(organization(metadata=metadata)).encode()
    assert refused(operator.post(CREATE, content=content), 422)["details"][0]["field"] == "metadata"


@pytest.mark.parametrize("number", [b"1e400", b"-1e400"])
def test_metadata_with_a_number_beyond_floats_is_refused(operator: Client, number: bytes) -> None:
    content = b'{"organization_id":"o","name":"O","metadata":{"a":%s}}' % number
    assert refused(operator.post(CREATE, content=content), 422)["details"][0]["field"] == "metadata"


def test_metadata_comes_back_as_it_was_given(operator: Client) -> None:
    metadata = {
        "deep": nested(31),
        "big": 2**63 - 1,
        "small": -(2**63),
        "half": 0.5,
        "t": "\u00e9\U0001f600",
        "n": [None, True],
    }
    assert created(operator.post(CREATE, json=organization(metadata=metadata)))["metadata"] == metadata


@pytest.mark.parametrize("text", ['"\\ud800"', '"a\\udc00b"'])
def test_half_a_surrogate_pair_is_refused_wherever_it_stands(operator: Client, text: str) -> None:
    for content in (
        f'{{"organization_id":"o","name":{text}}}',
        f'{{"organization_id":{text},"name":"O"}}',
        f'{{"organization_id":"o","name":"O",{text}:1}}',
    ):
        refused(operator.post(CREATE, content=content.encode()), 422)


def test_a_text_with_a_nul_is_refused(operator: Client) -> None:
    assert refused(operator.post(CREATE, json=organization(name="a\0b")), 422)["details"][0]["field"] == "name"


def test_a_body_over_a_mebibyte_is_413_and_names_the_limit(operator: Client) -> None:
    assert "1 MiB" in refused(operator.post(CREATE, content=b" " * (MIB + 1)), 413)["message"]
    content = json.dumps(organization()).encode()
    created(operator.post(CREATE, content=content + b" " * (MIB - len(content))))


def test_a_body_without_a_length_is_cut_off_at_the_limit(operator: Client) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += MIB
            yield b" " * MIB

    refused(operator.post(CREATE, content=endless()), 413)
    assert sent <= 3 * MIB


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("dry_ru=true", "dry_ru"),
        ("dry-run=true", "dry-run"),
        ("dry_run=maybe", "dry_run"),
        ("dry_run=", "dry_run"),
        ("dry_run=true&dry_run=false", "dry_run"),
        ("limit=5", "limit"),
    ],
)
def test_an_unknown_wrong_or_repeated_parameter_writes_nothing(operator: Client, query: str, field: str) -> None:
    body = refused(operator.post(f"{CREATE}?{query}", json=organization()), 422)
    assert body["details"][0]["field"] == field
    refused(operator.get("/api/organizations/o"), 404)


def test_a_misspelt_parameter_is_told_its_right_name(operator: Client) -> None:
    assert "did you mean dry_run?" in refused(operator.post(f"{CREATE}?dryrun=1", json=organization()), 422)["message"]


def test_a_misspelt_field_is_refused_by_name(operator: Client, stocked: Acme) -> None:
    body = refused(operator.put("/api/teams/acme-prod", json={"access_group": ["claude-models"]}), 422)
    assert body["details"] == [{"field": "access_group", "problem": "is unknown"}]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nope", 404),
        ("GET", "/", 404),
        ("GET", "/api/teams/", 404),
        ("PATCH", "/api/teams", 405),
        ("GET", "/api/teams/create/x", 404),
    ],
)
def test_unknown_paths_and_methods_are_answered_in_json(operator: Client, method: str, path: str, status: int) -> None:
    assert path in refused(operator.request(method, path), status)["message"]


@pytest.mark.parametrize("given", ["a", "Ab9._:-", "x" * 128])
def test_a_sane_request_id_is_kept(operator: Client, given: str) -> None:
    for path in ("/api/teams", "/api/nope"):
        assert operator.get(path, headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\u00e9", None])
def test_another_one_is_replaced(operator: Client, given: str | None) -> None:
    headers: Any = {} if given is None else {"X-Request-Id": given.encode()}
    chosen = [operator.get("/api/teams", headers=headers).headers["x-request-id"] for _ in range(2)]
    assert chosen[0] != chosen[1]
    assert all(request_id.startswith("req_") for request_id in chosen)


def test_every_answer_names_the_policy_revision(operator: Client, anonymous: Client) -> None:
    made = operator.post(CREATE, json=organization())
    revision = int(made.headers["x-access-revision"])
    assert revision > 0
    for client, path in ((operator, "/api/organizations"), (operator, "/api/nope"), (anonymous, "/api/organizations")):
        assert client.get(path).headers["x-access-revision"] == str(revision)
    again = operator.post(CREATE, json=organization(organization_id="p"))
    assert int(again.headers["x-access-revision"]) == revision + 1


def test_a_closed_store_is_503_without_details_for_a_team(server: Server, operator: Client, stocked: Acme) -> None:
    server.runtime.close()
    told = refused(operator.get("/api/organizations"), 503)
    assert told["error"] == "Unavailable"
    assert "test.db" in told["message"]
    kept = refused(server.client(stocked.acme_key).get("/api/teams/acme-prod"), 503)
    assert "test.db" not in kept["message"]
    assert operator.get("/api/organizations").headers["x-access-revision"]


def test_a_fault_of_ours_is_503_and_logged(
    server: Server, operator: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server.host, "can_route", lambda model: 1 / 0)
    created(operator.post(CREATE, json=organization()))
    response = operator.post("/api/model-aliases/create", json={"alias": "a", "litellm_model": "m"})
    body = refused(response, 503)
    assert "ZeroDivision" not in response.text
    assert body["request_id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert answered(operator.get("/api/model-aliases"))["model_aliases"]
