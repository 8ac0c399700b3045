from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client, Server

KEYS = "/api/teams/acme-prod/keys"
TEAM = "/api/teams/acme-prod"


def test_a_key_is_answered_with_its_secret_this_once(server: Server, operator: Client, stocked: Acme) -> None:
    body = {"name": "ci", "expires_at": "2999-01-01T00:00:00Z", "model_aliases": ["gpt-4"]}
    made = created(operator.post(KEYS, json=body))
    secret = made.pop("virtual_key")
    assert made.pop("created_at").endswith("Z")
    assert made == {
        **body,
        "key_id": made["key_id"],
        "last_four": secret[-4:],
        "status": "active",
        "last_used_at": None,
    }
    answered(server.client(secret).get(TEAM))
    listed = operator.get(KEYS)
    assert [key["name"] for key in answered(listed)["keys"]] == ["default", "ci"]
    assert secret not in listed.text


def test_every_field_may_be_left_out_and_so_may_the_body(operator: Client, stocked: Acme) -> None:
    for content in (b"", b"{}"):
        made = created(operator.post(KEYS, content=content))
        assert (made["name"], made["expires_at"], made["model_aliases"]) == ("", None, None)


def test_rotation_keeps_the_id_and_retires_the_old_secret_at_once(
    server: Server, operator: Client, stocked: Acme
) -> None:
    made = created(operator.post(KEYS, json={"name": "ci"}))
    rotated = answered(operator.post(f"{KEYS}/{made['key_id']}/rotate"))
    assert rotated["key_id"] == made["key_id"]
    assert rotated["virtual_key"] != made["virtual_key"]
    assert rotated["last_four"] == rotated["virtual_key"][-4:]
    answered(server.client(rotated["virtual_key"]).get(TEAM))
    assert refused(server.client(made["virtual_key"]).get(TEAM), 401)["reason"] == "key_revoked"


def test_rotation_with_grace_lets_both_secrets_work(server: Server, operator: Client, stocked: Acme) -> None:
    made = created(operator.post(KEYS))
    rotated = answered(operator.post(f"{KEYS}/{made['key_id']}/rotate", json={"grace_seconds": 3600}))
    for secret in (made["virtual_key"], rotated["virtual_key"]):
        answered(server.client(secret).get(TEAM))


def test_a_revoked_key_stops_at_once_and_stays_listed(server: Server, operator: Client, stocked: Acme) -> None:
    made = created(operator.post(KEYS, json={"name": "ci"}))
    for _ in range(2):
        assert answered(operator.delete(f"{KEYS}/{made['key_id']}"))["status"] == "revoked"
    assert refused(server.client(made["virtual_key"]).get(TEAM), 401)["reason"] == "key_revoked"
    assert [key["status"] for key in answered(operator.get(KEYS))["keys"]] == ["active", "revoked"]
    refused(operator.post(f"{KEYS}/{made['key_id']}/rotate"), 409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"model_aliases": ["gpt-4", "nope"]}, "model_aliases"),
        ({"names": "x"}, "names"),
    ],
)
def test_a_wrong_key_is_refused(operator: Client, stocked: Acme, body: dict[str, Any], field: str) -> None:
    assert refused(operator.post(KEYS, json=body), 422)["details"][0]["field"] == field


@pytest.mark.parametrize("seconds", [-1, 365 * 24 * 3600 + 1, "5", 1.5, True])
def test_a_wrong_grace_is_refused(operator: Client, stocked: Acme, seconds: Any) -> None:
    key_id = created(operator.post(KEYS))["key_id"]
    body = refused(operator.post(f"{KEYS}/{key_id}/rotate", json={"grace_seconds": seconds}), 422)
    assert body["details"][0]["field"] == "grace_seconds"


def test_a_key_of_another_team_is_not_found(operator: Client, stocked: Acme) -> None:
    key_id = created(operator.post(KEYS))["key_id"]
    refused(operator.delete(f"/api/teams/techco-dev/keys/{key_id}"), 404)
    refused(operator.post(f"/api/teams/techco-dev/keys/{key_id}/rotate"), 404)
    refused(operator.delete(f"{KEYS}/key_nope"), 404)
