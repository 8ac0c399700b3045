"""Whose credential is this?"""

from __future__ import annotations

from fastapi import Response
from pydantic import Field

from saas_access.admin import routes
from saas_access.admin.access import TeamCaller
from saas_access.admin.answers import Answer, KeyId, TeamId
from saas_access.admin.routes import Audience, CallerOf
from saas_access.admin.writes import shown

router = routes.router("Health")


class WhoamiAnswer(Answer):
    role: str = Field(description="operator, viewer or team", examples=["operator"])
    actor: str | None = Field(default=None, description="An operator's or viewer's name in the audit")
    team_id: TeamId | None = None
    key_id: KeyId | None = None


@router.get("/whoami", response_model=WhoamiAnswer)
@routes.open_to(Audience.TEAMS)
def whoami(caller: CallerOf) -> Response:
    """Who the sent key makes you."""
    if isinstance(caller, TeamCaller):
        return shown(WhoamiAnswer(role="team", team_id=caller.team_id, key_id=caller.key_id))
    if caller is None:
        raise TypeError("an endpoint for those with a key was reached without one")
    return shown(WhoamiAnswer(role="viewer" if caller.viewer else "operator", actor=caller.actor))
