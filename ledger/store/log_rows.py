"""The rows of the log's tables, of cases, evidence and timestamps (what people do in a case: ledger.store.case_rows).

Chains are 32 hex digits here and 16 bytes in the tables; hashes are bytes; times are milliseconds since the epoch.
Rows of which an entry leaves one each are named tuples: a batch makes thousands, at a third of a dataclass's cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ledger.store.case_rows import CaseProjection


@dataclass(frozen=True, slots=True)
class Head:
    """The one row that every commit locks and moves: size in leaves, root of 32 bytes, frontier
    (ledger.merkle.frontier).
    """

    size: int
    root: bytes
    frontier: bytes


class EntryRow(NamedTuple):
    """One leaf and where it stands. `leaf`: the exact bytes; everything else here can be read from it."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a row for
    chain: str
    seq: int
    kind: str
    leaf: bytes


class OpeningRow(NamedTuple):
    """What opens an entry's commitment. `secret`: 32 bytes; `fields`: canonical JSON, an object from names to
    values.

    After an erasure there is no secret: `fields` holds what survives, and `kept` its openings' bytes and all hashes
    (ledger.entry.held).
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a row for
    secret: bytes | None
    fields: bytes
    kept: bytes | None = None


@dataclass(frozen=True, slots=True)
class ChainHead:
    """A chain's end: `length` entries, the last at `index` with leaf hash `leaf_hash` (32 bytes).

    `acts`: how many of them change what rules decide (ledger.entry.kinds.PASSIVE_KINDS are those that do not). What was
    decided stands as long as this number does, however much evidence arrives meanwhile.
    """

    chain: str
    length: int
    acts: int
    index: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class TileRow:
    """A full tile: 256 hashes, 8,192 bytes."""

    level: int
    index: int
    hashes: bytes


class IdempotencyRow(NamedTuple):
    """A submission that was answered before. `mac`: 32 bytes, keyed by the entry's secret; `at`: milliseconds."""

    account: str
    key: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a row for
    mac: bytes
    at: int


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case, for people: its chain, its title, who opened it, the index of `case.opened`."""

    chain: str
    title: str
    opener: str
    index: int


@dataclass(frozen=True, slots=True)
class MemberRow:
    """An account's place in a case. `side`: `party`, `opposing`, `third:<account>`, or empty for those on no side.

    `removed`: the index of the `member.removed` that ended it. The row stays: what he did, his side did.
    """

    chain: str
    account: str
    role: str
    side: str
    index: int
    removed: int | None = None


class EvidenceRow(NamedTuple):
    """An `evidence.anchored` entry, for look-ups. `sha256`: 32 bytes; `stored`: whether we hold the file itself.

    What was erased is empty here: the account "", digest and size None.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a row for
    chain: str
    account: str
    sha256: bytes | None
    size: int | None
    stored: bool


@dataclass(frozen=True, slots=True)
class TimestampRow:
    """A recorded token: the index of its `timestamp.recorded`, whose it is, the tree size it stamped, its genTime."""

    index: int
    authority: str
    size: int
    gen_time: int


Projection: TypeAlias = CaseRow | MemberRow | EvidenceRow | TimestampRow | CaseProjection
