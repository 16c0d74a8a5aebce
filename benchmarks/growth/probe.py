"""One process that opens logs, asks them by turns for everything that may grow, and says how long each took.

`python -m benchmarks.growth.probe`: a `Job` as JSON on stdin, a list of `Figures` as JSON on stdout, one for each log.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.comparison import Figures, percentile
from benchmarks.growth.growing_log import CASE_ENTRIES, GrowingLog
from benchmarks.logs import ACCOUNT
from benchmarks.statements import make_statement
from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.entry.receipt_number import format_number
from ledger.merkle.tiles import TILE_WIDTH
from ledger.prove.proof_builder import ProofBuilder
from ledger.store.sql_store import SqlStore
from ledger.store.stored_tiles import StoredTiles

PAGE: Final = 50
WARM_UP: Final = 10
TIMEOUT_SECONDS: Final = 900
REQUESTS: Final = ("anchor", "proof", "early_proof", "receipt", "tile", "entry_tile", "timeline_page", "bundle")
START: Final = "start ms"
MEMORY: Final = "memory MiB"
_KIB: Final = 1024  # Linux tells the largest resident set in KiB


@dataclass(frozen=True, slots=True)
class Job:
    """Which logs (their data folders), and how many of each request."""

    logs: Sequence[str]
    requests: int


def run_probe(job: Job) -> list[Figures]:
    """Run it in a process of its own. Raises RuntimeError with its last words where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth.probe"],
        input=json.dumps(asdict(job)), capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"probe {', '.join(job.logs)}: {done.stderr.strip()[-500:]}")
    figures: list[Figures] = json.loads(done.stdout)
    return figures


class Asked:
    """An open log, and the requests to it, on entries and cases drawn by chance."""

    def __init__(self, data: Path, stack: ExitStack) -> None:
        log = GrowingLog(data, None)
        begun = time.perf_counter()
        self._ledger = stack.enter_context(closing(Ledger.open(log.settings)))
        self.start_ms = (time.perf_counter() - begun) * 1000
        # Proofs as a process makes them that does not write: from the database alone.
        self._store = stack.enter_context(closing(SqlStore.open(log.settings.database)))
        self._builder, self._early = (ProofBuilder(self._store, StoredTiles(self._store)) for _ in range(2))
        while self._builder.remember(1_000):  # what a server does in its first minutes
            pass
        self._actor = Actor(ACCOUNT, "party")
        self._case = self._ledger.open_case(self._actor, "Probe").case
        self._cases = log.cases()
        self._draw = random.Random(time.time_ns())
        self._serial = time.time_ns()

    def anchor(self) -> None:
        self._serial += 1
        self._ledger.anchor(self._actor, self._case, make_statement(self._serial), None, None, None)

    def proof(self) -> None:
        self._prove(self._builder)

    def early_proof(self) -> None:
        """As right after the start: nothing is remembered but what the earlier of these read."""
        self._prove(self._early)

    def receipt(self) -> None:
        self._ledger.receipt(self._actor, format_number(self._entry()))

    def tile(self) -> None:
        self._ledger.tile(0, self._full_tile())

    def entry_tile(self) -> None:
        self._ledger.entry_tile(self._full_tile())

    def timeline_page(self) -> None:
        chain = self._draw.choice(self._cases).chain
        self._ledger.timeline(self._actor, chain, self._draw.randrange(CASE_ENTRIES - PAGE), PAGE)

    def bundle(self) -> None:
        for _ in self._ledger.bundle(self._actor, format_number(self._entry()), False).chunks:
            pass

    def _prove(self, builder: ProofBuilder) -> None:
        index = self._entry()
        builder.proof_file(index, self._store.leaves(index, index + 1)[0], builder.head_covering(index))

    def _entry(self) -> int:
        return self._draw.choice(self._cases).first + self._draw.randrange(1, CASE_ENTRIES)

    def _full_tile(self) -> int:
        return self._draw.randrange((self._cases[-1].first + CASE_ENTRIES) // TILE_WIDTH)


def probe(job: Job) -> Sequence[Figures]:
    """Each request to one log after the other, so that what slows one slows the other. Medians."""
    with ExitStack() as stack:
        logs = [Asked(Path(data), stack) for data in job.logs]
        figures: list[dict[str, float]] = [{START: log.start_ms} for log in logs]
        for name in REQUESTS:
            taken: list[list[float]] = [[] for _ in logs]
            for _ in range(WARM_UP + job.requests):
                for log, times in zip(logs, taken, strict=True):
                    act = getattr(log, name)
                    begun = time.perf_counter()
                    act()
                    times.append((time.perf_counter() - begun) * 1000)
            for each, times in zip(figures, taken, strict=True):
                each[metric_of(name)] = percentile(times[WARM_UP:], 0.5)
    for each in figures:  # of the whole process: it means something where the job has one log
        each[MEMORY] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    return figures


def metric_of(request: str) -> str:
    """`timeline page p50 ms`."""
    return f"{request.replace('_', ' ')} p50 ms"


if __name__ == "__main__":
    print(json.dumps(probe(Job(**json.load(sys.stdin)))))
