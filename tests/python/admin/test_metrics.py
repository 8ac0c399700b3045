from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from saas_access.admin.app import create_app
from saas_access.runtime import Runtime

from .serving import ADMIN_KEY, Acme, ProxyHost, Server, answered, make_server, refused
from .test_usage import call, flush_denials, used

if TYPE_CHECKING:
    from pathlib import Path

    from saas_access._core import Engine

    from .serving import Client

__all__ = ["used"]  # a fixture


def scrape(client: Client, path: str = "/metrics") -> dict[str, dict[tuple[str, ...], float]]:
    """Samples by name, then by their labels' values, in order of the labels' names."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain")
    samples: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return samples


def test_it_tells_what_was_used_and_refused(used: Engine, operator: Client) -> None:
    samples = scrape(operator)
    calls = samples["saas_access_calls_total"]
    assert calls["gpt-4", "answered"] == 2
    assert calls["gpt-4", "failed"] == 1
    assert calls["gpt-3.5-turbo", "answered"] == 1
    assert samples["saas_access_denials_total"] == {
        ("claude-3-opus", "model_not_granted"): 2,
        ("claude-3-opus", "credits_exhausted"): 1,
        ("(unknown model)", "model_not_granted"): 1,
    }
    assert samples["saas_access_tokens_total"]["gpt-4",] == 50
    assert samples["saas_access_cost_usd_total"]["gpt-4",] == pytest.approx(0.0006)
    assert samples["saas_access_credits_total"]["gpt-4",] == 2
    assert samples["saas_access_call_latency_seconds_count"]["gpt-4",] == 2
    assert samples["saas_access_call_latency_seconds_sum"]["gpt-4",] == pytest.approx(1.68)
    within = samples["saas_access_call_latency_seconds_bucket"]
    assert (within["gpt-4", "0.512"], within["gpt-4", "1.024"], within["gpt-4", "+Inf"]) == (0, 2, 2)


def test_a_process_answers_for_itself(server: Server, operator: Client, stocked: Acme) -> None:
    samples = scrape(operator)
    [ok], [revision], [transactions] = (
        list(samples[f"saas_access_{name}"].values())
        for name in ("store_ok", "snapshot_revision", "ledger_transactions_total")
    )
    assert (ok, transactions) == (1, 17)
    assert revision == server.runtime.engine.revision()


def test_without_a_store_it_says_so(server: Server, operator: Client, tmp_path: Path) -> None:
    (tmp_path / "test.db").rename(tmp_path / "gone.db")
    samples = scrape(operator)
    assert list(samples["saas_access_store_ok"].values()) == [0]
    assert "saas_access_calls_total" not in samples or samples["saas_access_calls_total"] == {}


def test_who_may_read_it(used: Engine, server: Server, stocked: Acme, tmp_path: Path) -> None:
    for path in ("/metrics", "/api/metrics"):
        refused(server.client().get(path), 401)
        refused(server.client("sk-nobody").get(path), 401)
        assert refused(server.client(stocked.acme_key).get(path), 403)["reason"] == "operator_only"
        assert scrape(server.client(ADMIN_KEY), path)["saas_access_calls_total"]
    (tmp_path / "other").mkdir()
    other = make_server(tmp_path / "other", viewer_key="viewer-key", local_admin=True)
    for client in (other.client("viewer-key"), other.client(address="127.0.0.1", host="localhost")):
        assert scrape(client)["saas_access_store_ok"]
    other.runtime.close()


def test_open_metrics_for_whoever_accepts_them(used: Engine, operator: Client) -> None:
    response = operator.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


def labels_of(samples: dict[str, dict[tuple[str, ...], float]], name: str) -> set[str]:
    return {labels[0] for labels in samples[name]}


def test_labels_are_bounded(tmp_path: Path) -> None:
    server = stocked_server(tmp_path, aliases=5, teams=4, metrics_aliases=3, metrics_teams=2)
    samples = scrape(server.client(ADMIN_KEY))
    aliases = {"alias-0", "alias-1", "alias-2", "other"}
    assert labels_of(samples, "saas_access_calls_total") == aliases
    assert labels_of(samples, "saas_access_call_latency_seconds_bucket") == aliases
    assert samples["saas_access_calls_total"]["other", "answered"] == 2 * 4
    by_team = samples["saas_access_team_calls_total"]
    assert {team for _, team in by_team} == {"team-0", "team-1", "other"}
    assert by_team["answered", "other"] == 2 * 5
    server.runtime.close()


def test_no_team_is_named_unless_the_operator_wants_it(used: Engine, operator: Client, stocked: Acme) -> None:
    text = operator.get("/metrics").text
    assert "acme-prod" not in text
    assert stocked.acme_key not in text
    [key] = operator.get("/api/teams/acme-prod").json()["keys"]
    assert key["key_id"] not in text


def stocked_server(tmp_path: Path, *, aliases: int, teams: int, **settings: Any) -> Server:
    """One call of each team to each alias."""
    server = make_server(tmp_path, **settings)
    operator = server.client(ADMIN_KEY)
    operator.post("/api/organizations/create", json={"organization_id": "org", "name": "Org"})
    for number in range(teams):
        team = {"organization_id": "org", "team_id": f"team-{number}", "credits_allocated": 100}
        operator.post("/api/teams/create", json=team)
        for alias in range(aliases):
            call(server.runtime.engine, f"alias-{alias}", team_id=f"team-{number}")
    return server


def test_every_process_tells_the_same(used: Engine, server: Server, operator: Client) -> None:
    other = Runtime.open(server.runtime.settings)
    beside = Server(app=create_app(runtime=other, host=ProxyHost()), runtime=other, host=ProxyHost())
    first = scrape(beside.client(ADMIN_KEY))
    call(used)
    call(other.engine, "gpt-3.5-turbo")
    flush_denials(server)
    one, two = scrape(operator), scrape(beside.client(ADMIN_KEY))
    told = [name for name in one if name.startswith(("saas_access_c", "saas_access_d", "saas_access_to"))]
    assert len(told) >= 7
    assert {name: one[name] for name in told} == {name: two[name] for name in told}
    assert two["saas_access_calls_total"]["gpt-4", "answered"] == 3
    assert two["saas_access_calls_total"]["gpt-4", "answered"] > first["saas_access_calls_total"]["gpt-4", "answered"]
    other.close()


def test_the_document_knows_it(anonymous: Client) -> None:
    paths = answered(anonymous.get("/api/openapi.json"))["paths"]
    assert "text/plain" in paths["/api/metrics"]["get"]["responses"]["200"]["content"]
    assert "/metrics" not in paths
