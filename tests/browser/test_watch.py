"""That the watch over the browsers sees what it is there for."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Route
from running import ADMIN_KEY

from browser.browsing import Browsing, Site

_POLICY = {"content-type": "text/html", "content-security-policy": "default-src 'none'; script-src 'self'; img-src *"}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<script src='/admin/said.js'></script>", "log at .*: said"),
        ("<script src='/admin/thrown.js'></script>", "an exception: .*thrown"),
        ("<script>1</script>", "error at .*Content Security Policy"),
        ("<p style='color: red'>", "error at .*Content Security Policy"),
        ("<img src='http://elsewhere.example/x.png'>", "a request to http://elsewhere.example/x.png"),
        ("<img src='/admin/missing.png'>", "/admin/missing.png answered 404"),
    ],
)
def test_it_complains(browser: Browser, site: Site, body: str, complaint: str) -> None:
    browsing = Browsing(browser)
    page = browsing.open(site, key=ADMIN_KEY)
    page.route("**/admin/bad", lambda route: route.fulfill(headers=_POLICY, body=body))
    page.route("**/*.js", _script)
    page.goto("/admin/bad", wait_until="load")
    with pytest.raises(AssertionError, match=re.compile(complaint, re.DOTALL)):
        browsing.close()


def _script(route: Route) -> None:
    body = "console.log('said')" if "said" in route.request.url else "throw new Error('thrown')"
    route.fulfill(content_type="text/javascript", body=body)


def test_a_status_that_never_comes_is_a_failure(browser: Browser, site: Site) -> None:
    browsing = Browsing(browser)
    browsing.expect_status(412)
    browsing.open(site)
    with pytest.raises(AssertionError, match="nothing answered 412"):
        browsing.close()
