"""Bulk append in batches of 1,000, beside bare inserts of the rows that it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, TypeVar

from benchmarks.bare_rows import BareDatabase, BarePostgres, BareSqlite, Row, Rows, join_bytes
from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.logs import OpenLog, make_log, open_log, prepare_entries
from benchmarks.postgres import name_of, start_postgres
from benchmarks.scale import Scale
from ledger.commit.prepared import new_chain
from ledger.store.sql_store import SqlStore
from tests.postgres import PostgresServer

T = TypeVar("T")

BATCH: Final = 1_000
METRIC: Final = "entries/s"

_NOTES: Final = (
    "an entry: 6 fields, one row each in entries, openings and evidence; a batch: one transaction",
    "the ledger also hashes, links and signs, and writes head, chain, tiles, checkpoint and the kept file",
)


class Appending:
    """The ledger's side. Remembers the last batch's place, so that its rows can be read back."""

    def __init__(self, log: OpenLog, batches: int, *, prepared_before: bool) -> None:
        self._log = log
        self._chain = new_chain()
        self._batches = batches
        self._prepared_before = prepared_before

    def run(self) -> Figures:
        """Append all batches one after another, each answered from a signed and kept checkpoint."""
        ready = [prepare_entries(self._chain, BATCH) for _ in range(self._batches)] if self._prepared_before else []
        begun = time.perf_counter()
        for number in range(self._batches):
            entries = ready[number] if ready else prepare_entries(self._chain, BATCH)
            self._log.sequencer.append(entries)
        return {METRIC: self._batches * BATCH / (time.perf_counter() - begun)}


class Inserting:
    """A bare database's side: inserts rows such as the ledger's last round left."""

    def __init__(self, source: BareDatabase, log: OpenLog, batches: int, insert: Callable[[Rows], None]) -> None:
        self._source = source
        self._log = log
        self._batches = batches
        self._insert = insert

    def run(self) -> Figures:
        """Insert as many batches, a transaction each. Reading the rows back is not timed."""
        end = self._log.store.head().size
        starts = range(end - self._batches * BATCH, end, BATCH)
        ready = [self._source.read(start, start + BATCH) for start in starts]
        return {METRIC: self._batches * BATCH / _seconds(self._insert, ready)}


class InsertingOneTable:
    """The barest: the same bytes as rows of two columns, into a table without an index."""

    def __init__(self, source: BareDatabase, log: OpenLog, batches: int, target: BareSqlite) -> None:
        self._source = source
        self._log = log
        self._batches = batches
        self._target = target
        target.make_one_table()

    def run(self) -> Figures:
        end = self._log.store.head().size
        starts = range(end - self._batches * BATCH, end, BATCH)
        ready: list[list[Row]] = [join_bytes(self._source.read(start, start + BATCH)) for start in starts]
        return {METRIC: self._batches * BATCH / _seconds(self._target.insert_into_one, ready)}


def measure_sqlite(scale: Scale, folder: Path) -> Outcome:
    """On SQLite: WAL, synchronous=FULL, all files side by side."""
    batches = scale.of(10, 2)
    with ExitStack() as stack:
        together, before = (stack.enter_context(open_log(make_log(folder / name))) for name in ("together", "before"))
        source = stack.enter_context(closing(BareSqlite(folder / "before" / "ledger.db")))
        SqlStore.create(f"sqlite:///{folder / 'same.db'}").close()
        same, one = (stack.enter_context(closing(BareSqlite(folder / name))) for name in ("same.db", "one.db"))
        contenders = [
            Contender("ledger, commitments made on the way", Appending(together, batches, prepared_before=False).run),
            Contender("ledger, commitments made before", Appending(before, batches, prepared_before=True).run),
            Contender("executemany, same tables", Inserting(source, before, batches, same.insert).run, peer=True),
            Contender(
                "executemany, one table of the same bytes",
                InsertingOneTable(source, before, batches, one).run,
                peer=True,
            ),
        ]
        return compare("bulk-sqlite", "bulk append on SQLite, in batches of 1,000", contenders, scale.of(5, 2), _NOTES)


def measure_postgres(scale: Scale, folder: Path) -> Outcome:
    """On a PostgreSQL of its own, with PostgreSQL's durable settings. Raises SkippedError where it cannot start."""
    with ExitStack() as stack:
        server = start_postgres(stack)
        contenders = _postgres_contenders(server, folder, scale.of(5, 2), stack)
        title = f"bulk append on {name_of(server)}, in batches of 1,000"
        return compare("bulk-postgres", title, contenders, scale.of(5, 2), _NOTES)


def _postgres_contenders(server: PostgresServer, folder: Path, batches: int, stack: ExitStack) -> list[Contender]:
    names = [server.create_database() for _ in range(4)]
    together, before = (stack.enter_context(open_log(make_log(folder / name, server.url(name)))) for name in names[:2])
    for name in names[2:]:
        SqlStore.create(server.url(name)).close()
    source, rows, copied = (
        stack.enter_context(closing(BarePostgres(server.dsn(name), copies=name == names[3]))) for name in names[1:]
    )
    return [
        Contender("ledger, commitments made on the way", Appending(together, batches, prepared_before=False).run),
        Contender("ledger, commitments made before", Appending(before, batches, prepared_before=True).run),
        Contender("executemany, same tables", Inserting(source, before, batches, rows.insert).run, peer=True),
        Contender("binary COPY, same tables", Inserting(source, before, batches, copied.insert).run, peer=True),
    ]


def _seconds(act: Callable[[T], None], ready: Iterable[T]) -> float:
    begun = time.perf_counter()
    for each in ready:
        act(each)
    return time.perf_counter() - begun
