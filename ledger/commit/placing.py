"""Where each entry of a batch goes: its index, its place in its chain, its leaf; or why it goes nowhere."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any, NamedTuple

from ledger.commit.prepared import Prepared, ReplayKey, place_of_index
from ledger.entry.kinds import PASSIVE_KINDS
from ledger.entry.leaf import Leaf, format_case_leaf, format_leaf, format_time
from ledger.entry.receipt_number import format_number
from ledger.errors import ConflictError, ErasedError, LedgerError
from ledger.merkle.hashing import hash_leaf
from ledger.store.contracts import LogWriter
from ledger.store.log_rows import ChainHead, EntryRow, IdempotencyRow, OpeningRow, Projection


class StaleError(ConflictError):
    """Others have acted in the chain since the act was decided: read it again and decide again."""


class Place(NamedTuple):
    """Where an entry stands: `at`, its index. `replayed`: it was there before; of one of an earlier batch only the
    index is told.
    """

    at: int
    seq: int
    time: str
    leaf: bytes
    replayed: bool


class _End(NamedTuple):
    """A chain's end (ledger.store.log_rows.ChainHead), in the form that costs least to make for each entry."""

    length: int
    acts: int
    leaf_hash: bytes | None


_NOTHING = _End(0, 0, None)


class _Answered(NamedTuple):
    """A key that the batch answers, and the secret that its MAC is made with."""

    row: IdempotencyRow
    secret: bytes


class Placing:
    """Places submissions one after another, each whole or not at all: a refused one is taken back to its beginning.

    `entries`, `openings`, `hashes` (of the leaves, 32 bytes each) and `projections` are what the batch adds.
    """

    def __init__(self, writer: LogWriter, size: int, now_ms: int) -> None:
        self._writer = writer
        self._size = size
        self._time = format_time(now_ms)
        self._now_ms = now_ms
        self._ends: dict[str, _End] = {}
        self._ends_before: list[_End] = []  # for each entry, its chain's end without it
        self._stored_keys: dict[tuple[str, str], IdempotencyRow] = {}
        self._keys: dict[tuple[str, str], _Answered] = {}
        self.entries: list[EntryRow] = []
        self.openings: list[OpeningRow] = []
        self.hashes: list[bytes] = []
        self.projections: list[Projection] = []

    def look_up(self, submissions: Sequence[Sequence[Prepared]]) -> None:
        """Read in two statements what the whole batch needs to know of the past."""
        prepared = [each for submission in submissions for each in submission]
        stored = self._writer.chain_heads(sorted({each.chain for each in prepared}))
        self._ends = {chain: _End(head.length, head.acts, head.leaf_hash) for chain, head in stored.items()}
        keys: dict[str, list[str]] = {}
        for each in prepared:
            if each.replay is not None:
                keys.setdefault(each.replay.account, []).append(each.replay.key)
        for account, wanted in keys.items():
            found = self._writer.replays(account, wanted)
            self._stored_keys |= {(account, key): row for key, row in found.items()}

    def place(self, submission: Sequence[Prepared]) -> list[Place] | LedgerError:
        """Give every entry of the submission its place, or the refusal."""
        lists: tuple[list[Any], ...] = (self.openings, self.projections)
        first, lengths, keys = len(self.entries), [len(each) for each in lists], len(self._keys)
        try:
            return [
                (None if each.replay is None else self._replay(each, each.replay)) or self._append(each)
                for each in submission
            ]
        except LedgerError as refusal:
            for row, before in zip(reversed(self.entries[first:]), reversed(self._ends_before[first:]), strict=True):
                self._ends[row.chain] = before
            del self.entries[first:], self._ends_before[first:], self.hashes[first:]
            for each, length in zip(lists, lengths, strict=True):
                del each[length:]
            for name in list(self._keys)[keys:]:  # a dictionary keeps the order in which its keys came
                del self._keys[name]
            return refusal

    def chain_heads(self) -> list[ChainHead]:
        """The new ends of the chains that grew."""
        last = {row.chain: (row, leaf_hash) for row, leaf_hash in zip(self.entries, self.hashes, strict=True)}
        return [
            ChainHead(row.chain, row.seq + 1, self._ends[row.chain].acts, row.index, leaf_hash)
            for row, leaf_hash in last.values()
        ]

    def answered(self) -> list[IdempotencyRow]:
        """The keys that the batch answers for the first time."""
        return [each.row for each in self._keys.values()]

    def _replay(self, prepared: Prepared, replay: ReplayKey) -> Place | None:
        """The entry that this key named before. Raises ConflictError if it named something else."""
        name = (replay.account, replay.key)
        known = self._keys.get(name)
        if known is not None:
            _compare(replay, known.row, known.secret)
            entry = self.entries[known.row.index - self._size]
            return Place(entry.index, entry.seq, self._time, entry.leaf, True)
        stored = self._stored_keys.get(name)
        if stored is None:
            return None
        opening = self._writer.opening(stored.index)
        if opening is None or opening.secret is None:
            number = format_number(stored.index)
            raise ErasedError("repeat a submission: what it committed has been erased", "Idempotency-Key", number)
        _compare(replay, stored, opening.secret)
        return Place(stored.index, -1, "", b"", True)

    def _append(self, prepared: Prepared) -> Place:
        chain, kind, commitment, secret, fields, public, rows, expected_acts, replay, mac, _ = prepared
        end = self._ends.get(chain, _NOTHING)
        seq, acts, prev = end
        if expected_acts is not None and expected_acts != acts:
            raise StaleError(
                f"append to the chain: it was decided on {expected_acts} acts, there are {acts} now", chain
            )
        index, time = self._size + len(self.entries), self._time
        if commitment is not None and public is None:
            leaf = format_case_leaf(chain, kind, prev, seq, time, commitment)
        else:
            leaf = format_leaf(Leaf(chain, kind, prev, seq, time, commitment, public))
        leaf_hash = hash_leaf(leaf)
        self._ends_before.append(end)
        self._ends[chain] = _End(seq + 1, acts if kind in PASSIVE_KINDS else acts + 1, leaf_hash)
        self.entries.append(EntryRow(index, chain, seq, kind, leaf))
        self.hashes.append(leaf_hash)
        if commitment is not None:
            self.openings.append(OpeningRow(index, secret, fields))
        for row, values in rows:
            make: Any = row
            at = place_of_index(make)
            self.projections.append(make(*values[:at], index, *values[at + 1 :]) if at else make(index, *values[1:]))
        if replay is not None:
            answer = IdempotencyRow(replay.account, replay.key, index, mac, self._now_ms)
            self._keys[replay.account, replay.key] = _Answered(answer, secret)
        return Place(index, seq, time, leaf, False)


def _compare(replay: ReplayKey, row: IdempotencyRow, secret: bytes) -> None:
    if not hmac.compare_digest(replay.mac(secret), row.mac):
        raise ConflictError("repeat a submission: this key was used before, with other content", "Idempotency-Key")
