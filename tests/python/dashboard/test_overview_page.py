from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from admin.serving import Server, answered, created, make_server

from saas_access import times
from saas_access._core import Reason
from saas_access.admin import needs
from saas_access.admin.errors import Refused
from saas_access.admin.overview_answers import Need
from saas_access.dashboard import overview

from .browsing import Browser, browser_of, card, operator_of, words
from .forms import forms_of
from .selling import HOSTILE, answer, stock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from admin.serving import Client

    from .forms import Person


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = make_server(tmp_path, local_admin=True)
    yield made
    made.runtime.close()


@pytest.fixture
def browser(server: Server) -> Browser:
    return browser_of(server)


def needed(browser: Browser) -> str:
    return card(browser.page("/admin"), "Needs you today")


def test_an_empty_proxy_leads_to_the_first_steps(browser: Browser) -> None:
    page = browser.page("/admin")
    assert "Begin with the first steps" in words(page)
    assert 'href="/admin/first-steps"' in page
    assert "Nothing needs you" in page


def test_the_week_in_figures(server: Server, browser: Browser) -> None:
    stock(server)
    for _ in range(3):
        answer(server, "gpt-4")
    page = browser.page("/admin")
    strip = words(page[page.index('<dl class="strip">') : page.index("</dl>")])
    assert "Calls, 7 days 3 none the week before" in strip
    assert "Credits charged 3 none the week before" in strip
    assert "Denials 0" in strip
    assert "Health Healthy" in strip
    assert "By day, today last: 0, 0, 0, 0, 0, 0, 3" in strip


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        ("0", "0", ""),
        ("3", "0", "none the week before"),
        ("112", "100", "12% more than the week before"),
        ("91", "100", "9% less than the week before"),
        ("100", "100", "as in the week before"),
        ("304", "1", "1 the week before"),
    ],
)
def test_a_week_is_compared_with_the_one_before(now: str, before: str, said: str) -> None:
    days = [{"day": "2024-10-14T00:00:00Z", "value": Decimal(now)}]
    assert overview._week({"total": Decimal(now), "before": Decimal(before), "days": days}).compared == said


def test_a_missing_upgrade_leads_to_its_explanation(server: Server, browser: Browser) -> None:
    stock(server)
    for _ in range(4):
        server.runtime.engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", alias="claude-3-opus")
    while "claude-3-opus" not in (found := needed(browser)):
        pass  # a background thread writes them, once a second
    assert "acme-prod was refused claude-3-opus 4 times" in words(found)
    assert "claude-models would grant it" in words(found)
    assert 'href="/admin/explain?team_id=acme-prod&amp;model=claude-3-opus"' in found


def test_a_low_balance_leads_to_where_credits_are_added(server: Server, browser: Browser) -> None:
    stock(server)
    answered(operator_of(server).put("/api/teams/acme-prod", json={"low_balance_thresholds": [200]}))
    found = needed(browser)
    assert "acme-prod has 100" in words(found)
    assert "It is to be warned at 200" in words(found)
    assert 'href="/admin/teams/acme-prod/credits/add"' in found


def test_a_viewer_is_led_to_look_only(api: Client, viewer: Person) -> None:
    answered(api.put("/api/teams/acme-prod", json={"low_balance_thresholds": [200]}))
    page = viewer.get("/admin")
    assert 'href="/admin/teams/acme-prod#credits">See credits</a>' in page
    assert "credits/add" not in page
    assert "Create team" not in page
    for path in ("/admin", "/admin/usage", "/admin/matrix"):
        assert {form.action for form in forms_of(viewer.get(path)) if form.method == "post"} == {"/admin/sign-out"}


def test_a_grant_about_to_end_and_a_group_nobody_uses(server: Server, browser: Browser) -> None:
    stock(server)
    soon = times.text(server.runtime.engine.now_ms() // 1000 * 1000 + 3 * times.DAY_MS)
    grant = {"access_group": "claude-models", "expires_at": soon}
    created(operator_of(server).post("/api/teams/acme-prod/grants", json=grant))
    found = words(needed(browser))
    assert "acme-prod loses claude-models when its grant ends" in found
    assert "Extend or end" in found
    assert "Nobody called a model of gpt-models in 30 days 1 team has it." in found


def test_the_menu_of_every_page_counts_what_needs_the_operator(server: Server, browser: Browser) -> None:
    counted = r'Overview<span class="count is-warn">(\d+)</span>'
    assert not re.search(counted, browser.page("/admin/organizations"))
    stock(server)
    needed = re.search(counted, browser.page("/admin/organizations"))
    listed = browser.page("/admin").count('<span class="when">')
    assert needed is not None
    assert int(needed[1]) == listed > 0


def test_what_was_checked_is_said(browser: Browser) -> None:
    assert "Also checked, nothing to do: " in words(needed(browser))
    assert set(overview.CHECKED) >= set(needs._KINDS)


def test_a_kind_that_the_page_does_not_know_is_told_in_the_apis_words(
    server: Server, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(server)
    strange = Need(kind="strange", message="Team 'acme-prod' is <odd>.", team_id="acme-prod")
    monkeypatch.setitem(needs._KINDS, "trouble", lambda _: [strange])
    found = needed(browser)
    assert "Team &#39;acme-prod&#39; is &lt;odd&gt;." in found
    assert 'href="/admin/teams/acme-prod"' in found


def test_recent_changes_are_sentences(server: Server, browser: Browser) -> None:
    stock(server)
    changes = card(browser.page("/admin"), "Recent changes")
    assert "created team acme-prod operator" in words(changes)
    assert HOSTILE not in changes


def test_the_lowest_balances(server: Server, browser: Browser) -> None:
    stock(server)
    answer(server, "gpt-4")
    assert "acme-prod org_acme 99 of 100" in words(card(browser.page("/admin"), "Lowest balances"))


def test_a_part_that_fails_leaves_the_others_standing(
    server: Server, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Refused(503, error="Store unavailable", message="The store is <busy>")

    stock(server)
    monkeypatch.setattr(needs, "find", fails)
    page = browser.page("/admin")
    assert "What needs you couldn't be read. The store is <busy>" in words(page)
    assert "acme-prod org_acme" in words(card(page, "Lowest balances"))
