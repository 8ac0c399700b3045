"""Jobs that were left open are completed by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saas_access._core import Engine
    from saas_access.settings import Settings

_BATCH = 100  # jobs in one transaction: other writers get their turn in between


def complete_overdue_jobs(engine: Engine, settings: Settings) -> int:
    """Completes every job that has been open for `job_timeout_hours` and has no running call; returns how many. Any
    number of processes may do it at once. Blocks on the store. Raises StoreUnavailable.
    """
    completed = 0
    while True:
        batch = engine.complete_overdue_jobs(
            after_hours=settings.job_timeout_hours, failed_jobs_are_free=settings.failed_jobs_are_free, limit=_BATCH
        )
        completed += batch
        if batch < _BATCH:
            return completed
