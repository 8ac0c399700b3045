"""Whatever goes wrong in a decision, the request ends refused."""

from __future__ import annotations

import pytest
from fastapi import HTTPException

from saas_access._core import Reason, StoreUnavailable
from saas_access.proxy.fail_closed import Troubles, failing_closed
from saas_access.proxy.request_state import RequestState
from saas_access.refusal import Refusal, key_refused


@pytest.fixture
def state() -> RequestState:
    return RequestState(request_id="req_1", scope={"type": "http", "method": "POST", "path": "/v1/chat/completions"})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreUnavailable("disk /secret/path is full"), Reason.STORE_UNAVAILABLE),
        (KeyError("a mistake of ours"), Reason.HOOK_MISSING),
        (RecursionError(), Reason.HOOK_MISSING),
    ],
)
def test_any_exception_becomes_a_503_that_tells_the_client_nothing(
    state: RequestState, error: Exception, reason: Reason
) -> None:
    with pytest.raises(HTTPException) as ended, failing_closed(state, Troubles()):
        raise error
    assert ended.value.status_code == 503
    assert isinstance(state.refusal, Refusal)
    assert state.refusal.reason is reason
    assert "secret" not in state.refusal.message
    assert "mistake" not in state.refusal.message


def test_a_refusal_passes_as_it_is(state: RequestState) -> None:
    with pytest.raises(HTTPException) as ended, failing_closed(state, Troubles()):
        state.refuse(key_refused(Reason.KEY_EXPIRED))
    assert ended.value.status_code == 401
    assert isinstance(state.refusal, Refusal)
    assert state.refusal.reason is Reason.KEY_EXPIRED


def test_the_operator_is_told_what_and_how_often(state: RequestState) -> None:
    troubles = Troubles()
    assert troubles.warning() is None
    for _ in range(2):
        with pytest.raises(HTTPException), failing_closed(state, troubles):
            raise KeyError("a mistake of ours")
    told = troubles.warning()
    assert told is not None
    assert told.startswith("2 calls were refused since the start for a fault here, the last at ")
    assert told.endswith("the access hook failed (KeyError).")
