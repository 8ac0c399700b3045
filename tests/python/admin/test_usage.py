from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from saas_access import times
from saas_access._core import Engine, Pricing, Reason, ReserveRequest, Usage

from .serving import Acme, answered, created, refused

if TYPE_CHECKING:
    from .serving import Client, Server

EARLY = "2020-01-01T00:00:00Z"
FIGURES = ["calls", "failed_calls", "denials", "tokens", "cost_usd", "credits", "latency_ms_p50", "latency_ms_p95"]


def call(engine: Engine, alias: str = "gpt-4", *, team_id: str = "acme-prod", failed: bool = False, **use: Any) -> None:
    """A call of the team as the proxy makes it, of 840 ms."""
    request = ReserveRequest(team_id=team_id, alias=alias, purpose="", pricing=Pricing(), estimate=Usage(), **use)
    call_id = engine.reserve(request=request).call_id
    if failed:
        engine.release(call_id=call_id, failed=True, latency_ms=5)
    else:
        usage = Usage(total_tokens=25, price_known=True, cost=300_000_000)
        engine.settle(call_id=call_id, usage=usage, latency_ms=840)


@pytest.fixture
def used(server: Server, operator: Client, stocked: Acme) -> Engine:
    """acme-prod: two answered calls of gpt-4 and a failed one, one of gpt-3.5-turbo with a key; denials of two models,
    of which one exists. techco-dev: a refusal for want of credits."""
    engine = server.runtime.engine
    [key] = operator.get("/api/teams/acme-prod").json()["keys"]
    call(engine)
    call(engine)
    call(engine, failed=True)
    call(engine, "gpt-3.5-turbo", key_id=key["key_id"])
    for model in ("claude-3-opus", "claude-3-opus", "made-up-by-a-client"):
        engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", key_id=key["key_id"], alias=model)
    engine.note_denial(
        reason=Reason.CREDITS_EXHAUSTED, team_id="techco-dev", alias="claude-3-opus", access_group="claude-models"
    )
    flush_denials(server)
    return engine


def flush_denials(server: Server) -> None:
    """Waits for the background thread, which writes once a second."""
    engine, counted = server.runtime.engine, 0
    while counted < 4:
        [row] = engine.report_usage(from_ms=0, to_ms=engine.now_ms() + 1).rows
        counted = row.denials


def usage(client: Client, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answered(client.get(f"/api/usage?{query}"))["usage"]
    return found


def test_without_groups_there_is_one_row_of_everything(used: Engine, operator: Client) -> None:
    [row] = usage(operator, "")
    last = row.pop("last_call_at")
    assert row == {
        "calls": 3,
        "failed_calls": 1,
        "denials": 4,
        "tokens": 75,
        "cost_usd": 0.0009,
        "credits": 3,
        "latency_ms_p50": row["latency_ms_p50"],
        "latency_ms_p95": row["latency_ms_p95"],
    }
    assert row["latency_ms_p50"] == pytest.approx(840, rel=0.19)
    assert used.now_ms() - 60_000 < times.parse(last) <= used.now_ms()


def test_nothing_is_a_row_of_zeros_without_latency(operator: Client, stocked: Acme) -> None:
    [row] = usage(operator, "team_id=acme-prod")
    assert row == {**dict.fromkeys(FIGURES[:6], 0), **dict.fromkeys([*FIGURES[6:], "last_call_at"])}
    assert usage(operator, "team_id=acme-prod&group_by=alias,day") == []


def test_rows_by_alias_and_reason(used: Engine, operator: Client) -> None:
    rows = usage(operator, "group_by=alias,reason")
    figures = {(row["alias"], row["reason"]): (row["calls"], row["failed_calls"], row["denials"]) for row in rows}
    assert figures == {
        ("gpt-4", None): (2, 1, 0),
        ("gpt-3.5-turbo", None): (1, 0, 0),
        ("claude-3-opus", "model_not_granted"): (0, 0, 2),
        ("claude-3-opus", "credits_exhausted"): (0, 0, 1),
        ("(unknown model)", "model_not_granted"): (0, 0, 1),
    }


def test_rows_by_team_key_group_and_time(used: Engine, operator: Client) -> None:
    [key] = operator.get("/api/teams/acme-prod").json()["keys"]
    by_key = usage(operator, "group_by=team_id,key_id")
    assert [(row["team_id"], row["key_id"], row["calls"], row["denials"]) for row in by_key] == [
        ("acme-prod", None, 2, 0),
        ("acme-prod", key["key_id"], 1, 3),
        ("techco-dev", None, 0, 1),
    ]
    by_group = usage(operator, "group_by=access_group&team_id=techco-dev")
    assert [(row["access_group"], row["denials"]) for row in by_group] == [("claude-models", 1)]
    for row in usage(operator, "group_by=hour,day"):
        assert row["hour"].endswith(":00:00Z")
        assert row["day"] == f"{row['hour'][:10]}T00:00:00Z"
        assert list(row)[:2] == ["hour", "day"]


def test_the_most_of_a_figure_comes_first(used: Engine, operator: Client) -> None:
    by_calls = usage(operator, "group_by=alias&most=calls")
    assert [(row["alias"], row["calls"]) for row in by_calls] == [("gpt-4", 2), ("gpt-3.5-turbo", 1)]
    refused_first = usage(operator, "group_by=team_id,alias,reason&most=denials&limit=1")
    assert [(row["team_id"], row["alias"], row["denials"]) for row in refused_first] == [
        ("acme-prod", "claude-3-opus", 2)
    ]
    assert refused(operator.get("/api/usage?most=beauty"), 422)["details"][0]["field"] == "most"
    as_table = refused(operator.get("/api/usage?most=calls&format=csv"), 422)
    assert as_table["details"][0]["field"] == "most"


def test_filters(used: Engine, operator: Client) -> None:
    [key] = operator.get("/api/teams/acme-prod").json()["keys"]
    for query, calls in [
        ("alias=gpt-4", 2),
        (f"key_id={key['key_id']}", 1),
        ("team_id=techco-dev", 0),
        ("access_group=gpt-models", 0),  # there, and nothing recorded under it
        (f"to={EARLY}", 0),
        (f"from={EARLY}", 3),
    ]:
        assert [row["calls"] for row in usage(operator, query)] == [calls], query


def test_what_was_counted_is_told(used: Engine, operator: Client) -> None:
    counted = answered(operator.get("/api/usage?from=2024-10-14T12:34:56Z&to=2024-10-15T00:00:01Z"))
    assert (counted["counted_from"], counted["counted_to"]) == ("2024-10-14T12:00:00Z", "2024-10-15T01:00:00Z")
    by_default = answered(operator.get("/api/usage"))
    days = times.parse(by_default["counted_to"]) - times.parse(by_default["counted_from"])
    assert 29 < days / 86_400_000 <= 30


def test_hours_are_dropped_and_days_stay(used: Engine, operator: Client) -> None:
    used.prune_usage(days_kept=1)
    assert sum(row["calls"] for row in usage(operator, "group_by=hour")) == 3
    used.prune_usage(days_kept=-1)
    assert usage(operator, "group_by=hour") == []
    assert sum(row["calls"] for row in usage(operator, "group_by=day")) == 3


def test_pages(used: Engine, operator: Client) -> None:
    whole = usage(operator, "group_by=alias,reason")
    found, cursor = [], ""
    while True:
        page = answered(operator.get(f"/api/usage?group_by=alias,reason&limit=2{cursor}"))
        found += page["usage"]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == whole


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("group_by=alais", 422, "did you mean alias"),
        ("group_by=alias,,day", 422, "''"),
        ("from=yesterday", 422, "time"),
        ("from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z", 422, "not after"),
        ("format=xml", 422, "csv"),
        ("format=csv&limit=3", 422, "limit"),
        ("team_id=nobody", 404, "nobody"),
        ("key_id=key_x", 404, "key_x"),
        ("alias=nothing", 404, "nothing"),
        ("access_group=nothing", 404, "nothing"),
    ],
)
def test_what_makes_no_sense_is_refused(used: Engine, operator: Client, query: str, status: int, word: str) -> None:
    assert word in refused(operator.get(f"/api/usage?{query}"), status)["message"]


class TestATeam:
    def test_sees_its_own_alone(self, used: Engine, server: Server, stocked: Acme) -> None:
        acme = server.client(stocked.acme_key)
        assert [row["calls"] for row in usage(acme, "")] == [3]
        assert usage(acme, "") == usage(acme, "team_id=acme-prod")
        refused(acme.get("/api/usage?team_id=techco-dev"), 404)
        refused(acme.get("/api/usage/review?team_id=acme-prod"), 403)
        [key] = server.client("admin-key-of-the-tests").get("/api/teams/techco-dev").json()["keys"]
        refused(acme.get(f"/api/usage?key_id={key['key_id']}"), 404)

    def test_is_not_told_which_models_exist(self, used: Engine, server: Server, stocked: Acme) -> None:
        acme = server.client(stocked.acme_key)
        rows = usage(acme, "group_by=alias")
        assert {row["alias"]: row["denials"] for row in rows} == {
            "(unknown model)": 3,
            "gpt-4": 0,
            "gpt-3.5-turbo": 0,
        }
        for query in ("", "&format=csv", "&group_by=day"):
            there = refused(acme.get(f"/api/usage?alias=claude-3-opus{query}"), 404)["message"]
            absent = refused(acme.get(f"/api/usage?alias=claude-9-opus{query}"), 404)["message"]
            assert there.replace("claude-3", "claude-9") == absent
            refused(acme.get(f"/api/usage?access_group=claude-models{query}"), 404)
        assert usage(acme, "alias=gpt-4")[0]["calls"] == 2


def table(client: Client, query: str) -> list[list[str]]:
    response = client.get(f"/api/usage?format=csv&{query}")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(response.text)))


class TestCsv:
    def test_holds_the_same_rows(self, used: Engine, operator: Client) -> None:
        heading, *rows = table(operator, "group_by=alias,reason")
        assert heading == ["alias", "reason", *FIGURES, "last_call_at"]
        as_json = usage(operator, "group_by=alias,reason")
        assert [row[0] for row in rows] == [row["alias"] for row in as_json]
        assert [int(row[2]) for row in rows] == [row["calls"] for row in as_json]
        assert [row[1] for row in rows] == [row["reason"] or "" for row in as_json]
        assert [row[6] for row in rows if row[0] == "gpt-4"] == ["0.0006"]

    def test_by_time_it_is_read_day_by_day(self, used: Engine, operator: Client) -> None:
        query = f"group_by=hour,alias&from={EARLY}"
        _, *rows = table(operator, query)
        assert sum(int(row[2]) for row in rows) == 3
        [row] = usage(operator, f"group_by=day&from={EARLY}")
        assert table(operator, f"group_by=day&from={EARLY}&to=9999-01-01T00:00:00Z")[1][0] == row["day"]

    def test_has_a_name_and_a_heading_even_if_empty(self, operator: Client, stocked: Acme) -> None:
        response = operator.get("/api/usage?format=csv&group_by=day&from=2024-10-01T00:00:00Z&to=2024-11-01T00:00:00Z")
        disposition = response.headers["content-disposition"]
        assert disposition == 'attachment; filename="usage-2024-10-01-to-2024-10-31.csv"'
        assert response.text.splitlines() == [",".join(["day", *FIGURES, "last_call_at"])]

    @pytest.mark.parametrize("alias", ["=1+1", "+1", "-1", "@x"])
    def test_no_cell_is_a_formula(self, server: Server, operator: Client, stocked: Acme, alias: str) -> None:
        created(operator.post("/api/model-aliases/create", json={"alias": alias, "litellm_model": "m"}))
        call(server.runtime.engine, alias)
        assert table(operator, "group_by=alias")[1][0] == f"'{alias}"


class TestReview:
    def test_what_a_team_never_used_and_was_denied_most(self, used: Engine, operator: Client) -> None:
        group = {"group_name": "embedding", "model_aliases": ["claude-3-opus"]}
        created(operator.post("/api/model-access-groups/create", json=group))
        answered(operator.put("/api/teams/techco-dev", json={"access_groups": ["claude-models", "gpt-models"]}))
        review = answered(operator.get("/api/usage/review?team_id=techco-dev"))
        assert [item["group_name"] for item in review["unused_groups"]] == ["claude-models", "gpt-models"]
        assert [item["alias"] for item in review["unused_aliases"]] == ["gpt-4", "gpt-3.5-turbo", "claude-3-opus"]
        [denied] = review["most_denied"]
        assert (denied["alias"], denied["reason"], denied["denials"]) == ("claude-3-opus", "credits_exhausted", 1)
        assert denied["access_groups"] == ["claude-models", "embedding"]

    def test_what_is_used_is_no_candidate(self, used: Engine, operator: Client) -> None:
        review = answered(operator.get("/api/usage/review?team_id=acme-prod"))
        assert (review["unused_groups"], review["unused_aliases"]) == ([], [])
        denied = [(item["alias"], item["denials"], item["access_groups"]) for item in review["most_denied"]]
        assert denied == [("claude-3-opus", 2, ["claude-models"]), ("(unknown model)", 1, [])]

    def test_of_all_teams_together(self, used: Engine, operator: Client) -> None:
        review = answered(operator.get("/api/usage/review?days=7"))
        assert review["team_id"] is None
        assert [item["group_name"] for item in review["unused_groups"]] == ["claude-models"]
        assert [(item["alias"], item["last_call_at"]) for item in review["unused_aliases"]] == [("claude-3-opus", None)]
        assert [item["denials"] for item in review["most_denied"]] == [2, 1, 1]

    def test_an_alias_that_is_not_active_is_no_candidate(self, used: Engine, operator: Client) -> None:
        answered(operator.put("/api/model-aliases/claude-3-opus", json={"active": False}))
        assert answered(operator.get("/api/usage/review"))["unused_aliases"] == []

    def test_nobody_is_not_found(self, operator: Client, stocked: Acme) -> None:
        refused(operator.get("/api/usage/review?team_id=nobody"), 404)
        refused(operator.get("/api/usage/review?team_id=acme-prod&days=0"), 422)


def test_several_teams_are_summed_or_listed(used: Engine, operator: Client) -> None:
    both = usage(operator, "team_id=techco-dev,acme-prod,acme-prod&group_by=team_id")
    figures = [(row["team_id"], row["calls"], row["denials"]) for row in both]
    assert figures == [("acme-prod", 3, 3), ("techco-dev", 0, 1)]
    [row] = usage(operator, "team_id=acme-prod,techco-dev")
    assert (row["calls"], row["denials"]) == (3, 4)
    unknown = refused(operator.get("/api/usage?team_id=acme-prod,nobody"), 404)
    assert unknown["message"] == "Team 'nobody' does not exist"


def test_sums_of_organizations(used: Engine, operator: Client) -> None:
    answered(operator.put("/api/teams/techco-dev/suspend"))
    found = answered(operator.get("/api/organization-sums"))
    acme, techco = found["organizations"]
    assert times.parse(acme.pop("last_call_at")) >= times.parse(found["counted_from"])
    assert acme == {
        "organization_id": "org_acme",
        "teams": 1,
        "active_teams": 1,
        "credits_allocated": 100,
        "credits_used": 3,
        "credits_reserved": 0,
        "credits_remaining": 97,
        "calls": 3,
        "denials": 3,
    }
    assert (techco["active_teams"], techco["denials"], techco["last_call_at"]) == (0, 1, None)
    named = answered(operator.get("/api/organization-sums?organization_id=org_techco,org_acme&days=1"))
    assert [each["organization_id"] for each in named["organizations"]] == ["org_techco", "org_acme"]
    assert "'org_none'" in refused(operator.get("/api/organization-sums?organization_id=org_none"), 404)["message"]


def test_sums_of_organizations_come_in_pages(operator: Client, stocked: Acme) -> None:
    first = answered(operator.get("/api/organization-sums?limit=1"))
    rest = answered(operator.get(f"/api/organization-sums?limit=1&cursor={first['next_cursor']}"))
    ids = [each["organization_id"] for page in (first, rest) for each in page["organizations"]]
    assert ids == ["org_acme", "org_techco"]
    assert "next_cursor" not in rest
