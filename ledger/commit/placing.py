"""Where each entry of a batch goes: its index, its place in its chain, its leaf; or why it goes nowhere."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from ledger.commit.prepared import Prepared, ReplayKey, place_of_index
from ledger.entry.kinds import PASSIVE_KINDS
from ledger.entry.leaf import Leaf, format_case_leaf, format_leaf, format_public_leaf, format_time
from ledger.entry.receipt_number import format_number
from ledger.errors import ConflictError, ErasedError, LedgerError
from ledger.merkle.hashing import hash_leaf
from ledger.store.contracts import LogWriter
from ledger.store.log_rows import ChainHead, EntryRow, IdempotencyRow, OpeningRow, Projection


class StaleError(ConflictError):
    """Others have acted in the chain since the act was decided: read it again and decide again."""


class Place(NamedTuple):
    """Where an entry stands that was there before: `at`, its index; of one of an earlier batch nothing else is told."""

    at: int
    seq: int
    time: str
    leaf: bytes


_End: TypeAlias = tuple[int, int, bytes | None]
"""A chain's end (ledger.store.log_rows.ChainHead): length, acts, leaf hash. A bare tuple: each entry makes one."""

_NOTHING: Final[_End] = (0, 0, None)


class _Answered(NamedTuple):
    """A key that the batch answers, and the secret that its MAC is made with."""

    row: IdempotencyRow
    secret: bytes


class Placing:
    """Places submissions one after another, each whole or not at all: a refused one is taken back to its beginning.

    `entries` (all of the same `time`), `openings`, `hashes` (of the leaves, 32 bytes each) and `projections` are what
    the batch adds.
    """

    def __init__(self, writer: LogWriter, size: int, now_ms: int) -> None:
        self._writer = writer
        self._size = size
        self.time = format_time(now_ms)
        self._now_ms = now_ms
        self._ends: dict[str, _End] = {}
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
        self._ends = {chain: (head.length, head.acts, head.leaf_hash) for chain, head in stored.items()}
        keys: dict[str, list[str]] = {}
        for each in prepared:
            if each.replay is not None:
                keys.setdefault(each.replay.account, []).append(each.replay.key)
        for account, wanted in keys.items():
            found = self._writer.replays(account, wanted)
            self._stored_keys |= {(account, key): row for key, row in found.items()}

    def place(self, submission: Sequence[Prepared]) -> list[int | Place] | LedgerError:
        """Give every entry of the submission its index, or the place of the one that it repeats; or the refusal."""
        lists: tuple[list[Any], ...] = (self.entries, self.hashes, self.openings, self.projections)
        lengths, keys = [len(each) for each in lists], len(self._keys)
        ends_before: dict[str, _End] = {}
        try:
            return [
                (None if each.replay is None else self._replay(each.replay)) or self._append(each, ends_before)
                for each in submission
            ]
        except LedgerError as refusal:
            self._ends |= ends_before
            for each, length in zip(lists, lengths, strict=True):
                del each[length:]
            for name in list(self._keys)[keys:]:  # a dictionary keeps the order in which its keys came
                del self._keys[name]
            return refusal

    def chain_heads(self) -> list[ChainHead]:
        """The new ends of the chains that grew."""
        last = {row.chain: (row, leaf_hash) for row, leaf_hash in zip(self.entries, self.hashes, strict=True)}
        return [
            ChainHead(row.chain, row.seq + 1, self._ends[row.chain][1], row.index, leaf_hash)
            for row, leaf_hash in last.values()
        ]

    def answered(self) -> list[IdempotencyRow]:
        """The keys that the batch answers for the first time."""
        return [each.row for each in self._keys.values()]

    def _replay(self, replay: ReplayKey) -> Place | None:
        """The entry that this key named before. Raises ConflictError if it named something else."""
        name = (replay.account, replay.key)
        known = self._keys.get(name)
        if known is not None:
            _compare(replay, known.row, known.secret)
            entry = self.entries[known.row.index - self._size]
            return Place(entry.index, entry.seq, self.time, entry.leaf)
        stored = self._stored_keys.get(name)
        if stored is None:
            return None
        opening = self._writer.opening(stored.index)
        if opening is None or opening.secret is None:
            number = format_number(stored.index)
            raise ErasedError("repeat a submission: what it committed has been erased", "Idempotency-Key", number)
        _compare(replay, stored, opening.secret)
        return Place(stored.index, -1, "", b"")

    def _append(self, prepared: Prepared, ends_before: dict[str, _End]) -> int:
        chain, kind, commitment, secret, fields, public, rows, expected_acts, replay, mac, _ = prepared
        end = self._ends.get(chain, _NOTHING)
        seq, acts, prev = end
        if expected_acts is not None and expected_acts != acts:
            raise StaleError(
                f"append to the chain: it was decided on {expected_acts} acts, there are {acts} now", chain
            )
        index = self._size + len(self.entries)
        if commitment is None and public is not None:
            leaf = format_public_leaf(chain, kind, prev, seq, self.time, public)
        elif commitment is not None and public is None:
            leaf = format_case_leaf(chain, kind, prev, seq, self.time, commitment)
        else:
            leaf = format_leaf(Leaf(chain, kind, prev, seq, self.time, commitment, public))  # refuses it
        leaf_hash = hash_leaf(leaf)
        ends_before.setdefault(chain, end)
        self._ends[chain] = (seq + 1, acts if kind in PASSIVE_KINDS else acts + 1, leaf_hash)
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
        return index


def _compare(replay: ReplayKey, row: IdempotencyRow, secret: bytes) -> None:
    if not hmac.compare_digest(replay.mac(secret), row.mac):
        raise ConflictError("repeat a submission: this key was used before, with other content", "Idempotency-Key")
