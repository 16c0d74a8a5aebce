"""The parts that a receipt and a bundle have in common, gathered once."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from ledger.entry.held import Held, read_held
from ledger.entry.leaf import parse_leaf
from ledger.errors import CorruptError, LedgerError, NotFoundError
from ledger.note.checkpoint import parse_checkpoint
from ledger.prove.proof_builder import ProofBuilder, SignedHead
from ledger.store.contracts import LogStore
from ledger.store.log_rows import EntryRow, OpeningRow, TimestampRow

TIMESTAMPS_MAX = 64
"""Timestamps in one bundle (docs/spec/bundle.md)."""


@dataclass(frozen=True, slots=True)
class EntryParts:
    """One entry: its leaf, its proof file, and for an entry with fields the hashes and the opened openings by
    position.
    """

    index: int
    leaf: bytes
    proof: bytes
    hashes: tuple[bytes, ...] = ()
    openings: Mapping[int, bytes] | None = None


@dataclass(frozen=True, slots=True)
class TimestampParts:
    """One recorded token: DER of the response, the stamped note text, the consistency proof with the proofs'
    checkpoint.
    """

    recorded: int
    authority: str
    gen_time_ms: int
    token: bytes
    stamped: str
    consistency: tuple[bytes, ...]


class PartsBuilder:
    """Gathers parts under one signed head."""

    def __init__(self, store: LogStore, proofs: ProofBuilder) -> None:
        self._store = store
        self._proofs = proofs

    def head_covering(self, index: int) -> SignedHead:
        """See ProofBuilder.head_covering."""
        return self._proofs.head_covering(index)

    def entry(self, row: EntryRow, opening: OpeningRow | None, head: SignedHead, opened: Set[str] | None) -> EntryParts:
        """An entry with the named fields open (None: all), `@names` always.

        Raises CorruptError if the openings do not fit the leaf.
        """
        proof = self._proofs.proof_file(row.index, row.leaf, head)
        commitment = parse_leaf(row.leaf).fields
        if commitment is None:
            return EntryParts(row.index, row.leaf, proof)
        if opening is None:
            raise NotFoundError(f"open entry {row.index}: its openings are not here")
        held = held_openings(opening)
        if held.commitment != commitment:
            raise CorruptError(f"open entry {row.index}: the stored openings do not give the leaf's commitment")
        shown = held.fields.keys() if opened is None else opened & held.fields.keys()
        positions = [0] + [p for p, name in enumerate(held.names, 1) if name in shown]
        return EntryParts(row.index, row.leaf, proof, held.hashes, {p: held.openings[p] for p in positions})

    def timestamps(self, indexes: Sequence[int], head: SignedHead) -> list[TimestampParts]:
        """For each authority the first token that covers each entry and the last recorded before it, at most 64.

        The most telling come first: those for the last entry bind all of them.
        """
        size = head.checkpoint.size
        ends = [
            found
            for authority in self._store.authorities()
            for found in (self._covering(authority, indexes), self._before(authority, indexes))
        ]
        chosen: dict[int, TimestampRow] = {}
        # Last, first, then the others: whatever must be left out widens a bracket and never opens one.
        for index in dict.fromkeys([*indexes[-1:], *indexes[:1], *indexes]):
            for rows in ends:
                row = rows[index]
                if row is not None and row.index < size and len(chosen) < TIMESTAMPS_MAX:
                    chosen[row.index] = row
        return [self._timestamp(chosen[index], head) for index in sorted(chosen)]

    def _covering(self, authority: str, indexes: Sequence[int]) -> dict[int, TimestampRow | None]:
        """For each index (ascending) the first token that covers it. One read for all that the same token covers."""
        found: dict[int, TimestampRow | None] = {}
        row: TimestampRow | None = None
        for n, index in enumerate(indexes):
            if n == 0 or (row is not None and row.size <= index):
                row = self._store.first_covering(authority, index)
            found[index] = row
        return found

    def _before(self, authority: str, indexes: Sequence[int]) -> dict[int, TimestampRow | None]:
        """For each index (ascending) the last token recorded before it, from the end: the same as above, mirrored."""
        found: dict[int, TimestampRow | None] = {}
        row: TimestampRow | None = None
        for n, index in enumerate(reversed(indexes)):
            if n == 0 or (row is not None and row.index >= index):
                row = self._store.last_recorded_before(authority, index)
            found[index] = row
        return found

    def recorded_entries(self, timestamps: Iterable[TimestampParts], head: SignedHead) -> list[EntryParts]:
        """The `timestamp.recorded` entries of these tokens, ascending."""
        found = []
        for timestamp in timestamps:
            row = self._store.entry(timestamp.recorded)
            if row is None:
                raise CorruptError(f"read entry {timestamp.recorded}: it is missing")
            found.append(self.entry(row, None, head, frozenset()))
        return found

    def _timestamp(self, row: TimestampRow, head: SignedHead) -> TimestampParts:
        entry = self._store.entry(row.index)
        public = None if entry is None else parse_leaf(entry.leaf).public
        if public is None or not isinstance(public.get("stamped"), str) or not isinstance(public.get("token"), str):
            raise CorruptError(f"read the token of entry {row.index}: the entry is not a timestamp.recorded")
        stamped, token = str(public["stamped"]), base64.b64decode(str(public["token"]), validate=True)
        proof = self._proofs.consistency(parse_checkpoint(stamped), head)
        return TimestampParts(row.index, row.authority, row.gen_time, token, stamped, tuple(proof))


def held_openings(opening: OpeningRow) -> Held:
    """What a row of openings holds. Raises CorruptError where it no longer is what was written."""
    try:
        return read_held(opening.secret, opening.fields, opening.kept)
    except LedgerError as error:
        raise CorruptError(f"read the openings of entry {opening.index}: {error.what}") from error
