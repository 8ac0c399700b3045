"""The conditions that a write comes with: who, whether only to try it, and which revision it was based on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Query, Request

from saas_access._core import AccessChange, PreconditionFailed, Receipt, WriteOptions
from saas_access.admin.access import Operator
from saas_access.admin.answers import AccessChangeAnswer, Answer
from saas_access.admin.json_text import JsonAnswer

Result = TypeVar("Result")

_MAX_TAGS = 16
_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")
_REVISION_TAG = re.compile(r'"([0-9]{1,18})"', flags=re.ASCII)


@dataclass(frozen=True, kw_only=True)
class WriteConditions:
    """What one request asks of its write."""

    actor: str
    dry_run: bool
    revisions: tuple[int | None, ...] = (None,)

    def run(self, write: Callable[[WriteOptions], Result]) -> Result:
        """Calls `write` with the core's options: for each revision that `If-Match` allows, until one is current."""
        *others, last = self.revisions
        for revision in others:
            try:
                return write(self._options(revision))
            except PreconditionFailed:  # noqa: PERF203 hardly ever more than one round
                continue
        return write(self._options(last))

    def resting_on(self, revision: int | None) -> WriteConditions:
        """The same for a write that was worked out from the thing as it is at `revision` (None: from nothing that can
        change). Raises PreconditionFailed if `If-Match` allows others alone.
        """
        if revision is None or None in self.revisions or revision in self.revisions:
            return replace(self, revisions=(revision,))
        raise PreconditionFailed(f"It is at revision {revision}, which is none that If-Match names")

    def _options(self, revision: int | None) -> WriteOptions:
        return WriteOptions(actor=self.actor, dry_run=self.dry_run, if_revision=revision)

    def answer(
        self, content: Answer, receipt: Receipt, *, revision: int | None = None, created: bool = False
    ) -> JsonAnswer:
        """The answer to the write; `revision` is that of the resource it shows, for its ETag."""
        body = content.model_dump(exclude_unset=True)
        if self.dry_run:
            body |= dry_run_fields(receipt.changes)
        headers = {"X-Access-Revision": str(receipt.revision)}
        # What a dry run shows doesn't exist, so nothing may be based on it.
        if revision is not None and not self.dry_run:
            headers |= etag(revision)
        return JsonAnswer(body, status_code=201 if created and not self.dry_run else 200, headers=headers)


def dry_run_fields(changes: list[AccessChange]) -> dict[str, Any]:
    """The fields that a dry run's answer has besides."""
    found = [
        AccessChangeAnswer(team_id=change.team_id, gains=change.gains, loses=change.loses).model_dump()
        for change in changes
    ]
    return {"dry_run": True, "changes": found}


def etag(revision: int) -> dict[str, str]:
    """The header that names the state of a resource."""
    return {"ETag": f'"{revision}"'}


def shown(content: Answer, *, revision: int | None = None) -> JsonAnswer:
    """The answer to a read; `revision` is that of a single resource, for its ETag."""
    headers = None if revision is None else etag(revision)
    return JsonAnswer(content.model_dump(exclude_unset=True), headers=headers)


DryRun = Annotated[
    bool,
    Query(
        description="Change nothing; answer 200 with what would be answered, plus `dry_run` and `changes`: "
        "for each team that would gain or lose a model its `team_id`, `gains` and `loses`."
    ),
]


async def _new(
    request: Request,
    dry_run: DryRun = False,
) -> WriteConditions:
    if "if-match" in request.headers:
        raise PreconditionFailed("If-Match can't match what doesn't exist yet")
    return WriteConditions(actor=_actor(request), dry_run=dry_run)


async def _change(
    request: Request,
    dry_run: DryRun = False,
    if_match: Annotated[str | None, Header(description="The ETag this change is based on", examples=['"7"'])] = None,
) -> WriteConditions:
    revisions = (None,) if if_match is None else _revisions(",".join(request.headers.getlist("if-match")))
    return WriteConditions(actor=_actor(request), dry_run=dry_run, revisions=revisions)


def _actor(request: Request) -> str:
    caller = request.state.caller
    if not isinstance(caller, Operator):
        raise TypeError("an endpoint that writes is open to others than the operator")
    return caller.actor


def _revisions(if_match: str) -> tuple[int | None, ...]:
    if if_match.strip() == "*":
        return (None,)
    tags = re.findall(_TAG, if_match) if _TAGS.fullmatch(if_match.strip()) else []
    matches = [_REVISION_TAG.fullmatch(tag) for tag in tags[:_MAX_TAGS]]
    revisions = tuple(int(match[1]) for match in matches if match is not None)
    if not revisions:
        raise PreconditionFailed(f"If-Match is not an ETag that this server gave: {if_match[:100]!r}")
    return revisions


NewOf = Annotated[WriteConditions, Depends(_new)]
ChangeOf = Annotated[WriteConditions, Depends(_change)]
