"""Customers for tests: an organization, a team, a group of its own, a virtual key."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import httpx
from running import Proxy

_numbers = itertools.count(1)


@dataclass
class Customer:
    """A team that was sold something, and its first virtual key."""

    proxy: Proxy
    team_id: str
    key: str
    groups: list[str]

    def client(self, **headers: str) -> httpx.Client:
        return self.proxy.client(authorization=f"Bearer {self.key}", **headers)

    def balance(self) -> dict[str, Any]:
        with self.proxy.admin() as admin:
            answer: dict[str, Any] = admin.get("/api/credits/balance", params={"team_id": self.team_id}).json()
            return answer


def sell(proxy: Proxy, models: dict[str, str], **team: Any) -> Customer:
    """Sells aliases (alias -> actual model, created where absent) through one group of its own to a new team."""
    number = next(_numbers)
    with proxy.admin() as admin:
        for alias, litellm_model in models.items():
            if admin.get(f"/api/model-aliases/{alias}").status_code == 404:
                body = {"alias": alias, "litellm_model": litellm_model}
                assert admin.post("/api/model-aliases/create", json=body).status_code == 201
        organization = {"organization_id": f"org-{number}", "name": f"Customer {number}"}
        assert admin.post("/api/organizations/create", json=organization).status_code == 201
        group = {"group_name": f"group-{number}", "model_aliases": list(models)}
        assert admin.post("/api/model-access-groups/create", json=group).status_code == 201
        new_team: dict[str, Any] = {
            "organization_id": f"org-{number}",
            "team_id": f"team-{number}",
            "access_groups": [f"group-{number}"],
            "credits_allocated": 1000,
            **team,
        }
        created = admin.post("/api/teams/create", json=new_team)
        assert created.status_code == 201, created.text
    return Customer(proxy, f"team-{number}", created.json()["virtual_key"], [f"group-{number}"])
