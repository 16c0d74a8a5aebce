"""Where each entry of a batch goes: its index, its place in its chain, its leaf; or why it goes nowhere."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple

from ledger.commit.prepared import Prepared, values_of
from ledger.entry.kinds import PASSIVE_KINDS
from ledger.entry.leaf import Leaf, format_leaf, format_time
from ledger.entry.receipt_number import format_number
from ledger.errors import ConflictError, ErasedError, LedgerError
from ledger.merkle.hashing import hash_leaf
from ledger.store.contracts import ChainHead, EntryRow, IdempotencyRow, LogWriter, OpeningRow, Projection


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
    """A chain's end (ledger.store.contracts.ChainHead), in the form that costs least to make for each entry."""

    length: int
    acts: int
    leaf_hash: bytes | None


_NOTHING = _End(0, 0, None)


@dataclass(frozen=True, slots=True)
class _Answered:
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
            return [self._replay(each) or self._append(each) for each in submission]
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

    def _replay(self, prepared: Prepared) -> Place | None:
        """The entry that this key named before. Raises ConflictError if it named something else."""
        if prepared.replay is None:
            return None
        name = (prepared.replay.account, prepared.replay.key)
        known = self._keys.get(name)
        if known is not None:
            self._compare(prepared, known.row, known.secret)
            entry = self.entries[known.row.index - self._size]
            return Place(entry.index, entry.seq, self._time, entry.leaf, True)
        stored = self._stored_keys.get(name)
        if stored is None:
            return None
        opening = self._writer.opening(stored.index)
        if opening is None or opening.secret is None:
            number = format_number(stored.index)
            raise ErasedError("repeat a submission: what it committed has been erased", "Idempotency-Key", number)
        self._compare(prepared, stored, opening.secret)
        return Place(stored.index, -1, "", b"", True)

    @staticmethod
    def _compare(prepared: Prepared, row: IdempotencyRow, secret: bytes) -> None:
        if prepared.replay is None or not hmac.compare_digest(prepared.replay.mac(secret), row.mac):
            raise ConflictError("repeat a submission: this key was used before, with other content", "Idempotency-Key")

    def _append(self, prepared: Prepared) -> Place:
        chain, kind = prepared.chain, prepared.kind
        end = self._ends.get(chain, _NOTHING)
        if prepared.expected_acts is not None and prepared.expected_acts != end.acts:
            raise StaleError(
                f"append to the chain: it was decided on {prepared.expected_acts} acts, there are {end.acts} now", chain
            )
        index, seq = self._size + len(self.entries), end.length
        leaf = format_leaf(Leaf(chain, kind, end.leaf_hash, seq, self._time, prepared.commitment, prepared.public))
        leaf_hash = hash_leaf(leaf)
        self._ends_before.append(end)
        self._ends[chain] = _End(seq + 1, end.acts + (kind not in PASSIVE_KINDS), leaf_hash)
        self.entries.append(EntryRow(index, chain, seq, kind, leaf))
        self.hashes.append(leaf_hash)
        if prepared.commitment is not None:
            self.openings.append(OpeningRow(index, prepared.secret, prepared.fields))
        for row in prepared.projections:
            kind_of_row: Any = type(row)
            self.projections.append(_placer(kind_of_row)(row, index))
        if prepared.replay is not None:
            replay = prepared.replay
            answer = IdempotencyRow(replay.account, replay.key, index, replay.mac(prepared.secret), self._now_ms)
            self._keys[replay.account, replay.key] = _Answered(answer, prepared.secret)
        return Place(index, seq, self._time, leaf, False)


@cache
def _placer(kind: Any) -> Callable[[Any, int], Any]:
    """Makes a row with the entry's index in place of its own: `dataclasses.replace`, at a third of its cost."""
    values, at = values_of(kind), [each.name for each in fields(kind)].index("index")

    def place(row: Any, index: int) -> Any:
        own = values(row)
        return kind(*own[:at], index, *own[at + 1 :])

    return place
