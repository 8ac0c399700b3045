"""Audit: who changed what, by day, with the difference that it made; and taking it back."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from saas_access import times
from saas_access.dashboard import changes
from saas_access.dashboard.api import ApiError
from saas_access.dashboard.sessions import PATH
from saas_access.dashboard.visit import action, page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.api import Json
    from saas_access.dashboard.visit import Visit

_SECTION = "/audit"
_PAGE_SIZE = 50
_RANGES = {"1": "1 d", "7": "7 d", "30": "30 d"}


@dataclass(frozen=True, kw_only=True)
class Day:
    """The entries of one day of UTC, newest first."""

    title: str
    entries: list[Json]


async def _list(visit: Visit) -> Response:
    try:
        from_time, to_time = _range(visit)
    except ValueError:
        from_time, to_time = None, None
    filters = {name: visit.query(name) or None for name in ("target", "actor", "action", "cursor")}
    found, undoing = await asyncio.gather(
        visit.api.get("/api/audit", limit=_PAGE_SIZE, **filters, **{"from": from_time, "to": to_time}),
        _undoing(visit),
    )
    days = [
        Day(title=_day_title(day, visit.now_ms), entries=list(entries))
        for day, entries in itertools.groupby(found["entries"], key=lambda entry: str(entry["at"])[:10])
    ]
    return await visit.page(
        "audit.html",
        title="Audit",
        section=_SECTION,
        days=days,
        actors=sorted({entry["actor"] for entry in found["entries"]}),
        next_cursor=found.get("next_cursor"),
        filtered=any(filters.values()) or from_time is not None or to_time is not None,
        ranges=_RANGES,
        actions=changes.ACTIONS,
        undoing=undoing,
    )


def _range(visit: Visit) -> tuple[str | None, str | None]:
    """From where to where; the last day that is named counts whole. Raises ValueError for what is no date."""
    if visit.query("days") in _RANGES:
        return times.text(visit.now_ms - int(visit.query("days")) * times.DAY_MS), None
    first, last = visit.query("from"), visit.query("to")
    return _midnight(first, 0), _midnight(last, 1)


def _midnight(day: str, days_on: int) -> str | None:
    if not day:
        return None
    return (datetime.strptime(day, "%Y-%m-%d") + timedelta(days=days_on)).strftime("%Y-%m-%dT00:00:00Z")  # noqa: DTZ007


def _day_title(day: str, now_ms: int) -> str:
    """'Today, 18 November', 'Friday, 15 November', with the year if it isn't this one."""
    moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    today = datetime.fromtimestamp(now_ms / 1000, timezone.utc)
    ago = (today.date() - moment.date()).days
    name = {0: "Today", 1: "Yesterday"}.get(ago, f"{moment:%A}")
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{name}, {moment.day} {moment:%B}{year}"


@dataclass(frozen=True, kw_only=True)
class Undoing:
    """What taking an entry back would do, as a dry run tells it; `refused`: why it can't be."""

    entry: Json
    told: Json | None
    refused: str

    @property
    def losing(self) -> list[Json]:
        return [change for change in self.told["changes"] if change["loses"]] if self.told else []

    @property
    def gaining(self) -> list[Json]:
        return [change for change in self.told["changes"] if change["gains"]] if self.told else []


async def _undoing(visit: Visit) -> Undoing | None:
    """Of the entry that the address names, for the panel that asks before it is done."""
    entry_id = visit.query("undo")
    if not entry_id.isdecimal() or not visit.may_write:
        return None
    entry = await visit.api.get(f"/api/audit/{entry_id}")
    try:
        tried = await visit.api.ask("POST", f"/api/audit/{entry_id}/undo", dry_run=True)
    except ApiError as refused:
        return Undoing(entry=entry, told=None, refused=refused.message)
    return Undoing(entry=entry, told=tried.body, refused="")


async def _undo(visit: Visit) -> Response:
    entry_id = visit.path("entry_id")
    back, query = _came_from(visit)
    try:
        done = await visit.api.ask("POST", f"/api/audit/{int(entry_id)}/undo")
    except ApiError as refused:
        if refused.status not in (409, 412):
            raise
        kept = await visit.api.get(f"/api/audit/{int(entry_id)}")
        return await visit.page(
            "not-undone.html",
            title="Not undone",
            section=_SECTION,
            status=refused.status,
            kept=kept,
            refused=refused,
            back=back + (f"?{urlencode(query)}" if query else ""),
        )
    return visit.redirect(back, done=done.revision, **query)


def _came_from(visit: Visit) -> tuple[str, dict[str, str]]:
    """The page of ours that the form stood on, without its toast and panel; the audit if the browser doesn't say."""
    came = urlsplit(visit.request.headers.get("referer", ""))
    if came.netloc != visit.request.headers.get("host") or not (came.path + "/").startswith(PATH + "/"):
        return PATH + _SECTION, {}
    query = {name: value for name, value in parse_qsl(came.query) if name not in ("done", "undo")}
    return came.path, query


routes = [page("/audit", _list), action("/undo/{entry_id:int}", _undo)]
