from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client


def test_it_finds_every_kind_by_any_part_of_a_name(operator: Client, stocked: Acme) -> None:
    key = created(operator.post("/api/teams/acme-prod/keys", json={"name": "gpt runner"}))
    found = answered(operator.get("/api/search?q=GPT"))
    assert {
        "key_id": key["key_id"],
        "name": "gpt runner",
        "team_id": "acme-prod",
        "last_four": key["last_four"],
        "status": "active",
    } in found.pop("keys")  # the last four of another may have it too
    assert found == {
        "teams": [],
        "access_groups": [{"group_name": "gpt-models", "description": "About gpt-models"}],
        "model_aliases": [
            {"alias": "gpt-3.5-turbo", "litellm_model": "openai/gpt-3.5-turbo", "active": True},
            {"alias": "gpt-4", "litellm_model": "openai/gpt-4", "active": True},
        ],
        "organizations": [],
    }
    found = answered(operator.get("/api/search?q=acme"))
    assert found["teams"] == [{"team_id": "acme-prod", "team_alias": "Production", "organization_id": "org_acme"}]
    assert found["organizations"] == [{"organization_id": "org_acme", "name": "org_acme"}]
    assert len(answered(operator.get("/api/search?q=gpt&limit=1"))["model_aliases"]) == 1


@pytest.mark.parametrize("query", ["", "?q=", "?q=a&limit=0", "?q=a&limit=51", f"?q={'x' * 257}"])
def test_a_malformed_search_is_refused(operator: Client, query: str) -> None:
    refused(operator.get(f"/api/search{query}"), 422)


def test_it_counts_what_there_is(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/teams/techco-dev/suspend"))
    answered(operator.put("/api/model-aliases/gpt-4", json={"active": False}))
    created(operator.post("/api/teams/create", json={"organization_id": "org_acme", "team_id": "gone"}))
    answered(operator.delete("/api/teams/gone"))
    assert answered(operator.get("/api/counts")) == {
        "organizations": 2,
        "teams": 2,
        "active_teams": 1,
        "access_groups": 2,
        "model_aliases": 3,
        "active_model_aliases": 2,
        "keys": 2,
        "active_keys": 2,
    }
