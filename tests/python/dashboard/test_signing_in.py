"""Who is let in, and whose forms are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from admin.serving import ADMIN_KEY, Server, answered, make_server

from .browsing import ADDRESS, Fields, ask, dashboard_of, operator_of
from .sessions import Session, fields_of, form_with

if TYPE_CHECKING:
    from pathlib import Path

SIGN_IN = "/admin/sign-in"
FOREIGN = [{"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]


def signing_in(server: Server, path: str = SIGN_IN, **headers: str) -> httpx.Response:
    """From another machine, where nobody is the local operator."""
    fields: Fields = {"admin_key": ADMIN_KEY}
    return ask(dashboard_of(server), "POST", path, fields, address="192.0.2.7", headers=headers)


def is_in(server: Server, answer: httpx.Response) -> bool:
    page = ask(dashboard_of(server), "GET", "/admin/teams", address="192.0.2.7", cookies=answer.cookies)
    assert page.status_code in (200, 303)
    return page.status_code == 200


def test_the_cookie_is_for_the_dashboards_own_pages_alone(server: Server) -> None:
    cookie = signing_in(server).headers["set-cookie"]
    assert {"HttpOnly", "Path=/admin", "SameSite=strict"} <= set(cookie.split("; "))


@pytest.mark.parametrize("headers", FOREIGN)
def test_nobody_is_signed_in_by_another_site(server: Server, headers: dict[str, str]) -> None:
    answer = signing_in(server, **headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_with_the_right_token_from_another_site_is_not_taken(
    server: Server, session: Session, headers: dict[str, str]
) -> None:
    session.sign_in(ADMIN_KEY)
    form = form_with(session.page("/admin/organizations?new=1"), "Create")
    fields = fields_of(form) | {"organization_id": "org_acme", "name": "ACME"}
    assert session.request("POST", "/admin/organizations", fields, headers).status_code == 403
    assert answered(operator_of(server).get("/api/organizations"))["organizations"] == []
    assert session.request("POST", "/admin/organizations", fields, {"origin": ADDRESS}).status_code == 303


@pytest.mark.parametrize(
    "asked", ["https://elsewhere.example", "//elsewhere.example", "/admin\\elsewhere", "/admin/\\elsewhere", "/api", ""]
)
def test_sign_in_leads_to_no_page_but_ones_own(server: Server, asked: str) -> None:
    answer = ask(dashboard_of(server), "POST", f"{SIGN_IN}?next={asked}", {"admin_key": ADMIN_KEY}, address="192.0.2.7")
    assert answer.headers["location"] == "/admin"
    assert signing_in(server, f"{SIGN_IN}?next=/admin/teams").headers["location"] == "/admin/teams"


def test_a_session_ends_when_a_key_of_the_operators_changes(server: Server, tmp_path: Path) -> None:
    answer = signing_in(server)
    assert is_in(server, answer)
    server.runtime.close()
    changed = make_server(tmp_path, viewer_key="another-key-of-the-viewers")
    assert not is_in(changed, answer)
    changed.runtime.close()
