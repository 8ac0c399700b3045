"""What the tests of the C++ module put in."""

from __future__ import annotations

import hashlib
from typing import Any

from saas_access._core import MICRO_PER_CREDIT, KeySecret, NewTeam, Pricing, ReserveRequest, Usage

CREDIT = MICRO_PER_CREDIT
DIGEST = hashlib.sha256(b"a secret").digest()


def new_team(**changed: Any) -> NewTeam:
    """A team of the organization `acme` with a key whose digest is DIGEST."""
    given: dict[str, Any] = {
        "organization_id": "acme",
        "team_id": "acme-prod",
        "team_alias": "Production",
        "access_groups": ["basic"],
        "first_key": KeySecret(digest=DIGEST, last_four="cret"),
    }
    return NewTeam(**(given | changed))


def request_of(team_id: str, **changed: Any) -> ReserveRequest:
    """A call of the alias `fast`, at a flat price."""
    given: dict[str, Any] = {"alias": "fast", "purpose": "", "pricing": Pricing(), "estimate": Usage()}
    return ReserveRequest(team_id=team_id, **(given | changed))
