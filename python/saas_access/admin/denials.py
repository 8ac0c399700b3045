"""The latest refusals of a team, one by one; how many there were is usage."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from saas_access.admin import routes
from saas_access.admin.routes import EngineOf
from saas_access.admin.usage_answers import DenialAnswer, DenialList
from saas_access.admin.writes import shown

router = routes.router("Usage")


@router.get("/teams/{team_id}/denials", response_model=DenialList)
def list_denials(team_id: str, engine: EngineOf, limit: Annotated[int, Query(ge=1, le=100)] = 100) -> Response:
    """Newest first; the last hundred of a team are kept."""
    denials = engine.list_denials(team_id=team_id, limit=limit)
    return shown(DenialList(denials=[DenialAnswer.of(denial) for denial in denials]))
