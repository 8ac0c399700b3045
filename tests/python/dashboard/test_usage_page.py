from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from admin.serving import Server, make_server

from saas_access._core import Reason
from saas_access.admin import errors, usage_review

from .browsing import Browser, browser_of, card, operator_of, words
from .selling import answer, stock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """acme-prod holds gpt-models, gpt-4 and gpt-3.5-turbo, and called both; it was refused claude-3-opus thrice."""
    made = make_server(tmp_path, local_admin=True)
    stock(made)
    for alias, calls in [("gpt-4", 5), ("gpt-3.5-turbo", 3)]:
        for _ in range(calls):
            answer(made, alias)
    engine, operator = made.runtime.engine, operator_of(made)
    for _ in range(3):
        engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", alias="claude-3-opus")
    while operator.get("/api/usage").json()["usage"][0]["denials"] < 3:
        pass  # a background thread writes them, once a second
    yield made
    made.runtime.close()


@pytest.fixture
def browser(server: Server) -> Browser:
    return browser_of(server)


def test_the_figures_are_the_apis(browser: Browser) -> None:
    page = browser.page("/admin/usage")
    charts = words(card(page, "By day"))
    assert "Calls 8 answered, by alias" in charts
    assert "Credits charged 8" in charts
    assert "Denials 3 refused" in charts
    assert "Tokens 200" in charts
    assert page.count('class="hit"') == 5 * 30
    assert 'aria-label="Calls by day, ' in page
    assert ": gpt-4 5; gpt-3.5-turbo 3</title>" in page


def test_a_day_by_the_hour(browser: Browser) -> None:
    page = browser.page("/admin/usage?range=24h")
    assert page.count('class="hit"') == 5 * 24
    assert "the last 24 hours. This hour is not over." in words(page)
    assert browser.page("/admin/usage?range=90d&by=hour").count('class="hit"') == 5 * 90  # too many hours for a chart


def test_refusals_lead_to_their_explanation(browser: Browser) -> None:
    denied = card(browser.page("/admin/usage"), "Most denied")
    assert "acme-prod wanted claude-3-opus claude-models would grant it 3 Explain" in words(denied)
    assert 'href="/admin/explain?team_id=acme-prod&amp;model=claude-3-opus"' in denied


def test_a_refusal_of_what_is_granted_by_now_needs_no_fix(server: Server, browser: Browser) -> None:
    operator_of(server).put("/api/teams/acme-prod", json={"access_groups": ["gpt-models", "claude-models"]})
    denied = words(card(browser.page("/admin/usage"), "Most denied"))
    assert "acme-prod wanted claude-3-opus granted by now 3" in denied


def test_what_nobody_uses_is_named(browser: Browser) -> None:
    unused = words(card(browser.page("/admin/usage"), "Never used"))
    assert "claude-3-opus in claude-models never" in unused
    assert "gpt-4" not in unused


@pytest.mark.parametrize(
    ("query", "row"),
    [
        ("", "gpt-4 5 5 0 125"),
        ("most=tokens", "gpt-4 5 5 0 125"),
        ("most=denials", "claude-3-opus 0 0 3 0"),
        ("table=team", "acme-prod 8 8 3 200"),
        ("table=group", "of no known group 8 8 3 200"),
        ("table=key", "without a key of the team of acme-prod 8 8 3 200"),
        ("table=refusals", "acme-prod wanted claude-3-opus model not granted; claude-models would grant it 3"),
        ("alias=gpt-3.5-turbo", "gpt-3.5-turbo 3 3 0 75"),
    ],
)
def test_the_table_begins_with_what_matters(browser: Browser, query: str, row: str) -> None:
    table = card(browser.page(f"/admin/usage?{query}"), "Usage, each by itself")
    body = words(table.partition("<tbody>")[2])
    assert body.startswith(row)


def test_filters_stay_in_the_address_and_in_the_links(browser: Browser) -> None:
    page = browser.page("/admin/usage?team_id=acme-prod&range=7d&most=tokens")
    assert 'name="team_id" type="search" value="acme-prod"' in page
    assert '<input type="hidden" name="range" value="7d">' in page
    assert "/admin/usage?team_id=acme-prod&amp;range=30d&amp;most=tokens" in page
    assert "All its keys" in page


def test_a_filter_that_names_nothing_keeps_what_was_typed(browser: Browser) -> None:
    page = browser.page("/admin/usage?team_id=%3Cscript%3Ealert(1)", 404)
    assert 'value="&lt;script&gt;alert(1)"' in page
    assert "<script>alert" not in page
    assert "does not exist" in page


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        ("yesterday", "", "A date is written like 2030-01-31."),
        ("2024-02-01", "2024-01-01", "The last day is before the first."),
        ("2020-01-01", "2024-01-01", "At most 400 days"),
    ],
)
def test_dates_that_make_no_range_are_named(browser: Browser, first: str, last: str, problem: str) -> None:
    page = browser.page(f"/admin/usage?range=dates&from={first}&to={last}")
    assert problem in page
    assert f'name="from" value="{first}"' in page


def test_dates_both_count(browser: Browser) -> None:
    page = browser.page("/admin/usage?range=dates&from=2024-01-30&to=2024-02-02&by=day")
    assert page.count('class="hit"') == 5 * 4
    assert "is not over" not in page
    assert "30 Jan 2024 to 2 Feb 2024" in page
    assert "Nobody called anything" in page


def test_a_part_that_fails_leaves_the_others_standing(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise errors.Refused(503, error="Store unavailable", message="The store is <busy>")

    monkeypatch.setattr(usage_review, "_held", fails)
    page = browser.page("/admin/usage")
    assert "What isn't used couldn't be read. The store is <busy>" in words(card(page, "Never used"))
    assert "Calls 8 answered" in words(page)


def test_the_csv_has_the_filters_of_the_page(browser: Browser) -> None:
    page = browser.page("/admin/usage?table=team&range=7d")
    assert 'href="/admin/usage.csv?table=team&amp;range=7d"' in page
    response = browser.get("/admin/usage.csv?table=team&range=7d")
    assert response.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(response.text))
    assert (row["team_id"], row["calls"], row["denials"]) == ("acme-prod", "8", "3")


def test_nobody_signed_in_gets_no_csv(tmp_path: Path) -> None:
    made = make_server(tmp_path)
    try:
        assert browser_of(made).get("/admin/usage.csv").headers["location"].startswith("/admin/sign-in")
    finally:
        made.runtime.close()
