"""The writing transaction: lock the head, append, move the head. Executed by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from ledger.errors import CorruptError
from ledger.store import schema
from ledger.store.case_rows import LinkRow
from ledger.store.contracts import (
    AmbiguousCommitError,
    ChainHead,
    EntryRow,
    EvidenceRow,
    Head,
    IdempotencyRow,
    OpeningRow,
    Projection,
    TileRow,
)
from ledger.store.engine import WRITER, database_errors
from ledger.store.sql_projection import evidence_columns, project


class SqlWriter:
    """ledger.store.contracts.LogWriter over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock_head(self) -> Head:
        # PostgreSQL waits here for the commit of whoever holds the row; SQLite did at BEGIN IMMEDIATE.
        row = self._connection.execute(
            select(schema.log_head).where(schema.log_head.c.id == 1).with_for_update()
        ).one_or_none()
        if row is None:
            raise CorruptError("lock the head: expected its one row, got none")
        return Head(row.size, bytes(row.root), bytes(row.frontier))

    def replays(self, account: str, keys: Sequence[str]) -> Mapping[str, IdempotencyRow]:
        table = schema.idempotency
        rows = self._connection.execute(select(table).where(and_(table.c.account == account, table.c.key.in_(keys))))
        return {row.key: IdempotencyRow(row.account, row.key, row.idx, bytes(row.mac), row.at) for row in rows}

    def chain_heads(self, chains: Sequence[str]) -> Mapping[str, ChainHead]:
        names = [bytes.fromhex(chain) for chain in chains]
        rows = self._connection.execute(select(schema.chains).where(schema.chains.c.chain.in_(names)))
        return {head.chain: head for head in map(chain_head_of, rows)}

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
        self._insert(
            schema.entries,
            [
                {"idx": e.index, "chain": bytes.fromhex(e.chain), "seq": e.seq, "kind": e.kind, "leaf": e.leaf}
                for e in entries
            ],
        )
        self._insert(
            schema.openings,
            [{"idx": o.index, "secret": o.secret, "fields": o.fields, "kept": o.kept} for o in openings],
        )
        self._insert(schema.tiles, [{"level": t.level, "idx": t.index, "hashes": t.hashes} for t in tiles])
        self._put_chain_heads(chains)

    def project(self, rows: Sequence[Projection], keys: Sequence[IdempotencyRow]) -> None:
        project(self._connection, rows)
        self._insert(
            schema.idempotency,
            [{"account": k.account, "key": k.key, "idx": k.index, "mac": k.mac, "at": k.at} for k in keys],
        )

    def erase(self, opening: OpeningRow, evidence: EvidenceRow, links: Sequence[LinkRow]) -> None:
        at = opening.index
        opened = {"secret": opening.secret, "fields": opening.fields, "kept": opening.kept}
        self._connection.execute(update(schema.openings).where(schema.openings.c.idx == at).values(opened))
        columns = evidence_columns(evidence)
        self._connection.execute(update(schema.evidence).where(schema.evidence.c.idx == at).values(columns))
        self._connection.execute(delete(schema.links).where(schema.links.c.idx == at))
        project(self._connection, links)
        keys = schema.idempotency
        self._connection.execute(update(keys).where(keys.c.idx == at).values(mac=b""))

    def clear_projections(self) -> None:
        for table in schema.PROJECTIONS:
            self._connection.execute(delete(table))

    def move_head(self, old: Head, new: Head) -> None:
        table = schema.log_head
        moved = self._connection.execute(
            update(table)
            .where(and_(table.c.id == 1, table.c.size == old.size, table.c.root == old.root))
            .values(size=new.size, root=new.root, frontier=new.frontier)
        )
        if moved.rowcount != 1:
            raise CorruptError(f"move the head from size {old.size}: it moved although it was locked")

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), rows)

    def _put_chain_heads(self, chains: Sequence[ChainHead]) -> None:
        if not chains:
            return
        flavour = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        statement = flavour.insert(schema.chains)
        statement = statement.on_conflict_do_update(
            index_elements=["chain"],
            set_={name: statement.excluded[name] for name in ("length", "acts", "idx", "leaf_hash")},
        )
        self._connection.execute(
            statement,
            [
                {
                    "chain": bytes.fromhex(c.chain),
                    "length": c.length,
                    "acts": c.acts,
                    "idx": c.index,
                    "leaf_hash": c.leaf_hash,
                }
                for c in chains
            ],
        )


def chain_head_of(row: Any) -> ChainHead:
    return ChainHead(bytes(row.chain).hex(), row.length, row.acts, row.idx, bytes(row.leaf_hash))


def opening_of(row: Any) -> OpeningRow:
    """The columns idx, secret, fields and kept."""
    secret, kept = (None if each is None else bytes(each) for each in (row.secret, row.kept))
    return OpeningRow(row.idx, secret, bytes(row.fields), kept)


@contextmanager
def writing(engine: Engine) -> Iterator[SqlWriter]:
    """One writing transaction. See ledger.store.contracts.LogStore.writing."""
    with database_errors("write to the log"), engine.connect() as bare:
        connection = bare.execution_options(**WRITER)
        transaction = connection.begin()
        try:
            yield SqlWriter(connection)
        except BaseException:
            # A crash before the commit leaves nothing: the database rolls back.
            transaction.rollback()
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            raise AmbiguousCommitError("commit the batch: the database did not confirm it") from error
