"""Reads of the tables of casework: acts, demands, challenges, requests for standing, disclosures, erasures, links."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, Select, Table, and_, case, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger.store import schema
from ledger.store.case_rows import (
    AccessRow,
    ActRow,
    ChallengeRow,
    DemandRow,
    DisclosureRow,
    ErasureRow,
    LinkRow,
    StandingRow,
)
from ledger.store.engine import WRITER, database_errors, is_sqlite
from ledger.store.evidence_mark import in_case
from ledger.store.log_rows import EntryRow, EvidenceRow, Projection
from ledger.store.sql_casework import EVIDENCE, case_of, evidence_of, member_of
from ledger.store.sql_log import entry_of

# Indexes asked for in one statement, and rows fetched at a time where a whole table is read.
SCAN_ROWS = 2_000


class ActReads:
    """The reads of ledger.store.case_contracts.CaseStore, and the little it writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _all(self, act: str, statement: Any) -> list[Any]:
        with database_errors(act), self._engine.connect() as connection:
            return list(connection.execute(statement).all())

    def _by(self, table: Table, column: str, values: Sequence[int], rows: Select[Any] | None = None) -> list[Any]:
        """Rows whose column is one of these values, ascending by index. `rows`: with what is joined to the table."""
        wanted, found = sorted(set(values)), []
        of_table = select(table) if rows is None else rows
        for at in range(0, len(wanted), SCAN_ROWS):
            some = of_table.where(table.c[column].in_(wanted[at : at + SCAN_ROWS]))
            found += self._all(f"read {table.name}", some.order_by(table.c.idx))
        return sorted(found, key=lambda row: row.idx) if len(wanted) > SCAN_ROWS else found

    def _one(self, table: Table, index: int) -> Any:
        rows = self._all(f"read {table.name}", select(table).where(table.c.idx == index))
        return rows[0] if rows else None

    def _of_chain(self, table: Table, chain: str, after: int, limit: int) -> list[Any]:
        mine = and_(table.c.chain == bytes.fromhex(chain), table.c.idx > after)
        return self._all(f"list {table.name}", select(table).where(mine).order_by(table.c.idx).limit(limit))

    # --- evidence ----------------------------------------------------------------------------------------------------

    def evidence_rows(self, indexes: Sequence[int]) -> Mapping[int, EvidenceRow]:
        return {row.idx: evidence_of(row) for row in self._by(schema.evidence, "idx", indexes, EVIDENCE)}

    def evidence_like(self, chain: str, sha256: bytes, limit: int) -> list[EvidenceRow]:
        return [evidence_of(row) for row in self._all("read evidence", in_case(sha256, bytes.fromhex(chain), limit))]

    def links_from(self, indexes: Sequence[int]) -> list[LinkRow]:
        rows = self._by(schema.links, "idx", indexes)
        return sorted(
            map(_link, rows),
            key=lambda link: (link.index, link.relation, link.target),
        )

    def links_to(self, target: int, limit: int) -> list[LinkRow]:
        table = schema.links
        statement = select(table).where(table.c.target == target).order_by(table.c.idx).limit(limit)
        return [_link(row) for row in self._all("read links", statement)]

    def disclosures(self, entries: Sequence[int]) -> list[DisclosureRow]:
        rows = self._by(schema.disclosures, "entry", entries)
        return [_disclosure(row) for row in rows]

    def erasures(self, entries: Sequence[int]) -> list[ErasureRow]:
        return [_erasure(row) for row in self._by(schema.erasures, "entry", entries)]

    def unfinished_erasures(self) -> list[ErasureRow]:
        table = schema.erasures
        statement = select(table).where(table.c.done.is_(False)).order_by(table.c.idx)
        return [_erasure(row) for row in self._all("read erasures", statement)]

    def mark_erased(self, index: int) -> None:
        """Nothing remains of what the erasure of this act took away."""
        table = schema.erasures
        self._write("finish an erasure", update(table).where(table.c.idx == index).values(done=True))

    # --- acts, and what they answer ----------------------------------------------------------------------------------

    def entries_at(self, indexes: Sequence[int]) -> Mapping[int, EntryRow]:
        return {row.idx: entry_of(row) for row in self._by(schema.entries, "idx", indexes)}

    def act(self, index: int) -> ActRow | None:
        row = self._one(schema.acts, index)
        return None if row is None else _act(row)

    def acts_on(self, entry: int, limit: int, *, without: str = "") -> list[ActRow]:
        table = schema.acts
        statement = select(table).where(and_(table.c.entry == entry, table.c.kind != without))
        return [_act(row) for row in self._all("read acts", statement.order_by(table.c.idx).limit(limit))]

    def acts_about(self, subjects: Sequence[int]) -> list[ActRow]:
        return [_act(row) for row in self._by(schema.acts, "subject", subjects)]

    def acts_of_kind(self, chain: str, kind: str, limit: int) -> list[ActRow]:
        table = schema.acts
        mine = and_(table.c.chain == bytes.fromhex(chain), table.c.kind == kind)
        newest = self._all("read acts", select(table).where(mine).order_by(table.c.idx.desc()).limit(limit))
        return [_act(row) for row in reversed(newest)]

    def demand(self, index: int) -> DemandRow | None:
        row = self._one(schema.demands, index)
        return None if row is None else demand_of(row)

    def demands_at(self, indexes: Sequence[int]) -> Mapping[int, DemandRow]:
        return {row.idx: demand_of(row) for row in self._by(schema.demands, "idx", indexes)}

    def demands_of_case(self, chain: str, after: int, limit: int) -> list[DemandRow]:
        return [demand_of(row) for row in self._of_chain(schema.demands, chain, after, limit)]

    def demands_of_entry(self, entry: int) -> list[DemandRow]:
        return [demand_of(row) for row in self._by(schema.demands, "entry", [entry])]

    def due_demands(self, now_ms: int, limit: int) -> list[DemandRow]:
        table = schema.demands
        due = and_(table.c.state == "asked", table.c.due_at <= now_ms)
        return [
            demand_of(row)
            for row in self._all("read due demands", select(table).where(due).order_by(table.c.due_at).limit(limit))
        ]

    def challenge(self, index: int) -> ChallengeRow | None:
        row = self._one(schema.challenges, index)
        return None if row is None else _challenge(row)

    def challenges(self, entries: Sequence[int]) -> list[ChallengeRow]:
        return [_challenge(row) for row in self._by(schema.challenges, "entry", entries)]

    def standing(self, index: int) -> StandingRow | None:
        row = self._one(schema.standings, index)
        return None if row is None else standing_of(row)

    def standings_of(self, chain: str, account: str) -> list[StandingRow]:
        table = schema.standings
        mine = and_(table.c.chain == bytes.fromhex(chain), table.c.account == account)
        return [
            standing_of(row) for row in self._all("read standings", select(table).where(mine).order_by(table.c.idx))
        ]

    def standings_of_case(self, chain: str, after: int, limit: int) -> list[StandingRow]:
        return [standing_of(row) for row in self._of_chain(schema.standings, chain, after, limit)]

    # --- access codes ------------------------------------------------------------------------------------------------

    def access(self, index: int) -> AccessRow | None:
        row = self._one(schema.access_codes, index)
        return None if row is None else AccessRow(row.idx, row.counter, row.issued_at)

    def renew_access(self, index: int, at: int) -> int:
        table = schema.access_codes
        statement = self._insert(table).values(idx=index, counter=1, issued_at=at)
        statement = statement.on_conflict_do_update(
            index_elements=["idx"], set_={"counter": table.c.counter + 1, "issued_at": at}
        )
        return int(self._write("renew an access code", statement.returning(table.c.counter)).counter)

    def count_attempt(self, account: str, now_ms: int, window_ms: int) -> tuple[int, int]:
        table = schema.standing_attempts
        fresh = table.c.since <= now_ms - window_ms
        statement = self._insert(table).values(account=account, since=now_ms, count=1)
        # One statement: attempts at once wait for each other's row, and each is counted.
        statement = statement.on_conflict_do_update(
            index_elements=["account"],
            set_={
                "count": case((fresh, 1), else_=table.c.count + 1),
                "since": case((fresh, now_ms), else_=table.c.since),
            },
        )
        row = self._write("count an attempt", statement.returning(table.c["count"], table.c.since))
        return int(row[0]), int(row[1])

    def stored_like(self, sha256: bytes) -> bool:
        table = schema.evidence
        statement = select(table.c.idx).where(and_(table.c.sha256 == sha256, text("stored"))).limit(1)
        return bool(self._all("look for a file's entries", statement))

    def projected(self, table: str) -> Iterator[Projection]:
        found = schema.metadata.tables[table]
        key = list(found.primary_key.columns)
        at: tuple[Any, ...] | None = None
        while True:
            statement = (EVIDENCE if found is schema.evidence else select(found)).order_by(*key).limit(SCAN_ROWS)
            rows = self._all(f"read {table}", statement if at is None else statement.where(tuple_(*key) > at))
            yield from map(_MAKERS[table], rows)
            if len(rows) < SCAN_ROWS:
                return
            at = tuple(getattr(rows[-1], column.name) for column in key)

    def _insert(self, table: Table) -> Any:
        return (sqlite if is_sqlite(self._engine) else postgresql).insert(table)

    def _write(self, act: str, statement: Any) -> Any:
        with database_errors(act), self._engine.connect() as connection:
            connection = connection.execution_options(**WRITER)
            with connection.begin():
                result = connection.execute(statement)
                return result.one() if result.returns_rows else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def _erasure(row: Any) -> ErasureRow:
    return ErasureRow(row.idx, bytes(row.chain).hex(), row.entry, _names(row.names))


def _act(row: Any) -> ActRow:
    return ActRow(row.idx, bytes(row.chain).hex(), row.kind, row.entry, row.subject)


def demand_of(row: Any) -> DemandRow:
    """The columns of the table of demands."""
    chain = bytes(row.chain).hex()
    return DemandRow(row.idx, chain, row.entry, row.account, row.object, row.state, row.due_at)


def _challenge(row: Any) -> ChallengeRow:
    return ChallengeRow(row.idx, bytes(row.chain).hex(), row.entry, row.account, row.state)


def standing_of(row: Any) -> StandingRow:
    """The columns of the table of requests for standing."""
    return StandingRow(row.idx, bytes(row.chain).hex(), row.entry, row.account, row.role, row.state)


def _disclosure(row: Any) -> DisclosureRow:
    return DisclosureRow(row.idx, row.entry, row.demand, _names(row.names))


def _link(row: Any) -> LinkRow:
    return LinkRow(row.idx, row.relation, row.target)


_MAKERS: dict[str, Callable[[Any], Projection]] = {
    "acts": _act,
    "cases": case_of,
    "challenges": _challenge,
    "demands": demand_of,
    "disclosures": _disclosure,
    "erasures": _erasure,
    "evidence": evidence_of,
    "links": _link,
    "members": member_of,
    "standings": standing_of,
}
