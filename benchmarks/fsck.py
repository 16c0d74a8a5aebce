"""A whole log derived again by `fsck`, beside reading the same rows and doing nothing with them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.logs import make_log, open_log, prepare_entries
from benchmarks.scale import Scale
from ledger.commit.prepared import new_chain
from ledger.config import Settings
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import hash_leaves
from ledger.upkeep.forks import Forks, can_fork
from ledger.upkeep.fsck import PHASES, fsck
from ledger.upkeep.processes import cores

LOG: Final = "fsck of the log"
SCAN_LOG: Final = "scan of the log's rows"
SCAN_LOG_CORES: Final = "scan of the log's rows on all cores"
ALL: Final = "fsck of everything"
SCAN_ALL: Final = "scan of all rows"
HASH: Final = "scan and hashing of the leaves alone"

_BATCH: Final = 1_000
_CHAINS: Final = 50
_QUICK_BATCHES: Final = 40  # with fewer it is the opening of the ledger that is measured, some 25 ms
_OF_LOG: Final = ("tiles", "chains", "checkpoints")
_ROWS: Final = (
    "SELECT e.*, o.secret, o.fields, v.* FROM entries e "
    "LEFT JOIN openings o ON o.idx = e.idx LEFT JOIN evidence v ON v.idx = e.idx ORDER BY e.idx"
)
_ENTRIES: Final = "SELECT * FROM entries WHERE idx >= {} AND idx < {} ORDER BY idx"
_LEAVES: Final = "SELECT leaf FROM entries ORDER BY idx"
_NOTES: Final = (
    "the log: leaves, tree, tiles, chains, checkpoints; everything: also commitments, tables, SQLite's own check",
    f"{_CHAINS} chains in turns, 6 fields an entry, batches of {_BATCH:,}; processes copied anew for each check",
    "a bare scan is one process reading; on all cores each reads its part, its processes up before",
)


def measure(scale: Scale, folder: Path) -> Outcome:
    """On SQLite, in a process of its own: beside the threads of a writer that another benchmark has open, `fsck` would
    start its processes anew, which the command never does and which takes each half a second.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as alone:
        return alone.submit(_measure, scale, folder).result()


def _measure(scale: Scale, folder: Path) -> Outcome:
    settings = make_log(folder)
    with open_log(settings) as log:
        chains = [new_chain() for _ in range(_CHAINS)]
        for batch in range(scale.of(300, _QUICK_BATCHES)):
            log.sequencer.append(prepare_entries(chains[batch % _CHAINS], _BATCH))
        size = log.store.head().size
    database = folder / "ledger.db"
    with closing(Forks(lambda: database, cores())) as copies:
        contenders = [
            Contender(LOG, lambda: _rate(lambda: _check(settings, ["log"]), size)),
            Contender(ALL, lambda: _rate(lambda: _check(settings, PHASES), size)),
            Contender(SCAN_LOG, lambda: _rate(lambda: scan_log(database, 0, size), size), peer=True),
            Contender(SCAN_LOG_CORES, lambda: _rate(lambda: _scan_on_cores(copies, size), size), peer=True),
            Contender(SCAN_ALL, lambda: _rate(lambda: _scan(database, _ROWS), size), peer=True),
            Contender(HASH, lambda: _rate(lambda: _hash(database), size), peer=True),
        ]
        return compare("fsck", f"a log of {size:,} entries checked", contenders, scale.of(3, 2), _NOTES)


def _rate(act: Callable[[], object], size: int) -> Figures:
    begun = time.perf_counter()
    act()
    return {"entries/s": size / (time.perf_counter() - begun)}


def _check(settings: Settings, only: Collection[str]) -> None:
    if not can_fork():
        raise RuntimeError(f"fsck: expected no other thread here, got {threading.enumerate()}")
    findings = list(fsck(settings, only, may_fork=True))  # as the command does it
    assert not findings, findings


def scan_log(database: Path, start: int, end: int) -> None:
    """Read the entries of [start, end); who reads the first of them reads the log's other tables too."""
    _scan(database, _ENTRIES.format(start, end))
    for table in _OF_LOG if start == 0 else ():
        _scan(database, f"SELECT * FROM {table}")  # noqa: S608 (our names)


def _scan_part(database: Path, part: range) -> None:
    scan_log(database, part.start, part.stop)


def _scan_on_cores(copies: Forks, size: int) -> None:
    step = -(-size // cores())
    list(copies.map(_scan_part, [range(start, start + step) for start in range(0, size, step)]))


def _scan(database: Path, rows: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for _ in connection.execute(rows):
            pass


def _hash(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        Frontier().append_all(hash_leaves(leaf for (leaf,) in connection.execute(_LEAVES))).root()
