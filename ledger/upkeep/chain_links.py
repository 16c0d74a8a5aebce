"""Every chain from its first entry to its last: no gap in seq, each `prev` the leaf hash before, the ends as stored.

A stretch of the log is walked by itself; of each chain it leaves one record, its first and its last entry there, and
the records of all stretches are joined afterwards. So stretches may be walked by several processes, and memory does
not grow with the number of chains.
"""

from __future__ import annotations

from binascii import hexlify, unhexlify
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain as joined
from struct import Struct, iter_unpack
from typing import Any, Final

from ledger.entry.kinds import PASSIVE_KINDS
from ledger.entry.known_leaf import (
    CHAIN_DIGITS,
    claimed_kind,
    claimed_place,
    claimed_prev,
    leaf_head,
    recognise,
    recognise_run,
)
from ledger.entry.leaf import Leaf, parse_leaf
from ledger.errors import LedgerError

# chain, first index, its seq, whether it has a prev, prev; last index, its seq, its leaf hash; acts
LINK: Final = Struct(">16sqq?32sqq32sq")

RUN_MIN: Final = 16
"""Leaves of one chain that are worth being recognised at once."""

_BAD_SEQ: Final = "its seq is {}, its chain has {} entries before it"
_BAD_PREV: Final = "its prev is not the leaf hash of its chain's entry before"


@dataclass(slots=True)
class _Stretch:
    """One chain within a stretch. `seq`: of the entry to come; `prev`: its prev, in hex. `head`: how its leaves begin;
    empty where they are parsed each. `kind`: of the entry before; `acting`: 1 where that kind is an act, else 0.
    """

    first: int
    first_seq: int
    first_prev: bytes | None
    seq: int
    prev: bytes
    last: int
    acts: int
    head: bytes
    kind: str = ""
    acting: int = 0

    def goes_on(self, index: int, kind: str, digits: bytes, count: int = 1) -> None:
        """Its next entries of one kind, so many, were seen, and are in order. `index` and `digits`: of the last one."""
        self.seq += count
        self.prev = digits
        self.last = index
        if kind != self.kind:
            self.kind, self.acting = kind, kind not in PASSIVE_KINDS
        self.acts += self.acting * count


class ChainWalk:
    """Walks a stretch of the log, ascending. `system`: the chain of entry 0, 16 bytes."""

    def __init__(self, system: bytes) -> None:
        self._system = system
        self._chains: dict[bytes, _Stretch] = {}
        self._by_digits: dict[bytes, _Stretch] = {}
        self.problems: list[tuple[int, str]] = []

    def walk(self, rows: Sequence[tuple[Any, ...]], hashes: Sequence[bytes]) -> None:
        """The next entries as (index, chain, seq, kind, leaf), and their leaf hashes. Adds to `problems`."""
        digits = _digits(hashes)
        for span, alone in _spans([row[1] for row in rows]):
            (self._walk_run if alone else self._walk_each)(rows[span], digits[span])

    def _walk_run(self, rows: Sequence[tuple[Any, ...]], digits: Sequence[bytes]) -> None:
        """Rows of one chain. What is not a run is one in its halves, or in theirs: it ends where the kind, the count of
        fields or the number of digits of seq changes.
        """
        if len(rows) < RUN_MIN:
            self._walk_each(rows, digits)
            return
        index, chain, _, kind, _ = rows[-1]
        first = rows[0][2]
        stretch = self._chains.get(chain)
        try:
            if (
                stretch is not None
                and first == stretch.seq
                and [row[2] for row in rows] == list(range(first, first + len(rows)))
                and [row[3] for row in rows].count(kind) == len(rows)
                and recognise_run([row[4] for row in rows], digits, stretch.head, kind, stretch.prev, first)
            ):
                stretch.goes_on(index, kind, digits[-1], len(rows))
                return
        except TypeError:
            pass  # a column holds a text where bytes belong: SQLite lets it, and it is not recognised
        half = len(rows) // 2
        self._walk_run(rows[:half], digits[:half])
        self._walk_run(rows[half:], digits[half:])

    def _walk_each(self, rows: Sequence[tuple[Any, ...]], digits: Sequence[bytes]) -> None:
        for (index, chain, seq, kind, leaf), own in zip(rows, digits, strict=True):
            stretch = self._chains.get(chain)
            try:
                if (
                    stretch is not None
                    and seq == stretch.seq
                    and recognise(leaf, stretch.head, kind, stretch.prev, seq)
                ):
                    stretch.goes_on(index, kind, own)
                    continue
            except TypeError:
                pass  # as above
            if not self._begin(index, chain, seq, kind, leaf, own):
                self._parse(index, chain, seq, kind, leaf, own)

    def walk_leaves(self, first: int, leaves: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """The same for leaves without rows, the first of them at index `first`."""
        digits = _digits(hashes)
        if leaves[0][CHAIN_DIGITS] == leaves[-1][CHAIN_DIGITS] and self._is_run(first, leaves, digits):
            return
        for span, alone in _spans([leaf[CHAIN_DIGITS] for leaf in leaves]):
            walk = self._walk_run_of_leaves if alone else self._walk_each_leaf
            walk(first + span.start, leaves[span], digits[span])

    def _walk_run_of_leaves(self, index: int, leaves: Sequence[bytes], digits: Sequence[bytes]) -> None:
        """Leaves of one chain; as `_walk_run`."""
        if len(leaves) < RUN_MIN:
            self._walk_each_leaf(index, leaves, digits)
        elif not self._is_run(index, leaves, digits):
            half = len(leaves) // 2
            self._walk_run_of_leaves(index, leaves[:half], digits[:half])
            self._walk_run_of_leaves(index + half, leaves[half:], digits[half:])

    def _is_run(self, index: int, leaves: Sequence[bytes], digits: Sequence[bytes]) -> bool:
        """Whether they were recognised at once, and so were taken."""
        stretch = self._by_digits.get(leaves[0][CHAIN_DIGITS])
        if stretch is None:
            return False
        kind = claimed_kind(leaves[0])
        if not recognise_run(leaves, digits, stretch.head, kind, stretch.prev, stretch.seq):
            return False
        stretch.goes_on(index + len(leaves) - 1, kind, digits[-1], len(leaves))
        return True

    def _walk_each_leaf(self, first: int, leaves: Sequence[bytes], digits: Sequence[bytes]) -> None:
        chains = self._by_digits
        for index, (leaf, own) in enumerate(zip(leaves, digits, strict=True), first):
            stretch = chains.get(leaf[CHAIN_DIGITS])
            if stretch is None:
                self._take_leaf(index, leaf, own)
            elif recognise(leaf, stretch.head, kind := claimed_kind(leaf), stretch.prev, stretch.seq):
                stretch.goes_on(index, kind, own)
            else:
                self._take_leaf(index, leaf, own)

    def _take_leaf(self, index: int, leaf: bytes, digits: bytes) -> None:
        place = claimed_place(leaf)
        if place is not None and self._begin(index, *place, leaf, digits):
            return
        try:
            parsed = parse_leaf(leaf)
        except LedgerError as error:
            self._add(index, f"its leaf is malformed: {error}")
            return
        self._place(index, parsed, digits)

    def records(self) -> Iterator[bytes]:
        """One for each chain of the stretch."""
        for chain, each in self._chains.items():
            prev = each.first_prev
            head = (chain, each.first, each.first_seq, prev is not None, unhexlify(prev or b""))
            yield LINK.pack(*head, each.last, each.seq - 1, unhexlify(each.prev), each.acts)

    def _begin(self, index: int, chain: Any, seq: Any, kind: Any, leaf: Any, digits: bytes) -> bool:
        """The first of a case's chain in this stretch, without parsing it; its prev is compared when all is joined."""
        try:
            if chain in self._chains or chain == self._system:
                return False
            head, prev = leaf_head(chain), claimed_prev(leaf, kind)
            if prev is None or not recognise(leaf, head, kind, prev, seq):
                return False
        except (TypeError, ValueError, AttributeError):
            return False
        stretch = _Stretch(index, seq, prev, seq, prev, index, 0, head)
        stretch.goes_on(index, kind, digits)
        self._chains[chain] = self._by_digits[hexlify(chain)] = stretch
        return True

    def _parse(self, index: int, chain: Any, seq: Any, kind: Any, data: Any, digits: bytes) -> None:
        """Whatever was not recognised: first entries, those of the system chain, and all that is wrong."""
        if not (isinstance(chain, bytes) and isinstance(kind, str) and isinstance(data, bytes)):
            self._add(index, "its row holds something else than a chain, a kind and a leaf")
            return
        try:
            leaf = parse_leaf(data)
        except LedgerError as error:
            self._add(index, f"its leaf is malformed: {error}")
            return
        if (bytes.fromhex(leaf.chain), leaf.seq, leaf.kind) != (chain, seq, kind):
            self._add(index, "its row names another chain, seq or kind than its leaf")
        self._place(index, leaf, digits)

    def _place(self, index: int, leaf: Leaf, digits: bytes) -> None:
        self._link(index, leaf, digits)
        if index == 0 and leaf.kind != "log.opened":
            self._add(index, f"the first entry is a {leaf.kind}, not log.opened")
        if (leaf.public is not None) != (leaf.chain == self._system.hex()):
            self._add(index, "public content stands on the system chain only, and nothing else does")

    def _link(self, index: int, leaf: Leaf, digits: bytes) -> None:
        chain = bytes.fromhex(leaf.chain)
        prev = None if leaf.prev is None else hexlify(leaf.prev)
        stretch = self._chains.get(chain)
        if stretch is None:
            head = b"" if chain == self._system else leaf_head(chain)
            stretch = _Stretch(index, leaf.seq, prev, leaf.seq, b"", index, 0, head)
            self._chains[chain] = self._by_digits[hexlify(chain)] = stretch
        else:
            if leaf.seq != stretch.seq:
                self._add(index, _BAD_SEQ.format(leaf.seq, stretch.seq))
            if prev != stretch.prev:
                self._add(index, _BAD_PREV)
        stretch.seq = leaf.seq
        stretch.goes_on(index, leaf.kind, digits)

    def _add(self, index: int, what: str) -> None:
        self.problems.append((index, what))


@dataclass(slots=True)
class ChainEnd:
    """A chain as its entries give it: how many there are, how many of them are acts, and the last."""

    chain: bytes
    length: int
    acts: int
    index: int
    leaf_hash: bytes


def join_links(records: Sequence[bytes]) -> Iterator[tuple[ChainEnd, list[tuple[int, str]]]]:
    """Join the records of whole chains, sorted (by chain, then by place): each chain's end, and what is wrong."""
    end: ChainEnd | None = None
    problems: list[tuple[int, str]] = []
    for record in records:
        chain, first, seq, has_prev, prev, last, last_seq, leaf_hash, acts = LINK.unpack(record)
        if end is not None and end.chain != chain:
            yield end, problems
            end, problems = None, []
        length, before = (0, None) if end is None else (end.length, end.leaf_hash)
        if seq != length:
            problems.append((first, _BAD_SEQ.format(seq, length)))
        if (prev if has_prev else None) != before:
            problems.append((first, _BAD_PREV))
        end = ChainEnd(chain, last_seq + 1, acts + (0 if end is None else end.acts), last, leaf_hash)
    if end is not None:
        yield end, problems


def _digits(hashes: Sequence[bytes]) -> list[bytes]:
    """Each as 64 hex digits."""
    return list(joined.from_iterable(iter_unpack("64s", hexlify(b"".join(hashes)))))


def _spans(chains: Sequence[object]) -> Iterator[tuple[slice, bool]]:
    """Stretches of entries, all of them in order: of one chain and `RUN_MIN` or more, then True; or of any chains."""
    mixed = at = 0
    while (end := at + RUN_MIN) <= len(chains):
        chain = chains[at]
        if chains[end - 1] == chain and chains[at:end].count(chain) == RUN_MIN:
            if mixed < at:
                yield slice(mixed, at), False
            end = next((other for other in range(end, len(chains)) if chains[other] != chain), len(chains))
            yield slice(at, end), True
            mixed = end
        at = end
    if mixed < len(chains):
        yield slice(mixed, len(chains)), False
