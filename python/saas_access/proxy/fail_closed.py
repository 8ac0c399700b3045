"""Whatever goes wrong in our own code, the call is refused: with a 503 for the client, the cause in the log, and a
warning in the product's health.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

from saas_access import times
from saas_access._core import Reason, StoreUnavailable
from saas_access.proxy.request_state import RequestState
from saas_access.refusal import RequestRefusedError, unavailable

_LOGGER = logging.getLogger("saas_access.proxy")
_SHOWN_FOR_S = 3600


class Troubles:
    """What made calls end in a 503, for the operator who looks at the health. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._last = ""
        self._at = 0.0

    def note(self, problem: str, state: RequestState, error: BaseException | None = None) -> None:
        """Counts and logs a refused call. `problem` names neither a key nor what a client wrote."""
        _LOGGER.error("%s %s refused: %s", state.request_id, state.path, problem, exc_info=error)
        with self._lock:
            self._count, self._last, self._at = self._count + 1, problem, time.time()

    def warning(self) -> str | None:
        """A sentence about the last hour; None if nothing happened in it."""
        with self._lock:
            if self._count == 0 or time.time() - self._at > _SHOWN_FOR_S:
                return None
            calls = "1 call was" if self._count == 1 else f"{self._count} calls were"
            at = times.text(round(self._at) * 1000)
            return f"{calls} refused since the start for a fault here, the last at {at}: {self._last}."


@contextmanager
def failing_closed(state: RequestState, troubles: Troubles) -> Iterator[None]:
    """Runs a decision. A refusal passes; any other exception becomes one."""
    try:
        yield
    except (HTTPException, OSError, RequestRefusedError):  # a refusal; a client that has gone
        raise
    except StoreUnavailable as problem:
        troubles.note(f"the access store can't be used: {problem}", state)
        state.refuse(unavailable(Reason.STORE_UNAVAILABLE, "The access store can't be used; see the proxy's log"))
    except Exception as error:  # noqa: BLE001 whatever it is
        troubles.note(f"the access hook failed ({type(error).__name__})", state, error)
        state.refuse(unavailable(Reason.HOOK_MISSING, "The access hook failed; see the proxy's log"))
