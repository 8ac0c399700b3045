"""Whatever goes wrong in our own code, the call is refused: with a 503 for the client and the cause in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

from saas_access._core import Reason, StoreUnavailable
from saas_access.proxy.request_state import RequestState
from saas_access.refusal import unavailable

_LOGGER = logging.getLogger("saas_access.proxy")


@contextmanager
def failing_closed(state: RequestState) -> Iterator[None]:
    """Runs a decision. A refusal passes; any other exception becomes one."""
    try:
        yield
    except HTTPException:
        raise
    except StoreUnavailable as problem:
        _LOGGER.error("%s refused: %s", state.request_id, problem)  # noqa: TRY400 said once for every call of an outage
        state.refuse(unavailable(Reason.STORE_UNAVAILABLE, "The access store can't be used; see the proxy's log"))
    except Exception:
        _LOGGER.exception("%s refused: the access hook failed", state.request_id)
        state.refuse(unavailable(Reason.HOOK_MISSING, "The access hook failed; see the proxy's log"))
