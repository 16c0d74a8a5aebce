"""All that processes told anybody before they died, kept for good and held against the log as it stands now.

A process writes what it tells into a file of its own, a line at a time, and each line once it has been told:

    A <key> <number> <leaf hash>       an entry was acknowledged
    C <signed note in base64>          served as /checkpoint, or stands in a receipt
    E <error's class> <what it said>   a submission was refused, or a start
    N <point>                          a point of the way that was not come to, where that was asked

A killed process loses nothing of what it wrote there, and only the last line may be cut off.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from threading import Lock

from ledger.config import Settings
from ledger.entry.leaf import parse_leaf
from ledger.entry.receipt_number import format_number
from ledger.merkle.consistency import prove_consistency
from ledger.merkle.hashing import hash_children, hash_leaf
from ledger.note.checkpoint import check_checkpoint
from ledger.note.keys import VerifierKey
from ledger.store.sql_store import SqlStore
from ledger.submit.anchor_flow import Anchored
from tests.crashes.submissions import leaf_hash, signed_note
from tests.ledger.making import signer_of
from verifier.merkle import check_consistency


class Telling:
    """The file that one process tells in. Safe to call from many threads."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._served: set[bytes] = set()
        self._lock = Lock()

    def answered(self, answers: dict[str, Anchored]) -> None:
        """Entries were acknowledged at once, by their keys: their receipts are in somebody's hands, all or none."""
        self._write_lines([("A", key, each.number, leaf_hash(each.receipt)) for key, each in answers.items()])
        for each in answers.values():
            self.served(signed_note(each.receipt))

    def served(self, note: bytes | None) -> None:
        """A checkpoint has left the process."""
        text = (note or b"").partition(b"\n\n")[0]
        with self._lock:
            if note is None or text in self._served:
                return
            self._served.add(text)
        self._write("C", base64.b64encode(note).decode())

    def refused(self, error: BaseException) -> None:
        """Something was not done, and somebody was told so."""
        self._write("E", type(error).__name__, " ".join(str(error).split()))

    def not_met(self, point: str) -> None:
        """A point of the way was not come to."""
        self._write("N", point)

    def _write(self, *words: str) -> None:
        self._write_lines([words])

    def _write_lines(self, lines: Sequence[Sequence[str]]) -> None:
        # In one call, which a kill does not divide: a batch is told whole or not at all.
        # Not write(2): that is one of those that fail here, and a failing diary would be no witness.
        os.writev(self._descriptor, ["".join(" ".join(words) + "\n" for words in lines).encode()])


@dataclass
class Told:
    """What all processes on one log told, so far."""

    vkeys: tuple[VerifierKey, VerifierKey]
    answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    checkpoints: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    not_met: list[str] = field(default_factory=list)
    newest_served: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Told:
        return cls(signer_of(settings).vkeys)

    def read(self, path: Path) -> None:
        """Take in what one process told."""
        whole, _, _ = path.read_text().rpartition("\n") if path.exists() else ("", "", "")
        for line in whole.splitlines():
            self.take(line)

    def take(self, line: str) -> None:
        """Take in one line of what a process told."""
        kind, *words = line.split(" ")
        if kind == "A":
            key, number, leaf = words
            assert self.answers.setdefault(key, (number, leaf)) == (number, leaf), f"{key} was answered otherwise"
        elif kind == "E":
            self.errors.append(" ".join(words))
        elif kind == "N":
            self.not_met.append(" ".join(words))
        else:
            self.served(base64.b64decode(words[0], validate=True))

    def answered(self, key: str, anchored: Anchored) -> None:
        told = (anchored.number, leaf_hash(anchored.receipt))
        assert self.answers.setdefault(key, told) == told, f"{key} was answered otherwise"
        self.served(signed_note(anchored.receipt))

    def served(self, note: bytes) -> None:
        """Keep a served checkpoint; its signatures must hold."""
        checkpoint = check_checkpoint(note, self.vkeys)
        self.checkpoints.setdefault((checkpoint.size, checkpoint.root), note)
        self.newest_served = max(self.newest_served, checkpoint.size)

    def in_flight(self, run: int, threads: int) -> list[str]:
        """The key that each thread of a process may have been about to hear of, when it died."""
        last = dict.fromkeys(range(threads), -1)
        for key in self.answers:
            of, thread, n = key.partition(".")[0].split("-")
            if of == str(run) and int(thread) in last:
                last[int(thread)] = max(last[int(thread)], int(n))
        return [f"{run}-{thread}-{n + 1}" for thread, n in last.items()]


@dataclass(frozen=True, eq=False)
class Held:
    """What the log holds: the length of each chain by its name, and every leaf's hash in order."""

    lengths: dict[str, int]
    hashes: list[bytes]

    @cached_property
    def answers(self) -> set[tuple[str, str]]:
        """What may be said of these entries: receipt's number and leaf hash."""
        return {(format_number(index), each.hex()) for index, each in enumerate(self.hashes)}

    @cache  # noqa: B019 (lives as long as one check)
    def node(self, level: int, index: int) -> bytes:
        """The tree over these entries, for the prover: made of the leaves themselves, and of no tile."""
        if level == 0:
            return self.hashes[index]
        return hash_children(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))


def read_log(store: SqlStore) -> Held:
    """Read every entry; chains must have no gap."""
    lengths: dict[str, int] = {}
    hashes: list[bytes] = []
    for row, _ in store.scan():
        leaf = parse_leaf(row.leaf)
        assert row.index == len(hashes), f"a gap before {row.index}"
        assert leaf.seq == lengths.get(leaf.chain, 0), f"a gap in chain {leaf.chain} before {row.index}"
        lengths[leaf.chain] = leaf.seq + 1
        hashes.append(hash_leaf(row.leaf))
    return Held(lengths, hashes)


def check_told(settings: Settings, told: Told) -> Held:
    """Nothing that was told is lost, moved or contradicted: every acknowledged entry stands where it was said to, no
    two stand in one place, chains have no gap, and every checkpoint ever served is a prefix of what is served now.
    """
    store = SqlStore.open(settings.database)
    try:
        held, published = read_log(store), store.published()
    finally:
        store.close()
    assert set(told.answers.values()) <= held.answers, "acknowledged, and not there"
    assert len({number for number, _ in told.answers.values()}) == len(told.answers), "two in one place"
    assert published is not None
    now = check_checkpoint(published[1], told.vkeys)
    assert now.size >= told.newest_served, "the published checkpoint moved backwards"
    for size, root in told.checkpoints:
        # Proven by the ledger's own code, checked by the verifier's.
        check_consistency(size, root, now.size, now.root, prove_consistency(held, size, now.size))
    return held
