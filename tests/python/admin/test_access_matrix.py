"""Who may use what, and what of it is used and refused."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from saas_access import times
from saas_access._core import Reason
from saas_access.admin import matrix_rows

from .serving import Acme, answered, created, refused
from .test_usage import call

if TYPE_CHECKING:
    from .serving import Client, Server

FAR = "2999-01-01T00:00:00Z"


def matrix(operator: Client, query: str = "") -> Any:
    return answered(operator.get(f"/api/access-matrix?{query}"))


def team_ids(operator: Client, query: str) -> list[str]:
    return [team["team_id"] for team in matrix(operator, query)["teams"]]


def deny(server: Server, team_id: str, alias: str) -> None:
    """Notes a refusal and waits for the background thread to have written it."""
    engine = server.runtime.engine
    engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, team_id=team_id, alias=alias)
    while not any(
        (found.team_id, found.alias) == (team_id, alias) for found in engine.list_team_denials(since_ms=0, limit=99)
    ):
        pass


def ends_in(server: Server, days: int) -> str:
    return times.text((server.runtime.engine.now_ms() // 1000 + days * 86_400) * 1000)


def test_a_cell_tells_the_group_the_end_and_the_use(server: Server, operator: Client, stocked: Acme) -> None:
    soon, later = ends_in(server, 3), ends_in(server, 20)
    for expires_at in (later, soon):
        grant = {"access_group": "gpt-models", "expires_at": expires_at}
        created(operator.post("/api/teams/techco-dev/grants", json=grant))
    created(operator.post("/api/teams/acme-prod/grants", json={"access_group": "gpt-models", "expires_at": soon}))
    call(server.runtime.engine)
    call(server.runtime.engine)
    deny(server, "acme-prod", "claude-3-opus")
    answered(operator.put("/api/teams/acme-prod/suspend"))
    assert matrix(operator) == {
        "model_aliases": ["gpt-4", "gpt-3.5-turbo", "claude-3-opus"],
        "model_aliases_left_out": 0,
        "teams": [
            {
                "team_id": "acme-prod",
                "organization_id": "org_acme",
                "organization_name": "org_acme",
                "status": "suspended",
                "cells": {
                    "gpt-4": {"via": ["gpt-models"], "calls_7d": 2},
                    "gpt-3.5-turbo": {"via": ["gpt-models"], "unused": True},
                    "claude-3-opus": {"via": [], "denials_7d": 1},
                },
            },
            {
                "team_id": "techco-dev",
                "organization_id": "org_techco",
                "organization_name": "org_techco",
                "status": "active",
                "cells": {
                    "gpt-4": {"via": ["gpt-models"], "until": later, "unused": True},
                    "gpt-3.5-turbo": {"via": ["gpt-models"], "until": later, "unused": True},
                    "claude-3-opus": {"via": ["claude-models"], "unused": True},
                },
            },
        ],
    }


def test_filters_narrow_teams_and_models(operator: Client, stocked: Acme) -> None:
    assert team_ids(operator, "organization_id=org_techco") == ["techco-dev"]
    found = matrix(operator, "access_group=gpt-models")
    assert (found["model_aliases"], len(found["teams"])) == (["gpt-4", "gpt-3.5-turbo"], 1)
    found = matrix(operator, "alias=gpt-4")
    assert [list(team["cells"]) for team in found["teams"]] == [["gpt-4"], []]
    assert team_ids(operator, "search=ACME") == ["acme-prod"]
    assert team_ids(operator, "search=prod") == ["acme-prod", "techco-dev"]  # both are called Production
    assert team_ids(operator, "search=nobody") == []
    answered(operator.put("/api/model-aliases/gpt-4", json={"active": False}))
    assert "gpt-4" not in matrix(operator)["model_aliases"]
    for query in ("organization_id=x", "access_group=x", "alias=x"):
        assert "'x'" in refused(operator.get(f"/api/access-matrix?{query}"), 404)["message"]
    refused(operator.get("/api/access-matrix?show=everything"), 422)


def test_rows_with_refusals(server: Server, operator: Client, stocked: Acme) -> None:
    assert team_ids(operator, "show=refused") == []
    deny(server, "acme-prod", "claude-3-opus")
    assert team_ids(operator, "show=refused") == ["acme-prod"]
    assert team_ids(operator, "show=refused&alias=gpt-4") == []
    assert team_ids(operator, "show=refused&search=techco") == []


@pytest.mark.parametrize("by_themselves", [200, 0])
def test_rows_with_what_is_granted_and_not_called(
    server: Server, operator: Client, stocked: Acme, monkeypatch: pytest.MonkeyPatch, by_themselves: int
) -> None:
    monkeypatch.setattr(matrix_rows, "_BY_THEMSELVES", by_themselves)
    assert team_ids(operator, "show=unused") == ["acme-prod", "techco-dev"]
    call(server.runtime.engine)
    assert team_ids(operator, "show=unused&alias=gpt-4") == []
    call(server.runtime.engine, failed=True, alias="gpt-3.5-turbo")
    assert team_ids(operator, "show=unused&access_group=gpt-models") == ["acme-prod"]
    call(server.runtime.engine, "gpt-3.5-turbo")
    assert team_ids(operator, "show=unused") == ["techco-dev"]


def test_rows_with_a_grant_that_ends_soon(server: Server, operator: Client, stocked: Acme) -> None:
    for team_id, days in [("acme-prod", 6), ("techco-dev", 8)]:
        grant = {"access_group": "claude-models", "expires_at": ends_in(server, days)}
        created(operator.post(f"/api/teams/{team_id}/grants", json=grant))
    assert team_ids(operator, "show=ending") == ["acme-prod"]
    assert team_ids(operator, "show=ending&alias=gpt-4") == []


@pytest.mark.parametrize("show", ["", "&show=unused"])
def test_pages_hold_every_team_once(operator: Client, stocked: Acme, show: str) -> None:
    for number in range(7):
        groups = ["gpt-models"] if number % 2 else []
        body = {"organization_id": "org_acme", "team_id": f"t{number}", "access_groups": groups}
        created(operator.post("/api/teams/create", json=body))
    every = team_ids(operator, f"limit=1000{show}")
    assert len(every) == (5 if show else 9)
    for limit in (1, 2, 5):
        found, cursor = [], ""
        while True:
            page = matrix(operator, f"limit={limit}{cursor}{show}")
            assert 0 < len(page["teams"]) <= limit
            found += [team["team_id"] for team in page["teams"]]
            if "next_cursor" not in page:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert found == every


def test_of_many_models_the_most_called_are_shown(server: Server, operator: Client, stocked: Acme) -> None:
    for number in range(45):
        created(operator.post("/api/model-aliases/create", json={"alias": f"a{number}", "litellm_model": "openai/a"}))
    call(server.runtime.engine, "a44")
    deny(server, "acme-prod", "a43")
    found = matrix(operator)
    assert (len(found["model_aliases"]), found["model_aliases_left_out"]) == (40, 8)
    assert found["model_aliases"][0] == "gpt-4"
    assert found["model_aliases"][-1] == "a44"
    assert "a43" not in found["model_aliases"]
    assert matrix(operator, "show=refused")["model_aliases"][-1] == "a43"


def test_csv_holds_all_cells(server: Server, operator: Client, stocked: Acme) -> None:
    call(server.runtime.engine)
    response = operator.get("/api/access-matrix?format=csv")
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [(row["team_id"], row["alias"], row["access_groups"], row["calls_7d"]) for row in rows] == [
        ("acme-prod", "gpt-4", "gpt-models", "1"),
        ("acme-prod", "gpt-3.5-turbo", "gpt-models", "0"),
        ("techco-dev", "claude-3-opus", "claude-models", "0"),
    ]
    rows = list(csv.DictReader(io.StringIO(operator.get("/api/access-matrix?format=csv&alias=gpt-4").text)))
    assert [row["team_id"] for row in rows] == ["acme-prod"]
    refused(operator.get("/api/access-matrix?format=csv&limit=5"), 422)
    refused(operator.get("/api/access-matrix?format=csv&organization_id=x"), 404)
