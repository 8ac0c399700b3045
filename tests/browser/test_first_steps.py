"""From an empty store to a customer's first successful call, by the guided steps alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from running import ADMIN_KEY, Proxy, Upstream, configuration, running_proxy

from browser.browsing import Browsing, Scheme, Site
from browser.hands import Hands, Keyboard, Mouse


@pytest.fixture
def empty(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running_proxy(tmp_path_factory.mktemp("empty"), configuration(upstream, dashboard=True)) as running:
        yield running


@pytest.mark.parametrize(
    ("scheme", "hands"), [("light", Mouse), ("dark", Keyboard)], ids=["light-mouse", "dark-keyboard"]
)
def test_up_to_a_successful_call(
    browsing: Browsing, empty: Proxy, upstream: Upstream, scheme: Scheme, hands: type[Hands]
) -> None:
    page = browsing.open(Site(empty.url), key=ADMIN_KEY, scheme=scheme)
    upstream.forget()
    walk(hands(page))
    expect(page.locator("#arrived")).to_contain_text("1 call answered")
    (call,) = upstream.seen()
    assert call["model"] == "up-a"
    with empty.admin() as admin:
        team = admin.get("/api/teams/acme-prod").json()
    assert (team["organization_id"], team["available_models"], team["credits_remaining"]) == (
        "org_acme",
        ["gpt-4"],
        499,
    )


def walk(hands: Hands) -> None:
    page = hands.page
    hands.press(page.get_by_role("link", name="First steps").first)
    hands.fill(page.get_by_label("Name", exact=False).first, "ACME Corp")
    hands.fill(page.get_by_label("Organization id"), "org_acme")
    go_on(hands)
    hands.fill(page.get_by_label("Alias for real-a"), "gpt-4")
    hands.toggle(page.get_by_role("checkbox", name="real-a"))
    go_on(hands)
    page.goto("/admin")  # a break: what was done stays done
    hands.press(page.get_by_role("link", name="First steps").first)
    expect(page.get_by_role("heading", name="3. Make an access group")).to_be_visible()
    hands.fill(page.get_by_label("Group Name"), "starter-models")
    hands.toggle(page.get_by_role("checkbox", name="gpt-4"))
    go_on(hands)
    hands.fill(page.get_by_label("Team id"), "acme-prod")
    expect(page.get_by_role("checkbox", name="starter-models")).to_be_checked()
    hands.fill(page.get_by_label("Credits"), "500")
    go_on(hands)
    call(hands)


def go_on(hands: Hands) -> None:
    page = hands.page
    title = page.get_by_role("main").get_by_role("heading", level=2).first
    before = title.inner_text()
    hands.press(page.get_by_role("button", name="Create and go on"))
    expect(title).not_to_have_text(before)


def call(hands: Hands) -> None:
    page: Page = hands.page
    hands.press(page.get_by_role("button", name="Make a test call"))
    expect(page.locator("#try-answer")).to_contain_text("gpt-4 answered")
