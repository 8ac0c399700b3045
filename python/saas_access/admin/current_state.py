"""What a thing that the audit names is now, in the audit's own words and units."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from saas_access import credits
from saas_access._core import NotFound, slug

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_access._core import AccessGroup, Engine, ModelAlias, Organization, Team

    Record = Organization | ModelAlias | AccessGroup | Team


@dataclass(frozen=True, kw_only=True)
class CurrentState:
    """`values` are the fields that an operator can set; credits aside, since calls and refills move them too."""

    record: Record
    values: dict[str, Any]

    def differences(self, values: dict[str, Any]) -> list[str]:
        """A sentence for each field that is another one than in `values`."""
        return [
            f"{name} is {_shown(now)} now, not {_shown(values[name])}"
            for name, now in self.values.items()
            if name in values and values[name] != now
        ]


def read(engine: Engine, target_type: str, target_id: str) -> CurrentState | None:
    """None: it doesn't exist, or isn't of a type that has a state to go back to."""
    if target_type not in _READ:
        return None
    try:
        return _READ[target_type](engine, target_id)
    except NotFound:
        return None


def parsed(text: str) -> Any:
    """JSON of the audit, its decimals kept exactly."""
    return json.loads(text, parse_float=Decimal)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:80] + "..."


def _organization(engine: Engine, organization_id: str) -> CurrentState:
    found = engine.find_organization(organization_id=organization_id)
    values = {"name": found.name, "suspended": found.suspended, "metadata": parsed(found.metadata)}
    return CurrentState(record=found, values=values)


def _model_alias(engine: Engine, alias: str) -> CurrentState:
    found = engine.find_model_alias(alias=alias)
    values = {
        "litellm_model": found.litellm_model,
        "description": found.description,
        "active": found.active,
        "credits_per_call": credits.from_micro(found.credits_per_call),
        "metadata": parsed(found.metadata),
        "retires_at_ms": found.retires_at_ms,
        "successor": found.successor,
    }
    return CurrentState(record=found, values=values)


def _access_group(engine: Engine, group_name: str) -> CurrentState:
    found = engine.find_access_group(group_name=group_name)
    return CurrentState(
        record=found, values={"description": found.description, "model_aliases": list(found.model_aliases)}
    )


def _team(engine: Engine, team_id: str) -> CurrentState:
    found = engine.find_team(team_id=team_id)
    refill = found.refill
    values = {
        "team_alias": found.team_alias,
        "suspended": found.suspended,
        "access_groups": list(found.access_groups),
        "budget_mode": slug(found.budget_mode),
        "credits_per_dollar": credits.from_micro(found.credits_per_dollar),
        "tokens_per_credit": found.tokens_per_credit,
        "rpm_limit": found.rpm_limit,
        "tpm_limit": found.tpm_limit,
        "refill": refill
        and {
            "credits": credits.from_micro(refill.credits),
            "period": slug(refill.period),
            "mode": slug(refill.mode),
        },
        "low_balance_thresholds": [credits.from_micro(amount) for amount in found.low_balance_thresholds],
        "metadata": parsed(found.metadata),
    }
    return CurrentState(record=found, values=values)


_READ: dict[str, Callable[[Engine, str], CurrentState]] = {
    "organization": _organization,
    "model_alias": _model_alias,
    "access_group": _access_group,
    "team": _team,
}
