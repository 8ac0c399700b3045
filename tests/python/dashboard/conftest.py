from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from admin.serving import Client, Server, created, make_server

from .browsing import VIEWER_KEY, dashboard_of, operator_of
from .forms import Person
from .sessions import Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = "<script>\u202e\"'"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Empty."""
    made = make_server(tmp_path, local_admin=True, viewer_key=VIEWER_KEY)
    yield made
    made.runtime.close()


@pytest.fixture
def session(server: Server) -> Session:
    """The local operator's at the dashboard of `server`."""
    return Session(server)


@pytest.fixture
def stocked_server(tmp_path: Path) -> Iterator[Server]:
    """Aliases gpt-4, gpt-3.5-turbo, claude-3-opus and claude-3-haiku; groups gpt-models, claude-models and mixed (gpt-4
    and claude-3-opus). Team acme-prod of org_acme with 100 credits and the first two groups; its key ci may call
    claude-3-haiku alone.
    """
    made = make_server(tmp_path, local_admin=True, viewer_key=VIEWER_KEY)
    operator = operator_of(made)
    for alias in ("gpt-4", "gpt-3.5-turbo", "claude-3-opus", "claude-3-haiku"):
        created(operator.post("/api/model-aliases/create", json={"alias": alias, "litellm_model": f"maker/{alias}"}))
    groups = {
        "gpt-models": ["gpt-4", "gpt-3.5-turbo"],
        "claude-models": ["claude-3-opus", "claude-3-haiku"],
        "mixed": ["gpt-4", "claude-3-opus"],
    }
    for name, aliases in groups.items():
        body = {"group_name": name, "model_aliases": aliases, "description": HOSTILE}
        created(operator.post("/api/model-access-groups/create", json=body))
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": HOSTILE}))
    team = {
        "organization_id": "org_acme",
        "team_id": "acme-prod",
        "team_alias": HOSTILE,
        "access_groups": ["gpt-models", "claude-models"],
        "credits_allocated": 100,
    }
    created(operator.post("/api/teams/create", json=team))
    narrowed = {"name": "ci", "model_aliases": ["claude-3-haiku"]}
    created(operator.post("/api/teams/acme-prod/keys", json=narrowed))
    yield made
    made.runtime.close()


@pytest.fixture
def api(stocked_server: Server) -> Client:
    return operator_of(stocked_server)


@pytest.fixture
def person(stocked_server: Server) -> Person:
    """The local operator at the dashboard."""
    return Person(dashboard_of(stocked_server))


@pytest.fixture
def viewer(person: Person) -> Person:
    made = Person(person.dashboard, address="192.0.2.7")
    made.sign_in(VIEWER_KEY)
    return made
