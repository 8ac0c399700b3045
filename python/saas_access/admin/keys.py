"""Virtual keys: what a team's programs sign in with. A secret is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Response

from saas_access import virtual_keys
from saas_access._core import NewVirtualKey
from saas_access.admin import routes
from saas_access.admin.bodies import NewKeyBody, RotateKeyBody
from saas_access.admin.routes import EngineOf
from saas_access.admin.team_answers import KeyAnswer, KeyList
from saas_access.admin.writes import ChangeOf, shown

router = routes.router("Virtual keys")


@router.post("/teams/{team_id}/keys", status_code=201, response_model=KeyAnswer)
def create_key(
    team_id: str,
    engine: EngineOf,
    conditions: ChangeOf,
    body: Annotated[NewKeyBody, Body(default_factory=NewKeyBody)],
) -> Response:
    key = None if conditions.dry_run else virtual_keys.generate()
    new = NewVirtualKey(
        name=body.name,
        expires_at_ms=body.expires_at,
        model_aliases=body.model_aliases,
        secret=key.secret if key else None,
    )
    made, receipt = conditions.run(lambda options: engine.create_key(team_id=team_id, key=new, options=options))
    if key is None:
        content = KeyAnswer.of(made).model_copy(update={"key_id": None, "last_four": None})
    else:
        content = KeyAnswer.of(made, virtual_key=key.virtual_key)
    return conditions.answer(content, receipt, revision=made.revision, created=True)


@router.get("/teams/{team_id}/keys", response_model=KeyList)
def list_keys(team_id: str, engine: EngineOf) -> Response:
    return shown(KeyList(keys=[KeyAnswer.of(key) for key in engine.list_keys(team_id=team_id)]))


@router.post("/teams/{team_id}/keys/{key_id}/rotate", response_model=KeyAnswer)
def rotate_key(
    team_id: str,
    key_id: str,
    engine: EngineOf,
    conditions: ChangeOf,
    body: Annotated[RotateKeyBody, Body(default_factory=RotateKeyBody)],
) -> Response:
    """A new secret under the same id."""
    key = None if conditions.dry_run else virtual_keys.generate()
    changed, receipt = conditions.run(
        lambda options: engine.rotate_key(
            team_id=team_id,
            key_id=key_id,
            grace_seconds=body.grace_seconds,
            secret=key.secret if key else None,
            options=options,
        )
    )
    shown_once = {"virtual_key": key.virtual_key} if key else {}
    return conditions.answer(KeyAnswer.of(changed, **shown_once), receipt, revision=changed.revision)


@router.delete("/teams/{team_id}/keys/{key_id}", response_model=KeyAnswer)
def revoke_key(team_id: str, key_id: str, engine: EngineOf, conditions: ChangeOf) -> Response:
    """The key stops working at once, and stays in the list as revoked."""
    changed, receipt = conditions.run(
        lambda options: engine.revoke_key(team_id=team_id, key_id=key_id, options=options)
    )
    return conditions.answer(KeyAnswer.of(changed), receipt, revision=changed.revision)
