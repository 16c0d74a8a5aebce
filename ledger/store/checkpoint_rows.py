"""The newest signed checkpoint, in one row that moves forward, and the first one of each tile's width, kept for good.

A signed note takes more room than many an entry and its openings: a row for each commit would be most of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy import Engine, select

from ledger.errors import ConflictError
from ledger.merkle.tiles import TILE_WIDTH
from ledger.store import schema
from ledger.store.engine import database_errors, is_sqlite
from ledger.store.row_insert import run
from ledger.store.short_reads import ShortReads
from ledger.store.unflushed import UnflushedWriter

# The conditions are the promises: never backwards, and never another note than one that stands, whoever else publishes
# at the same time. On PostgreSQL the row stays locked to the end of the transaction, also where it does not move.
_PUBLISH: Final = (
    "INSERT INTO published (id, size, note) SELECT 1, size, note FROM (SELECT ? AS size, ? AS note) new "
    "WHERE NOT EXISTS "
    "(SELECT 1 FROM checkpoints WHERE checkpoints.size = new.size AND checkpoints.note <> new.note) "
    "ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note WHERE published.size < excluded.size"
)
_KEEP: Final = (
    "INSERT INTO checkpoints (size, note) SELECT ?, ? "
    "WHERE NOT EXISTS (SELECT 1 FROM checkpoints WHERE size >= ? AND size < ?)"
)
_PUBLISHED: Final = "SELECT size, note FROM published WHERE id = 1"
_SAVED: Final = (
    "SELECT note, 0 AS place FROM published WHERE size = ? "
    "UNION ALL SELECT note, 1 FROM checkpoints WHERE size = ? ORDER BY place LIMIT 1"
)
_NEWEST: Final = (
    "SELECT size, note, 0 AS place FROM published UNION ALL "
    "SELECT size, note, 1 FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints) "
    "ORDER BY size DESC, place LIMIT 1"
)

Execute: TypeAlias = Callable[[str, tuple[Any, ...]], Any]
"""One statement with `?` for each value; what comes has `fetchone` and `rowcount`."""


class CheckpointRows:
    """The calls of ledger.store.contracts.LogStore that concern checkpoints."""

    _tile_kept = -1  # a tile's width of which a checkpoint is kept for sure: rows of that table stay

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._short_reads = ShortReads(engine)
        self._unflushed = UnflushedWriter(engine) if is_sqlite(engine) else None

    def save_checkpoint(self, size: int, note: bytes) -> bytes:
        with self._writing("keep a checkpoint") as execute:
            saved = note
            if execute(_PUBLISH, (size, note)).rowcount != 1:
                saved = _standing(execute, size, note)
            tile = size // TILE_WIDTH
            if tile != self._tile_kept:
                execute(_KEEP, (size, saved, tile * TILE_WIDTH, (tile + 1) * TILE_WIDTH))
        self._tile_kept = tile  # only now: what was rolled back is not kept
        return saved

    def checkpoint(self, size: int) -> bytes | None:
        row = self._row("read a checkpoint", _SAVED, (size, size))
        return None if row is None else bytes(row[0])

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        row = self._row("read a checkpoint", _NEWEST)
        return None if row is None else (row[0], bytes(row[1]))

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        table = schema.checkpoints
        after = -1
        page = 500
        while True:
            with database_errors("read the checkpoints"), self._engine.connect() as connection:
                rows = connection.execute(
                    select(table).where(table.c.size > after).order_by(table.c.size).limit(page)
                ).all()
            for row in rows:
                yield row.size, bytes(row.note)
            if len(rows) < page:
                return
            after = rows[-1].size

    def published(self) -> tuple[int, bytes] | None:
        row = self._row("read the published checkpoint", _PUBLISHED)
        return None if row is None else (row[0], bytes(row[1]))

    def _row(self, act: str, statement: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        rows = self._short_reads.rows(act, statement, values)
        return rows[0] if rows else None

    @contextmanager
    def _writing(self, act: str) -> Iterator[Execute]:
        with database_errors(act):
            if self._unflushed is None:
                with self._engine.connect() as bare, bare.begin() as transaction:
                    yield partial(run, bare)
                    _commit(transaction)
                return
            # Two facts make a flush of its own needless on SQLite. The note is durable already in the kept file, and
            # what a failing machine takes away here is the end of the log of writes alone: this row's last state, of
            # which the next start finds that the head lacks it, and signs and stores it again before anything is served
            # (recovery, step 6). Others may go on serving while PostgreSQL starts again, and would serve an older
            # checkpoint than before: there it is flushed.
            with self._unflushed.begun() as connection:
                yield connection.execute
                _commit(connection)


class _Transaction(Protocol):
    def commit(self) -> None: ...


def _commit(transaction: _Transaction) -> None:
    transaction.commit()


def _standing(execute: Execute, size: int, note: bytes) -> bytes:
    """What stands for this size where the note could not be published: another was saved before, or a newer one is
    published. Then nobody is shown ours there.
    """
    row = execute(_SAVED, (size, size)).fetchone()
    if row is None:
        return note
    saved = bytes(row[0])
    # ML-DSA signatures differ at each signing; the note's text may not.
    if saved.split(b"\n\n")[0] != note.split(b"\n\n")[0]:
        raise ConflictError(f"keep a checkpoint of size {size}: another root stands there already")
    execute(_PUBLISH, (size, saved))  # as it must be, where what is served was put back by hand
    return saved
