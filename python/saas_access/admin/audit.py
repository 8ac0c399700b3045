"""Who changed what, and when; and taking it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from saas_access._core import AuditEntry, Conflict, Engine, Invalid, NotFound
from saas_access.admin import routes
from saas_access.admin.pages import PageOf
from saas_access.admin.ranges import From, To, milliseconds
from saas_access.admin.report_answers import AuditEntryAnswer, AuditList, Undone
from saas_access.admin.routes import EngineOf
from saas_access.admin.undoing import Undoing
from saas_access.admin.writes import ChangeOf, shown

router = routes.router("Audit")


Target = Annotated[str | None, Query(description="The id or name of what was changed", examples=["acme-prod"])]
Actor = Annotated[str | None, Query(examples=["operator"])]
Action = Annotated[str | None, Query(examples=["team.update"])]
TargetType = Annotated[str | None, Query(examples=["team"])]
EntryId = Annotated[int, Path(ge=1, lt=2**62, examples=[7])]


@router.get("/audit", response_model=AuditList)
def list_audit(
    *,
    engine: EngineOf,
    page: PageOf,
    target: Target = None,
    target_type: TargetType = None,
    action: Action = None,
    actor: Actor = None,
    from_time: From = None,
    to_time: To = None,
) -> Response:
    """Newest first."""
    found, following = engine.list_audit(
        target=target,
        target_type=target_type,
        action=action,
        actor=actor,
        from_ms=milliseconds("from", from_time),
        to_ms=milliseconds("to", to_time),
        **page.position,
    )
    undoing = Undoing(engine)
    entries = [AuditEntryAnswer.of(entry, undoable=undoing.is_undoable(entry)) for entry in found]
    return shown(AuditList(entries=entries, **page.following(following)))


@router.get("/audit/{entry_id}", response_model=AuditEntryAnswer)
def get_audit_entry(entry_id: EntryId, engine: EngineOf) -> Response:
    entry = _find(engine, entry_id)
    return shown(AuditEntryAnswer.of(entry, undoable=Undoing(engine).is_undoable(entry)))


@router.post("/audit/{entry_id}/undo", response_model=Undone)
def undo(entry_id: EntryId, engine: EngineOf, conditions: ChangeOf) -> Response:
    """Brings back what was before, in one write with an audit entry of its own, if the thing is still as this entry
    left it. 409 where that can't be done exactly, 412 where something has changed since. `If-Match` takes the ETag of
    the thing.
    """
    entry = _find(engine, entry_id)
    inverse = Undoing(engine).inverse_of(entry)
    try:
        receipt = conditions.resting_on(inverse.revision).run(inverse.write)
    except Invalid as error:  # what it needs was there a moment ago
        raise Conflict(f"Audit entry {entry_id} can't be undone: {error}") from error
    content = Undone(
        undone=entry_id,
        target_type=entry.target_type,
        target_id=entry.target_id,
        before=inverse.before,
        after=inverse.after,
    )
    return conditions.answer(content, receipt)


def _find(engine: Engine, entry_id: int) -> AuditEntry:
    found, _ = engine.list_audit(after=entry_id + 1, limit=1)
    if not found or found[0].id != entry_id:
        raise NotFound(f"Audit entry {entry_id} does not exist")
    return found[0]
