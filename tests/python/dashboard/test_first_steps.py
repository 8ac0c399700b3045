"""First steps: from nothing to a key, in any number of visits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from admin.serving import Client, Server, answered, created

from .browsing import VIEWER_KEY, operator_of, words
from .sessions import Session, fields_of, form_with

if TYPE_CHECKING:
    import httpx


@pytest.fixture
def operator(server: Server) -> Client:
    return operator_of(server)


def at_step(html: str) -> str:
    found = re.search(r'<li class="now".*?<p class="t">(.*?)<', html, flags=re.DOTALL)
    return found[1] if found else "all done"


def take(session: Session, path: str, **typed: str) -> httpx.Response:
    """Sends the step's form at `path` with these fields."""
    form = form_with(session.page(path), 'name="step"')
    return session.request("POST", "/admin/first-steps", fields_of(form) | typed)


def test_from_nothing_to_a_key(session: Session, operator: Client) -> None:
    assert at_step(session.page("/admin/first-steps")) == "Organization"
    answer = take(session, "/admin/first-steps", organization_id="org_acme", name="ACME Corp")
    assert at_step(session.page(answer.headers["location"])) == "Model aliases"

    answer = take(session, answer.headers["location"], **{"take-0": "1", "alias-1": "mini", "model-1": "openai/mini"})
    listed = answered(operator.get("/api/model-aliases"))["model_aliases"]
    assert {each["alias"]: each["litellm_model"] for each in listed} == {"gpt-4": "openai/gpt-4", "mini": "openai/mini"}
    assert at_step(session.page(answer.headers["location"])) == "Access group"

    answer = take(session, answer.headers["location"], group_name="starter-models", model_aliases="mini")
    assert at_step(session.page(answer.headers["location"])) == "Team"

    answer = take(session, answer.headers["location"], team_id="acme-prod")
    assert answer.status_code == 200
    team = answered(operator.get("/api/teams/acme-prod"))
    assert (team["organization_id"], team["available_models"]) == ("org_acme", ["mini"])
    key = re.search(r'id="new-key"[^>]*>(sk-[^<]+)<', answer.text)
    assert key is not None
    assert f"Bearer {key[1]}" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert at_step(answer.text) == "Test call"


def test_it_goes_on_where_it_was_left(session: Session, operator: Client) -> None:
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": "ACME Corp"}))
    html = session.page("/admin/first-steps")
    assert at_step(html) == "Model aliases"
    assert "ACME Corp" in html


def test_a_refused_step_keeps_what_was_typed(session: Session, operator: Client) -> None:
    answer = take(session, "/admin/first-steps?step=3", group_name="Bad Name", description="Kept words")
    assert answer.status_code == 422
    assert at_step(answer.text) == "Access group"
    assert 'value="Bad Name"' in answer.text
    assert 'value="Kept words"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert answered(operator.get("/api/model-access-groups"))["access_groups"] == []


def test_of_several_aliases_the_refused_ones_stay(session: Session, operator: Client) -> None:
    typed = {"take-0": "1", "alias-1": "no good", "model-1": "openai/x"}
    answer = take(session, "/admin/first-steps?step=2", **typed)
    assert answer.status_code == 422
    assert [each["alias"] for each in answered(operator.get("/api/model-aliases"))["model_aliases"]] == ["gpt-4"]
    assert 'value="no good"' in answer.text
    assert 'value="openai/gpt-4"' not in answer.text


def test_a_key_for_a_team_that_is_there(session: Session, operator: Client) -> None:
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": "ACME Corp"}))
    created(operator.post("/api/teams/create", json={"organization_id": "org_acme", "team_id": "acme-prod"}))
    answer = take(session, "/admin/first-steps?step=5&team_id=acme-prod", name="again")
    assert 'id="new-key"' in answer.text
    names = [key["name"] for key in answered(operator.get("/api/teams/acme-prod/keys"))["keys"]]
    assert "again" in names


def test_the_first_call_is_looked_out_for(session: Session, operator: Client) -> None:
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": "ACME Corp"}))
    created(operator.post("/api/teams/create", json={"organization_id": "org_acme", "team_id": "acme-prod"}))
    assert "No call yet" in words(session.page("/admin/first-steps?part=arrived&team_id=acme-prod"))


def test_a_viewer_may_only_look(session: Session) -> None:
    session.sign_in(VIEWER_KEY)
    html = session.page("/admin/first-steps")
    assert "You may only look" in html
    assert 'method="post" action="/admin/first-steps"' not in html


def test_a_step_without_the_sessions_token_is_refused(session: Session, operator: Client) -> None:
    fields = {"step": "1", "organization_id": "org_acme", "name": "ACME Corp"}
    assert session.request("POST", "/admin/first-steps", fields).status_code == 403
    assert answered(operator.get("/api/organizations"))["organizations"] == []


def test_names_are_shown_as_text(session: Session) -> None:
    answer = take(session, "/admin/first-steps", organization_id="<script>x", name="<script>x")
    assert answer.status_code == 422
    assert "<script>x" not in answer.text


def test_a_second_customer_is_not_mixed_up_with_the_first(session: Session, operator: Client) -> None:
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": "ACME Corp"}))
    created(operator.post("/api/teams/create", json={"organization_id": "org_acme", "team_id": "acme-prod"}))
    answer = take(session, "/admin/first-steps?step=1", organization_id="org_techco", name="TechCo")
    html = session.page(answer.headers["location"].replace("step=2", "step=4"))
    assert not re.search(r'class="done"><span class="dot">.{0,400}>(Key|Test call)<', html)
    assert fields_of(form_with(html, 'name="step"'))["organization_id"] == "org_techco"
