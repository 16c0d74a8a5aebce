"""One submission at a time: what a client that waits for each answer sees, beside the least that could be durable."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.bare_rows import BareDatabase, BareSqlite, Rows
from benchmarks.comparison import Contender, Figures, Outcome, compare, percentile
from benchmarks.logs import ACCOUNT, OpenLog, make_log, open_log, prepare_entries
from benchmarks.scale import Scale
from benchmarks.statements import make_statement
from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.commit.prepared import new_chain
from ledger.keys.key_folder import KeyFolder
from ledger.note.checkpoint import Checkpoint, sign_checkpoint
from ledger.store.sql_store import SqlStore

_ROOT: Final = bytes(32)
_NOTES: Final = (
    "the floor: the rows of one entry in one transaction, both signatures, the note written in place and synced",
    "Ledger.anchor also parses the statement, commits to its fields, proves the entry and writes the receipt",
)


class Appending:
    """One prepared entry at a time through the sequencer."""

    def __init__(self, log: OpenLog, number: int) -> None:
        self._log = log
        self._chain = new_chain()
        self._number = number

    def run(self) -> Figures:
        ready = iter([[each] for each in prepare_entries(self._chain, self._number)])
        return _latency(lambda: self._log.sequencer.append(next(ready)), self._number)


class Anchoring:
    """One hash-only statement at a time through `Ledger.anchor`, to its receipt."""

    def __init__(self, ledger: Ledger, number: int) -> None:
        self._ledger = ledger
        self._actor = Actor(ACCOUNT, "party")
        self._case = ledger.open_case(self._actor, "Latency").case
        self._number = number
        self._serial = count()

    def run(self) -> Figures:
        ready = iter([make_statement(next(self._serial)) for _ in range(self._number)])
        return _latency(
            lambda: self._ledger.anchor(self._actor, self._case, next(ready), None, None, None), self._number
        )


class Floor:
    """One durable transaction of an entry's rows, the log's two signatures, one file written in place and synced."""

    def __init__(self, source: BareDatabase, log: OpenLog, target: BareDatabase, number: int) -> None:
        self._source = source
        self._log = log
        self._target = target
        self._number = number
        self._signers = KeyFolder(log.settings.data / "keys").log_signers(log.settings.origin)
        self._kept = os.open(log.settings.data / "floor", os.O_RDWR | os.O_CREAT, 0o600)

    def run(self) -> Figures:
        end = self._log.store.head().size
        ready = iter([self._source.read(index, index + 1) for index in range(end - self._number, end)])
        sizes = count(end)
        return _latency(lambda: self._commit(next(ready), next(sizes)), self._number)

    def close(self) -> None:
        os.close(self._kept)

    def _commit(self, rows: Rows, size: int) -> None:
        self._target.insert(rows)
        note = sign_checkpoint(Checkpoint(self._log.settings.origin, size, _ROOT), *self._signers, size)
        os.pwrite(self._kept, note, 0)
        os.fdatasync(self._kept)


def measure(scale: Scale, folder: Path) -> Outcome:
    """On SQLite, in-process."""
    number = scale.of(150, 50)
    with ExitStack() as stack:
        log = stack.enter_context(open_log(make_log(folder / "log")))
        ledger = stack.enter_context(closing(Ledger.open(make_log(folder / "ledger"))))
        source = stack.enter_context(closing(BareSqlite(folder / "log" / "ledger.db")))
        SqlStore.create(f"sqlite:///{folder / 'bare.db'}").close()
        bare = stack.enter_context(closing(BareSqlite(folder / "bare.db")))
        floor = stack.enter_context(closing(Floor(source, log, bare, number)))
        contenders = [
            Contender("Sequencer.append, one entry", Appending(log, number).run),
            Contender("Ledger.anchor, hash-only", Anchoring(ledger, number).run),
            Contender("one-row commit, both signatures, fdatasync", floor.run, peer=True),
        ]
        return compare("single", "one submission at a time, on SQLite", contenders, scale.of(5, 2), _NOTES)


def _latency(act: Callable[[], object], number: int) -> Figures:
    taken = []
    for _ in range(number):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1000)
    return {"p50 ms": percentile(taken, 0.5), "p99 ms": percentile(taken, 0.99)}
