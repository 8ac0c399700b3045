"""The admin API as the proxy serves it: what it can only know there, and that LiteLLM's layers stay out of its way."""

from __future__ import annotations

import httpx
import pytest
from running import MASTER_KEY, Proxy
from selling import Customer


def test_the_master_key_is_the_operators(proxy: Proxy) -> None:
    with proxy.client(authorization=f"Bearer {MASTER_KEY}") as operator:
        assert operator.get("/api/teams").status_code == 200
    with proxy.client(**{"x-admin-key": MASTER_KEY + "x"}) as nobody:
        assert nobody.get("/api/teams").status_code == 401


def test_a_team_key_is_no_operators(customer: Customer) -> None:
    with customer.client() as client:
        refused = client.get("/api/teams")
        assert client.get(f"/api/teams/{customer.team_id}").json()["available_models"] == ["chat", "other"]
    assert (refused.status_code, refused.json()["reason"]) == (403, "operator_only")


@pytest.mark.parametrize(
    ("litellm_model", "routable"),
    [("real-a", True), ("sold/anything", True), ("nowhere", False), ("nowhere/model", False)],
)
def test_a_model_that_the_proxy_cannot_route_is_warned_of(proxy: Proxy, litellm_model: str, routable: bool) -> None:
    body = {"alias": f"warned-{litellm_model}", "litellm_model": litellm_model}
    with proxy.admin() as admin:
        created = admin.post("/api/model-aliases/create", json=body)
    assert created.status_code == 201
    assert ("warnings" in created.json()) != routable
    if not routable:
        assert litellm_model in created.json()["warnings"][0]


def test_the_deployments_are_offered_for_aliases(proxy: Proxy, customer: Customer) -> None:
    with proxy.admin() as admin:
        found = admin.get("/api/litellm-models").json()
    assert {"real-a", "forbidden"} <= set(found["litellm_models"])
    assert found["patterns"] == ["sold/*"]
    assert found["serves_calls"]
    with customer.client() as client:
        assert client.get("/api/litellm-models").status_code == 403


def test_health_knows_the_proxy(proxy: Proxy) -> None:
    with proxy.admin() as admin:
        health = admin.get("/api/health").json()
    assert (health["status"], health["hook_loaded"]) == ("ok", True)
    assert health["litellm_version"].count(".") == 2
    assert httpx.get(f"{proxy.url}/api/health").json() == {"status": "ok"}


def test_documentation_and_headers(proxy: Proxy) -> None:
    page = httpx.get(f"{proxy.url}/api/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    document = httpx.get(f"{proxy.url}/api/openapi.json").json()
    assert "/api/jobs/{job_id}/llm-call" in document["paths"]
    answer = httpx.get(f"{proxy.url}/api/nothing", headers={"x-request-id": "mine-7"})
    assert answer.headers["x-request-id"] == "mine-7"
    assert answer.headers["x-access-revision"].isdigit()


def test_a_form_content_type_is_no_obstacle(proxy: Proxy) -> None:
    with proxy.admin() as admin:
        form = {"content-type": "application/x-www-form-urlencoded"}
        body = b'{"group_name": "sent-as-a-form"}'
        created = admin.post("/api/model-access-groups/create", content=body, headers=form)
        assert created.status_code == 201, created.text
        too_large = admin.post("/api/model-access-groups/create", content=b'{"a": "' + b"x" * 2**20 + b'"}')
    assert too_large.status_code == 413
