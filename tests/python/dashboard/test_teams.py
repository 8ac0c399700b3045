from __future__ import annotations

import re
from typing import TYPE_CHECKING

from admin.serving import answered, created

from saas_access._core import Pricing, ReserveRequest, Usage

from .browsing import card, words

if TYPE_CHECKING:
    from admin.serving import Client, Server

    from .forms import Person


def make_call(server: Server, alias: str, team_id: str = "acme-prod", calls: int = 1) -> None:
    engine = server.runtime.engine
    for _ in range(calls):
        request = ReserveRequest(team_id=team_id, alias=alias, purpose="", pricing=Pricing(), estimate=Usage())
        engine.settle(call_id=engine.reserve(request=request).call_id, usage=Usage(), latency_ms=100)


def test_a_row_says_what_the_api_does(stocked_server: Server, person: Person) -> None:
    make_call(stocked_server, "gpt-4", calls=3)
    page = person.get("/admin/teams")
    row = words(card(page, "Teams"))
    assert "acme-prod <script>" in row
    assert "active gpt-models claude-models 97 of 100 3 just now" in row
    assert "<script>\u202e" not in page


def test_filters_narrow_the_list(api: Client, person: Person) -> None:
    created(api.post("/api/organizations/create", json={"organization_id": "org_b", "name": "B"}))
    created(api.post("/api/teams/create", json={"organization_id": "org_b", "team_id": "b-dev"}))
    answered(api.put("/api/teams/b-dev/suspend"))
    for query, shown in [
        ("", {"acme-prod", "b-dev"}),
        ("search=ACME", {"acme-prod"}),
        ("organization_id=org_b", {"b-dev"}),
        ("access_group=mixed", set()),
        ("access_group=gpt-models&status=active", {"acme-prod"}),
        ("status=suspended", {"b-dev"}),
        ("alias=gpt-4", {"acme-prod"}),
    ]:
        page = person.get(f"/admin/teams?{query}")
        assert {team for team in ("acme-prod", "b-dev") if f'href="/admin/teams/{team}"' in page} == shown, query
    assert "No team matches" in person.get("/admin/teams?search=nothing")
    person.get("/admin/teams?status=odd", status=422)


def test_teams_come_in_pages_that_keep_the_filter(api: Client, person: Person) -> None:
    for number in range(51):
        created(api.post("/api/teams/create", json={"organization_id": "org_acme", "team_id": f"n-{number}"}))
    first = person.get("/admin/teams?search=n-")
    assert first.count('<th scope="row">') == 50
    following = first.split('">Next page')[0].rsplit('href="', 1)[1].replace("&amp;", "&")
    assert "search=n-" in following
    assert person.get(following).count('<th scope="row">') == 1


def test_a_team_is_created_and_its_key_shown_once(api: Client, person: Person) -> None:
    page = person.get("/admin/teams?new=1")
    answer = person.send(
        page,
        "Create",
        organization_id="org_acme",
        team_id="acme-dev",
        team_alias="Dev",
        access_groups=["claude-models", "mixed"],
        credits_allocated="1,000.5",
        budget_mode="consumption_usd",
        credits_per_dollar="20",
        rpm_limit="60",
    )
    assert answer.status_code == 200
    [secret] = re.findall(r'<output id="secret"[^>]*>([^<]*)<', answer.text)
    assert secret.startswith("sk-")
    assert "no-store" in answer.headers["cache-control"]
    team = answered(api.get("/api/teams/acme-dev"))
    assert (team["team_alias"], team["access_groups"]) == ("Dev", ["claude-models", "mixed"])
    assert (team["credits_allocated"], team["budget_mode"], team["credits_per_dollar"]) == (
        1000.5,
        "consumption_usd",
        20,
    )
    assert (team["rpm_limit"], team["tpm_limit"], team["tokens_per_credit"]) == (60, None, 10000)
    assert secret not in person.get("/admin/teams/acme-dev")


def test_a_refused_team_keeps_what_was_typed(api: Client, person: Person) -> None:
    page = person.get("/admin/teams?new=1&organization_id=org_acme")
    answer = person.send(
        page, "Create", team_id="not allowed", team_alias='"><b>', access_groups=["mixed"], credits_allocated="many"
    )
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    for kept in ('value="not allowed"', 'value="many"', 'value="&#34;&gt;&lt;b&gt;"', 'value="mixed" checked'):
        assert kept in answer.text
    assert '<option value="org_acme" selected>' in answer.text
    fixed = person.send(answer.text, "Create", team_id="allowed", credits_allocated="")
    assert fixed.status_code == 200
    assert answered(api.get("/api/teams/allowed"))["access_groups"] == ["mixed"]


def test_a_viewer_sees_the_list_and_no_form(viewer: Person) -> None:
    page = viewer.get("/admin/teams?new=1")
    assert "acme-prod" in page
    assert "Create team" not in page
    refused = viewer.request("POST", "/admin/teams", [("team_id", "x")])
    assert refused.status_code == 403
