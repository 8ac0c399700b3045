"""Somebody who reads the dashboard's pages and sends its forms, without a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

import httpx
from admin.serving import Server

from .browsing import ask, dashboard_of, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp

Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Visitor:
    """The local operator, or with a session somebody else: `server` must have the setting `local_admin`."""

    dashboard: ASGIApp
    session: str | None = None

    def page(self, path: str, status: int = 200) -> str:
        """The page's HTML, having looked at what every page keeps to."""
        answer = self.request("GET", path)
        assert answer.status_code == status, answer.text
        assert " style=" not in answer.text
        assert answer.text.count("<h1") == 1
        return answer.text

    def send(self, path: str, fields: Fields, *, status: int = 303) -> httpx.Response:
        """Sends a form as the page at `path` has one: with its token."""
        token = re.search(r'name="csrf" value="(\w+)"', self.request("GET", path).text)
        assert token is not None, "the page has no form"
        answer = self.request("POST", path.partition("?")[0], {"csrf": token[1], **fields})
        assert answer.status_code == status, answer.text
        return answer

    def request(self, method: str, path: str, fields: Fields | None = None) -> httpx.Response:
        cookies = None if self.session is None else httpx.Cookies({"saas_access_session": self.session})
        return ask(self.dashboard, method, path, fields, cookies=cookies)


def operator_at(server: Server) -> Visitor:
    return Visitor(dashboard_of(server))


def signed_in(server: Server, key: str) -> Visitor:
    """The one that this key makes them."""
    visitor = operator_at(server)
    answer = visitor.request("POST", "/admin/sign-in", {"admin_key": key})
    assert answer.status_code == 303, answer.text
    return Visitor(visitor.dashboard, answer.cookies["saas_access_session"])


def panel(html: str) -> str:
    found = re.search(r'<dialog class="panel".*?</dialog>', html, flags=re.DOTALL)
    assert found is not None, "no panel is open"
    return found[0]


def hidden(html: str, name: str) -> str:
    """The value of a field that people don't see."""
    found = re.search(rf'type="hidden" name="{name}" value="([^"]*)"', html)
    assert found is not None, f"no hidden field {name!r}"
    return unescape(found[1])


def row(html: str, name: str) -> str:
    """What the table's row says whose first cell names this."""
    rows: Iterable[str] = re.findall(r"<tr[ >].*?</tr>", html, flags=re.DOTALL)
    return next(words(each) for each in rows if f">{name}</a>" in each)
