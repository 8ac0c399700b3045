"""What forms about teams choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

BUDGET_MODES = {
    "job_based": "One credit a job",
    "consumption_usd": "By what a call costs in dollars",
    "consumption_tokens": "By the tokens of a call",
}


@dataclass(frozen=True)
class Catalog:
    """All access groups and model aliases, as the API lists them."""

    groups: list[Json]
    aliases: list[Json]

    @classmethod
    async def read(cls, visit: Visit) -> Catalog:
        groups = await visit.api.get("/api/model-access-groups")
        aliases = await visit.api.get("/api/model-aliases")
        return cls(groups["access_groups"], aliases["model_aliases"])

    def models_of(self) -> dict[str, list[str]]:
        """The active aliases of each group."""
        found: dict[str, list[str]] = {group["group_name"]: [] for group in self.groups}
        for alias in self.aliases:
            for group in alias["access_groups"] if alias["active"] else ():
                found.setdefault(group, []).append(alias["alias"])
        return found

    def groups_of(self, alias: str) -> list[str]:
        return next((each["access_groups"] for each in self.aliases if each["alias"] == alias), [])
