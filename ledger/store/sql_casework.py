"""Reads of the tables for people and look-ups: cases, members, evidence, replays, timestamps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Engine, and_, delete, select

from ledger.store import schema
from ledger.store.engine import WRITER, database_errors, is_sqlite
from ledger.store.evidence_mark import all_near, in_cases, near
from ledger.store.log_rows import CaseRow, EvidenceRow, IdempotencyRow, MemberRow, TimestampRow
from ledger.store.short_reads import ShortReads

# Evidence rows fetched at a time where all are read.
SCAN_ROWS = 2_000

# One statement sees one moment: nobody can be removed between the two things that it reads.
_MEMBERSHIP: Final = (
    "SELECT account, role, side, members.idx, removed, acts FROM members "
    "JOIN chains ON chains.chain = members.chain WHERE members.chain = ? AND account = ?"
)


# A row of evidence, and the chain of its entry.
EVIDENCE: Final = select(schema.evidence, schema.entries.c.chain).select_from(
    schema.evidence.join(schema.entries, schema.entries.c.idx == schema.evidence.c.idx)
)


def case_of(row: Any) -> CaseRow:
    """The columns of the table of cases."""
    return CaseRow(bytes(row.chain).hex(), row.title, row.opener, row.idx)


def evidence_of(row: Any) -> EvidenceRow:
    """The columns of EVIDENCE."""
    digest = None if row.sha256 is None else bytes(row.sha256)
    return EvidenceRow(row.idx, bytes(row.chain).hex(), row.account, digest, row.size, bool(row.stored))


def member_of(row: Any) -> MemberRow:
    """The columns of the table of members."""
    return MemberRow(bytes(row.chain).hex(), row.account, row.role, row.side, row.idx, row.removed)


def _timestamp(row: Any) -> TimestampRow:
    return TimestampRow(row.idx, row.authority, row.size, row.gen_time)


class CaseReads:
    """The reads of ledger.store.contracts.LogStore that concern cases and evidence."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._short_reads = ShortReads(engine)

    def _rows(self, act: str, statement: Any) -> list[Any]:
        with database_errors(act), self._engine.connect() as connection:
            return list(connection.execute(statement).all())

    def case(self, chain: str) -> CaseRow | None:
        rows = self._rows("read a case", select(schema.cases).where(schema.cases.c.chain == bytes.fromhex(chain)))
        return case_of(rows[0]) if rows else None

    def cases_of(self, account: str, after: int, limit: int) -> list[CaseRow]:
        cases, members = schema.cases, schema.members
        mine = and_(members.c.account == account, members.c.case_idx > after, members.c.removed.is_(None))
        joined = members.join(cases, cases.c.chain == members.c.chain)
        statement = select(cases).select_from(joined).where(mine).order_by(members.c.case_idx).limit(limit)
        return [case_of(row) for row in self._rows("list the cases", statement)]

    def members(self, chain: str) -> list[MemberRow]:
        table = schema.members
        statement = select(table).where(table.c.chain == bytes.fromhex(chain)).order_by(table.c.idx)
        rows = self._rows("read a case's members", statement)
        return [member_of(row) for row in rows]

    def membership(self, chain: str, account: str) -> tuple[MemberRow, int] | None:
        rows = self._short_reads.rows("read a membership", _MEMBERSHIP, (bytes.fromhex(chain), account))
        return (MemberRow(chain, *rows[0][:5]), rows[0][5]) if rows else None

    def evidence(self, index: int) -> EvidenceRow | None:
        rows = self._rows("read evidence", EVIDENCE.where(schema.evidence.c.idx == index))
        return evidence_of(rows[0]) if rows else None

    def evidence_by_digest(self, sha256: bytes, account: str, limit: int) -> list[EvidenceRow]:
        table, members = schema.evidence, schema.members
        act = "look up a digest"
        mine = and_(members.c.account == account, members.c.removed.is_(None))
        rows = self._rows(act, near(sha256))
        if not all_near(rows, sha256):
            rows = self._rows(act, in_cases(sha256, mine, limit, lateral=not is_sqlite(self._engine)))
        indexes = [row.idx for row in rows if row.sha256 == sha256]
        if not indexes:
            return []
        found = EVIDENCE.join(members, members.c.chain == schema.entries.c.chain)
        found = found.where(and_(mine, table.c.idx.in_(indexes))).order_by(table.c.idx).limit(limit)
        return [evidence_of(row) for row in self._rows(act, found)]

    def stored_evidence(self) -> Iterator[EvidenceRow]:
        table = schema.evidence
        after = -1
        while True:
            statement = EVIDENCE.where(table.c.idx > after).order_by(table.c.idx).limit(SCAN_ROWS)
            rows = self._rows("read the evidence", statement)
            yield from map(evidence_of, rows)
            if len(rows) < SCAN_ROWS:
                return
            after = rows[-1].idx

    def replay(self, account: str, key: str) -> IdempotencyRow | None:
        table = schema.idempotency
        rows = self._rows("look up a key", select(table).where(and_(table.c.account == account, table.c.key == key)))
        return IdempotencyRow(account, key, rows[0].idx, bytes(rows[0].mac), rows[0].at) if rows else None

    def forget_replays(self, before: int) -> int:
        with database_errors("forget old keys"), self._engine.connect() as connection:
            connection = connection.execution_options(**WRITER)
            with connection.begin():
                return connection.execute(delete(schema.idempotency).where(schema.idempotency.c.at < before)).rowcount


class TimestampReads:
    """The reads of ledger.store.contracts.LogStore that concern recorded tokens."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _first(self, statement: Any) -> TimestampRow | None:
        with database_errors("read the timestamps"), self._engine.connect() as connection:
            row = connection.execute(statement.limit(1)).first()
        return None if row is None else _timestamp(row)

    def timestamp(self, index: int) -> TimestampRow | None:
        return self._first(select(schema.timestamps).where(schema.timestamps.c.idx == index))

    def first_covering(self, authority: str, index: int) -> TimestampRow | None:
        table = schema.timestamps
        mine = and_(table.c.authority == authority, table.c.size > index)
        return self._first(select(table).where(mine).order_by(table.c.size, table.c.idx))

    def last_recorded_before(self, authority: str, index: int) -> TimestampRow | None:
        table = schema.timestamps
        mine = and_(table.c.authority == authority, table.c.idx < index)
        return self._first(select(table).where(mine).order_by(table.c.idx.desc()))

    def last_timestamp(self, authority: str) -> TimestampRow | None:
        table = schema.timestamps
        return self._first(select(table).where(table.c.authority == authority).order_by(table.c.idx.desc()))

    def authorities(self) -> list[str]:
        statement = select(schema.timestamps.c.authority).distinct().order_by(schema.timestamps.c.authority)
        with database_errors("read the authorities"), self._engine.connect() as connection:
            return [str(row[0]) for row in connection.execute(statement)]
