"""What a change would take away, from a dry run of it, and how it is shown before it is made."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_access import times
from saas_access.dashboard import use
from saas_access.dashboard.api import segment

if TYPE_CHECKING:
    from collections.abc import Collection

    from saas_access.dashboard.api import Answered, Json
    from saas_access.dashboard.visit import Visit

_COUNTED = 200  # teams whose calls are looked up
_SHOWN = 50
_KEEPERS_SHOWN = 20
_NOW_MS = times.HOUR_MS


@dataclass(frozen=True, kw_only=True)
class Impact:
    """Of a dry run. `seen` changes with the teams and the models they lose: a form sends it back, so that what is done
    is what was shown.
    """

    losers: list[Json]  # {team_id, loses, calls, last_call_at}, the busiest first, at most _SHOWN of them
    losing: int  # teams
    calls: int | None  # of all losers in a week; None where there are too many to ask
    caller: Json | None  # the loser that called last, if that was just now
    seen: str
    revision: int


async def of(visit: Visit, tried: Answered, **usage: Any) -> Impact:
    """`usage`: filters of the calls that are counted."""
    losing = [each for each in tried.body["changes"] if each["loses"]]
    counted = losing[:_COUNTED]
    calls = await use.by_team(visit, (each["team_id"] for each in counted), **usage)
    losers = [each | _figures(calls.get(each["team_id"])) for each in counted]
    losers.sort(key=lambda each: -each["calls"])
    latest = max(losers, key=_last_call_ms, default=None)
    return Impact(
        losers=losers[:_SHOWN],
        losing=len(losing),
        calls=sum(each["calls"] for each in losers) if len(losing) == len(counted) else None,
        caller=latest if latest and visit.now_ms - _last_call_ms(latest) < _NOW_MS else None,
        seen=_seen(losing),
        revision=tried.revision,
    )


async def keepers(visit: Visit, holders: list[str], losing: Collection[str], alias: str) -> list[Json]:
    """Some of the teams that keep the alias, each with the groups that it has it through: `{team_id, via}`."""
    some = [team for team in holders if team not in losing][:_KEEPERS_SHOWN]
    details = await asyncio.gather(*(visit.api.get(f"/api/teams/{segment(team)}") for team in some))
    return [
        {"team_id": team["team_id"], "via": next((m["via"] for m in team["models"] if m["alias"] == alias), [])}
        for team in details
    ]


def losing_teams(tried: Answered) -> set[str]:
    return {each["team_id"] for each in tried.body["changes"] if each["loses"]}


def _figures(row: Json | None) -> Json:
    row = row or use.NOTHING
    return {"calls": row["calls"], "last_call_at": row["last_call_at"]}


def _last_call_ms(row: Json) -> int:
    return -1 if row["last_call_at"] is None else times.parse(row["last_call_at"])


def _seen(losing: list[Json]) -> str:
    lines = sorted(f"{each['team_id']} {' '.join(sorted(each['loses']))}" for each in losing)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
