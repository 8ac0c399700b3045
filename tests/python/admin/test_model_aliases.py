from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client

GPT_4 = {"alias": "gpt-4", "litellm_model": "openai/gpt-4", "description": "GPT-4"}


def test_an_alias_is_answered_as_it_was_created(operator: Client) -> None:
    made = created(operator.post("/api/model-aliases/create", json=GPT_4))
    assert made.pop("created_at").endswith("Z")
    assert made == {**GPT_4, "active": True, "credits_per_call": 1, "metadata": {}}


def test_the_list_names_the_groups_of_each_alias(operator: Client, stocked: Acme) -> None:
    aliases = answered(operator.get("/api/model-aliases"))["model_aliases"]
    assert [(item["alias"], item["access_groups"]) for item in aliases] == [
        ("gpt-4", ["gpt-models"]),
        ("gpt-3.5-turbo", ["gpt-models"]),
        ("claude-3-opus", ["claude-models"]),
    ]


@pytest.mark.parametrize("alias", ["meta/llama/3", "create", "ünï-cödé", "a?b#c", "UPPER", "upper"])
def test_an_alias_is_any_printable_name_compared_exactly(operator: Client, alias: str) -> None:
    created(operator.post("/api/model-aliases/create", json={**GPT_4, "alias": alias}))
    path = "/api/model-aliases/" + alias.replace("?", "%3F").replace("#", "%23")
    assert answered(operator.get(path))["alias"] == alias
    assert answered(operator.put(path, json={"description": "new"}))["description"] == "new"
    refused(operator.get(path + "x"), 404)
    assert answered(operator.delete(path)) == {"deleted": True, "alias": alias}
    refused(operator.get(path), 404)


@pytest.mark.parametrize("alias", ["", "a b", "a,b", "a\tb", "x" * 129])
def test_a_malformed_alias_is_refused(operator: Client, alias: str) -> None:
    body = refused(operator.post("/api/model-aliases/create", json={**GPT_4, "alias": alias}), 422)
    assert body["details"][0]["field"] == "alias"


def test_a_price_is_kept_to_the_millionth(operator: Client) -> None:
    made = operator.post(
        "/api/model-aliases/create", content=b'{"alias":"a","litellm_model":"m","credits_per_call":0.000001}'
    )
    created(made)
    assert '"credits_per_call":0.000001,' in made.text
    content = b'{"credits_per_call": 999999999999.999999}'
    assert '"credits_per_call":999999999999.999999,' in operator.put("/api/model-aliases/a", content=content).text


@pytest.mark.parametrize("price", ["0.0000001", "-1", "true", '"1"', "1000000000001", "1e999999999", "null"])
def test_a_price_out_of_range_or_of_another_type_is_refused(operator: Client, price: str) -> None:
    content = f'{{"alias":"a","litellm_model":"m","credits_per_call":{price}}}'.encode()
    body = refused(operator.post("/api/model-aliases/create", content=content), 422)
    assert body["details"][0]["field"] == "credits_per_call"


def test_one_that_the_proxy_cannot_route_is_accepted_with_a_warning(operator: Client) -> None:
    body = {**GPT_4, "litellm_model": "unroutable/model"}
    assert "unroutable/model" in created(operator.post("/api/model-aliases/create", json=body))["warnings"][0]
    changed = answered(operator.put("/api/model-aliases/gpt-4", json={"litellm_model": "openai/gpt-4"}))
    assert "warnings" not in changed


def test_one_that_is_not_active_grants_nothing(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/model-aliases/gpt-4", json={"active": False}))
    assert answered(operator.get("/api/teams/acme-prod"))["available_models"] == ["gpt-3.5-turbo"]


def test_deleting_one_that_groups_hold_takes_force(operator: Client, stocked: Acme) -> None:
    assert "gpt-models" in refused(operator.delete("/api/model-aliases/gpt-4"), 409)["message"]
    answered(operator.delete("/api/model-aliases/gpt-4?force=true"))
    group = answered(operator.get("/api/model-access-groups/gpt-models"))
    assert [member["alias"] for member in group["model_aliases"]] == ["gpt-3.5-turbo"]


def test_a_taken_alias_conflicts_and_an_absent_one_is_not_found(operator: Client) -> None:
    created(operator.post("/api/model-aliases/create", json=GPT_4))
    refused(operator.post("/api/model-aliases/create", json=GPT_4), 409)
    refused(operator.get("/api/model-aliases/gpt-5"), 404)
    refused(operator.put("/api/model-aliases/gpt-5", json={}), 404)
    refused(operator.delete("/api/model-aliases/gpt-5"), 404)


def test_an_announced_end_and_a_successor_are_shown_where_they_are_set(operator: Client, stocked: Acme) -> None:
    ends = {"retires_at": "2030-01-31T12:00:00Z", "successor": "gpt-4"}
    made = created(operator.post("/api/model-aliases/create", json={**GPT_4, "alias": "gpt-3", **ends}))
    assert ends.items() <= made.items()
    assert ends.items() <= answered(operator.get("/api/model-aliases/gpt-3")).items()
    listed = answered(operator.get("/api/model-aliases"))["model_aliases"]
    assert [item["alias"] for item in listed if ends.items() <= item.items()] == ["gpt-3"]
    assert all(ends.keys().isdisjoint(item) for item in listed if item["alias"] != "gpt-3")

    changed = answered(operator.put("/api/model-aliases/gpt-3", json={"successor": "claude-3-opus"}))
    assert (changed["retires_at"], changed["successor"]) == (ends["retires_at"], "claude-3-opus")
    changed = answered(operator.put("/api/model-aliases/gpt-3", json=dict.fromkeys(ends)))
    assert ends.keys().isdisjoint(changed)
    [cleared, *_] = answered(operator.get("/api/audit?target=gpt-3"))["entries"]
    assert [cleared[when]["successor"] for when in ("before", "after")] == ["claude-3-opus", None]
    assert [cleared[when]["retires_at_ms"] for when in ("before", "after")] == [1_896_091_200_000, None]


def test_an_end_that_has_come_refuses_nothing(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/model-aliases/gpt-4", json={"retires_at": "2020-01-01T00:00:00Z"}))
    assert "gpt-4" in answered(operator.get("/api/teams/acme-prod"))["available_models"]


@pytest.mark.parametrize("successor", ["gpt-4", "gpt-5", ""])
def test_a_successor_is_another_alias_that_exists(operator: Client, stocked: Acme, successor: str) -> None:
    body = refused(operator.put("/api/model-aliases/gpt-4", json={"successor": successor}), 422)
    assert body["details"][0]["field"] == "successor"
    assert f"'{successor}'" in body["details"][0]["problem"]


def test_a_successor_that_is_deleted_is_none(operator: Client, stocked: Acme) -> None:
    before = operator.put("/api/model-aliases/gpt-4", json={"successor": "claude-3-opus"})
    answered(operator.delete("/api/model-aliases/claude-3-opus?force=true"))
    after = operator.get("/api/model-aliases/gpt-4")
    assert "successor" not in answered(after)
    assert after.headers["etag"] != before.headers["etag"]


def test_what_the_proxy_routes_to(operator: Client) -> None:
    assert answered(operator.get("/api/litellm-models")) == {
        "litellm_models": ["openai/gpt-4"],
        "patterns": ["openai/*"],
        "serves_calls": True,
        "proxy_url": None,
    }
