from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from saas_access import times
from saas_access._core import Usage

from .serving import answered, created, refused
from .test_credits import reserve

if TYPE_CHECKING:
    from .serving import Acme, Client, Server

PACE = "/api/credits/pace?team_id=acme-prod"


def age(server: Server, days: int) -> None:
    """Makes every team so many days old, and everything that was used so far half as old."""
    database = sqlite3.connect(server.runtime.engine.health().database)
    with database:
        database.execute("UPDATE team SET created_at_ms = created_at_ms - ?", (days * times.DAY_MS,))
        database.execute("UPDATE usage_hour SET period = period - ?", (days * 12,))
        database.execute("UPDATE usage_day SET period = period - ?", (days // 2,))
    database.close()


def charge(server: Server, micro_credits: int) -> None:
    server.runtime.engine.settle(call_id=reserve(server, micro_credits), usage=Usage(), latency_ms=5)


def test_a_pace_is_that_of_the_last_seven_days(server: Server, operator: Client, stocked: Acme) -> None:
    charge(server, 3_500_000)
    age(server, 4)
    pace = answered(operator.get(PACE))
    left = times.parse(pace.pop("runs_out_at")) - server.runtime.engine.now_ms()
    counted_from = times.parse(pace.pop("counted_from"))
    assert 0 <= server.runtime.engine.now_ms() - counted_from - 4 * times.DAY_MS < 60_000
    assert abs(left - pace["lasts_days"] * times.DAY_MS) < times.DAY_MS // 50
    assert 110.28 <= pace.pop("lasts_days") <= 110.31  # 96.5 credits, 3.5 of which went in four days and a moment
    assert 0.874 < pace.pop("credits_per_day") <= 0.875
    assert pace == {"team_id": "acme-prod", "credits_remaining": 96.5, "charged_last_7_days": 3.5}


def test_a_young_team_has_no_pace_and_an_idle_one_no_end(server: Server, operator: Client, stocked: Acme) -> None:
    charge(server, 1_000_000)
    young = answered(operator.get(PACE))
    assert (young["charged_last_7_days"], young["credits_per_day"]) == (1, None)
    assert (young["lasts_days"], young["runs_out_at"]) == (None, None)
    age(server, 20)
    idle = answered(operator.get(PACE))
    assert (idle["charged_last_7_days"], idle["credits_per_day"]) == (0, 0)
    assert (idle["lasts_days"], idle["runs_out_at"]) == (None, None)


def test_a_team_sees_its_own_pace_alone(server: Server, operator: Client, stocked: Acme) -> None:
    team = server.client(stocked.acme_key)
    assert answered(team.get(PACE))["credits_remaining"] == 100
    refused(team.get("/api/credits/pace?team_id=techco-dev"), 404)
    refused(operator.get("/api/credits/pace?team_id=nobody"), 404)


def test_the_lowest_come_first(server: Server, operator: Client, stocked: Acme) -> None:
    team = {"organization_id": "org_techco", "team_id": "idle", "credits_allocated": 5}
    created(operator.post("/api/teams/create", json=team))
    charge(server, 50_000_000)
    age(server, 2)
    [first, second] = answered(operator.get("/api/credits/lowest"))["teams"]
    assert [first["team_id"], second["team_id"]] == ["acme-prod", "idle"]
    assert (first["organization_id"], first["credits_allocated"]) == ("org_acme", 100)
    own = answered(operator.get(PACE))
    for name in ("credits_remaining", "counted_from", "charged_last_7_days"):
        assert first[name] == own[name]
    assert [item["team_id"] for item in answered(operator.get("/api/credits/lowest?limit=1"))["teams"]] == ["acme-prod"]
    answered(operator.put("/api/teams/acme-prod/suspend"))
    assert [item["team_id"] for item in answered(operator.get("/api/credits/lowest"))["teams"]] == ["idle"]
