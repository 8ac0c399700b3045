"""The page of what was found, the palette's part of it, and what a sign-in says."""

from __future__ import annotations

import pytest
from admin.serving import Client, Server, created

from .browsing import VIEWER_KEY, operator_of, words
from .sessions import Session


@pytest.fixture
def operator(server: Server) -> Client:
    return operator_of(server)


def test_what_matches_is_marked_and_leads_there(session: Session, operator: Client) -> None:
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": "<script>x"}))
    html = session.page("/admin/find?q=ACME")
    assert 'href="/admin/organizations/org_acme"' in html
    assert "org_<mark>acme</mark>" in html
    assert "<script>x" not in html
    assert 'role="option"' not in html.split('class="card found"')[1].split("</section>")[0]


def test_the_palette_gets_options_alone(session: Session, operator: Client) -> None:
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": "ACME Corp"}))
    part = session.page("/admin/find?part=1&q=acme")
    assert part.count('role="option"') == 1
    assert "<h1" not in part


def test_actions_are_found_by_the_beginnings_of_their_words(session: Session) -> None:
    assert "Create team" in words(session.page("/admin/find?part=1&q=te+cre"))
    assert "Create team" in words(session.page("/admin/find?part=1&q="))
    assert "Nothing matches" in words(session.page("/admin/find?part=1&q=zzz"))


def test_a_viewer_is_offered_nothing_to_create(session: Session) -> None:
    session.sign_in(VIEWER_KEY)
    part = words(session.page("/admin/find?part=1&q="))
    assert "Explain a refusal" in part
    assert "Create" not in part


@pytest.mark.parametrize("key", ["wrong-key-of-nobody", "<script>x"])
def test_a_wrong_key_is_said_beside_the_field_and_not_shown_again(session: Session, key: str) -> None:
    answer = session.request("POST", "/admin/sign-in", {"admin_key": key})
    assert answer.status_code == 401
    assert "This key is no operator's or viewer's." in words(answer.text)
    assert key not in answer.text
    assert "set-cookie" not in answer.headers
