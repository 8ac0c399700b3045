"""Somebody who reads pages and sends their forms, as a browser without scripts does."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import httpx

from .browsing import ask, words

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Typed = str | list[str]


@dataclass
class Form:
    """`fields`: what would be sent, in order; `buttons`: by what they say."""

    action: str = ""
    method: str = "get"
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return next(value for found, value in self.fields if found == name)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""
        self._button: tuple[str, str] | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(action=given.get("action", ""), method=given.get("method", "get")))
        elif tag == "input" and "name" in given and self.found:
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.found[-1].fields.append((given["name"], given.get("value", "")))
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and "selected" in given:
            self.found[-1].fields.append((self._select, given.get("value", "")))
        elif tag == "button":
            self._button, self._words = (given.get("name", ""), given.get("value", "")), []

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None and self.found:
            self.found[-1].buttons[" ".join("".join(self._words).split())] = self._button
            self._button = None


@dataclass
class Person:
    """The local operator, or who signed in. Keeps cookies from one request to the next."""

    dashboard: ASGIApp
    address: str = "127.0.0.1"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, status: int = 200) -> str:
        response = self.request("GET", path)
        assert response.status_code == status, words(response.text)
        return response.text

    def request(self, method: str, path: str, fields: list[tuple[str, str]] | None = None) -> httpx.Response:
        path = path.partition("#")[0]
        answer = ask(self.dashboard, method, path, fields, address=self.address, cookies=self.cookies)
        self.cookies.update(answer.cookies)
        return answer

    def sign_in(self, key: str) -> None:
        assert self.request("POST", "/admin/sign-in", [("admin_key", key)]).status_code == 303

    def send(self, page: str, button: str, **typed: Typed) -> httpx.Response:
        """Fills in the form of `page` that has a button which says `button`, and presses it. A list replaces all
        values of that name, as for checkboxes."""
        form = form_of(page, button)
        fields = [pair for pair in form.fields if pair[0] not in typed]
        for name, value in typed.items():
            fields += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        name, value = form.buttons[button]
        return self.request("POST", form.action, [*fields, (name, value)] if name else fields)

    def saved(self, page: str, button: str, **typed: Typed) -> str:
        """The same where it has to succeed: the page that it leads to."""
        answer = self.send(page, button, **typed)
        assert answer.status_code == 303, words(answer.text)
        return self.get(answer.headers["location"])


def forms_of(page: str) -> list[Form]:
    parser = _Forms()
    parser.feed(page)
    return parser.found


def form_of(page: str, button: str) -> Form:
    found = [form for form in forms_of(page) if button in form.buttons]
    assert len(found) == 1, f"{len(found)} forms have a button {button!r}: {[form.buttons for form in forms_of(page)]}"
    return found[0]
