"""Who changed what, and when."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from saas_access import times
from saas_access.admin import errors, routes
from saas_access.admin.pages import PageOf
from saas_access.admin.report_answers import AuditEntryAnswer, AuditList
from saas_access.admin.routes import EngineOf
from saas_access.admin.writes import shown

router = routes.router("Audit")


Target = Annotated[str | None, Query(description="The id or name of what was changed", examples=["acme-prod"])]
Actor = Annotated[str | None, Query(examples=["operator"])]
From = Annotated[str | None, Query(alias="from", description="At or after", examples=["2024-10-14T12:00:00Z"])]
To = Annotated[str | None, Query(alias="to", description="Before", examples=["2024-10-15T12:00:00Z"])]


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
        from_ms=_milliseconds("from", from_time),
        to_ms=_milliseconds("to", to_time),
        **page.position,
    )
    entries = [AuditEntryAnswer.of(entry) for entry in found]
    return shown(AuditList(entries=entries, **page.following(following)))


def _milliseconds(name: str, time: str | None) -> int | None:
    if time is None:
        return None
    try:
        return times.parse(time)
    except ValueError as error:
        raise errors.invalid(name, str(error)) from error
