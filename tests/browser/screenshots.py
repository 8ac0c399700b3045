"""Pictures of every page, at three widths, in light and dark. Used as: screenshots FOLDER [NAME...]"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page
from running import configuration, deployment, running_proxy, running_upstream

from browser import world
from browser.browsing import SCHEMES, Browsing, Scheme, Site, running_browser
from browser.pages import PAGES
from browser.people import ALICE_KEY, BOB_KEY

WIDTHS = (390, 1280, 1920)
MOST_HIGH = 10_000
DAYS = 27
# name of the picture: scheme and page
ILLUSTRATIONS: dict[str, tuple[Scheme, str]] = {
    "overview": ("light", ""),
    "team-access": ("light", "/teams/acme-prod/access"),
    "matrix": ("light", "/matrix"),
    "usage": ("light", "/usage"),
    "explain-dark": ("dark", "/explain?team_id=newclient-prod&model=gpt-4-turbo"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of these alone: {', '.join(PAGES)}")
    parser.add_argument("--illustrations", type=Path, metavar="FOLDER", help="where those of the documentation go")
    options = parser.parse_intermixed_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with _served() as site, running_browser() as browser:
        _picture_all(Browsing(browser), site, options)


@contextlib.contextmanager
def _served() -> Iterator[Site]:
    """A proxy that routes what the world sells, but for one provider."""
    with tempfile.TemporaryDirectory() as temporary, running_upstream(Path(temporary)) as upstream:
        config = configuration(upstream, dashboard=True, operators={"alice": ALICE_KEY, "bob": BOB_KEY})
        routed = ("openai", "anthropic", "gemini")
        config["model_list"] = [deployment(f"{provider}/*", f"{provider}/*", upstream) for provider in routed]
        with running_proxy(Path(temporary, "proxy"), config) as proxy:
            alice, bob = (proxy.client(**{"x-admin-key": key}) for key in (ALICE_KEY, BOB_KEY))
            with alice, bob:
                world.fill(alice, proxy.folder / "store.db", days=DAYS, colleague=bob)
            yield Site(proxy.url)


def _picture_all(browsing: Browsing, site: Site, options: argparse.Namespace) -> None:
    names = options.names or list(PAGES)
    if "not-found" in names:
        browsing.expect_status(404)
    for scheme in SCHEMES:
        _picture(browsing.open(site, scheme=scheme), "/sign-in", options.folder, f"sign-in-{scheme}")
        page = browsing.open(site, key=ALICE_KEY, scheme=scheme)
        for name in names:
            _picture(page, PAGES[name], options.folder, f"{name}-{scheme}")
        if options.illustrations:
            _illustrate(page, options.illustrations, scheme)
    browsing.close()


def _picture(page: Page, path: str, folder: Path, name: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"/admin{path}")
        # As high as the page is, so that what sticks to the window's edges stands at the page's.
        height = min(page.evaluate("document.documentElement.scrollHeight"), MOST_HIGH)
        page.set_viewport_size({"width": width, "height": max(height, 900)})
        page.screenshot(path=folder / f"{name}-{width}.png")


def _illustrate(page: Page, folder: Path, scheme: Scheme) -> None:
    """The first screen of some pages, for the documentation."""
    page.set_viewport_size({"width": 1280, "height": 800})
    for name, (shown, path) in ILLUSTRATIONS.items():
        if shown == scheme:
            page.goto(f"/admin{path}")
            if name == "team-access":
                page.get_by_role("checkbox", name="enterprise-models").check()
                page.get_by_role("checkbox", name="claude-models").uncheck()
                page.get_by_role("heading", name="Loses").wait_for()
                page.mouse.move(0, 0)
            page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    main()
