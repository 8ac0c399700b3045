"""The job of one `create-and-call`: made before its call, ended with it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from saas_access._core import CallStatus, Conflict, CoreError, Job, JobCompletion, JobStatus, NewJob
from saas_access.proxy.exchange import is_last

if TYPE_CHECKING:
    from starlette.types import Message, Send

    from saas_access.proxy.plugin import Plugin
    from saas_access.proxy.request_state import RequestState

_LOGGER = logging.getLogger("saas_access.proxy")
_UNANSWERED = "The call was not answered"
_MAX_MESSAGE = 1024  # characters of a job's error_message
_ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)


class JobOfCall:
    """Ends as completed if its call was answered, as failed otherwise, once the call is settled or released. What can't
    be ended is left to the time-out of open jobs. Belongs to one request.
    """

    def __init__(self, plugin: Plugin, state: RequestState, job_id: str) -> None:
        self._plugin = plugin
        self._state = state
        self._ending: asyncio.Task[Job | None] | None = None
        self.job_id = job_id
        self.failure = ""  # what the client was told, if not by a refusal

    @classmethod
    async def create(cls, plugin: Plugin, state: RequestState, new: NewJob) -> JobOfCall:
        """Raises CoreError."""
        job = await asyncio.to_thread(lambda: plugin.engine.create_job(job=new))
        return cls(plugin, state, job.job_id)

    def ending_before_the_last_of(self, send: Send) -> Send:
        """A `send` that names the job in a header, and ends it before the last of the answer leaves."""

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                job_id = (b"x-job-id", self.job_id.encode())
                message = {**message, "headers": [*message.get("headers", []), job_id]}
            elif is_last(message.get("body", b""), more=bool(message.get("more_body"))):
                await self.end()
            await send(message)

        return send_on

    async def end(self) -> Job | None:
        """The job, ended; None if that failed. Only the first time does anything, and runs to its end even if the
        caller is cancelled.
        """
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())
        return await asyncio.shield(self._ending)

    async def end_at_last(self) -> None:
        """After all: for a client that left before the last of its answer. Its call may still be closing then."""
        if await self.end() is None:  # a closing that goes on without its request, or a fault of the store
            await self._plugin.calls.closings()
            if await self._end() is None:
                _LOGGER.error("job %s stays open until its time is up", self.job_id)

    async def _end(self) -> Job | None:
        try:
            return await asyncio.to_thread(self._complete)
        except CoreError as problem:
            _LOGGER.warning("job %s could not be ended: %s", self.job_id, problem)
            return None

    def _complete(self) -> Job | None:
        engine = self._plugin.engine
        job = engine.find_job(job_id=self.job_id)
        if any(call.status is CallStatus.RUNNING for call in job.calls):
            return None
        answered = job.costs.successful_calls > 0
        completion = JobCompletion(
            status=JobStatus.COMPLETED if answered else JobStatus.FAILED,
            error_message=None if answered else self._why(),
            failed_jobs_are_free=self._plugin.settings.failed_jobs_are_free,
        )
        try:
            return engine.complete_job(job_id=self.job_id, completion=completion)
        except Conflict:
            job = engine.find_job(job_id=self.job_id)
            if job.status in _ENDED:  # its team was faster
                return job
            raise

    def _why(self) -> str:
        refusal = self._state.refusal
        message = refusal.message if refusal is not None else self.failure or _UNANSWERED
        return message.replace("\0", "").encode(errors="replace").decode()[:_MAX_MESSAGE]
