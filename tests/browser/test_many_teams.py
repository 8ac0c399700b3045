"""10,000 teams, 200 groups, 500 aliases: every page answers, is usable, and costs little more than with few."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect
from running import ADMIN_KEY

from browser import crowd
from browser.browsing import Browsing, Site
from browser.serving import running_server

TEAMS = 10_000
# The longest that a hundred times as many teams may make a page: what a page looks at is a page of them.
MOST_TIMES_SLOWER = 10
PATHS = [
    "",
    "/model-access",
    "/model-access/group-007",
    "/model-access/group-007?remove=alias-036",
    "/matrix",
    "/matrix?access_group=group-007",
    "/teams",
    "/teams?search=team-0007",
    "/teams/team-00077",
    "/teams/team-00077/access",
    "/aliases",
    "/aliases/alias-036",
    "/organizations",
    "/organizations/org-77",
    "/usage",
    "/explain?team_id=team-00077&model=alias-001",
    "/audit",
    "/first-steps",
    "/find?q=77",
]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Site]]:
    """The one with many teams, and one with a hundredth of them, by their number."""
    folder = tmp_path_factory.mktemp("crowd")
    counts = (TEAMS // 100, TEAMS)
    for teams in counts:
        crowd.fill(folder / f"{teams}.db", teams=teams)
    few, many = counts
    with running_server(folder, folder / f"{few}.db") as small, running_server(folder, folder / f"{many}.db") as large:
        yield {few: small, many: large}


def test_finding_one_of_them_and_giving_it_a_group(browsing: Browsing, sites: dict[int, Site]) -> None:
    page = browsing.open(sites[TEAMS], key=ADMIN_KEY)
    page.keyboard.press("/")
    page.keyboard.type("m-07777")
    expect(page.get_by_role("option").first).to_contain_text("team-07777")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Edit Access Groups").first.click()
    page.get_by_label("Find a group").fill("group-100")
    page.locator("input[name=access_groups][value='group-100']").check()
    expect(page.get_by_role("heading", name="Gains 5 models")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("table", name="Models that")).to_contain_text("group-100")


def test_lists_are_read_page_by_page(browsing: Browsing, sites: dict[int, Site]) -> None:
    page = browsing.open(sites[TEAMS], key=ADMIN_KEY)
    page.goto("/admin/teams")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(50)
    expect(page.get_by_text("10,000 teams")).to_be_visible()
    first = rows.first.inner_text()
    page.get_by_role("link", name="Next page").click()
    expect(page).to_have_url(re.compile("cursor="))
    expect(rows).to_have_count(50)
    assert rows.first.inner_text() != first
    page.goto("/admin/matrix?access_group=group-007")
    expect(page.locator(".mx tbody tr:not(.org)")).to_have_count(50)
    page.locator(".mx td.c > a").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".mx td.c > a:focus")).to_have_count(1)


def test_pages_cost_little_more_than_with_few_teams(sites: dict[int, Site]) -> None:
    took: dict[str, list[float]] = {}
    for path in PATHS:
        took[path] = [_median(site, path) for site in sites.values()]
        print(f"{path or '/':45} {took[path][0] * 1000:6.0f} ms {took[path][1] * 1000:6.0f} ms")
    slow = {path: both for path, both in took.items() if both[1] > MOST_TIMES_SLOWER * both[0]}
    assert slow == {}


def _median(site: Site, path: str) -> float:
    with httpx.Client(base_url=site.url, follow_redirects=True, timeout=60) as client:
        client.post("/admin/sign-in", data={"admin_key": ADMIN_KEY})
        return statistics.median(_seconds(client, f"/admin{path}") for _ in range(5))


def _seconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert "Sign in" not in answer.text, path
    return time.perf_counter() - began
