"""What the ledger counts of itself, for Prometheus (docs/metrics.md). No label holds a name, a case or a number.

Histograms and counters are this process's own, from its start. Gauges are read when somebody asks, and say what all
processes on the same database would say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX: Final = "evidence_ledger"

# In seconds: a commit takes a third of a millisecond on a good disk, one that waits for a standby far away a hundred.
_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ENTRIES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 10_000)


@dataclass(frozen=True, slots=True)
class State:
    """How the ledger stands at the moment; None: not known, because the database does not answer.

    size, published_size -- entries committed, and entries of the checkpoint that is served
    waiting              -- entries in this process's pool
    is_ready             -- whether submissions are taken
    backup_age           -- seconds since the last backup; None where none is known
    token_age, failures  -- by authority: seconds since its last recorded token, failed attempts since
    free                 -- by place (`data`, `blobs`, `kept`): bytes free on its disk
    """

    size: int | None
    published_size: int | None
    waiting: int
    is_ready: bool
    backup_age: float | None = None
    token_age: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=dict)


class Figures:
    """One process's figures. A registry of its own: two ledgers in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.batch_entries = Histogram(
            f"{PREFIX}_batch_entries", "Entries taken by the writer at once.", buckets=_ENTRIES, registry=self.registry
        )
        self.commit_seconds = self._seconds("commit", "A transaction that holds the head, from its beginning to disk.")
        self.sign_seconds = self._seconds("sign", "Both signatures over a head, and their check.")
        self.seal_seconds = self._seconds("seal", "A head signed, kept outside the database, and published.")
        self.stored_bytes = Counter(
            f"{PREFIX}_stored_bytes", "Bytes of the evidence files that were anchored.", registry=self.registry
        )

    def watch(self, state: Callable[[], State]) -> None:
        """Let the gauges be read from `state`, which raises nothing."""
        self.registry.register(_Gauges(state))

    def _seconds(self, name: str, text: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}_seconds", text, buckets=_SECONDS, registry=self.registry)


class _Gauges(Collector):
    def __init__(self, state: Callable[[], State]) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        state = self._state()
        yield _one("size", "Entries committed.", state.size)
        yield _one("published_size", "Entries of the checkpoint that is served.", state.published_size)
        yield _one("waiting", "Entries that wait for the writer of this process.", state.waiting)
        yield _one("ready", "1 where this process takes submissions, else 0.", int(state.is_ready))
        yield _one("backup_age_seconds", "Seconds since the last backup.", state.backup_age)
        yield _each("timestamp_age_seconds", "Seconds since the last recorded token.", "authority", state.token_age)
        yield _each("timestamp_failures", "Failed attempts since that token.", "authority", state.failures)
        yield _each("free_bytes", "Bytes free on the disk of this place.", "place", state.free)

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not ask the database."""
        yield from ()


def _one(name: str, text: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text)
    if value is not None:
        family.add_metric([], value)
    return family


def _each(name: str, text: str, label: str, values: dict[str, float] | dict[str, int]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=[label])
    for each, value in sorted(values.items()):
        family.add_metric([each], value)
    return family
