"""One process that opens a log, asks it for everything that may grow with it, and says how long each took.

`python -m benchmarks.growth.probe`: a `Job` as JSON on stdin, `Figures` as JSON on stdout.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.comparison import Figures, percentile
from benchmarks.growth.growing_log import CASE_ENTRIES, FilledCase, GrowingLog
from benchmarks.logs import ACCOUNT
from benchmarks.statements import make_statement
from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.config import Settings
from ledger.entry.receipt_number import format_number
from ledger.merkle.tiles import TILE_WIDTH
from ledger.prove.proof_builder import ProofBuilder
from ledger.store.sql_store import SqlStore
from ledger.store.stored_tiles import StoredTiles

PAGE: Final = 50
WARM_UP: Final = 10
TIMEOUT_SECONDS: Final = 600
_KIB: Final = 1024  # Linux tells the largest resident set in KiB


@dataclass(frozen=True, slots=True)
class Job:
    """Which log, and how many of each request."""

    data: str
    requests: int


def run_probe(job: Job) -> Figures:
    """Run it in a process of its own. Raises RuntimeError with its last words where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth.probe"],
        input=json.dumps(asdict(job)), capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"probe {job.data}: {done.stderr.strip()[-500:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def probe(job: Job) -> Figures:
    """Every request on entries and cases drawn by chance."""
    log = GrowingLog(Path(job.data), None)
    cases, draw = log.cases(), random.Random(time.time_ns())
    begun = time.perf_counter()
    with closing(Ledger.open(log.settings)) as ledger:
        start = (time.perf_counter() - begun) * 1000
        figures = _ask(ledger, log.settings, cases, job.requests, draw)
        figures["start ms"] = start
    figures["memory MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB
    return figures


def _ask(
    ledger: Ledger, settings: Settings, cases: Sequence[FilledCase], requests: int, draw: random.Random
) -> dict[str, float]:
    actor = Actor(ACCOUNT, "party")
    case = ledger.open_case(actor, "Probe").case
    serial = time.time_ns()
    full_tiles = cases[-1].first // TILE_WIDTH

    def entry() -> int:
        return draw.choice(cases).first + draw.randrange(1, CASE_ENTRIES)

    def anchor() -> None:
        nonlocal serial
        serial += 1
        ledger.anchor(actor, case, make_statement(serial), None, None, None)

    def bundle() -> None:
        for _ in ledger.bundle(actor, format_number(entry()), False).chunks:
            pass

    with closing(SqlStore.open(settings.database)) as store:
        builder = ProofBuilder(store, StoredTiles(store))

        def prove() -> None:
            index = entry()
            builder.proof_file(index, store.leaves(index, index + 1)[0], builder.head_covering(index))

        acts: dict[str, Callable[[], object]] = {
            "anchor p50 ms": anchor,
            "proof p50 ms": prove,
            "receipt p50 ms": lambda: ledger.receipt(actor, format_number(entry())),
            "tile p50 ms": lambda: ledger.tile(0, draw.randrange(full_tiles)),
            "entries tile p50 ms": lambda: ledger.entry_tile(draw.randrange(full_tiles)),
            "timeline page p50 ms": lambda: ledger.timeline(actor, draw.choice(cases).chain, draw.randrange(900), PAGE),
            "bundle p50 ms": bundle,
        }
        return {metric: _median_ms(act, requests) for metric, act in acts.items()}


def _median_ms(act: Callable[[], object], requests: int) -> float:
    for _ in range(WARM_UP):
        act()
    taken = []
    for _ in range(requests):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1000)
    return percentile(taken, 0.5)


if __name__ == "__main__":
    print(json.dumps(probe(Job(**json.load(sys.stdin)))))
