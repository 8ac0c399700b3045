"""A small world for pages to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin.serving import Server, created

from saas_access._core import Pricing, ReserveRequest, Usage

from .browsing import operator_of

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTILE = "<script>\u202e\"'"  # a name that must be shown as the text it is
GROUPS = {"gpt-models": ["gpt-4", "gpt-3.5-turbo"], "claude-models": ["claude-3-opus"]}


def stock(server: Server, *, teams: Sequence[str] = ("acme-prod",)) -> None:
    """Three aliases in two groups, and teams of one organization that hold the first, with 100 credits each."""
    operator = operator_of(server)
    for alias, model in [
        ("gpt-4", "openai/gpt-4"),
        ("gpt-3.5-turbo", "openai/gpt-3.5-turbo"),
        ("claude-3-opus", "anthropic/claude-3-opus"),
    ]:
        body = {"alias": alias, "litellm_model": model, "description": HOSTILE}
        created(operator.post("/api/model-aliases/create", json=body))
    for group, aliases in GROUPS.items():
        listed = {"group_name": group, "description": HOSTILE, "model_aliases": aliases}
        created(operator.post("/api/model-access-groups/create", json=listed))
    created(operator.post("/api/organizations/create", json={"organization_id": "org_acme", "name": HOSTILE}))
    for team_id in teams:
        team = {
            "organization_id": "org_acme",
            "team_id": team_id,
            "team_alias": HOSTILE,
            "access_groups": ["gpt-models"],
            "credits_allocated": 100,
        }
        created(operator.post("/api/teams/create", json=team))


def answer(server: Server, alias: str, *, team_id: str = "acme-prod") -> None:
    """A call of 25 tokens that takes 840 ms and costs a credit."""
    engine = server.runtime.engine
    request = ReserveRequest(team_id=team_id, alias=alias, purpose="", pricing=Pricing(), estimate=Usage())
    engine.settle(call_id=engine.reserve(request=request).call_id, usage=Usage(total_tokens=25), latency_ms=840)
