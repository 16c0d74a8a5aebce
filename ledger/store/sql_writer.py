"""The writing transaction: lock the head, append, move the head. Executed by one process at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.exc import DBAPIError

from ledger.errors import CorruptError
from ledger.store import schema
from ledger.store.case_rows import LinkRow
from ledger.store.contracts import AmbiguousCommitError
from ledger.store.engine import WRITER, database_errors, first_line
from ledger.store.log_rows import (
    ChainHead,
    EntryRow,
    EvidenceRow,
    Head,
    IdempotencyRow,
    OpeningRow,
    Projection,
    TileRow,
)
from ledger.store.row_insert import insert_rows, is_sqlite, run, run_for_each
from ledger.store.sql_projection import evidence_values, project

# Chains, or keys, looked up in one statement: PostgreSQL takes 65,535 values in one, SQLite half of that.
_LOOKED_UP: Final = 1_000

_HEAD: Final = "SELECT size, root, frontier FROM log_head WHERE id = 1"
_MOVE_HEAD: Final = "UPDATE log_head SET size = ?, root = ?, frontier = ? WHERE id = 1 AND size = ? AND root = ?"
_CHAINS: Final = "SELECT chain, length, acts, idx, leaf_hash FROM chains WHERE chain IN"
_KEYS: Final = "SELECT key, idx, mac, at FROM idempotency WHERE account = ? AND key IN"
_PUT_CHAIN: Final = (
    "INSERT INTO chains (chain, length, acts, idx, leaf_hash) VALUES (?, ?, ?, ?, ?) ON CONFLICT (chain) DO UPDATE "
    "SET length = excluded.length, acts = excluded.acts, idx = excluded.idx, leaf_hash = excluded.leaf_hash"
)


class SqlWriter:
    """ledger.store.contracts.LogWriter over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_head(self) -> Head:
        # PostgreSQL waits here for the commit of whoever holds the row; SQLite did at BEGIN IMMEDIATE.
        lock = "" if is_sqlite(self._connection) else " FOR UPDATE"
        row = run(self._connection, _HEAD + lock).fetchone()
        if row is None:
            raise CorruptError("lock the head: expected its one row, got none")
        return Head(row[0], bytes(row[1]), bytes(row[2]))

    def replays(self, account: str, keys: Sequence[str]) -> Mapping[str, IdempotencyRow]:
        known = {}
        for at in range(0, len(keys), _LOOKED_UP):
            some = keys[at : at + _LOOKED_UP]
            found = run(self._connection, f"{_KEYS} ({', '.join('?' * len(some))})", (account, *some))
            for key, index, mac, when in found.fetchall():
                known[key] = IdempotencyRow(account, key, index, bytes(mac), when)
        return known

    def chain_heads(self, chains: Sequence[str]) -> Mapping[str, ChainHead]:
        heads = {}
        for at in range(0, len(chains), _LOOKED_UP):
            names = tuple(map(bytes.fromhex, chains[at : at + _LOOKED_UP]))
            found = run(self._connection, f"{_CHAINS} ({', '.join('?' * len(names))})", names)
            for chain, length, acts, index, leaf_hash in found.fetchall():
                name = bytes(chain).hex()
                heads[name] = ChainHead(name, length, acts, index, bytes(leaf_hash))
        return heads

    def opening(self, index: int) -> OpeningRow | None:
        row = self._connection.execute(select(schema.openings).where(schema.openings.c.idx == index)).one_or_none()
        return None if row is None else opening_of(row)

    def append(
        self,
        entries: Sequence[EntryRow],
        openings: Sequence[OpeningRow],
        chains: Sequence[ChainHead],
        tiles: Sequence[TileRow],
    ) -> None:
        put = self._connection
        names = {chain: bytes.fromhex(chain) for chain in {each.chain for each in entries}}
        common = schema.COMMON_KIND
        rows = ((at, seq, names[chain], "" if kind == common else kind, leaf) for at, chain, seq, kind, leaf in entries)
        insert_rows(put, schema.entries, rows)
        insert_rows(put, schema.openings, openings)  # and keys below: in the order of the columns
        insert_rows(put, schema.tiles, [(t.level, t.index, t.hashes) for t in tiles])
        self._put_chain_heads(chains)

    def project(self, rows: Sequence[Projection], keys: Sequence[IdempotencyRow]) -> None:
        project(self._connection, rows)
        insert_rows(self._connection, schema.idempotency, keys)

    def erase(self, opening: OpeningRow, evidence: EvidenceRow, links: Sequence[LinkRow]) -> None:
        at = opening.index
        opened = {"secret": opening.secret, "fields": opening.fields, "kept": opening.kept}
        self._connection.execute(update(schema.openings).where(schema.openings.c.idx == at).values(opened))
        columns = dict(zip(schema.evidence.columns.keys(), next(evidence_values([evidence])), strict=True))
        self._connection.execute(update(schema.evidence).where(schema.evidence.c.idx == at).values(columns))
        self._connection.execute(delete(schema.links).where(schema.links.c.idx == at))
        project(self._connection, links)
        keys = schema.idempotency
        self._connection.execute(update(keys).where(keys.c.idx == at).values(mac=b""))

    def clear_projections(self) -> None:
        for table in schema.PROJECTIONS:
            self._connection.execute(delete(table))

    def move_head(self, old: Head, new: Head) -> None:
        values = (new.size, new.root, new.frontier, old.size, old.root)
        if run(self._connection, _MOVE_HEAD, values).rowcount != 1:
            raise CorruptError(f"move the head from size {old.size}: it moved although it was locked")

    def _put_chain_heads(self, chains: Sequence[ChainHead]) -> None:
        rows = [(bytes.fromhex(c.chain), c.length, c.acts, c.index, c.leaf_hash) for c in chains]
        if rows:
            run_for_each(self._connection, _PUT_CHAIN, rows)


def chain_head_of(row: Any) -> ChainHead:
    return ChainHead(bytes(row.chain).hex(), row.length, row.acts, row.idx, bytes(row.leaf_hash))


def opening_of(row: Any) -> OpeningRow:
    """The columns idx, secret, fields and kept."""
    secret, kept = (None if each is None else bytes(each) for each in (row.secret, row.kept))
    return OpeningRow(row.idx, secret, bytes(row.fields), kept)


@contextmanager
def writing(engine: Engine) -> Iterator[SqlWriter]:
    """One writing transaction. See ledger.store.contracts.LogStore.writing."""
    with database_errors("write to the log"), _closing_failed(engine), engine.connect() as bare:
        connection = bare.execution_options(**WRITER)
        transaction = connection.begin()
        try:
            yield SqlWriter(connection)
        except BaseException:
            # A crash before the commit leaves nothing: the database rolls back.
            transaction.rollback()
            _forget_sqlite(bare)
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            _forget_sqlite(bare)
            said = first_line(error.orig)
            raise AmbiguousCommitError(f"commit the batch: the database did not confirm it: {said}") from error


@contextmanager
def _closing_failed(engine: Engine) -> Iterator[None]:
    """After a failure of SQLite, none of our idle connections is left open. Where the system fails to give a lock back,
    SQLite says nothing, and keeps it for the whole process until the last connection is closed.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error, AmbiguousCommitError):
        if is_sqlite(engine):
            engine.dispose()
        raise


def _forget_sqlite(connection: Connection) -> None:
    """Whoever holds a cursor of what failed (an error in a log does) keeps an old state of the database open with it,
    and nothing could be written through that connection any more. Rolled back first: thrown away with a cursor held and
    the write lock, it would keep that.
    """
    if is_sqlite(connection):
        driver: Any = connection.connection.dbapi_connection
        with suppress(sqlite3.Error):
            driver.rollback()
        connection.invalidate()
