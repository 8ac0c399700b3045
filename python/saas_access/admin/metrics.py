"""Metrics for Prometheus. What is counted comes from the store, so that every process of the proxy tells the same."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from saas_access._core import MICRO_PER_CREDIT, CoreError, Engine, UsageBy, UsageRow, slug
from saas_access.admin import routes
from saas_access.admin.access import Service
from saas_access.admin.routes import ServiceOf
from saas_access.admin.usage_csv import DAY_MS

router = routes.router("Health")
# Where Prometheus looks unless it is told otherwise.
at_the_usual_path = APIRouter(route_class=routes.AdminRoute, redirect_slashes=False, include_in_schema=False)

_TEXT = {name: {"schema": {"type": "string"}} for name in ("text/plain", "application/openmetrics-text")}
_OTHER = "other"
_PICO = 10**12
# The doublings from 8 ms to 524 s, which are bounds of the core's own buckets, four to a doubling.
_BUCKET_ENDS = [4 * doubling for doubling in range(3, 20)]


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": _TEXT}},
)
@at_the_usual_path.get("/metrics")
def get_metrics(request: Request, service: ServiceOf) -> Response:
    """For the operator and the viewer, at `/metrics` too. In text, or as OpenMetrics for a client that accepts it."""
    registry = CollectorRegistry()
    registry.register(_metrics_of(request, service))
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), media_type=content_type)


def _metrics_of(request: Request, service: Service) -> AccessMetrics:
    state = request.app.state
    if not hasattr(state, "metrics"):
        state.metrics = AccessMetrics(service)
    metrics: AccessMetrics = state.metrics
    return metrics


@dataclass
class _Sums:
    """Of all rows that share a label."""

    answered: int = 0
    failed: int = 0
    tokens: int = 0
    cost: int = 0
    charged: int = 0
    latency_ms: int = 0
    denials: dict[str, int] = field(default_factory=dict)  # by reason
    latencies: dict[int, int] = field(default_factory=dict)  # by the core's bucket

    def add(self, row: UsageRow) -> None:
        self.answered += row.calls
        self.failed += row.failed_calls
        self.tokens += row.tokens
        self.cost += row.cost
        self.charged += row.charged
        self.latency_ms += row.latency_ms
        if row.reason is not None:
            reason = slug(row.reason)
            self.denials[reason] = self.denials.get(reason, 0) + row.denials
        for bucket, calls in row.latencies:
            self.latencies[bucket] = self.latencies.get(bucket, 0) + calls

    def histogram(self) -> list[tuple[str, float]]:
        """Calls that took at most so many seconds."""
        ends = [(str(2 ** (end / 4) / 1000), end) for end in _BUCKET_ENDS]
        within = [(text, sum(calls for bucket, calls in self.latencies.items() if bucket <= end)) for text, end in ends]
        return [*((text, float(calls)) for text, calls in within), ("+Inf", float(self.answered))]


class _Totals:
    """All that was ever counted under one label. The past is read once a day; what may still grow, each time: today,
    and yesterday, into which a call that ended about midnight is still written. Thread-safe.
    """

    def __init__(self, engine: Engine, label: UsageBy) -> None:
        self._engine = engine
        self._label = label
        self._lock = threading.Lock()
        self._past_ends_ms = 0
        self._past: list[UsageRow] = []

    def read(self, most_labels: int) -> dict[str, _Sums]:
        """By label; those that came after the first `most_labels` together as 'other'."""
        now_ms = self._engine.now_ms()
        ends_ms = (now_ms // DAY_MS - 1) * DAY_MS
        with self._lock:
            if self._past_ends_ms != ends_ms:
                self._past = self._report(0, ends_ms)
                self._past_ends_ms = ends_ms
            past = self._past
        totals: dict[str, _Sums] = {}
        for row in [*past, *self._report(ends_ms, now_ms + 1)]:
            label = getattr(row, slug(self._label)) or ""
            if label not in totals and len(totals) >= most_labels:
                label = _OTHER
            totals.setdefault(label, _Sums()).add(row)
        return totals

    def _report(self, from_ms: int, to_ms: int) -> list[UsageRow]:
        return self._engine.report_usage(from_ms=from_ms, to_ms=to_ms, group_by=[self._label, UsageBy.REASON]).rows


_Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class AccessMetrics(Collector):
    """Everything that is told to Prometheus. No label holds a key, and a team's name only by a setting."""

    def __init__(self, service: Service) -> None:
        self._service = service
        engine = service.runtime.engine
        self._by_alias = _Totals(engine, UsageBy.ALIAS)
        self._by_team = _Totals(engine, UsageBy.TEAM_ID)

    def collect(self) -> Iterator[_Family]:
        """The process's own figures; and the store's, while it can be read."""
        yield from self._of_process()
        settings = self._service.runtime.settings
        try:
            by_alias = self._by_alias.read(settings.metrics_aliases)
            by_team = self._by_team.read(settings.metrics_teams) if settings.metrics_teams else {}
        except CoreError:
            return
        yield from _calls("saas_access", "alias", by_alias)
        yield _latency(by_alias)
        if by_team:
            yield from _calls("saas_access_team", "team", by_team)

    def _of_process(self) -> Iterator[_Family]:
        """By process id: whichever worker is asked answers for itself."""
        health = self._service.runtime.engine.health()
        pid = [str(os.getpid())]
        ok = GaugeMetricFamily("saas_access_store_ok", "1 while calls can be decided and paid for.", labels=["pid"])
        ok.add_metric(pid, int(health.ok))
        revision = GaugeMetricFamily(
            "saas_access_snapshot_revision", "Revision of the policy that decisions are made on.", labels=["pid"]
        )
        revision.add_metric(pid, health.snapshot_revision)
        yield from (ok, revision)
        committed = self._service.host.ledger_transactions()
        if committed is not None:
            transactions = CounterMetricFamily(
                "saas_access_ledger_transactions", "Transactions of the ledger that were committed.", labels=["pid"]
            )
            transactions.add_metric(pid, committed)
            yield transactions


def _calls(prefix: str, label: str, totals: dict[str, _Sums]) -> Iterable[_Family]:
    def counter(name: str, about: str, *more: str) -> CounterMetricFamily:
        return CounterMetricFamily(f"{prefix}_{name}", about, labels=[label, *more])

    calls = counter("calls", "Calls that were let through, by what became of them.", "outcome")
    denials = counter("denials", "Calls that were refused, by reason.", "reason")
    tokens = counter("tokens", "Tokens of answered calls.")
    cost = counter("cost_usd", "Cost of answered calls in US dollars, of models with a known price.")
    charged = counter("credits", "Credits charged.")
    for name, sums in totals.items():
        calls.add_metric([name, "answered"], sums.answered)
        calls.add_metric([name, "failed"], sums.failed)
        for reason, count in sums.denials.items():
            denials.add_metric([name, reason], count)
        tokens.add_metric([name], sums.tokens)
        cost.add_metric([name], sums.cost / _PICO)
        charged.add_metric([name], sums.charged / MICRO_PER_CREDIT)
    return calls, denials, tokens, cost, charged


def _latency(totals: dict[str, _Sums]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        "saas_access_call_latency_seconds", "How long answered calls took.", labels=["alias"]
    )
    for name, sums in totals.items():
        family.add_metric([name], sums.histogram(), sum_value=sums.latency_ms / 1000)
    return family
