"""Durable appending in-process: the sequencer, Tessera's appender, bare inserts of the rows that we leave behind."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from benchmarks import bulk
from benchmarks.bare_rows import BareDatabase, BarePostgres, BareSqlite
from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.logs import OpenLog, make_log, open_log
from benchmarks.peers.aims import Aim
from benchmarks.peers.pipeline import BATCH, PIPELINED, RATE, Appending, prepare_fields, prepare_leaves, prepare_on
from benchmarks.peers.site import Site
from benchmarks.peers.tessera_program import TesseraProgram, write_leaves
from benchmarks.postgres import name_of, start_postgres
from ledger.store.sql_store import SqlStore
from ledger.submit.cores import Cores

TESSERA_BATCHES: Final = (256, 1_024, 4_096)
"""Its default, about ours, and the largest that our pool takes at once."""

AGE_MS: Final = 250  # Tessera's default. All entries are there before it waits.
_UP_SECONDS: Final = 20.0  # for our processes to start: a server has had its own for long
_READY = "ledger, ready leaves"
_FIELDS = "ledger, 6 fields committed on the way, all cores"
_ONE_CORE = "ledger, 6 fields committed on the way, one core"
_ROWS = "executemany, same tables"
_COPY = "binary COPY, same tables"
_TESSERA = "Tessera, batches of {:,}"
_NOTES: Final = (
    f"ours: {PIPELINED} submissions of {BATCH:,} entries under way, each answered from a signed and kept checkpoint",
    "ready leaves: nothing is kept but the leaf; Tessera is given the same bytes, all at once, and is done when every "
    "entry has its durable index, before a checkpoint is published",
    "6 fields: salts, commitments, openings and the row for look-ups are made and written on the way",
)

AIMS_SQLITE: Final = (
    *(Aim(f"ready leaves, durable ÷ Tessera POSIX pipelined, batches of {n:,}", RATE, _READY, _TESSERA.format(n),
          at_least=1) for n in TESSERA_BATCHES),
    *(Aim(f"6 committed fields each ÷ Tessera POSIX pipelined, batches of {n:,}", RATE, _FIELDS, _TESSERA.format(n),
          at_least=0.4) for n in TESSERA_BATCHES),
    Aim("6 committed fields each ÷ bare executemany (SQLite)", RATE, _FIELDS, _ROWS, at_least=0.3),
)  # fmt: skip
AIMS_POSTGRES: Final = (
    Aim("6 committed fields each ÷ binary COPY (PostgreSQL)", RATE, _FIELDS, _COPY, at_least=0.15),
    Aim("6 committed fields each ÷ bare executemany (PostgreSQL)", RATE, _FIELDS, _ROWS),
)


class TesseraAppending:
    """Tessera's side: the leaves that our last round wrote, byte for byte, into a log of its own."""

    def __init__(self, program: TesseraProgram, source: OpenLog, entries: int, batch: int, folder: Path) -> None:
        self._program = program
        self._source = source
        self._entries = entries
        self._batch = batch
        self._folder = folder
        folder.mkdir()

    def run(self) -> Figures:
        end = self._source.store.head().size
        leaves = write_leaves(self._folder / "leaves", self._source.store.leaves(end - self._entries, end))
        names = {"log": str(self._folder / "log"), "keys": str(self._folder / "keys"), "leaves": str(leaves)}
        return self._program.run("append", **names, batch=self._batch, age_ms=AGE_MS)


def measure_sqlite(site: Site, folder: Path) -> Outcome:
    """On SQLite: WAL, synchronous=FULL. Tessera syncs every file and folder that it writes."""
    batches = site.scale.of(20, 5)
    with ExitStack() as stack:
        names = ("ready", "fields", "one-core")
        ready, fields, one_core = (stack.enter_context(open_log(make_log(folder / name))) for name in names)
        cores = stack.enter_context(closing(Cores()))
        threads = max(1, cores.count)
        cores.wait_up(_UP_SECONDS)
        source = stack.enter_context(closing(BareSqlite(folder / "fields" / "ledger.db")))
        SqlStore.create(f"sqlite:///{folder / 'same.db'}").close()
        same = stack.enter_context(closing(BareSqlite(folder / "same.db")))
        contenders = [
            Contender(_READY, Appending(ready, batches, prepare_leaves, before=True).run),
            Contender(_FIELDS, Appending(fields, batches, prepare_on(cores), before=False, preparing=threads).run),
            Contender(_ONE_CORE, Appending(one_core, batches, prepare_fields, before=False).run),
            Contender(_ROWS, bulk.Inserting(source, fields, batches, same.insert).run, peer=True),
        ]
        if site.program is not None:
            for size in TESSERA_BATCHES:
                theirs = TesseraAppending(site.program, ready, batches * BATCH, size, folder / f"tessera-{size}")
                contenders.append(Contender(_TESSERA.format(size), theirs.run, peer=True))
        return compare("append-sqlite", "durable appending on SQLite", contenders, site.scale.of(5, 2), _NOTES)


def measure_postgres(site: Site, folder: Path) -> Outcome:
    """On a PostgreSQL of its own. Raises SkippedError where none can start."""
    batches = site.scale.of(10, 3)
    with ExitStack() as stack:
        server = start_postgres(stack)
        names = [server.create_database() for _ in range(3)]
        fields = stack.enter_context(open_log(make_log(folder / "fields", server.url(names[0]))))
        for name in names[1:]:
            SqlStore.create(server.url(name)).close()
        source, rows, copied = (
            stack.enter_context(closing(BarePostgres(server.dsn(name), copies=name == names[2]))) for name in names
        )
        cores = stack.enter_context(closing(Cores()))
        threads = max(1, cores.count)
        cores.wait_up(_UP_SECONDS)
        contenders = [
            Contender(_FIELDS, Appending(fields, batches, prepare_on(cores), before=False, preparing=threads).run),
            Contender(_ROWS, _inserting(source, fields, batches, rows).run, peer=True),
            Contender(_COPY, _inserting(source, fields, batches, copied).run, peer=True),
        ]
        title = f"durable appending on {name_of(server)}"
        return compare("append-postgres", title, contenders, site.scale.of(5, 2), _NOTES)


def _inserting(source: BareDatabase, log: OpenLog, batches: int, target: BareDatabase) -> bulk.Inserting:
    return bulk.Inserting(source, log, batches, target.insert)
