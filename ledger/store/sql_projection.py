"""The derived tables' rows on their way in: inserts first, then what changes rows that stand there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger.errors import CorruptError
from ledger.store import schema
from ledger.store.case_rows import (
    ActRow,
    ChallengeRow,
    DemandRow,
    DisclosureRow,
    ErasureRow,
    FileRemoval,
    LinkRow,
    MemberRemoval,
    StandingRow,
    StateChange,
)
from ledger.store.evidence_mark import mark_of
from ledger.store.log_rows import CaseRow, EvidenceRow, MemberRow, Projection, TimestampRow
from ledger.store.row_insert import insert_rows

Change = MemberRow | MemberRemoval | StateChange | FileRemoval


def project(connection: Connection, rows: Sequence[Projection]) -> None:
    """Bring the derived tables up to date with the rows of a batch.

    Order among changes is kept; inserts may go first, for an act is decided on committed rows alone: what it changes
    was inserted by an earlier batch.
    """
    grouped: dict[str, list[tuple[Any, ...]]] = {}
    changes: list[Change] = []
    evidence: list[EvidenceRow] = []
    for row in rows:
        if isinstance(row, EvidenceRow):  # nearly all rows of a large batch
            evidence.append(row)
        elif isinstance(row, Change):
            changes.append(row)
        else:
            table, values = _inserted(row)
            grouped.setdefault(table, []).append(values)
    insert_rows(connection, schema.evidence, evidence_values(evidence))
    for name, group in grouped.items():
        insert_rows(connection, schema.metadata.tables[name], group)
    for change in changes:
        _change(connection, change)


def lines(names: Iterable[str]) -> str:
    """Names as the tables hold them: one a line; no name holds a line's end."""
    return "\n".join(names)


def _inserted(
    row: CaseRow
    | TimestampRow
    | ActRow
    | DemandRow
    | ChallengeRow
    | StandingRow
    | DisclosureRow
    | LinkRow
    | ErasureRow,
) -> tuple[str, tuple[Any, ...]]:
    """The table that a row belongs to, and its values in the order of the table's columns."""
    match row:
        case CaseRow():
            return "cases", (_chain(row), row.title, row.opener, row.index)
        case TimestampRow():
            return "timestamps", (row.index, row.authority, row.size, row.gen_time)
        case ActRow():
            return "acts", (row.index, _chain(row), row.kind, row.entry, row.subject)
        case DemandRow():
            return "demands", (*_placed(row), row.object, row.state, row.due_at)
        case ChallengeRow():
            return "challenges", (*_placed(row), row.state)
        case StandingRow():
            return "standings", (*_placed(row), row.role, row.state)
        case DisclosureRow():
            return "disclosures", (row.index, row.entry, row.demand, lines(row.names))
        case LinkRow():
            return "links", (row.index, row.relation, row.target)
        case ErasureRow():
            return "erasures", (row.index, _chain(row), row.entry, lines(row.names), False)


def evidence_values(rows: Sequence[EvidenceRow]) -> Iterator[tuple[Any, ...]]:
    """Rows of the table of evidence."""
    names = {chain: bytes.fromhex(chain) for chain in {row.chain for row in rows}}
    return (
        (index, size, stored, mark_of(sha256, names[chain]), account, sha256)
        for index, chain, account, sha256, size, stored in rows
    )


def _chain(row: CaseRow | ActRow | DemandRow | ChallengeRow | StandingRow | ErasureRow) -> bytes:
    return bytes.fromhex(row.chain)


def _placed(row: DemandRow | ChallengeRow | StandingRow) -> tuple[Any, ...]:
    return row.index, _chain(row), row.entry, row.account


def _change(connection: Connection, change: Change) -> None:
    match change:
        case MemberRow():
            _put_member(connection, change)
        case MemberRemoval():
            table = schema.members
            mine = and_(table.c.chain == bytes.fromhex(change.chain), table.c.account == change.account)
            _one(connection, update(table).where(mine).values(removed=change.index), "remove a member")
        case StateChange():
            table = schema.metadata.tables[change.table]
            moved = update(table).where(table.c.idx == change.subject).values(state=change.state)
            _one(connection, moved, f"move a row of {change.table}")
        case FileRemoval():
            table = schema.evidence
            _one(connection, update(table).where(table.c.idx == change.entry).values(stored=False), "remove a file")


def _one(connection: Connection, statement: Any, act: str) -> None:
    """What an act changes stands there, or the tables are not what the entries say."""
    if connection.execute(statement).rowcount != 1:
        raise CorruptError(f"{act}: expected one row, found none; `evidence-ledger rebuild` makes the tables again")


def _put_member(connection: Connection, row: MemberRow) -> None:
    """A member comes, or comes back. `case_idx`, for lists in the order of cases, is the index of `case.opened`."""
    flavour = sqlite if connection.dialect.name == "sqlite" else postgresql
    opened = select(schema.cases.c.idx).where(schema.cases.c.chain == bindparam("b_chain")).scalar_subquery()
    statement = flavour.insert(schema.members).values(
        chain=bindparam("b_chain"),
        account=bindparam("b_account"),
        role=bindparam("b_role"),
        side=bindparam("b_side"),
        idx=bindparam("b_idx"),
        removed=bindparam("b_removed"),
        case_idx=func.coalesce(opened, bindparam("b_idx")),
    )
    statement = statement.on_conflict_do_update(
        index_elements=["chain", "account"],
        set_={name: statement.excluded[name] for name in ("role", "side", "idx", "removed")},
    )
    connection.execute(
        statement,
        {
            "b_chain": bytes.fromhex(row.chain),
            "b_account": row.account,
            "b_role": row.role,
            "b_side": row.side,
            "b_idx": row.index,
            "b_removed": row.removed,
        },
    )
