"""Ranges of time in a query: `from` and `to`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from saas_access import times
from saas_access.admin import errors

From = Annotated[str | None, Query(alias="from", description="At or after", examples=["2024-10-14T12:00:00Z"])]
To = Annotated[str | None, Query(alias="to", description="Before", examples=["2024-10-15T12:00:00Z"])]


def milliseconds(name: str, time: str | None) -> int | None:
    """A time of the query in milliseconds since 1970; 422 about `name` for a malformed one."""
    if time is None:
        return None
    try:
        return times.parse(time)
    except ValueError as error:
        raise errors.invalid(name, str(error)) from error
