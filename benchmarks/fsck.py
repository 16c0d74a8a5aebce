"""A whole log derived again by `fsck`, beside reading the same rows and doing nothing with them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.logs import make_log, open_log, prepare_entries
from benchmarks.scale import Scale
from ledger.commit.prepared import new_chain
from ledger.config import Settings
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import hash_leaf
from ledger.upkeep.fsck import fsck

_BATCH: Final = 1_000
_ROWS: Final = (
    "SELECT e.*, o.secret, o.fields, v.* FROM entries e "
    "LEFT JOIN openings o ON o.idx = e.idx LEFT JOIN evidence v ON v.idx = e.idx ORDER BY e.idx"
)
_LEAVES: Final = "SELECT leaf FROM entries ORDER BY idx"


def measure(scale: Scale, folder: Path) -> Outcome:
    """On SQLite, of entries with 6 fields each."""
    settings = make_log(folder)
    with open_log(settings) as log:
        chain = new_chain()
        for _ in range(scale.of(8, 1)):
            log.sequencer.append(prepare_entries(chain, _BATCH))
        size = log.store.head().size
    database = folder / "ledger.db"
    contenders = [
        Contender("fsck", lambda: _rate(lambda: _check(settings), size)),
        Contender("scan of the same rows", lambda: _rate(lambda: _scan(database), size), peer=True),
        Contender("scan and hashing of the leaves alone", lambda: _rate(lambda: _hash(database), size), peer=True),
    ]
    notes = ["fsck makes every commitment, leaf, link, tile and checkpoint again, and compares"]
    return compare("fsck", f"a log of {size:,} entries checked", contenders, scale.of(3, 2), notes)


def _rate(act: Callable[[], object], size: int) -> Figures:
    begun = time.perf_counter()
    act()
    return {"entries/s": size / (time.perf_counter() - begun)}


def _check(settings: Settings) -> None:
    findings = list(fsck(settings))
    assert not findings, findings


def _scan(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for _ in connection.execute(_ROWS):
            pass


def _hash(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        Frontier().append_all([hash_leaf(leaf) for (leaf,) in connection.execute(_LEAVES)]).root()
