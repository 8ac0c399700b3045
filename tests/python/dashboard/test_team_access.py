from __future__ import annotations

from typing import TYPE_CHECKING

from admin.serving import answered, created

from .browsing import words
from .forms import form_of
from .test_teams import make_call

if TYPE_CHECKING:
    from admin.serving import Client, Server

    from .forms import Person

EDIT = "/admin/teams/acme-prod/access"


def groups(api: Client) -> list[str]:
    found: list[str] = answered(api.get("/api/teams/acme-prod"))["access_groups"]
    return found


def test_it_begins_with_what_the_team_has(person: Person) -> None:
    form = form_of(person.get(EDIT), "Save")
    chosen = [value for name, value in form.fields if name == "access_groups"]
    assert chosen == ["gpt-models", "claude-models"]


def test_preview_tells_gained_lost_and_kept_models(stocked_server: Server, api: Client, person: Person) -> None:
    make_call(stocked_server, "claude-3-haiku", calls=2)
    page = person.get(EDIT)
    told = words(person.send(page, "Preview", access_groups=["mixed"]).text)
    assert "3 changes, not saved" in told
    assert "Loses 2 models gpt-3.5-turbo not called in 7 days claude-3-haiku 2 calls in 7 days" in told
    assert "Keeps 2 gpt-4 claude-3-opus gpt-4 stays, now via mixed claude-3-opus stays, now via mixed" in told
    assert "1 of the 2 lost models is in use. The last call to claude-3-haiku was just now" in told
    assert "Key ci may call nothing else and would stop working." in told
    assert groups(api) == ["gpt-models", "claude-models"]


def test_a_script_gets_the_changes_alone(person: Person) -> None:
    page = person.get(EDIT)
    answer = person.send(page, "Preview", access_groups=["gpt-models"], part="1")
    assert "<html" not in answer.text
    assert "Loses 2 models" in words(answer.text)


def test_gains_are_saved_at_once(api: Client, person: Person) -> None:
    answered(api.put("/api/teams/acme-prod", json={"access_groups": ["gpt-models"]}))
    page = person.saved(person.get(EDIT), "Save", access_groups=["mixed", "gpt-models"])
    assert groups(api) == ["gpt-models", "mixed"], "a new group comes last, whatever the form's order"
    assert 'class="toast"' in page


def test_what_takes_models_away_is_seen_before_it_is_saved(api: Client, person: Person) -> None:
    held_back = person.send(person.get(EDIT), "Save", access_groups=["gpt-models"])
    assert "Not saved yet. This takes away 2 models" in words(held_back.text)
    assert groups(api) == ["gpt-models", "claude-models"]
    person.saved(held_back.text, "Save")
    assert groups(api) == ["gpt-models"]


def test_an_unknown_group_is_refused_with_the_selection_kept(person: Person) -> None:
    answer = person.send(person.get(EDIT), "Save", access_groups=["gpt-models", "gone"])
    assert answer.status_code == 422
    assert "Access group 'gone' does not exist" in words(answer.text)
    assert "Save" in words(answer.text)


def test_somebody_elses_change_shows_both_versions(api: Client, person: Person) -> None:
    """Mine takes claude-models away; theirs, meanwhile, gives mixed."""
    page = person.get(EDIT)
    answered(api.put("/api/teams/acme-prod", json={"access_groups": ["gpt-models", "claude-models", "mixed"]}))
    conflict = person.send(page, "Save", access_groups=["gpt-models"])
    assert conflict.status_code == 412
    told = words(conflict.text)
    assert "operator changed this team just now" in told
    assert "Yours, not saved gpt-models claude-models Theirs" in told
    assert groups(api) == ["gpt-models", "claude-models", "mixed"]
    merged = person.send(conflict.text, "Add mine to theirs").text
    assert [v for n, v in form_of(merged, "Save").fields if n == "access_groups"] == ["gpt-models", "mixed"]
    person.saved(merged, "Save")
    assert groups(api) == ["gpt-models", "mixed"]


def test_mine_alone_can_be_kept(api: Client, person: Person) -> None:
    page = person.get(EDIT)
    answered(api.put("/api/teams/acme-prod", json={"access_groups": ["mixed"]}))
    conflict = person.send(page, "Save", access_groups=["gpt-models"])
    person.saved(person.send(conflict.text, "Use mine alone").text, "Save")
    assert groups(api) == ["gpt-models"]


def test_a_change_of_something_else_is_no_conflict(api: Client, person: Person) -> None:
    page = person.get(EDIT)
    created(api.post("/api/teams/acme-prod/keys", json={"name": "other"}))
    person.saved(page, "Save", access_groups=["gpt-models", "claude-models", "mixed"])
    assert groups(api) == ["gpt-models", "claude-models", "mixed"]


def test_a_model_that_a_grant_keeps_is_not_lost(api: Client, person: Person) -> None:
    grant = {"access_group": "claude-models", "expires_at": "2100-01-01T00:00:00Z"}
    created(api.post("/api/teams/acme-prod/grants", json=grant))
    told = words(person.send(person.get(EDIT), "Preview", access_groups=["gpt-models"]).text)
    assert "No model is gained or lost." in told


def test_it_needs_the_forms_token_and_a_writer(api: Client, person: Person, viewer: Person) -> None:
    assert person.request("POST", EDIT, [("access_groups", "mixed")]).status_code == 403
    assert "Edit Access Groups" not in viewer.get(EDIT)
    assert groups(api) == ["gpt-models", "claude-models"]
