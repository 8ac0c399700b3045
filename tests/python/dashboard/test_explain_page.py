"""Explain: the chain, the link that breaks, and the fixes that mend it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from admin.serving import Client, Server, answered, created, make_server

from saas_access._core import Reason

from .browsing import VIEWER_KEY, card, operator_of, words
from .sessions import Session, form_with, forms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = "<script>\u202e\"'"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """basic-models {small}, pro-models {big, small, wide}, big-models {big}; the three teams hold the first."""
    made = make_server(tmp_path, local_admin=True, viewer_key=VIEWER_KEY)
    operator = operator_of(made)
    for alias in ("big", "small", "wide"):
        created(operator.post("/api/model-aliases/create", json={"alias": alias, "litellm_model": f"openai/{alias}"}))
    groups = {"basic-models": ["small"], "pro-models": ["big", "small", "wide"], "big-models": ["big"]}
    for group, aliases in groups.items():
        listed = {"group_name": group, "model_aliases": aliases}
        created(operator.post("/api/model-access-groups/create", json=listed))
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": HOSTILE}))
    for team_id in ("acme-dev", "acme-prod", "acme-qa"):
        team = {"organization_id": "org_acme", "team_id": team_id, "access_groups": ["basic-models"]}
        created(operator.post("/api/teams/create", json=team | {"credits_allocated": 10}))
    yield made
    made.runtime.close()


@pytest.fixture
def operator(server: Server) -> Client:
    return operator_of(server)


def explained(team_id: str = "acme-prod", model: str = "big") -> str:
    return f"/admin/explain?team_id={team_id}&model={model}"


def broken(html: str) -> list[str]:
    """What is said at the links that break."""
    return re.findall(r'class="link broken".*?class="say">(.*?)</span>', html, flags=re.DOTALL)


def verdict(html: str) -> str:
    return words(card(html, "Decision"))


def teams_of(operator: Client, team_id: str) -> Any:
    return answered(operator.get(f"/api/teams/{team_id}"))


def test_a_model_not_granted_breaks_between_team_and_groups(session: Session) -> None:
    html = session.page(explained())
    assert "Denied model_not_granted : Team does not have access to model 'big'" in verdict(html)
    assert broken(html) == ["breaks here: no group grants it"]
    assert "It has only basic-models" in verdict(html)


def test_an_allowed_call_has_no_broken_link_and_no_fix(session: Session) -> None:
    html = session.page(explained(model="small"))
    assert verdict(html).startswith("Allowed")
    assert broken(html) == []
    assert "Fix it" not in html


def test_fixes_come_by_how_much_they_give(session: Session) -> None:
    fixes = words(card(session.page(explained()), "Fix it"))
    order = [
        fixes.index(text) for text in ("the group big-models", "the group pro-models", "Put big into basic-models")
    ]
    assert order == sorted(order), fixes
    assert "1 team gains 1 model: big" in fixes
    assert "1 team gains 2 models: big , and also wide" in fixes
    assert "Wider: acme-dev , acme-prod , acme-qa gain it" in fixes


def test_the_best_fix_mends_it_and_tells_of_it(session: Session, operator: Client) -> None:
    answer = session.send("/admin/explain", form_with(session.page(explained()), "Add big-models"))
    assert answer.status_code == 303
    assert teams_of(operator, "acme-prod")["access_groups"] == ["basic-models", "big-models"]
    after = session.page(answer.headers["location"])
    assert verdict(after).startswith("Allowed")
    assert "Gave acme-prod the group big-models" in words(after)
    assert form_with(after, "Undo")


def test_a_group_for_a_time(session: Session, operator: Client) -> None:
    answer = session.send("/admin/explain", form_with(session.page(explained()), "for a week"))
    assert answer.status_code == 303
    [grant] = teams_of(operator, "acme-prod")["grants"]
    assert grant["access_group"] == "big-models"
    assert verdict(session.page(answer.headers["location"])).startswith("Allowed")


def test_a_fix_on_a_team_that_was_changed_meanwhile_is_refused_in_words(session: Session, operator: Client) -> None:
    form = form_with(session.page(explained()), "Add big-models")
    answered(operator.put("/api/teams/acme-prod", json={"team_alias": "Another"}))
    answer = session.send("/admin/explain", form)
    assert answer.status_code == 412
    assert "Nothing was changed." in words(answer.text)
    assert "Somebody else changed it meanwhile" in words(answer.text)
    assert teams_of(operator, "acme-prod")["access_groups"] == ["basic-models"]


@pytest.mark.parametrize(
    ("path", "says", "button"),
    [
        ("/api/teams/acme-prod/suspend", "breaks here: the team is suspended", "Resume"),
        ("/api/organizations/org_acme/suspend", "breaks here: the organization is suspended", "Resume"),
    ],
)
def test_what_is_suspended_is_resumed(session: Session, operator: Client, path: str, says: str, button: str) -> None:
    answered(operator.put(path))
    html = session.page(explained(model="small"))
    assert broken(html) == [says]
    answer = session.send("/admin/explain", form_with(card(html, "Fix it"), button))
    assert verdict(session.page(answer.headers["location"])).startswith("Allowed")


def test_credits_are_added_once_however_often_it_is_sent(session: Session, operator: Client) -> None:
    answered(operator.put("/api/teams/acme-prod", json={"credits_allocated": 0}))
    html = session.page(explained(model="small"))
    assert broken(html) == ["breaks here: 0 credits left, 1 needed"]
    form = form_with(html, "Add credits")
    for _ in range(2):
        assert session.send("/admin/explain", form).status_code == 303
    assert teams_of(operator, "acme-prod")["credits_remaining"] == 1


def test_an_alias_that_is_not_active(session: Session, operator: Client) -> None:
    answered(operator.put("/api/model-aliases/small", json={"active": False}))
    html = session.page(explained(model="small"))
    assert broken(html) == ["breaks here: the alias is not active"]
    answer = session.send("/admin/explain", form_with(html, "Set active, for 3 teams"))
    assert verdict(session.page(answer.headers["location"])).startswith("Allowed")


def test_an_alias_that_is_not_there(session: Session) -> None:
    html = session.page(explained(model="nope"))
    assert broken(html) == ["breaks here: there is no such alias"]
    assert "/admin/aliases?new=1&amp;alias=nope" in html


def test_a_key_that_is_narrowed(session: Session, operator: Client) -> None:
    made = operator.post("/api/teams/acme-prod/keys", json={"name": "narrow", "model_aliases": ["big"]})
    key_id = created(made)["key_id"]
    html = session.page(f"/admin/explain?virtual_key_id={key_id}&model=small")
    assert broken(html) == ["breaks here: this key is narrowed to other models"]
    answered(operator.delete(f"/api/teams/acme-prod/keys/{key_id}"))
    html = session.page(f"/admin/explain?virtual_key_id={key_id}&model=small")
    assert broken(html)[0] == "breaks here: the key is revoked"
    assert "key is valid stops here" in words(card(html, "What was checked, in order"))


def test_what_is_typed_leads_to_the_team_it_names(session: Session) -> None:
    answer = session.request("GET", "/admin/explain?who=acme-prod&model=big")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/explain?team_id=acme-prod&model=big")
    choice = card(session.page("/admin/explain?who=acme&model=big"), "Which one?")
    assert "acme-prod" in choice
    assert "acme-dev" in choice


def test_a_team_that_is_not_there_is_said_beside_the_field(session: Session) -> None:
    html = session.page(explained(team_id="gone"), 422)
    assert "Team 'gone' does not exist" in words(form_with(html, 'name="who"'))


def test_names_are_shown_as_text(session: Session) -> None:
    assert "<script>\u202e" not in session.page(explained())
    assert "<script>x" not in session.page("/admin/explain?who=%3Cscript%3Ex&model=%3Cscript%3Ex")


def test_a_viewer_sees_it_all_and_has_no_form(session: Session) -> None:
    session.sign_in(VIEWER_KEY)
    html = session.page(explained())
    assert broken(html) == ["breaks here: no group grants it"]
    assert "Give it the group big-models" in words(card(html, "Fix it"))
    assert not forms(card(html, "Fix it"))


def test_a_fix_without_the_sessions_token_is_refused(session: Session, operator: Client) -> None:
    fields = {"action": "add_access_group", "group": "big-models", "team_id": "acme-prod", "model": "big"}
    assert session.request("POST", "/admin/explain", fields).status_code == 403
    assert teams_of(operator, "acme-prod")["access_groups"] == ["basic-models"]


def test_the_latest_refusals_of_the_team_lead_to_their_explanation(
    server: Server, session: Session, operator: Client
) -> None:
    created(operator.post("/api/teams/acme-prod/keys", json={"name": HOSTILE, "model_aliases": ["small"]}))
    key_id = teams_of(operator, "acme-prod")["keys"][-1]["key_id"]
    server.runtime.engine.note_denial(reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", key_id=key_id, alias="big")
    while not answered(operator.get("/api/teams/acme-prod/denials"))["denials"]:
        pass  # it is written once a second, in the background
    refusals = card(session.page(explained()), "Latest refusals")
    assert "big model_not_granted" in words(refusals)
    assert "narrowed to small" in words(refusals)
    assert f'href="/admin/explain?model=big&amp;virtual_key_id={key_id}"' in refusals
    assert "<script>" not in refusals
