"""Counters of requests, and the ledger's own state, for Prometheus. No label holds a name, a case or a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

# From a cached tile to an upload of gigabytes, in seconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Metrics:
    """The counters of one application. A registry of its own: two applications in one process do not mix."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, status: Callable[[], Mapping[str, object]]) -> None:
        """`status` gives the ledger's state when the counters are asked for."""
        self._registry = CollectorRegistry()
        self._registry.register(_Status(status))
        self._requests = Counter(
            "evidence_http_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "evidence_http_request_seconds",
            "Time until an answer's head, body of the request included.",
            ("route",),
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """The exposition that Prometheus reads."""
        return generate_latest(self._registry)


class _Status(Collector):
    """The numbers in the ledger's status, those of nested objects too: evidence_ledger_pool_waiting …"""

    def __init__(self, status: Callable[[], Mapping[str, object]]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        for name, value in _numbers("evidence_ledger", self._status()):
            yield GaugeMetricFamily(name, "Of the ledger's status.", value)

    def describe(self) -> Iterator[Metric]:
        yield from ()


def _numbers(prefix: str, values: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        full = f"{prefix}_{''.join(c if c.isascii() and c.isalnum() else '_' for c in str(name))}"
        if isinstance(value, Mapping):
            yield from _numbers(full, value)
        elif isinstance(value, int | float):
            yield full, float(value)
