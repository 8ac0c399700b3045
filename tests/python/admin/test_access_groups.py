from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client

CREATE = "/api/model-access-groups/create"
GROUP = "/api/model-access-groups/gpt-models"


def aliases_of(operator: Client, path: str = GROUP) -> list[str]:
    return [member["alias"] for member in answered(operator.get(path))["model_aliases"]]


def test_a_create_answers_exactly_the_documented_fields(operator: Client, stocked: Acme) -> None:
    body = {"group_name": "all", "description": "All models", "model_aliases": ["claude-3-opus", "gpt-4"]}
    made = created(operator.post(CREATE, json=body))
    assert made.pop("created_at").endswith("Z")
    assert made == body


def test_the_list_counts_models_and_teams(operator: Client, stocked: Acme) -> None:
    assert answered(operator.get("/api/model-access-groups")) == {
        "access_groups": [
            {"group_name": "gpt-models", "description": "About gpt-models", "model_count": 2, "team_count": 1},
            {"group_name": "claude-models", "description": "About claude-models", "model_count": 1, "team_count": 1},
        ]
    }


def test_the_detail_is_exactly_the_documented_one(operator: Client, stocked: Acme) -> None:
    assert answered(operator.get(GROUP)) == {
        "group_name": "gpt-models",
        "description": "About gpt-models",
        "model_aliases": [
            {"alias": "gpt-4", "litellm_model": "openai/gpt-4", "description": "About gpt-4"},
            {"alias": "gpt-3.5-turbo", "litellm_model": "openai/gpt-3.5-turbo", "description": "About gpt-3.5-turbo"},
        ],
        "teams_with_access": ["acme-prod"],
    }


def test_without_aliases_a_group_is_empty_and_a_duplicate_is_kept_once(operator: Client, stocked: Acme) -> None:
    assert created(operator.post(CREATE, json={"group_name": "empty"}))["model_aliases"] == []
    twice = {"group_name": "twice", "model_aliases": ["gpt-4", "claude-3-opus", "gpt-4"]}
    assert created(operator.post(CREATE, json=twice))["model_aliases"] == ["gpt-4", "claude-3-opus"]


def test_adding_and_removing_models_is_idempotent_and_keeps_the_order(operator: Client, stocked: Acme) -> None:
    for _ in range(2):
        detail = answered(operator.post(f"{GROUP}/add-models", json={"model_aliases": ["claude-3-opus", "gpt-4"]}))
        assert [member["alias"] for member in detail["model_aliases"]] == ["gpt-4", "gpt-3.5-turbo", "claude-3-opus"]
    for _ in range(2):
        answered(operator.post(f"{GROUP}/remove-models", json={"model_aliases": ["gpt-4"]}))
        assert aliases_of(operator) == ["gpt-3.5-turbo", "claude-3-opus"]


@pytest.mark.parametrize("action", ["add-models", "remove-models"])
def test_unknown_aliases_are_all_named_and_nothing_changes(operator: Client, stocked: Acme, action: str) -> None:
    body = {"model_aliases": ["gpt-4", "nope-1", "claude-3-opus", "nope-2"]}
    refusal = refused(operator.post(f"{GROUP}/{action}", json=body), 422)
    assert "nope-1" in refusal["details"][0]["problem"]
    assert "nope-2" in refusal["details"][0]["problem"]
    assert aliases_of(operator) == ["gpt-4", "gpt-3.5-turbo"]


def test_an_update_replaces_the_list_or_leaves_it(operator: Client, stocked: Acme) -> None:
    detail = answered(operator.put(GROUP, json={"description": "new"}))
    assert (detail["description"], len(detail["model_aliases"])) == ("new", 2)
    answered(operator.put(GROUP, json={"model_aliases": ["claude-3-opus"]}))
    assert aliases_of(operator) == ["claude-3-opus"]


def test_deleting_names_the_teams_that_held_it_by_grant_too(operator: Client, stocked: Acme) -> None:
    grant = {"access_group": "gpt-models", "expires_at": "2999-01-01T00:00:00Z"}
    created(operator.post("/api/teams/techco-dev/grants", json=grant))
    assert answered(operator.delete(GROUP)) == {
        "group_name": "gpt-models",
        "deleted": True,
        "teams_affected": ["acme-prod", "techco-dev"],
    }
    assert answered(operator.get("/api/teams/acme-prod"))["access_groups"] == []
    assert answered(operator.get("/api/teams/techco-dev"))["available_models"] == ["claude-3-opus"]


@pytest.mark.parametrize("name", ["Upper", "", "-a", "a b", "x" * 65])
def test_a_malformed_name_is_refused_with_a_good_example(operator: Client, name: str) -> None:
    assert "'gpt-models'" in refused(operator.post(CREATE, json={"group_name": name}), 422)["message"]


def test_a_taken_name_conflicts_and_an_absent_one_is_not_found(operator: Client, stocked: Acme) -> None:
    refused(operator.post(CREATE, json={"group_name": "gpt-models"}), 409)
    refused(operator.get("/api/model-access-groups/nope"), 404)
    refused(operator.delete("/api/model-access-groups/nope"), 404)
    refused(operator.put("/api/model-access-groups/nope", json={}), 404)
    for action in ("add-models", "remove-models"):
        refused(operator.post(f"/api/model-access-groups/nope/{action}", json={"model_aliases": []}), 404)


def test_reach_counts_teams_and_those_that_have_an_alias_through_one_group_alone(
    operator: Client, stocked: Acme
) -> None:
    both = {"group_name": "both", "model_aliases": ["claude-3-opus", "gpt-4"]}
    created(operator.post("/api/model-access-groups/create", json=both))
    answered(operator.put("/api/teams/acme-prod", json={"access_groups": ["gpt-models", "both"]}))
    found = answered(operator.get("/api/reach"))
    assert {each["alias"]: each["team_count"] for each in found["model_aliases"]} == {
        "gpt-4": 1,
        "gpt-3.5-turbo": 1,
        "claude-3-opus": 2,
    }
    assert found["access_groups"][2] == {
        "group_name": "both",
        "team_count": 1,
        "model_aliases": [{"alias": "claude-3-opus", "only_here": 1}, {"alias": "gpt-4", "only_here": 0}],
    }
    one = answered(operator.get("/api/reach?access_group=gpt-models"))
    assert [each["alias"] for each in one["model_aliases"]] == ["gpt-4", "gpt-3.5-turbo"]
    assert [each["group_name"] for each in one["access_groups"]] == ["gpt-models"]
    assert "'nothing'" in refused(operator.get("/api/reach?access_group=nothing"), 404)["message"]
