"""The derived tables' rows on their way in: inserts first, then what changes rows that stand there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update
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
from ledger.store.contracts import CaseRow, EvidenceRow, MemberRow, Projection, TimestampRow

Change = MemberRow | MemberRemoval | StateChange | FileRemoval


def project(connection: Connection, rows: Sequence[Projection]) -> None:
    """Bring the derived tables up to date with the rows of a batch.

    Order among changes is kept; inserts may go first, for an act is decided on committed rows alone: what it changes
    was inserted by an earlier batch.
    """
    grouped: dict[str, list[dict[str, Any]]] = {}
    changes: list[Change] = []
    for row in rows:
        if isinstance(row, Change):
            changes.append(row)
        else:
            table, values = _inserted(row)
            grouped.setdefault(table, []).append(values)
    for name, group in grouped.items():
        connection.execute(insert(schema.metadata.tables[name]), group)
    for change in changes:
        _change(connection, change)


def lines(names: Iterable[str]) -> str:
    """Names as the tables hold them: one a line; no name holds a line's end."""
    return "\n".join(names)


def _inserted(
    row: CaseRow
    | EvidenceRow
    | TimestampRow
    | ActRow
    | DemandRow
    | ChallengeRow
    | StandingRow
    | DisclosureRow
    | LinkRow
    | ErasureRow,
) -> tuple[str, dict[str, Any]]:
    """The table that a row belongs to, and its columns."""
    match row:
        case CaseRow():
            values = {"chain": _chain(row), "title": row.title, "opener": row.opener, "idx": row.index}
            return "cases", values
        case EvidenceRow():
            return "evidence", evidence_columns(row)
        case TimestampRow():
            values = {"idx": row.index, "authority": row.authority, "size": row.size, "gen_time": row.gen_time}
            return "timestamps", values
        case ActRow():
            act = {"idx": row.index, "chain": _chain(row), "kind": row.kind}
            return "acts", {**act, "entry": row.entry, "subject": row.subject}
        case DemandRow():
            return "demands", {**_placed(row), "object": row.object, "state": row.state, "due_at": row.due_at}
        case ChallengeRow():
            return "challenges", {**_placed(row), "state": row.state}
        case StandingRow():
            return "standings", {**_placed(row), "role": row.role, "state": row.state}
        case DisclosureRow():
            values = {"idx": row.index, "entry": row.entry, "demand": row.demand, "names": lines(row.names)}
            return "disclosures", values
        case LinkRow():
            return "links", {"idx": row.index, "relation": row.relation, "target": row.target}
        case ErasureRow():
            erasure = {"idx": row.index, "chain": _chain(row), "entry": row.entry}
            return "erasures", {**erasure, "names": lines(row.names), "done": False}


def evidence_columns(row: EvidenceRow) -> dict[str, Any]:
    """The columns of the table of evidence."""
    return {
        "idx": row.index,
        "chain": _chain(row),
        "account": row.account,
        "sha256": row.sha256,
        "size": row.size,
        "stored": row.stored,
    }


def _chain(row: CaseRow | EvidenceRow | ActRow | DemandRow | ChallengeRow | StandingRow | ErasureRow) -> bytes:
    return bytes.fromhex(row.chain)


def _placed(row: DemandRow | ChallengeRow | StandingRow) -> dict[str, Any]:
    return {"idx": row.index, "chain": _chain(row), "entry": row.entry, "account": row.account}


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
