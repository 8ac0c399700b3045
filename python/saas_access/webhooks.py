"""Webhooks: events of the store, posted to the operator's address and signed as Standard Webhooks has it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import functools
import hashlib
import hmac
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from saas_access import __version__
from saas_access._core import Engine, WebhookAttempt

if TYPE_CHECKING:
    from saas_access._core import WebhookEvent
    from saas_access.settings import Settings

TIMEOUT_S = 10.0
_SECOND = 1000
# Longer than any attempt: an event that was claimed and not finished by then belongs to a process that died.
_LEASE_MS = 60 * _SECOND
_FIRST_PAUSE_MS = 5 * _SECOND
_LONGEST_PAUSE_MS = 4 * 3600 * _SECOND
_GIVEN_UP_AFTER_MS = 3 * 24 * 3600 * _SECOND
_ENCODED = "whsec_"


def signing_key(secret: str) -> bytes:
    """The bytes to sign with: what Base64 after `whsec_` stands for, else the text itself. Raises ValueError."""
    if not secret.startswith(_ENCODED):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_ENCODED), validate=True)
    except binascii.Error as error:
        raise ValueError("must have Base64 after whsec_") from error


def signature(key: bytes, event_id: str, timestamp: int, body: str) -> str:
    """The header `webhook-signature`; `timestamp` in seconds."""
    digest = hmac.digest(key, f"{event_id}.{timestamp}.{body}".encode(), hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def pause_ms(attempts: int) -> int:
    """How long to wait after so many attempts have failed: doubling from seconds to hours, shortened by up to half so
    that many events don't come back at the same moment.
    """
    longest = min(_FIRST_PAUSE_MS * 2 ** min(attempts - 1, 30), _LONGEST_PAUSE_MS)
    return random.randint(longest // 2, longest)  # noqa: S311 no secret


@dataclass(frozen=True, kw_only=True)
class WebhookSender:
    """Delivers what is due. Used by one thread at a time in each process, and by any number of processes."""

    engine: Engine
    url: str
    key: bytes
    clock: Callable[[], int]  # milliseconds since 1970

    @classmethod
    def of(cls, engine: Engine, settings: Settings) -> WebhookSender | None:
        """None where no `webhook_url` is set."""
        if settings.webhook_url is None or settings.webhook_secret is None:
            return None
        key = signing_key(settings.webhook_secret.get_secret_value())
        return cls(engine=engine, url=settings.webhook_url.get_secret_value(), key=key, clock=engine.now_ms)

    def send_due(self) -> str | None:
        """Tries each event that is due, one after the other; returns a sentence about those that wait for a repetition.

        A receiver that hangs is tried TIMEOUT_S for each.
        """
        while (event := self.engine.claim_webhook_event(now_ms=self.clock(), lease_ms=_LEASE_MS)) is not None:
            self._try(event)
        return self.engine.find_webhook_trouble()

    def _try(self, event: WebhookEvent) -> None:
        given_up_at_ms = event.created_at_ms + _GIVEN_UP_AFTER_MS
        if self.clock() >= given_up_at_ms and event.attempts == 1:
            error: str | None = "it was three days old before there was anywhere to send it"
        else:
            error = self._post(event)
        now_ms = self.clock()
        next_ms = now_ms + pause_ms(event.attempts)
        attempt = WebhookAttempt(
            event_id=event.event_id,
            attempt=event.attempts,
            error=error,
            next_attempt_at_ms=next_ms if error is not None and next_ms < given_up_at_ms else None,
        )
        self.engine.finish_webhook_attempt(attempt=attempt, now_ms=now_ms)

    def _post(self, event: WebhookEvent) -> str | None:
        """Why it was not delivered, in words that hold no secret; None if it was."""
        timestamp = self.clock() // _SECOND
        headers = {
            "content-type": "application/json",
            "user-agent": f"saas-access/{__version__}",
            "webhook-id": event.event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.key, event.event_id, timestamp, event.payload),
        }
        try:
            status = asyncio.run(asyncio.wait_for(_status(self.url, event.payload, headers), TIMEOUT_S))
        except (asyncio.TimeoutError, httpx.TimeoutException):
            return f"no answer came within {TIMEOUT_S:g} s"
        except (httpx.HTTPError, OSError) as error:
            return f"the request failed ({type(error).__name__}: {error})".replace(self.url, "webhook_url")[:500]
        return None if 200 <= status < 300 else f"the answer was {status}"


async def _status(url: str, body: str, headers: dict[str, str]) -> int:
    """Only the status of the answer counts: its body isn't read, and it leads nowhere else."""
    async with (
        httpx.AsyncClient(verify=_trusted(), timeout=TIMEOUT_S, follow_redirects=False) as client,
        client.stream("POST", url, content=body, headers=headers) as response,
    ):
        return response.status_code


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Made once: reading all certificates takes longer than a request."""
    return httpx.create_ssl_context()
