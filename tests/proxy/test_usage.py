"""What a team's calls and refusals come to in /api/usage and /metrics: exactly them, by whatever route they came."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import ADMIN_KEY, MASTER_KEY, Proxy, Upstream, configuration, running_proxy
from selling import Customer, sell
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def rows(customer: Customer, group_by: str) -> list[dict[str, Any]]:
    with customer.proxy.admin() as admin:
        answer = admin.get("/api/usage", params={"team_id": customer.team_id, "group_by": group_by})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["usage"]
    return found


def denials(customer: Customer, at_least: int) -> dict[tuple[str | None, str], int]:
    """By alias and reason. The proxy writes them once a second: waits until there are so many."""
    deadline = time.monotonic() + 30
    while True:
        found = {
            (row["alias"], row["reason"]): row["denials"]
            for row in rows(customer, "alias,reason")
            if row["reason"] is not None
        }
        if sum(found.values()) >= at_least or time.monotonic() > deadline:
            return found


def metrics(proxy: Proxy, path: str = "/metrics") -> dict[str, dict[tuple[str, ...], float]]:
    with proxy.admin() as admin:
        answer = admin.get(path)
    assert answer.status_code == 200, answer.text
    samples: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return samples


def counted(proxy: Proxy, name: str, *labels: str) -> float:
    return metrics(proxy).get(f"saas_access_{name}", {}).get(labels, 0)


@pytest.fixture
def buyer(proxy: Proxy) -> Customer:
    return sell(proxy, {"metered": "real-a", "failing": "real-failing"})


def test_calls_are_counted_once_each(proxy: Proxy, buyer: Customer) -> None:
    before = counted(proxy, "calls_total", "metered", "answered")
    with buyer.client() as client:
        for stream in (False, True, False):
            body = {**CHAT, "model": "metered", "stream": stream}
            assert client.post("/v1/chat/completions", json=body).status_code == 200
        message = {"model": "metered", "max_tokens": 9, "messages": CHAT["messages"]}
        assert client.post("/v1/messages", json=message).status_code == 200
        assert client.post("/v1/chat/completions", json={**CHAT, "model": "failing"}).status_code >= 500
    by_alias = {row["alias"]: row for row in rows(buyer, "alias")}
    assert (by_alias["metered"]["calls"], by_alias["metered"]["failed_calls"], by_alias["metered"]["credits"]) == (
        4,
        0,
        4,
    )
    assert (by_alias["failing"]["calls"], by_alias["failing"]["failed_calls"]) == (0, 1)
    assert by_alias["metered"]["latency_ms_p50"] <= by_alias["metered"]["latency_ms_p95"]
    [of_key] = rows(buyer, "key_id")
    assert of_key["key_id"].startswith("key_")
    assert buyer.balance()["credits_used"] == of_key["credits"] == 4
    assert counted(proxy, "calls_total", "metered", "answered") == before + 4


def test_usage_by_consumption_has_its_tokens_and_cost(proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"}, budget_mode="consumption_usd")
    with customer.client() as client:
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 200
    [row] = rows(customer, "alias")
    assert (row["tokens"], row["cost_usd"], row["credits"]) == (33, 0.000135, 0.00135)


def test_refusals_are_counted_once_each_on_every_way(proxy: Proxy, upstream: Upstream, buyer: Customer) -> None:
    before = counted(proxy, "denials_total", "chat", "model_not_granted")
    poor = sell(proxy, {"metered": "real-a"}, credits_allocated=0)
    with buyer.client() as client:
        for path in ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/messages/count_tokens"):
            body = {**CHAT, "input": "hi", "max_tokens": 9}
            assert client.post(path, json=body).status_code == 403, path
        gemini = {"contents": [{"parts": [{"text": "hi"}]}]}
        assert client.post("/v1beta/models/chat:generateContent", json=gemini).status_code == 403
        for invented in ("gpt-99", "made up", ""):
            assert client.post("/v1/chat/completions", json={**CHAT, "model": invented}).status_code == 403
        assert client.get("/key/list").status_code == 403
        assert client.post("/v1/batches", json={}).status_code == 403
        job = proxy.admin().post("/api/jobs/create", json={"team_id": buyer.team_id, "job_type": "report"}).json()
        assert client.post(f"/api/jobs/{job['job_id']}/llm-call", json=CHAT).status_code == 403
        assert client.post("/v1/chat/completions", content=b"no JSON").status_code == 400  # not a refusal
    with pytest.raises(InvalidStatus):
        connect(
            f"ws://127.0.0.1:{proxy.port}/v1/realtime?model=chat",
            additional_headers={"authorization": f"Bearer {buyer.key}"},
        )
    with poor.client() as client:
        assert client.post("/v1/chat/completions", json={**CHAT, "model": "metered"}).status_code == 402
    with proxy.admin() as admin:
        assert admin.put(f"/api/teams/{buyer.team_id}/suspend").status_code == 200
    with buyer.client() as client:
        assert client.post("/v1/chat/completions", json={**CHAT, "model": "metered"}).status_code == 403
    counts = denials(buyer, 13)
    assert counts == {
        ("chat", "model_not_granted"): 6,
        ("(unknown model)", "model_not_granted"): 2,
        (None, "model_not_granted"): 1,
        (None, "route_not_allowed"): 3,
        ("metered", "team_suspended"): 1,
    }
    with proxy.admin() as admin:
        one_by_one = admin.get(f"/api/teams/{buyer.team_id}/denials").json()["denials"]
    assert Counter((denial["alias"], denial["reason"]) for denial in one_by_one) == counts
    assert (one_by_one[0]["reason"], one_by_one[0]["key_name"]) == ("team_suspended", "default")
    assert denials(poor, 1) == {("metered", "credits_exhausted"): 1}
    assert counted(proxy, "denials_total", "chat", "model_not_granted") == before + 6


def test_a_wrong_key_is_nobody_s_usage(proxy: Proxy, buyer: Customer) -> None:
    with buyer.client() as client:
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 403
    with proxy.client(authorization="Bearer sk-nobody") as client:
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 401
    assert denials(buyer, 1) == {("chat", "model_not_granted"): 1}
    assert not any("key_unknown" in labels for labels in metrics(proxy)["saas_access_denials_total"])


def test_who_may_read_the_metrics(proxy: Proxy, buyer: Customer) -> None:
    for path in ("/metrics", "/api/metrics"):
        assert httpx.get(f"{proxy.url}{path}").status_code == 401
        with buyer.client() as client:
            assert client.get(path).status_code == 403
        for key in (ADMIN_KEY, MASTER_KEY):
            with proxy.client(authorization=f"Bearer {key}") as client:
                assert "saas_access_store_ok" in client.get(path).text


@contextlib.contextmanager
def proxy_with_litellms_metrics(upstream: Upstream, folder: Path) -> Iterator[Proxy]:
    config = configuration(upstream)
    config["litellm_settings"]["callbacks"].append("prometheus")
    with running_proxy(folder, config) as proxy:
        yield proxy


def test_where_litellm_has_metrics_of_its_own_both_can_be_had(upstream: Upstream, tmp_path: Path) -> None:
    with proxy_with_litellms_metrics(upstream, tmp_path) as proxy:
        customer = sell(proxy, {"chat": "real-a"})
        with customer.client() as client:
            assert client.post("/v1/chat/completions", json=CHAT).status_code == 200
            assert client.get("/metrics/").status_code == 403
        with proxy.client(authorization=f"Bearer {MASTER_KEY}") as operator:
            litellms = operator.get("/metrics/").text
        assert "litellm_" in litellms
        assert "saas_access_" not in litellms
        assert metrics(proxy, "/api/metrics")["saas_access_calls_total"]["chat", "answered"] == 1


def test_the_workers_of_a_proxy_tell_the_same(upstream: Upstream, tmp_path: Path) -> None:
    with running_proxy(tmp_path, configuration(upstream), workers=2) as proxy:
        customer = sell(proxy, {"chat": "real-a"}, credits_allocated=5)
        for _ in range(9):
            with customer.client() as client:
                client.post("/v1/chat/completions", json=CHAT)
        assert denials(customer, 4) == {("chat", "credits_exhausted"): 4}
        told: dict[str, dict[str, Any]] = {}
        deadline = time.monotonic() + 60
        while len(told) < 2 and time.monotonic() < deadline:  # until both have answered
            samples = metrics(proxy)
            [(pid,)] = samples["saas_access_store_ok"]
            told[pid] = {
                name: values for name, values in samples.items() if "alias" in str(values) or "chat" in str(values)
            }
        first, second = told.values()
        assert first == second
        assert first["saas_access_calls_total"]["chat", "answered"] == 5
        assert first["saas_access_denials_total"]["chat", "credits_exhausted"] == 4
