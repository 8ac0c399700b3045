from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from admin.serving import Server, answered, created, make_server

from saas_access import times
from saas_access._core import Reason

from .browsing import Browser, browser_of, operator_of, words
from .selling import HOSTILE, answer, stock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """acme-prod called gpt-4 and was refused claude-3-opus; techco-dev is granted claude-models for a time."""
    made = make_server(tmp_path, local_admin=True)
    stock(made, teams=["acme-prod", "techco-dev"])
    answer(made, "gpt-4")
    made.runtime.engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", alias="claude-3-opus")
    operator = operator_of(made)
    soon = times.text(made.runtime.engine.now_ms() // 1000 * 1000 + 3 * times.DAY_MS)
    grant = {"access_group": "claude-models", "expires_at": soon}
    created(operator.post("/api/teams/techco-dev/grants", json=grant))
    while operator.get("/api/usage").json()["usage"][0]["denials"] < 1:
        pass  # a background thread writes them, once a second
    yield made
    made.runtime.close()


@pytest.fixture
def browser(server: Server) -> Browser:
    return browser_of(server)


def cells(page: str) -> dict[str, list[tuple[str, str]]]:
    """Of each team: (state, what is said) of each cell."""
    rows = re.findall(r'<tr><th scope="row" class="team">.*?</tr>', page, flags=re.DOTALL)
    found = {}
    for row in rows:
        head, *rest = re.split(r'<td class="c[^"]*" data-s="', row)
        team_id = re.findall(r'class="name"[^>]*>([^<]*)</a>', head)[0]
        found[team_id] = [(cell.partition('"')[0], words(cell.partition(">")[2])) for cell in rest]
    return found


def test_five_states_have_five_shapes_and_spoken_names(browser: Browser) -> None:
    page = browser.page("/admin/matrix")
    found = cells(page)
    assert found["acme-prod"] == [
        ("on", "granted via gpt-models"),
        ("idle", "granted via gpt-models, no call in 30 days"),
        ("ask", "not granted, and refused 1 time in 7 days"),
    ]
    assert found["techco-dev"][2][0] == "temp"
    assert re.fullmatch(
        r"granted via claude-models until \d{4}-\d\d-\d\d, no call in 30 days", found["techco-dev"][2][1]
    )
    narrowed = cells(browser.page("/admin/matrix?search=techco&alias=gpt-4"))
    assert narrowed == {"techco-dev": [("idle", "granted via gpt-models, no call in 30 days")]}


def test_a_cell_is_a_link_to_its_explanation(browser: Browser) -> None:
    page = browser.page("/admin/matrix")
    assert 'href="/admin/explain?team_id=acme-prod&amp;model=claude-3-opus"' in page
    assert 'data-calls="1 in 7 days"' in page
    assert 'data-via="gpt-models"' in page


def test_aliases_stand_under_their_provider_and_teams_under_their_organization(browser: Browser) -> None:
    page = browser.page("/admin/matrix")
    assert re.findall(r'<th scope="colgroup" colspan="(\d)" class="first"><span class="lbl">(\w+)', page) == [
        ("2", "OpenAI"),
        ("1", "Anthropic"),
    ]
    assert page.count('<th scope="rowgroup"') == 1
    assert "&lt;script&gt;\u202e&#34;&#39;" in page
    assert HOSTILE not in page


@pytest.mark.parametrize(
    ("query", "teams"),
    [
        ("show=refused", ["acme-prod"]),
        ("show=ending", ["techco-dev"]),
        ("show=unused", ["acme-prod", "techco-dev"]),
        ("access_group=claude-models", ["techco-dev"]),
        ("organization_id=org_acme&search=PROD", ["acme-prod"]),
    ],
)
def test_filters_narrow_the_rows(browser: Browser, query: str, teams: list[str]) -> None:
    page = browser.page(f"/admin/matrix?{query}")
    assert list(cells(page)) == teams
    assert f'href="/admin/matrix.csv?{query.replace("&", "&amp;")}"' in page


def test_nothing_found_says_so_and_clears(browser: Browser) -> None:
    page = browser.page("/admin/matrix?search=nobody")
    assert "No team matches" in page
    assert 'href="/admin/matrix">Clear the filters' in page
    assert 'value="nobody"' in page


def test_a_filter_that_names_nothing_keeps_what_was_chosen(browser: Browser) -> None:
    page = browser.page("/admin/matrix?alias=%3Cscript%3E", 404)
    assert "<option selected>&lt;script&gt;</option>" in page
    assert "does not exist" in page


def test_a_suspended_team_is_marked(server: Server, browser: Browser) -> None:
    answered(operator_of(server).put("/api/teams/acme-prod/suspend"))
    assert browser.page("/admin/matrix").count('<span class="vh">suspended</span>') == 1


def test_the_csv_has_the_filters_of_the_page(browser: Browser) -> None:
    response = browser.get("/admin/matrix.csv?show=refused")
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert {row["team_id"] for row in rows} == {"acme-prod"}
    assert [row["denials_7d"] for row in rows if row["alias"] == "claude-3-opus"] == ["1"]


def test_an_empty_proxy_leads_to_the_first_steps(tmp_path: Path) -> None:
    made = make_server(tmp_path, local_admin=True)
    try:
        page = browser_of(made).page("/admin/matrix")
    finally:
        made.runtime.close()
    assert "No team yet" in page
    assert 'href="/admin/first-steps"' in page
