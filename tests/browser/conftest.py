from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from running import ADMIN_KEY, Proxy, Upstream, configuration, running_proxy, running_upstream

from browser.browsing import Browsing, Site, running_browser
from browser.people import ALICE_KEY, BOB_KEY, VIEWER_KEY


# Of this folder, not of the session: while a browser runs, no other test of the same process can start an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="package")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    with running_upstream(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(scope="package")
def proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """LiteLLM's proxy with the dashboard. Each test sells to a team of its own."""
    people = {"viewer_key": VIEWER_KEY, "operators": {"alice": ALICE_KEY, "bob": BOB_KEY}}
    config = configuration(upstream, dashboard=True, **people)
    with running_proxy(tmp_path_factory.mktemp("proxy"), config) as running:
        yield running


@pytest.fixture
def site(proxy: Proxy) -> Site:
    return Site(proxy.url)


@pytest.fixture
def browsing(browser: Browser) -> Iterator[Browsing]:
    """Opens browsers, and fails the test if any of their pages logs, throws, breaks the policy or asks elsewhere."""
    people = Browsing(browser)
    yield people
    people.close()


@pytest.fixture
def page(browsing: Browsing, site: Site) -> Page:
    """The operator's browser, at the overview."""
    return browsing.open(site, key=ADMIN_KEY)
