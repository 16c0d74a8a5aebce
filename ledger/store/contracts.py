"""What the ledger may rely on from a database: promises about rows (ledger.store.log_rows).
`tests/contracts/log_store.py` holds both databases to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ledger.errors import LedgerError
from ledger.store.case_rows import LinkRow
from ledger.store.log_rows import (
    CaseRow,
    ChainHead,
    EntryRow,
    EvidenceRow,
    Head,
    IdempotencyRow,
    MemberRow,
    OpeningRow,
    Projection,
    TileRow,
    TimestampRow,
)


class AmbiguousCommitError(LedgerError):
    """The database did not say whether it committed. Nobody may guess: the writer stops and reads the head again."""


class LogWriter(Protocol):
    """One transaction that holds the head. Nothing of it is visible, or survives, unless the transaction commits."""

    def lock_head(self) -> Head:
        """Lock and read the head: the first statement of every writing transaction."""
        ...

    def replays(self, account: str, keys: Sequence[str]) -> Mapping[str, IdempotencyRow]:
        """Which of these keys this account has used before."""
        ...

    def chain_heads(self, chains: Sequence[str]) -> Mapping[str, ChainHead]:
        """The ends of these chains; a chain without entries is absent."""
        ...

    def opening(self, index: int) -> OpeningRow | None: ...

    def append(
        self,
        entries: Sequence[EntryRow],
        openings: Sequence[OpeningRow],
        chains: Sequence[ChainHead],
        tiles: Sequence[TileRow],
    ) -> None:
        """Insert entries, openings and full tiles; put the chains' new ends in place of their old ones."""
        ...

    def project(self, rows: Sequence[Projection], keys: Sequence[IdempotencyRow]) -> None:
        """Bring the tables for people and look-ups up to date: rows are inserted, then changes applied in order."""
        ...

    def erase(self, opening: OpeningRow, evidence: EvidenceRow, links: Sequence[LinkRow]) -> None:
        """Put what an erasure left in the place of an entry's openings, its row of evidence and its links; answered
        keys of the entry keep their index alone.
        """
        ...

    def clear_projections(self) -> None:
        """Empty the derived tables, so that they can be made again within this transaction."""
        ...

    def move_head(self, old: Head, new: Head) -> None:
        """Compare and swap. Raises CorruptError if the head is no longer `old`, although we hold its lock."""
        ...


class LogStore(Protocol):
    """A database with one log.

    Durability: what `writing` committed survives a crash of the process, of the database and of the machine.
    Concurrency: `writing` transactions of all threads and processes run one after another; reads never wait for them
    and see committed rows only. Retry: a read may be repeated; rewriting identical immutable bytes succeeds, other
    bytes fail. Every call raises UnavailableError when the database cannot be reached or is full.
    """

    def writing(self) -> AbstractContextManager[LogWriter]:
        """A writing transaction; commits at the end of the block, rolls back on an exception.

        Raises AmbiguousCommitError if the commit itself failed: it may or may not have happened.
        """
        ...

    def head(self) -> Head: ...

    def entry(self, index: int) -> EntryRow | None: ...

    def leaves(self, start: int, end: int) -> list[bytes]:
        """The leaves of [start, end), ascending. Raises CorruptError if one is missing."""
        ...

    def scan(self, start: int = 0) -> Iterator[tuple[EntryRow, OpeningRow | None]]:
        """Every entry from `start` on, ascending by index, with what opens it; constant memory."""
        ...

    def count_rows(self, size: int) -> Mapping[str, tuple[int, int]]:
        """By table, the rows that belong to entries below `size`, and those of entries at or beyond it. For fsck: it
        may be slow.
        """
        ...

    def last_index(self) -> int:
        """The highest index, −1 if there is none; its cost does not grow with the log."""
        ...

    def openings(self, indexes: Sequence[int]) -> Mapping[int, OpeningRow]: ...

    def tile(self, level: int, index: int) -> bytes | None: ...

    def tiles(self) -> Iterator[TileRow]:
        """Every stored tile, ascending by level and index."""
        ...

    def save_checkpoint(self, size: int, note: bytes) -> bytes:
        """Publish a signed note (`quorum none`: signed is published): from now on `/checkpoint` serves it, unless it
        serves one of a larger size already. It never moves backwards. The first note of each 256 sizes (a tile's
        width) is kept for good as well; both happen, or neither.

        Returns the one that stands: the first that was saved for this size, as long as it is there. Raises
        ConflictError where that one has another text: nothing is published then.
        """
        ...

    def checkpoint(self, size: int) -> bytes | None:
        """The published note or a kept one, if there is one of this size."""
        ...

    def newest_checkpoint(self) -> tuple[int, bytes] | None:
        """(size, note) of the largest size among the published one and those that are kept."""
        ...

    def checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """Every kept checkpoint, ascending by size."""
        ...

    def published(self) -> tuple[int, bytes] | None:
        """(size, note) of what `/checkpoint` serves."""
        ...

    def chain_head(self, chain: str) -> ChainHead | None: ...

    def chain_heads(self) -> Iterator[ChainHead]: ...

    def chain_entries(self, chain: str, start: int, limit: int) -> list[EntryRow]:
        """Entries of the chain with seq ≥ `start`, ascending, at most `limit`."""
        ...

    def replay(self, account: str, key: str) -> IdempotencyRow | None: ...

    def forget_replays(self, before: int) -> int:
        """Drop idempotency rows older than `before` (milliseconds). Returns how many."""
        ...

    def case(self, chain: str) -> CaseRow | None: ...

    def cases_of(self, account: str, after: int, limit: int) -> list[CaseRow]:
        """Cases this account is a member of, by the index of `case.opened`, ascending, above `after`."""
        ...

    def members(self, chain: str) -> list[MemberRow]:
        """All members of a case, those who were removed too, by index."""
        ...

    def evidence(self, index: int) -> EvidenceRow | None: ...

    def evidence_by_digest(self, sha256: bytes, account: str, limit: int) -> list[EvidenceRow]:
        """Entries that commit this digest, in cases where `account` is a member, ascending."""
        ...

    def stored_evidence(self) -> Iterator[EvidenceRow]:
        """Every evidence row, ascending by index."""
        ...

    def timestamp(self, index: int) -> TimestampRow | None:
        """The row of the token that the entry at `index` recorded."""
        ...

    def first_covering(self, authority: str, index: int) -> TimestampRow | None:
        """The recorded token of this authority with the smallest stamped size greater than `index`."""
        ...

    def last_recorded_before(self, authority: str, index: int) -> TimestampRow | None: ...

    def last_timestamp(self, authority: str) -> TimestampRow | None: ...

    def authorities(self) -> list[str]:
        """The names under which tokens were recorded."""
        ...

    def other_entries_since(self, size: int) -> bool:
        """Whether an entry other than `timestamp.recorded` stands at index `size` or later."""
        ...

    def close(self) -> None: ...
