"""Browsers for tests: Chromium contexts in which nothing may go wrong unseen, and nothing may leave the server."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    WebError,
    expect,
    sync_playwright,
)
from playwright.sync_api import Request as Asked

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 15_000  # of what a page is waited for: it says when it's there
# Whatever a page or the browser itself would look for elsewhere isn't there.
_ARGUMENTS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
expect.set_options(timeout=_PATIENCE_MS)


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    """The system's Chromium. While it runs, this thread can't start event loops of its own."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise AssertionError(f"none of {', '.join(_NAMES)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Site:
    """A server with the dashboard."""

    url: str

    @property
    def admin(self) -> str:
        return f"{self.url}/admin"


@dataclass
class Browsing:
    """The browsers of one test, each a person's: cookies and storage of their own."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)
    _expected: set[int] = field(default_factory=set)
    _refusals: list[tuple[int, str]] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def expect_status(self, status: int) -> None:
        """Says that some answer of this test will have this status. It fails if none has."""
        self._expected.add(status)

    def open(
        self, site: Site, *, key: str | None = None, width: int = 1280, scheme: Scheme = "light", script: bool = True
    ) -> Page:
        """A new person's browser at the overview; without a `key`, wherever one lands who isn't signed in."""
        context = self.browser.new_context(
            base_url=site.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=script,
            permissions=["clipboard-read", "clipboard-write"],
        )
        self._contexts.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        context.on("console", self._heard)
        context.on("weberror", self._failed)
        context.on("request", lambda asked: self._asked(site, asked))
        context.on("response", self._answered)
        page = context.new_page()
        if key is None:
            page.goto("/admin")
        else:
            sign_in(page, key)
        return page

    def close(self) -> None:
        """Ends all of them. Fails if a page did what none may do."""
        for context in self._contexts:
            context.close()
        refused = [f"{where} answered {status}" for status, where in self._refusals if status not in self._expected]
        unseen = [f"nothing answered {status}" for status in self._expected - {status for status, _ in self._refusals}]
        complaints = self.complaints + refused + unseen
        assert not complaints, "\n".join(complaints)

    def _heard(self, message: ConsoleMessage) -> None:
        # A refused form's page is logged as a failure to load: what _answered counts.
        if not message.text.startswith("Failed to load resource: the server responded with a status of"):
            self.complaints.append(f"{message.type} at {message.location.get('url')}: {message.text}")

    def _failed(self, error: WebError) -> None:
        self.complaints.append(f"an exception: {error.error}")

    def _asked(self, site: Site, asked: Asked) -> None:
        if not asked.url.startswith((site.url + "/", "data:")):
            self.complaints.append(f"a request to {asked.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._refusals.append((response.status, response.url))


def sign_in(page: Page, key: str) -> None:
    """Signs in from the sign-in page, up to the overview."""
    page.goto("/admin/sign-in")
    page.get_by_label("Admin key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin")
