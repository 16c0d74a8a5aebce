"""Counters of requests, beside the ledger's own figures, for Prometheus (docs/metrics.md). No label holds a name, a
case or a number.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ledger.metrics import Figures

# From a cached tile to an upload of gigabytes, in seconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Metrics:
    """The counters of one application, shown behind the figures of its ledger."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, figures: Figures) -> None:
        self._figures = figures.registry
        self._registry = CollectorRegistry()  # a second application on one ledger counts for itself
        self._requests = Counter(
            "evidence_http_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._refused = Counter(
            "evidence_http_refused",
            "Requests refused, by the kind of problem (/docs lists them).",
            ("reason",),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "evidence_http_request_seconds",
            "Time until an answer's head, body of the request included.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._of = cache(self._find)  # as many as there are routes and statuses
        build = Gauge("evidence_ledger_build_info", "1; the release.", ("version",), registry=self._registry)
        build.labels(metadata.version("evidence-ledger")).set(1)
        ProcessCollector(registry=self._registry)

    def count(self, method: str, route: str, status: int, seconds: float, reason: str | None) -> None:
        """One request answered. `reason`: the kind of problem, where it was refused."""
        requests, taken = self._of(method, route, status)
        requests.inc()
        taken.observe(seconds)
        if reason is not None:
            self._refused.labels(reason).inc()

    def _find(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(route)

    def text(self) -> bytes:
        """The exposition that Prometheus reads."""
        return generate_latest(self._figures) + generate_latest(self._registry)
