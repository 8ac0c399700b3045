"""Who changed what, and when."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from saas_access.admin import routes
from saas_access.admin.pages import PageOf
from saas_access.admin.ranges import From, To, milliseconds
from saas_access.admin.report_answers import AuditEntryAnswer, AuditList
from saas_access.admin.routes import EngineOf
from saas_access.admin.writes import shown

router = routes.router("Audit")


Target = Annotated[str | None, Query(description="The id or name of what was changed", examples=["acme-prod"])]
Actor = Annotated[str | None, Query(examples=["operator"])]


@router.get("/audit", response_model=AuditList)
def list_audit(
    *,
    engine: EngineOf,
    page: PageOf,
    target: Target = None,
    actor: Actor = None,
    from_time: From = None,
    to_time: To = None,
) -> Response:
    """Newest first."""
    found, following = engine.list_audit(
        target=target,
        actor=actor,
        from_ms=milliseconds("from", from_time),
        to_ms=milliseconds("to", to_time),
        **page.position,
    )
    entries = [AuditEntryAnswer.of(entry) for entry in found]
    return shown(AuditList(entries=entries, **page.following(following)))
