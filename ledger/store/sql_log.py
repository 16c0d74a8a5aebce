"""Reads of the log itself: head, entries, openings, tiles, chains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, and_, func, select

from ledger.errors import CorruptError
from ledger.store import schema
from ledger.store.engine import database_errors
from ledger.store.log_rows import ChainHead, EntryRow, Head, OpeningRow, TileRow
from ledger.store.short_reads import ShortReads
from ledger.store.sql_writer import chain_head_of, opening_of

# Rows fetched at a time where a whole table is read: constant memory, few round trips.
SCAN_ROWS = 2_000

_HEAD: Final = "SELECT size, root, frontier FROM log_head WHERE id = 1"
_TILE: Final = "SELECT hashes FROM tiles WHERE level = ? AND idx = ?"
_LEAVES: Final = "SELECT idx, leaf FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx"


def entry_of(row: Any) -> EntryRow:
    """The columns of the table of entries."""
    return EntryRow(row.idx, bytes(row.chain).hex(), row.seq, row.kind or schema.COMMON_KIND, bytes(row.leaf))


class LogReads:
    """The reads of ledger.store.contracts.LogStore that concern the log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._short_reads = ShortReads(engine)

    @contextmanager
    def _reading(self, act: str) -> Iterator[Connection]:
        with database_errors(act), self._engine.connect() as connection:
            yield connection

    def head(self) -> Head:
        rows = self._short_reads.rows("read the head", _HEAD, ())
        if not rows:
            raise CorruptError("read the head: expected its one row, got none")
        ((size, root, frontier),) = rows
        return Head(size, bytes(root), bytes(frontier))

    def entry(self, index: int) -> EntryRow | None:
        with self._reading("read an entry") as connection:
            row = connection.execute(select(schema.entries).where(schema.entries.c.idx == index)).one_or_none()
        return None if row is None else entry_of(row)

    def leaves(self, start: int, end: int) -> list[bytes]:
        rows = self._short_reads.rows("read leaves", _LEAVES, (start, end))
        if len(rows) < end - start:  # no two have one index: as many as asked for are all of them
            at = next((at for at, (index, _) in enumerate(rows) if index != start + at), len(rows))
            raise CorruptError(f"read leaves: entry {start + at} is missing")
        return [bytes(leaf) for _, leaf in rows]

    def scan(self, start: int = 0) -> Iterator[tuple[EntryRow, OpeningRow | None]]:
        entries, openings = schema.entries, schema.openings
        joined = entries.outerjoin(openings, entries.c.idx == openings.c.idx)
        columns = (
            select(entries, openings.c.secret, openings.c.fields, openings.c.kept)
            .select_from(joined)
            .order_by(entries.c.idx)
        )
        while True:
            with self._reading("read the log") as connection:
                rows = connection.execute(columns.where(entries.c.idx >= start).limit(SCAN_ROWS)).all()
            for row in rows:
                yield entry_of(row), None if row.fields is None else opening_of(row)
            if len(rows) < SCAN_ROWS:
                return
            start = rows[-1].idx + 1

    def count_rows(self, size: int) -> Mapping[str, tuple[int, int]]:
        found = {}
        with self._reading("count the rows") as connection:
            for table in schema.OF_ENTRIES:
                below = func.count().filter(table.c.idx < size)
                row = connection.execute(select(below, func.count()).select_from(table)).one()
                found[table.name] = (int(row[0]), int(row[1]) - int(row[0]))
        return found

    def last_index(self) -> int:
        with self._reading("read the last index") as connection:
            highest = connection.execute(select(func.max(schema.entries.c.idx))).scalar()
        return -1 if highest is None else int(highest)

    def openings(self, indexes: Sequence[int]) -> Mapping[int, OpeningRow]:
        table = schema.openings
        found: dict[int, OpeningRow] = {}
        with self._reading("read openings") as connection:
            for at in range(0, len(indexes), SCAN_ROWS):
                rows = connection.execute(select(table).where(table.c.idx.in_(list(indexes[at : at + SCAN_ROWS]))))
                found |= {row.idx: opening_of(row) for row in rows}
        return found

    def tile(self, level: int, index: int) -> bytes | None:
        rows = self._short_reads.rows("read a tile", _TILE, (level, index))
        return bytes(rows[0][0]) if rows else None

    def tiles(self) -> Iterator[TileRow]:
        table = schema.tiles
        at = (-1, -1)
        page = 64  # of 8 KiB each
        while True:
            after = (table.c.level > at[0]) | ((table.c.level == at[0]) & (table.c.idx > at[1]))
            with self._reading("read tiles") as connection:
                rows = connection.execute(
                    select(table).where(after).order_by(table.c.level, table.c.idx).limit(page)
                ).all()
            for row in rows:
                yield TileRow(row.level, row.idx, bytes(row.hashes))
            if len(rows) < page:
                return
            at = (rows[-1].level, rows[-1].idx)

    def chain_head(self, chain: str) -> ChainHead | None:
        with self._reading("read a chain's head") as connection:
            row = connection.execute(
                select(schema.chains).where(schema.chains.c.chain == bytes.fromhex(chain))
            ).one_or_none()
        return None if row is None else chain_head_of(row)

    def chain_heads(self) -> Iterator[ChainHead]:
        table = schema.chains
        after = b""
        while True:
            with self._reading("read the chains") as connection:
                rows = connection.execute(
                    select(table).where(table.c.chain > after).order_by(table.c.chain).limit(SCAN_ROWS)
                ).all()
            yield from map(chain_head_of, rows)
            if len(rows) < SCAN_ROWS:
                return
            after = bytes(rows[-1].chain)

    def chain_entries(self, chain: str, start: int, limit: int) -> list[EntryRow]:
        table = schema.entries
        name = bytes.fromhex(chain)
        mine = and_(schema.chain_start == name[:7], table.c.chain == name, table.c.seq >= start)
        statement = select(table).where(mine)
        with self._reading("read a chain") as connection:
            return [entry_of(row) for row in connection.execute(statement.order_by(table.c.seq).limit(limit))]

    def other_entries_since(self, size: int) -> bool:
        table = schema.entries
        statement = select(table.c.idx).where(and_(table.c.idx >= size, table.c.kind != "timestamp.recorded")).limit(1)
        with self._reading("look for new entries") as connection:
            return connection.execute(statement).first() is not None
