"""The calls that run in this process: their tickets, and the ledger's writes, which never happen on the event loop."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from saas_access._core import (
    BudgetMode,
    CoreError,
    Engine,
    LedgerWriter,
    Pricing,
    Reservation,
    ReserveRequest,
    Settlement,
    Substitute,
    Usage,
)
from saas_access.proxy.delivered import Delivered
from saas_access.proxy.prices import Price
from saas_access.proxy.request_state import JobCall

_T = TypeVar("_T")
_LOGGER = logging.getLogger("saas_access.proxy")
# LiteLLM sends its success event some milliseconds after an answer is complete. Past this the call is charged by what
# is known.
_EVENT_WAIT_S = 5.0
# Of an answer that broke off, or whose client left, it comes at once or not at all.
_LATE_EVENT_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the team's models that may answer a call, and what the call costs if it does."""

    alias: str
    litellm_model: str
    pricing: Pricing
    price: Price
    estimate: Usage  # the most that the call may use
    names: frozenset[str] = frozenset()  # under which an answer may speak of the actual model
    access_group: str | None = None  # the first of the team's that grants the alias
    prompt: Usage = field(default_factory=Usage)  # what of it is known before there is an answer


@dataclass(slots=True)
class Ticket:
    """The permission of one call to reach the model that was asked for, or one of its fallbacks that the team was sold.
    Only its id travels, in LiteLLM's metadata; what it permits stays here.
    """

    id: str
    candidates: dict[str, Candidate]  # by actual model
    answering: Candidate  # of the last attempt that was let through: if the call is answered, by this one
    call_id: str
    job: JobCall | None
    usage: asyncio.Future[Usage | None]  # of LiteLLM's event; None where none will come
    delivered: Delivered | None = None  # what was passed on, where something depends on it
    started: float = field(default_factory=time.monotonic)
    # models of the attempts let through: an attempt may be split in two
    deployments: set[str] = field(default_factory=set)
    delivering: bool = False  # something of a streamed answer may have reached the client
    broken_off: bool = False  # the application ended before its answer did
    open: bool = True

    @property
    def latency_ms(self) -> int:
        """Milliseconds since the ticket was issued."""
        return round((time.monotonic() - self.started) * 1000)

    @property
    def needs_usage(self) -> bool:
        """Whether anything depends on what the call used: a price by consumption, or a job's figures."""
        return self.job is not None or self.answering.pricing.mode is not BudgetMode.JOB_BASED

    def is_priced_by(self, usage: Usage) -> bool:
        """Whether the usage holds what depends on it. An answered call that used nothing is not believed."""
        if self.answering.pricing.mode is BudgetMode.CONSUMPTION_USD:
            return usage.cost > 0 or not usage.price_known
        return usage.total_tokens > 0

    def report(self, usage: Usage | None) -> None:
        """LiteLLM's report; None if there is none to come. A later one counts where there was none before."""
        if self.usage.done() and self.usage.result() is None:
            self.usage = self.usage.get_loop().create_future()
        if not self.usage.done():
            self.usage.set_result(usage)

    def admits(self, model_group: str | None, deployment_model: str | None) -> bool:
        """May an upstream attempt go out? If so, it is what answers. One without a model group may if its model is that
        of an attempt that was let through: LiteLLM bridges some dialects by a second, inner attempt.
        """
        if not self.open:
            return False
        if model_group is None:
            return deployment_model is not None and deployment_model in self.deployments
        if model_group not in self.candidates:
            return False
        self.answering = self.candidates[model_group]
        if deployment_model is not None:
            self.deployments.add(deployment_model)
        return True

    @property
    def answered_by(self) -> Substitute | None:
        """What the ledger is told where a fallback answers."""
        asked = next(iter(self.candidates.values()))
        return None if self.answering is asked else substitute(self.answering)


def substitute(candidate: Candidate) -> Substitute:
    """The candidate as the ledger knows it."""
    return Substitute(alias=candidate.alias, pricing=candidate.pricing, estimate=candidate.estimate)


class Calls:
    """Issues, finds and closes tickets. All methods run on the event loop; the ledger's writes are made by a thread of
    the core, which wakes the loop when some are durable.
    """

    def __init__(self, engine: Engine) -> None:
        self._ledger = LedgerWriter(engine=engine)
        self._written: dict[int, asyncio.Future[Any]] = {}
        self._listening: asyncio.AbstractEventLoop | None = None
        self._tickets: dict[str, Ticket] = {}
        self._closing: set[asyncio.Task[Any]] = set()

    @property
    def transactions(self) -> int:
        """How many of the ledger's transactions this process has committed. Thread-safe."""
        return self._ledger.transactions()

    def _durable(self, number: int) -> asyncio.Future[Any]:
        """The result of the ledger's write of this number, once it is durable. Failing, it raises CoreError."""
        loop = asyncio.get_running_loop()
        if self._listening is not loop:
            loop.add_reader(self._ledger.fileno(), self._deliver)
            self._listening = loop
        written = self._written[number] = loop.create_future()
        return written

    def _deliver(self) -> None:
        for number in self._ledger.ended():
            written = self._written.pop(number)
            try:
                result = self._ledger.take(number=number)
            except Exception as error:  # noqa: BLE001 it is whoever waits that has to know
                if not written.done():
                    written.set_exception(error)
            else:
                if not written.done():
                    written.set_result(result)

    async def reserve(self, request: ReserveRequest) -> Reservation:
        """Hold what the call may cost; durable on return. Raises StoreUnavailable."""
        writing: asyncio.Future[Reservation] = self._durable(self._ledger.reserve(request=request))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            # The client left while the reservation was being written: it will be there, and nobody will use it.
            self._keep(self._release_unused(writing))
            raise

    def release_unused(self, call_id: str) -> None:
        """Free, soon, a reservation for which there will be no ticket."""
        self._keep(self._release_call(call_id))

    async def _release_unused(self, writing: asyncio.Future[Reservation]) -> None:
        reservation = await writing
        if reservation.call_id:
            await self._release_call(reservation.call_id)

    async def _release_call(self, call_id: str, *, failed: bool = False, latency_ms: int = 0) -> None:
        await self._durable(self._ledger.release(call_id=call_id, failed=failed, latency_ms=latency_ms))

    def issue(
        self, *, candidates: list[Candidate], call_id: str, job: JobCall | None, delivered: Delivered | None = None
    ) -> Ticket:
        """A live ticket for a call whose reservation is durable; of the candidates, the first is what was asked for."""
        ticket = Ticket(
            id=secrets.token_urlsafe(18),
            candidates={candidate.litellm_model: candidate for candidate in candidates},
            answering=candidates[0],
            call_id=call_id,
            job=job,
            usage=asyncio.get_running_loop().create_future(),
            delivered=delivered,
        )
        self._tickets[ticket.id] = ticket
        return ticket

    def find(self, ticket_id: object) -> Ticket | None:
        """The ticket of this id, if this process issued it and its call has not ended."""
        return self._tickets.get(ticket_id) if isinstance(ticket_id, str) else None

    async def mark_answering(self, ticket: Ticket) -> None:
        """Something of a stream is about to leave: durable on return, so that the call is charged whatever becomes of
        this process. Raises StoreUnavailable.
        """
        known, answered_by = ticket.answering.prompt, ticket.answered_by
        await self._durable(self._ledger.mark_answering(call_id=ticket.call_id, known=known, answered_by=answered_by))
        ticket.delivering = True

    async def settle(self, ticket: Ticket, *, stated: Usage | None) -> Settlement | None:
        """The call was answered: charge it; durable on return. `stated` is the usage that the answer itself states.
        Runs to its end even if the caller is cancelled. None if the ticket was closed already. Raises StoreUnavailable:
        what a client has received is then charged as soon as the store takes it, anything else is released.
        """
        return await asyncio.shield(self._keep(self._settle(ticket, stated)))

    async def _settle(self, ticket: Ticket, stated: Usage | None) -> Settlement | None:
        if not ticket.open:
            return None
        ticket.open = False
        latency_ms = ticket.latency_ms
        try:
            usage = await self._usage(ticket, stated)
            number = self._ledger.settle(
                call_id=ticket.call_id,
                usage=usage,
                latency_ms=latency_ms,
                answered_by=ticket.answered_by,
                delivered=ticket.delivering,
            )
            settled: Settlement = await self._durable(number)
        except CoreError:
            if not ticket.delivering:  # nor will it be: the answer was held back, and a failure goes out in its place
                self._keep(self._release_call(ticket.call_id, failed=True, latency_ms=latency_ms))
            raise
        else:
            return settled
        finally:
            self._tickets.pop(ticket.id, None)

    async def _usage(self, ticket: Ticket, stated: Usage | None) -> Usage:
        if not ticket.needs_usage:
            reported = ticket.usage.result() if ticket.usage.done() else None
            return reported or stated or Usage()
        reported = None
        with suppress(asyncio.TimeoutError):
            patience = _LATE_EVENT_WAIT_S if ticket.broken_off else _EVENT_WAIT_S
            reported = await asyncio.wait_for(asyncio.shield(ticket.usage), patience)
        if reported is not None:
            return reported
        if stated is not None and ticket.is_priced_by(stated):
            return stated
        if ticket.delivered is not None:
            _LOGGER.info("call %s: LiteLLM reported no usage; what was passed on is counted", ticket.call_id)
            counted = await asyncio.to_thread(ticket.delivered.usage, ticket.answering.price)
            if ticket.is_priced_by(counted):
                return counted
        return ticket.answering.estimate

    async def release(self, ticket: Ticket, *, failed: bool) -> None:
        """The call was not answered: free what it held. Runs to its end even if the caller is cancelled."""
        await asyncio.shield(self._keep(self._release(ticket, failed)))

    async def _release(self, ticket: Ticket, failed: bool) -> None:
        if not ticket.open:
            return
        ticket.open = False
        try:
            number = self._ledger.release(call_id=ticket.call_id, failed=failed, latency_ms=ticket.latency_ms)
            await self._durable(number)
        finally:
            self._tickets.pop(ticket.id, None)

    async def closings(self) -> None:
        """Returns when every closing that has begun is durable, or has failed."""
        if self._closing:
            await asyncio.wait(set(self._closing))

    def _keep(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """A task that is not collected before it ends, and whose failure is never lost unseen."""
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOGGER.error("a call could not be closed in the ledger: %s", error)
