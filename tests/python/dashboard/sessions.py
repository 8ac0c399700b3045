"""Sending the dashboard's forms, as the operator of this machine or as somebody who signed in."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import httpx

from .browsing import Fields, ask, dashboard_of

if TYPE_CHECKING:
    from admin.serving import Server


class Session:
    """A browser with its cookies."""

    def __init__(self, server: Server) -> None:
        self._dashboard = dashboard_of(server)
        self._cookies = httpx.Cookies()

    def sign_in(self, key: str) -> None:
        answer = self.request("POST", "/admin/sign-in", {"admin_key": key})
        assert answer.status_code == 303, answer.text
        self._cookies = answer.cookies

    def request(
        self, method: str, path: str, fields: Fields | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return ask(self._dashboard, method, path, fields, cookies=self._cookies, headers=headers)

    def page(self, path: str, status: int = 200) -> str:
        answer = self.request("GET", path)
        assert answer.status_code == status, answer.text
        return answer.text

    def send(self, path: str, form: str, *, referer: str = "") -> httpx.Response:
        """Sends one of a page's forms, `form` being its HTML, with what its fields hold."""
        headers = {"referer": referer} if referer else {}
        return self.request("POST", path, fields_of(form), headers)


def forms(html: str) -> list[str]:
    return re.findall(r"<form.*?</form>", html, flags=re.DOTALL)


def form_with(html: str, text: str) -> str:
    """The form that says this, or holds it as a value."""
    return next(form for form in forms(html) if text in form)


def fields_of(form: str) -> dict[str, str]:
    """The names and values of its inputs and, of selects, the first choice. Unchecked boxes are left out."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and ("checkbox" not in tag or " checked" in tag):
            found[unescape(name[1])] = unescape(value[1]) if value else ""
    for name, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form, flags=re.DOTALL):
        first = re.search(r'<option(?: value="([^"]*)")?[^>]*>([^<]*)', options)
        assert first is not None
        found[name] = unescape(first[1] or first[2])
    return found
