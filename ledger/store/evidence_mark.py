"""The mark of a row of evidence: how it is found by its digest, within a case or in all of an account's.

Seven bytes, the SHA-256's first three and the chain's first four: an index of them is a quarter of one of the digest
and the chain. A mark only leads to rows; what asks compares the whole digest, and the chain as it stands in `entries`.

Of 10⁸ rows six share the first three bytes by chance. Somebody may anchor one digest a million times, or as many that
begin alike; chains are drawn by the server, so he fills marks of his own cases alone. Therefore a look-up in all of an
account's cases reads NEAR_MAX rows from the digest's first mark on, and where all of them begin like it, asks for one
mark in each of the account's cases.

PostgreSQL may keep no statistics of digests (an erasure would not reach them) and takes each mark for a two-hundredth
of all rows. Statements are therefore fenced (OFFSET 0, planned by itself), or bounded at one end only: so that such a
guess chooses neither a walk through the whole table nor a sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, LargeBinary, Select, and_, cast, func, literal, select, true

from ledger.store import schema

NEAR_MAX: Final = 100
"""Rows that are looked at one by one."""

_OF_DIGEST: Final = 3
_OF_CHAIN: Final = 4

_table, _entries = schema.evidence, schema.entries
_chain = cast(_entries.c.chain, LargeBinary)  # as a value, to which no index leads: cases may be long


def mark_of(sha256: bytes | None, chain: bytes) -> bytes | None:
    """The mark of evidence with this digest (32 bytes) in this chain (16 bytes); None where the digest was erased."""
    return None if sha256 is None else sha256[:_OF_DIGEST] + chain[:_OF_CHAIN]


def near(sha256: bytes) -> Select[Any]:
    """Index, digest and mark of the rows from this digest's lowest mark on, the first NEAR_MAX of them."""
    from_here = _table.c.mark >= sha256[:_OF_DIGEST]
    return select(_table.c.idx, _table.c.sha256, _table.c.mark).where(from_here).order_by(_table.c.mark).limit(NEAR_MAX)


def all_near(rows: Sequence[Any], sha256: bytes) -> bool:
    """Whether these rows of `near` are all that begin like this digest."""
    return len(rows) < NEAR_MAX or not bytes(rows[-1].mark).startswith(sha256[:_OF_DIGEST])


def in_case(sha256: bytes, chain: bytes, limit: int) -> Select[Any]:
    """The columns of evidence, and the chain: rows with this digest in this case, ascending by index."""
    marked = and_(_table.c.mark == mark_of(sha256, chain), _table.c.sha256 == sha256)
    found = select(_table, _entries.c.chain).join(_entries, _entries.c.idx == _table.c.idx)
    fenced = found.where(and_(marked, _chain == chain)).offset(0).subquery()
    return select(fenced).order_by(fenced.c.idx).limit(limit)


def in_cases(sha256: bytes, memberships: ColumnElement[bool], limit: int, *, lateral: bool) -> Select[Any]:
    """Index and digest of rows with this digest in the cases of these rows of `members`, ascending.

    `lateral`: on PostgreSQL, where the fence needs that word; SQLite, which has no such word, plans it so by itself.
    """
    members = schema.members
    # Cast: SQLite joins two blobs to a text, which is never equal to a blob.
    start: Any = literal(sha256[:_OF_DIGEST], LargeBinary)
    marked = _table.c.mark == cast(start.op("||")(func.substr(members.c.chain, 1, _OF_CHAIN)), LargeBinary)
    same = and_(marked, _table.c.sha256 == sha256, _chain == members.c.chain)
    evidence = _table.join(_entries, _entries.c.idx == _table.c.idx)
    if not lateral:
        found = select(_table.c.idx, _table.c.sha256).select_from(members.join(evidence, same))
        return found.where(memberships).order_by(_table.c.idx).limit(limit)
    fenced = select(_table.c.idx, _table.c.sha256).select_from(evidence).where(same).offset(0).lateral()
    rows = select(fenced).select_from(members.join(fenced, true()))
    return rows.where(memberships).order_by(fenced.c.idx).limit(limit)
