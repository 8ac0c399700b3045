"""Audit: sentences and differences, filters, and undoing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from admin.serving import Client, Server, answered, created, make_server

from saas_access.dashboard import changes, differences

from .browsing import ADDRESS, VIEWER_KEY, operator_of, words
from .sessions import Session, form_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = "<script>\u202e\"'"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Aliases big and small in the group both-models, which acme-prod has."""
    made = make_server(tmp_path, local_admin=True, viewer_key=VIEWER_KEY)
    operator = operator_of(made)
    for alias in ("big", "small"):
        created(operator.post("/api/model-aliases/create", json={"alias": alias, "litellm_model": f"openai/{alias}"}))
    group = {"group_name": "both-models", "description": "The old words", "model_aliases": ["big", "small"]}
    created(operator.post("/api/model-access-groups/create", json=group))
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": HOSTILE}))
    team = {"organization_id": "org_acme", "team_id": "acme-prod", "access_groups": ["both-models"]}
    created(operator.post("/api/teams/create", json=team | {"credits_allocated": 10}))
    yield made
    made.runtime.close()


@pytest.fixture
def operator(server: Server) -> Client:
    return operator_of(server)


def events(html: str) -> list[str]:
    """The entries as HTML, newest first."""
    return re.findall(r'<li id="e\d+">.*?</li>', html, flags=re.DOTALL)


def newest(operator: Client) -> Any:
    return answered(operator.get("/api/audit?limit=1"))["entries"][0]


def test_each_change_is_a_sentence_with_its_difference(session: Session, operator: Client) -> None:
    answered(operator.put("/api/model-access-groups/both-models", json={"description": "The new words"}))
    entry = events(session.page("/admin/audit"))[0]
    assert "operator changed the description of both-models" in words(entry)
    assert 'was </span>description: "The <del>old</del> words"' in entry
    assert 'now </span>description: "The <ins>new</ins> words"' in entry


def test_models_taken_from_a_group(session: Session, operator: Client) -> None:
    answered(operator.post("/api/model-access-groups/both-models/remove-models", json={"model_aliases": ["big"]}))
    entry = words(events(session.page("/admin/audit"))[0])
    assert "operator removed big from both-models" in entry
    assert "model_aliases: small" in entry
    assert "was model_aliases: big" in entry


@pytest.mark.parametrize(
    ("action", "before", "after", "sentence"),
    [
        ("team.update", {"access_groups": ["a", "b"]}, {"access_groups": ["b", "c"]}, "gave acme c and took a"),
        ("team.update", {"access_groups": []}, {"access_groups": ["c"]}, "gave acme the group c"),
        ("team.update", {"access_groups": ["c", "d"]}, {"access_groups": []}, "took from acme the groups c and d"),
        ("team.update", {"rpm_limit": None, "a": 1}, {"rpm_limit": 5, "a": 1}, "changed the rpm limit of acme"),
        ("team.update", {"suspended": False}, {"suspended": True}, "suspended acme"),
        ("team.update", {"a": 1}, {"a": 1}, "changed nothing about acme"),
        ("credits.add", {"credits_allocated": 1}, {"credits_allocated": 2001}, "added 2,000 credits to acme"),
        ("key.revoke", {"name": "ci", "team_id": "t"}, {"name": "ci", "team_id": "t"}, "revoked key ci of t"),
        ("team.fly", None, {}, "did “fly” to team acme"),
    ],
)
def test_sentences(action: str, before: Any, after: Any, sentence: str) -> None:
    entry = {"action": action, "target_type": "team", "target_id": "acme", "before": before, "after": after}
    assert words(str(changes.said(entry))) == sentence


def test_a_difference_leaves_out_what_says_nothing() -> None:
    lines = differences.difference(None, {"name": "x", "description": "", "rpm_limit": None, "team_id": "t"})
    assert [(line.sign, line.field) for line in lines] == [("+", "name")]
    lines = differences.difference({"limit": 5}, {"limit": None})
    assert [words(str(line.text)) for line in lines] == ["5", "none"]


def test_everything_typed_is_shown_as_text(session: Session, operator: Client) -> None:
    answered(operator.put("/api/teams/acme-prod", json={"team_alias": HOSTILE, "metadata": {HOSTILE: HOSTILE}}))
    html = session.page("/admin/audit?target=%3Cscript%3Ex&actor=%22%3E%3Cscript%3Ex")
    assert "<script>x" not in html
    assert "<script>\u202e" not in session.page("/admin/audit")


def test_filters(session: Session, operator: Client) -> None:
    assert len(events(session.page("/admin/audit?target=acme-prod"))) == 1
    assert len(events(session.page("/admin/audit?action=model_alias.create"))) == 2
    assert len(events(session.page("/admin/audit?actor=nobody"))) == 0
    assert len(events(session.page("/admin/audit?from=2000-01-01&to=2000-01-02"))) == 0
    assert len(events(session.page("/admin/audit?days=7"))) == len(answered(operator.get("/api/audit"))["entries"])


def test_pages_of_fifty(session: Session, operator: Client) -> None:
    for number in range(50):
        answered(operator.put("/api/teams/acme-prod", json={"team_alias": str(number)}))
    html = session.page("/admin/audit?target=acme-prod")
    assert len(events(html)) == 50
    older = re.search(r'href="([^"]*cursor=[^"]*)">Older', html)
    assert older is not None
    assert len(events(session.page(older[1].replace("&amp;", "&")))) == 1


def test_undo_asks_first_and_counts_who_loses(session: Session, operator: Client) -> None:
    created(operator.post("/api/model-aliases/create", json={"alias": "new", "litellm_model": "openai/new"}))
    answered(operator.post("/api/model-access-groups/both-models/add-models", json={"model_aliases": ["new"]}))
    entry = newest(operator)
    assert "Undo..." in events(session.page("/admin/audit"))[0]
    form = form_with(session.page(f"/admin/audit?target=both-models&undo={entry['id']}"), "panel-form")
    assert "Undo, 1 team loses models" in words(form)
    assert "acme-prod new" in words(form)

    came_from = f"{ADDRESS}/admin/audit?target=both-models&undo={entry['id']}"
    answer = session.send(f"/admin/undo/{entry['id']}", form, referer=came_from)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/admin/audit?target=both-models&done={newest(operator)['revision']}"
    assert answered(operator.get("/api/teams/acme-prod"))["available_models"] == ["big", "small"]
    assert "Removed new from both-models" in words(session.page(answer.headers["location"]))


def test_undo_of_what_was_changed_again_is_refused_in_words(session: Session, operator: Client) -> None:
    answered(operator.put("/api/model-access-groups/both-models", json={"description": "Once"}))
    entry = newest(operator)
    form = form_with(session.page(f"/admin/audit?undo={entry['id']}"), "panel-form")
    answered(operator.put("/api/model-access-groups/both-models", json={"description": "Twice"}))
    answer = session.send(f"/admin/undo/{entry['id']}", form)
    assert answer.status_code == 412
    assert "Not undone" in answer.text
    assert answered(operator.get("/api/model-access-groups/both-models"))["description"] == "Twice"


def test_undo_leads_back_to_pages_of_ours_alone(session: Session, operator: Client) -> None:
    answered(operator.put("/api/model-access-groups/both-models", json={"description": "Once"}))
    entry = newest(operator)
    form = form_with(session.page(f"/admin/audit?undo={entry['id']}"), "panel-form")
    answer = session.send(f"/admin/undo/{entry['id']}", form, referer="https://elsewhere.example/admin/teams")
    assert answer.headers["location"].startswith("/admin/audit?done=")


def test_a_viewer_has_no_undo(session: Session, operator: Client) -> None:
    answered(operator.put("/api/model-access-groups/both-models", json={"description": "Once"}))
    session.sign_in(VIEWER_KEY)
    html = session.page(f"/admin/audit?undo={newest(operator)['id']}")
    assert events(html)
    assert "Undo" not in html


def test_undo_without_the_sessions_token_is_refused(session: Session, operator: Client) -> None:
    answered(operator.put("/api/model-access-groups/both-models", json={"description": "Once"}))
    assert session.request("POST", f"/admin/undo/{newest(operator)['id']}").status_code == 403
    assert answered(operator.get("/api/model-access-groups/both-models"))["description"] == "Once"
