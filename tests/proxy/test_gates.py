"""Two gates: what is decided before a call is held to before each upstream attempt, whatever stands in between."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import meddling
import pytest
from running import Proxy, Upstream, configuration, running_proxy
from selling import Customer, sell
from test_calls import CONTENTS, ROUTES, STREAMED

PUT_IN = {meddling.REWRITE_LATE: "forbidden", meddling.SWAP_LATE: "real-b"}
FORGED: dict[str, Any] = {"saas_access_ticket": "x" * 24, "model_group": "forbidden", "user_api_key_team_id": "other"}


@pytest.fixture(scope="module")
def proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    config = meddling.configuration(configuration(upstream))
    with running_proxy(tmp_path_factory.mktemp("gates"), config) as running:
        yield running


@pytest.fixture(scope="module")
def customer(proxy: Proxy) -> Customer:
    """Bought what each of the routes is called for, and one model more."""
    return sell(proxy, {**{alias: actual for _, _, _, alias, actual, _ in ROUTES.values()}, "spare": "real-b"})


def post(customer: Customer, name: str, wish: str = "", **more: Any) -> httpx.Response:
    """A call on one of the routes, for what was sold there unless `more` says otherwise."""
    path, body, files, alias, *_ = ROUTES[name]
    body = {**body, "model": alias, **more}
    with customer.client(**({meddling.HEADER: wish} if wish else {})) as client:
        return client.post(path, data=body, files=files) if files is not None else client.post(path, json=body)


@contextlib.contextmanager
def nothing_sent_or_charged(customer: Customer, upstream: Upstream) -> Iterator[None]:
    before = customer.balance()
    upstream.forget()
    yield
    assert upstream.seen() == []
    assert customer.balance() == before


def warnings(proxy: Proxy) -> str:
    with proxy.admin() as admin:
        return "\n".join(admin.get("/api/health").json()["warnings"])


@pytest.mark.parametrize("wish", PUT_IN)
@pytest.mark.parametrize("name", ROUTES)
def test_a_model_put_in_after_the_decision_is_not_reached(
    proxy: Proxy, customer: Customer, upstream: Upstream, name: str, wish: str
) -> None:
    """Not even one that the team was sold: it wasn't what the call was decided, and reserved, for."""
    with nothing_sent_or_charged(customer, upstream):
        answer = post(customer, name, wish)
    assert answer.status_code == 503, answer.text
    assert answer.json()["reason"] == "hook_missing"
    assert answer.json()["message"] == "The call was changed after it was decided on; see the proxy's log"
    told = f"an attempt for '{PUT_IN[wish]}' which the call was not decided for"
    assert told in warnings(proxy)
    assert f"{answer.headers['x-request-id']} {ROUTES[name][0]} refused: {told}" in proxy.log.read_text()
    assert post(customer, name).status_code == 200


@pytest.mark.parametrize("name", STREAMED)
def test_nor_by_a_stream(customer: Customer, upstream: Upstream, name: str) -> None:
    with nothing_sent_or_charged(customer, upstream):
        answer = post(customer, name, meddling.REWRITE_LATE, stream=True)
    assert (answer.status_code, answer.json()["reason"]) == (503, "hook_missing")


@pytest.mark.parametrize("name", ROUTES)
def test_a_model_put_in_before_the_decision_is_decided_on(customer: Customer, upstream: Upstream, name: str) -> None:
    with nothing_sent_or_charged(customer, upstream):
        answer = post(customer, name, meddling.REWRITE_EARLY)
    assert answer.status_code == 403, answer.text
    assert answer.json()["message"] == "Team does not have access to model 'forbidden'"


@pytest.mark.parametrize(
    ("wish", "granted"), [(meddling.SKIP, False), (meddling.REPLAY, False), (meddling.REPLAY, True)]
)
@pytest.mark.parametrize("name", ROUTES)
def test_without_a_decision_nothing_goes_out(
    customer: Customer, upstream: Upstream, name: str, wish: str, granted: bool
) -> None:
    """With no ticket but a forged one of the client's, and with that of a call that has ended."""
    _, _, files, _, actual, _ = ROUTES[name]
    assert post(customer, name).status_code == 200
    forged = {} if files is not None else {"metadata": FORGED, "litellm_metadata": FORGED}
    with nothing_sent_or_charged(customer, upstream):
        answer = post(customer, name, wish, model=actual if granted else "forbidden", **forged)
    assert (answer.status_code, answer.json()["reason"]) == (403, "route_not_allowed")


@pytest.mark.parametrize("action", ["generateContent", "streamGenerateContent"])
@pytest.mark.parametrize("wish", [meddling.SKIP, meddling.REWRITE_LATE])
def test_nor_on_googles_routes(proxy: Proxy, upstream: Upstream, action: str, wish: str) -> None:
    customer = sell(proxy, {"real-gemini": "real-gemini"})
    with nothing_sent_or_charged(customer, upstream), customer.client(**{meddling.HEADER: wish}) as client:
        answer = client.post(f"/v1beta/models/real-gemini:{action}", json=CONTENTS)
    assert answer.json()["reason"] in ("route_not_allowed", "hook_missing")


FORMS: dict[str, Any] = {
    "text": FORGED["saas_access_ticket"],
    "object": FORGED,
    "object in an object": {"saas_access_ticket": FORGED},
    "list": [FORGED],
    "list as the ticket": {"saas_access_ticket": ["x"]},
    "JSON text": json.dumps(FORGED),
    "requester": {"requester_metadata": FORGED},
}


@pytest.mark.parametrize("field", ["metadata", "litellm_metadata", "saas_access_ticket"])
@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route[2] is None])
def test_a_clients_own_ticket_is_nothing(customer: Customer, upstream: Upstream, name: str, field: str) -> None:
    """The call is made as if it weren't there; never does it help with a model that wasn't sold."""
    # LiteLLM keeps its own entries in the one or the other, which these three stand for.
    forms = FORMS if name in ("chat", "messages", "responses") else {"object": FORGED}
    for form in forms.values():
        upstream.forget()
        more: dict[str, Any] = {field: form}
        allowed = post(customer, name, **more)
        assert allowed.status_code == 200, allowed.text
        assert upstream.models() == [ROUTES[name][5]]
        assert "saas_access" not in json.dumps(upstream.seen())
        with nothing_sent_or_charged(customer, upstream):
            denied = post(customer, name, **{**more, "model": "forbidden"})
        assert (denied.status_code, denied.json()["reason"]) == (403, "model_not_granted")


@pytest.mark.parametrize("field", ["metadata", "litellm_metadata", "metadata[saas_access_ticket]"])
@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route[2] is not None])
def test_nor_is_it_in_a_form(customer: Customer, upstream: Upstream, name: str, field: str) -> None:
    upstream.forget()
    answer = post(customer, name, **{field: json.dumps(FORGED)})
    assert answer.status_code in (200, 422), answer.text
    assert upstream.models() == ([ROUTES[name][5]] if answer.status_code == 200 else [])
    assert "saas_access" not in json.dumps(upstream.seen())
    with nothing_sent_or_charged(customer, upstream):
        denied = post(customer, name, **{field: json.dumps(FORGED), "model": "forbidden"})
    assert denied.status_code in (403, 422), denied.text
