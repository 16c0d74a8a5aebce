"""Make the derived tables again, from the entries and their openings alone: what people see is what the log says.

In one transaction, which holds the head: readers see the old tables until the new ones stand. The tables of timestamps
(their authorities' names are not in the log), of answered keys and of access codes are not derived, and stay.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.casework.projection import project
from ledger.commit.writer_lock import WriterLock
from ledger.config import Settings
from ledger.entry.held import read_held
from ledger.entry.kinds import PASSIVE_KINDS
from ledger.errors import CorruptError, LedgerError
from ledger.merkle.hashing import hash_leaf
from ledger.store.contracts import LogStore, LogWriter
from ledger.store.log_rows import ChainHead, EntryRow, OpeningRow, Projection
from ledger.store.sql_store import SqlStore

ENTRIES_AT_ONCE = 1_000
"""Entries whose rows go in together."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many entries were read, and how many of them were erased in part or whole."""

    entries: int
    erased: int


def rebuild(settings: Settings) -> Rebuilt:
    """Make the derived tables again. Raises CorruptError where an entry's openings are not what its kind commits.

    On SQLite no other process may write meanwhile (ConfigError); on PostgreSQL they wait.
    """
    store = SqlStore.open(settings.database)
    lock = None
    try:
        lock = WriterLock(store.sqlite_file) if store.sqlite_file is not None else None
        with store.writing() as writer:
            size = writer.lock_head().size
            writer.clear_projections()
            return _Rebuild(store, writer).run(size)
    finally:
        store.close()
        if lock is not None:
            lock.release()


class _Rebuild:
    def __init__(self, store: LogStore, writer: LogWriter) -> None:
        self._store = store
        self._writer = writer
        self._heads: dict[str, ChainHead] = {}
        self._erased = 0

    def run(self, size: int) -> Rebuilt:
        rows: list[Projection] = []
        for entry, opening in self._store.scan():
            if entry.index >= size:
                break
            self._chain(entry)
            rows += self._rows(entry, opening)
            if (entry.index + 1) % ENTRIES_AT_ONCE == 0:
                self._writer.project(rows, [])
                rows = []
        self._writer.project(rows, [])
        self._writer.append([], [], list(self._heads.values()), [])
        return Rebuilt(size, self._erased)

    def _rows(self, entry: EntryRow, opening: OpeningRow | None) -> tuple[Projection, ...]:
        if opening is None:
            return ()  # a public entry; where one with fields has none, fsck says so
        self._erased += opening.secret is None
        try:
            fields = read_held(opening.secret, opening.fields, opening.kept).fields
            return project(entry.index, entry.chain, entry.kind, fields)
        except LedgerError as error:
            raise CorruptError(f"rebuild the tables: entry {entry.index}: {error.what}") from error

    def _chain(self, entry: EntryRow) -> None:
        head = self._heads.get(entry.chain)
        length, acts = (0, 0) if head is None else (head.length, head.acts)
        acts += entry.kind not in PASSIVE_KINDS
        self._heads[entry.chain] = ChainHead(entry.chain, length + 1, acts, entry.index, hash_leaf(entry.leaf))
