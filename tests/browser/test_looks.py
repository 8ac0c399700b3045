"""What every page must be, in any state of it: readable, labelled, in one piece at any width, in light and dark."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page
from running import ADMIN_KEY

from browser import world
from browser.browsing import SCHEMES, Browsing, Scheme, Site
from browser.pages import PAGES
from browser.serving import running_server

AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with some days of an invented world."""
    folder = tmp_path_factory.mktemp("world")
    with running_server(folder, folder / "store.db") as running:
        with httpx.Client(base_url=running.url, headers={"x-admin-key": ADMIN_KEY}, timeout=60) as operator:
            world.fill(operator, folder / "store.db", days=2)
        yield running


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page(browsing: Browsing, site: Site, scheme: Scheme) -> None:
    """One browser for all pages, and all that is wrong with any of them at once."""
    page = browsing.open(site, key=ADMIN_KEY, scheme=scheme)
    browsing.expect_status(404)  # of the page that isn't there
    wrong: list[str] = []
    for name, path in PAGES.items():
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"/admin{path}")
        wrong += [f"{name}: {problem}" for problem in (*_headings(page), *_styles(page), *_axe(page))]
        if scheme == "light":
            page.set_viewport_size({"width": 390, "height": 844})
            wrong += [f"{name} at 390: {problem}" for problem in (*_overflow(page), *_axe(page))]
            page.set_viewport_size({"width": 1920, "height": 1080})
            wrong += [f"{name} at 1920: {problem}" for problem in _overflow(page)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_sign_in_page(browsing: Browsing, site: Site, scheme: Scheme) -> None:
    page = browsing.open(site, scheme=scheme, width=390)
    assert [*_headings(page), *_styles(page), *_overflow(page), *_axe(page)] == []


def _headings(page: Page) -> list[str]:
    count = page.get_by_role("heading", level=1, include_hidden=True).count()
    return [] if count == 1 else [f"{count} h1"]


def _styles(page: Page) -> list[str]:
    return [
        f"style attribute in {tag}" for tag in page.locator("[style]").evaluate_all("all => all.map(e => e.tagName)")
    ]


def _overflow(page: Page) -> list[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    cut = page.locator(".stat, .card, .note, .panel, .toast").evaluate_all(
        "all => all.filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent.slice(0, 60))"
    )
    return [f"{wide} px to scroll sideways"] * (wide > 0) + [f"something sticks out of: {text}" for text in cut]


def _axe(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(results => results.violations)")
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {[node['html'][:160] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
