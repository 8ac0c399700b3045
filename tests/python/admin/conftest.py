from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .serving import ADMIN_KEY, Acme, Client, Server, created, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = make_server(tmp_path)
    yield made
    made.runtime.close()


@pytest.fixture
def operator(server: Server) -> Client:
    return server.client(ADMIN_KEY)


@pytest.fixture
def anonymous(server: Server) -> Client:
    return server.client()


@pytest.fixture
def stocked(operator: Client) -> Acme:
    """Aliases gpt-4, gpt-3.5-turbo and claude-3-opus; groups gpt-models and claude-models; team acme-prod with 100
    credits and the first group, team techco-dev with none and the second."""
    for alias, model in [
        ("gpt-4", "openai/gpt-4"),
        ("gpt-3.5-turbo", "openai/gpt-3.5-turbo"),
        ("claude-3-opus", "anthropic/claude-3-opus-20240229"),
    ]:
        body = {"alias": alias, "litellm_model": model, "description": f"About {alias}"}
        created(operator.post("/api/model-aliases/create", json=body))
    for group, aliases in [("gpt-models", ["gpt-4", "gpt-3.5-turbo"]), ("claude-models", ["claude-3-opus"])]:
        listed = {"group_name": group, "description": f"About {group}", "model_aliases": aliases}
        created(operator.post("/api/model-access-groups/create", json=listed))
    return Acme(
        acme_key=_make_team(operator, "org_acme", "acme-prod", group="gpt-models", amount=100),
        techco_key=_make_team(operator, "org_techco", "techco-dev", group="claude-models", amount=0),
    )


def _make_team(operator: Client, organization_id: str, team_id: str, *, group: str, amount: int) -> str:
    organization = {"organization_id": organization_id, "name": organization_id}
    created(operator.post("/api/organizations/create", json=organization))
    team = {
        "organization_id": organization_id,
        "team_id": team_id,
        "team_alias": "Production",
        "access_groups": [group],
        "credits_allocated": amount,
    }
    key: str = created(operator.post("/api/teams/create", json=team))["virtual_key"]
    return key
