"""Pictures of every page, at three widths, in light and dark. Used as: screenshots.py FOLDER [NAME...]"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from running import ADMIN_KEY, Upstream, configuration, deployment, running_proxy, running_upstream

from browser import world
from browser.browsing import SCHEMES, Browsing, Site, running_browser
from browser.pages import PAGES

WIDTHS = (390, 1280, 1920)
DAYS = 27


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of these alone: {', '.join(PAGES)}")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    names = options.names or list(PAGES)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with running_upstream(folder) as upstream, running_proxy(folder / "proxy", _configured(upstream)) as proxy:
            with proxy.admin() as operator:
                world.fill(operator, proxy.folder / "store.db", days=DAYS)
            with running_browser() as browser:
                browsing = Browsing(browser)
                for scheme in SCHEMES:
                    page = browsing.open(Site(proxy.url), key=ADMIN_KEY, scheme=scheme)
                    for name in names:
                        _picture(page, options.folder, name, scheme)
                    page.goto("/admin/sign-in")
                browsing.close()


def _picture(page: Page, folder: Path, name: str, scheme: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"/admin{PAGES[name]}")
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


def _configured(upstream: Upstream) -> dict[str, Any]:
    """A proxy that routes what the world sells, but for one provider."""
    config = configuration(upstream, dashboard=True)
    config["model_list"] = [
        deployment(f"{provider}/*", f"{provider}/*", upstream) for provider in ("openai", "anthropic", "gemini")
    ]
    return config


if __name__ == "__main__":
    main()
