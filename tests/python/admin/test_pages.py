from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client

LISTS = [
    ("/api/organizations?", "organizations"),
    ("/api/organizations/org_acme/teams?", "teams"),
    ("/api/model-aliases?", "model_aliases"),
    ("/api/model-access-groups?", "access_groups"),
    ("/api/teams?", "teams"),
    ("/api/teams/acme-prod/jobs?", "jobs"),
    ("/api/credits/transactions?team_id=acme-prod&", "transactions"),
    ("/api/credits/transactions?team_id=acme-prod&type=allocation&from=2000-01-01T00:00:00Z&", "transactions"),
    ("/api/audit?", "entries"),
    ("/api/organizations?search=ORG&", "organizations"),
    ("/api/model-access-groups?search=group-&", "access_groups"),
    ("/api/model-aliases?search=/&", "model_aliases"),
    ("/api/teams?search=M-&alias=gpt-4&low_balance=false&", "teams"),
]


@pytest.fixture
def full(operator: Client, stocked: Acme) -> None:
    for number in range(3):
        team = {"organization_id": "org_acme", "team_id": f"team-{number}", "access_groups": ["gpt-models"]}
        created(operator.post("/api/teams/create", json=team))
        created(operator.post("/api/organizations/create", json={"organization_id": f"org-{number}", "name": "O"}))
        created(operator.post("/api/model-access-groups/create", json={"group_name": f"group-{number}"}))
        created(operator.post("/api/jobs/create", json={"team_id": "acme-prod", "job_type": "x"}))
        answered(operator.post("/api/credits/add", json={"team_id": "acme-prod", "amount": 1}))


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(("path", "field"), LISTS)
def test_the_pages_of_a_list_make_the_whole(operator: Client, path: str, field: str) -> None:
    whole = answered(operator.get(path))
    assert set(whole) == {field}
    found, cursor = [], ""
    while True:
        page = answered(operator.get(f"{path}limit=2{cursor}"))
        assert 1 <= len(page[field]) <= 2
        found += page[field]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == whole[field]
    assert len(found) > 2


@pytest.mark.usefixtures("full")
def test_filters_hold_on_every_page(operator: Client) -> None:
    path = "/api/teams?access_group=gpt-models&limit=3"
    first = answered(operator.get(path))
    second = answered(operator.get(f"{path}&cursor={first['next_cursor']}"))
    teams = [team["team_id"] for team in first["teams"] + second["teams"]]
    assert teams == ["acme-prod", "team-0", "team-1", "team-2"]


@pytest.mark.usefixtures("full")
def test_a_cursor_of_another_list_or_of_nobody_is_refused(operator: Client) -> None:
    other = answered(operator.get("/api/organizations?limit=1"))["next_cursor"]
    forged = base64.urlsafe_b64encode(b"list_teams:-1").decode()
    huge = base64.urlsafe_b64encode(b"list_teams:99999999999999999999").decode()
    for cursor in (other, "", "%FF", "!!!!", "a", forged, huge, "x" * 300):
        body = refused(operator.get(f"/api/teams?cursor={cursor}"), 422)
        assert body["details"][0]["field"] == "cursor"


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "1.5", "", "99999999999999999999"])
def test_a_limit_out_of_range_is_refused(operator: Client, limit: str) -> None:
    assert refused(operator.get(f"/api/teams?limit={limit}"), 422)["details"][0]["field"] == "limit"
