"""RFC 3339 times and the milliseconds since 1970-01-01 UTC that the core counts in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_RFC_3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:([Zz])|([+-]\d{2}:\d{2}))", flags=re.ASCII
)


def first_day_ms(now_ms: int, days: int) -> int:
    """The beginning of the first of so many days of UTC, the one that `now_ms` lies in being the last."""
    return (now_ms // DAY_MS - (days - 1)) * DAY_MS


def parse(value: object) -> int:
    """Milliseconds of an RFC 3339 time with a zone; what is finer than a millisecond is cut off. Raises ValueError."""
    problem = "must be a time like '2030-01-31T12:00:00Z'"
    match = _RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(problem)
    date, time, fraction, _, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{offset or '+00:00'}").astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{problem} ({error})") from error
    return (moment - _EPOCH) // _MILLISECOND + int((fraction or "0").ljust(3, "0")[:3])


def text(unix_ms: int) -> str:
    """The same time as RFC 3339 in UTC with 'Z', with milliseconds only where there are any."""
    moment = (_EPOCH + timedelta(milliseconds=unix_ms)).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if unix_ms % 1000 else "seconds") + "Z"


def optional_text(unix_ms: int | None) -> str | None:
    return None if unix_ms is None else text(unix_ms)
