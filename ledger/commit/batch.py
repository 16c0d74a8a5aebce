"""One transaction: place every submission of a batch, or say why not."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ledger.commit.prepared import Prepared
from ledger.entry.kinds import PASSIVE_KINDS
from ledger.entry.leaf import Leaf, format_leaf, format_time
from ledger.entry.receipt_number import format_number
from ledger.errors import ConflictError, CorruptError, ErasedError, LedgerError, RolledBackError
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.open_tiles import OpenTiles
from ledger.store.contracts import (
    ChainHead,
    EntryRow,
    Head,
    IdempotencyRow,
    LogStore,
    LogWriter,
    OpeningRow,
    Projection,
    TileRow,
)
from ledger.store.stored_tiles import StoredTiles


class StaleError(ConflictError):
    """Others have acted in the chain since the act was decided: read it again and decide again."""


@dataclass(frozen=True, slots=True)
class Sequenced:
    """An entry's place. `size`: that of a committed tree which holds it. `replayed`: it was there before this call."""

    index: int
    seq: int
    time: str
    leaf: bytes
    size: int
    replayed: bool


Outcome = list[Sequenced] | LedgerError


@dataclass
class _Placing:
    """What one submission, or a whole batch, adds. A refused submission's is thrown away whole."""

    heads: dict[str, ChainHead] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[IdempotencyRow, Prepared]] = field(default_factory=dict)
    entries: list[EntryRow] = field(default_factory=list)
    openings: list[OpeningRow] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    projections: list[Projection] = field(default_factory=list)

    def absorb(self, other: _Placing) -> None:
        self.heads |= other.heads
        self.keys |= other.keys
        for name in ("entries", "openings", "hashes", "projections"):
            getattr(self, name).extend(getattr(other, name))


def commit_batch(
    store: LogStore, submissions: Sequence[Sequence[Prepared]], edge: OpenTiles | None, now_ms: int
) -> tuple[OpenTiles, list[Outcome]]:
    """Append every acceptable submission, each whole or not at all, in order. Returns the new right edge and outcomes.

    `edge`: the right edge after this process's last commit or recovery, where it has one. Raises RolledBackError where
    the head does not continue it, CorruptError where the stored tree does not give the head's root; and
    AmbiguousCommitError or UnavailableError for the batch as a whole: nothing of it may then be assumed.
    """
    with store.writing() as writer:
        # A crash from here to the commit leaves nothing: the transaction rolls back.
        head = writer.lock_head()
        edge = _edge_at(store, head, edge)
        batch = _Batch(writer, head.size, format_time(now_ms), now_ms)
        batch.look_up(submissions)
        outcomes = [batch.place(submission) for submission in submissions]
        if batch.added.entries:
            edge = _write(writer, head, edge, batch.added)
    # A crash from here on leaves a committed head without a signature; recovery signs it at the next start.
    return edge, [_with_size(outcome, edge.size) for outcome in outcomes]


def _edge_at(store: LogStore, head: Head, edge: OpenTiles | None) -> OpenTiles:
    """The right edge at the locked head. What other processes appended since ours is appended to ours: so the head is
    known to continue what we signed, also where the database is changed under a running process.
    """
    if edge is None:
        edge = OpenTiles.load(head.size, StoredTiles(store).read)
        if edge.frontier.root() != head.root:
            raise CorruptError(f"append to the log: the stored tree does not give the head's root at size {head.size}")
        return edge
    if edge.size < head.size:
        edge = edge.append([hash_leaf(leaf) for leaf in store.leaves(edge.size, head.size)]).tiles
    if (edge.size, edge.frontier.root()) != (head.size, head.root):
        raise RolledBackError(
            f"append to the log: rolled back or forked while it was open: the head of size {head.size} "
            f"does not continue ours of size {edge.size}",
            "database",
        )
    return edge


def _write(writer: LogWriter, head: Head, edge: OpenTiles, added: _Placing) -> OpenTiles:
    grown = edge.append(added.hashes)
    tiles = [TileRow(tile.level, tile.index, data) for tile, data in grown.full]
    writer.append(added.entries, added.openings, list(added.heads.values()), tiles)
    writer.project(added.projections, [row for row, _ in added.keys.values()])
    writer.move_head(head, Head(grown.tiles.size, grown.root, grown.frontier.to_bytes()))
    return grown.tiles


def _with_size(outcome: Outcome, size: int) -> Outcome:
    if isinstance(outcome, LedgerError):
        return outcome
    return [replace(each, size=size) for each in outcome]


class _Batch:
    def __init__(self, writer: LogWriter, size: int, time: str, now_ms: int) -> None:
        self._writer = writer
        self._size = size
        self._time = time
        self._now_ms = now_ms
        self._stored_heads: dict[str, ChainHead] = {}
        self._stored_keys: dict[tuple[str, str], IdempotencyRow] = {}
        self.added = _Placing()

    def look_up(self, submissions: Sequence[Sequence[Prepared]]) -> None:
        """Read in two statements what the whole batch needs to know of the past."""
        prepared = [each for submission in submissions for each in submission]
        self._stored_heads = dict(self._writer.chain_heads(sorted({each.chain for each in prepared})))
        keys: dict[str, list[str]] = {}
        for each in prepared:
            if each.replay is not None:
                keys.setdefault(each.replay.account, []).append(each.replay.key)
        for account, wanted in keys.items():
            found = self._writer.replays(account, wanted)
            self._stored_keys |= {(account, key): row for key, row in found.items()}

    def place(self, submission: Sequence[Prepared]) -> Outcome:
        placing = _Placing()
        try:
            placed = [self._replay(each, placing) or self._append(each, placing) for each in submission]
        except LedgerError as refusal:
            return refusal
        self.added.absorb(placing)
        return placed

    def _replay(self, prepared: Prepared, placing: _Placing) -> Sequenced | None:
        """The entry that this key named before. Raises ConflictError if it named something else."""
        if prepared.replay is None:
            return None
        name = (prepared.replay.account, prepared.replay.key)
        known = placing.keys.get(name) or self.added.keys.get(name)
        if known is not None:
            row, first = known
            self._compare(prepared, row, first.secret)
            entry = next(e for e in placing.entries + self.added.entries if e.index == row.index)
            return Sequenced(entry.index, entry.seq, self._time, entry.leaf, 0, True)
        stored = self._stored_keys.get(name)
        if stored is None:
            return None
        opening = self._writer.opening(stored.index)
        if opening is None or opening.secret is None:
            number = format_number(stored.index)
            raise ErasedError("repeat a submission: what it committed has been erased", "Idempotency-Key", number)
        self._compare(prepared, stored, opening.secret)
        return Sequenced(stored.index, -1, "", b"", 0, True)

    @staticmethod
    def _compare(prepared: Prepared, row: IdempotencyRow, secret: bytes) -> None:
        if prepared.replay is None or not hmac.compare_digest(prepared.replay.mac(secret), row.mac):
            raise ConflictError("repeat a submission: this key was used before, with other content", "Idempotency-Key")

    def _append(self, prepared: Prepared, placing: _Placing) -> Sequenced:
        chain = prepared.chain
        head = placing.heads.get(chain) or self.added.heads.get(chain) or self._stored_heads.get(chain)
        length, acts = (0, 0) if head is None else (head.length, head.acts)
        if prepared.expected_acts is not None and prepared.expected_acts != acts:
            raise StaleError(
                f"append to the chain: it was decided on {prepared.expected_acts} acts, there are {acts} now", chain
            )
        index = self._size + len(self.added.entries) + len(placing.entries)
        prev = None if head is None else head.leaf_hash
        leaf = format_leaf(Leaf(chain, prepared.kind, prev, length, self._time, prepared.commitment, prepared.public))
        leaf_hash = hash_leaf(leaf)
        acts += prepared.kind not in PASSIVE_KINDS
        placing.heads[chain] = ChainHead(chain, length + 1, acts, index, leaf_hash)
        placing.entries.append(EntryRow(index, chain, length, prepared.kind, leaf))
        placing.hashes.append(leaf_hash)
        if prepared.commitment is not None:
            placing.openings.append(OpeningRow(index, prepared.secret, prepared.fields))
        placing.projections.extend(replace(row, index=index) for row in prepared.projections)
        if prepared.replay is not None:
            replay = prepared.replay
            row = IdempotencyRow(replay.account, replay.key, index, replay.mac(prepared.secret), self._now_ms)
            placing.keys[replay.account, replay.key] = (row, prepared)
        return Sequenced(index, length, self._time, leaf, 0, False)
