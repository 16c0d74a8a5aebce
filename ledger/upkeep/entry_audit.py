"""What one entry's row must say about its leaf, its chain and its openings."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import replace

from ledger.attest.rfc3161_token import parse_response
from ledger.casework.projection import project
from ledger.casework.sight import FILE
from ledger.entry.held import Held
from ledger.entry.kinds import PASSIVE_KINDS
from ledger.entry.leaf import Leaf, parse_leaf
from ledger.errors import LedgerError
from ledger.merkle.hashing import hash_leaf
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.signed_note import parse_note
from ledger.prove.parts import held_openings
from ledger.store.case_contracts import CaseStore
from ledger.store.contracts import ChainHead, EntryRow, EvidenceRow, OpeningRow
from ledger.upkeep.case_audit import CaseAudit
from ledger.upkeep.projection_audit import ProjectionAudit

_EVIDENCE = "evidence.anchored"
_TIMESTAMP = "timestamp.recorded"


class EntryAudit:
    """Sees every entry once, ascending. Keeps one row a chain in memory."""

    def __init__(self, store: CaseStore) -> None:
        self._store = store
        self._heads: dict[str, ChainHead] = {}
        self._system_chain: str | None = None
        self._secrets: set[bytes] = set()
        self._files: dict[int, bool] = {}
        self._cases = CaseAudit(store)
        self._acts = ProjectionAudit(store)
        self._rows = {"entries": 0, "openings": 0, "evidence": 0, "timestamps": 0}

    @staticmethod
    def leaf_hash(leaf: bytes) -> bytes:
        return hash_leaf(leaf)

    def check(self, row: EntryRow, opening: OpeningRow | None) -> Iterator[str]:
        """What is wrong with this entry, in words."""
        self._rows["entries"] += 1
        try:
            leaf = parse_leaf(row.leaf)
        except LedgerError as error:
            yield f"its leaf is malformed: {error}"
            return
        if (leaf.chain, leaf.seq, leaf.kind) != (row.chain, row.seq, row.kind):
            yield "its row names another chain, seq or kind than its leaf"
        yield from self._chain(row, leaf)
        yield from self._system(row, leaf)
        if leaf.fields is None:
            if opening is not None:
                yield "it is public, and yet it has openings"
            if leaf.kind == _TIMESTAMP:
                self._rows["timestamps"] += 1
                yield from self._token(row, leaf)
        elif opening is None:
            yield "its openings are missing, and no erasure is recorded"
        else:
            self._rows["openings"] += 1
            self._rows["evidence"] += leaf.kind == _EVIDENCE
            yield from self._openings(row, leaf, opening)

    def finish(self, size: int) -> Iterator[tuple[str, str]]:
        """What is wrong with the other tables, once all entries below `size` were seen."""
        stored = {head.chain: head for head in self._store.chain_heads()}
        # Read after the chains: an end beyond this belongs to no entry, not even to one that a server appends now.
        last = self._store.last_index()
        for chain, head in self._heads.items():
            found = stored.pop(chain, None)
            if found is None:
                yield f"chain {chain}", "its row is missing"
            elif found != head and not size <= found.index <= last:
                yield f"chain {chain}", f"its row says length {found.length}, the entries say {head.length}"
        for chain, head in stored.items():
            if not size <= head.index <= last:
                yield f"chain {chain}", "it has a row and no entries"
        yield from self._cases.finish(size)
        yield from self._acts.finish(size)
        yield from self._evidence_rows(size)
        yield from self._counts(size)

    def _counts(self, size: int) -> Iterator[tuple[str, str]]:
        """Each row that an entry demands was compared with it; one row more than entries demand was slipped in."""
        counted = self._store.count_rows(size)
        last = self._store.last_index()
        for table, expected in {**self._rows, **self._cases.rows}.items():
            below, beyond = counted[table]
            if below > expected:
                yield f"table {table}", f"it has {below} rows of these entries, they demand {expected}"
            if beyond and last < size:
                yield f"table {table}", f"it has {beyond} rows of entries that do not exist"

    def _chain(self, row: EntryRow, leaf: Leaf) -> Iterator[str]:
        head = self._heads.get(leaf.chain)
        length, acts, prev = (0, 0, None) if head is None else (head.length, head.acts, head.leaf_hash)
        if leaf.seq != length:
            yield f"its seq is {leaf.seq}, its chain has {length} entries before it"
        if leaf.prev != prev:
            yield "its prev is not the leaf hash of its chain's entry before"
        self._heads[leaf.chain] = ChainHead(
            leaf.chain, leaf.seq + 1, acts + (leaf.kind not in PASSIVE_KINDS), row.index, hash_leaf(row.leaf)
        )

    def _system(self, row: EntryRow, leaf: Leaf) -> Iterator[str]:
        if row.index == 0:
            self._system_chain = leaf.chain
            if leaf.kind != "log.opened":
                yield f"the first entry is a {leaf.kind}, not log.opened"
        if (leaf.public is not None) != (leaf.chain == self._system_chain):
            yield "public content stands on the system chain only, and nothing else does"

    def _openings(self, row: EntryRow, leaf: Leaf, opening: OpeningRow) -> Iterator[str]:
        try:
            held = held_openings(opening)
        except LedgerError as error:
            yield f"its openings are malformed: {error}"
            return
        if held.commitment != leaf.fields:
            yield "its openings do not give its commitment"
            return
        if opening.secret is not None:
            if opening.secret in self._secrets:
                yield "its secret is another entry's too: salts repeat"
            self._secrets.add(opening.secret)
        self._cases.see(row, opening)
        yield from self._acts.see(row, held)
        if row.kind == _EVIDENCE:
            yield from self._evidence(row, held)

    def _evidence(self, row: EntryRow, held: Held) -> Iterator[str]:
        expected = project(row.index, row.chain, row.kind, held.fields)[0]
        stored = self._store.evidence(row.index)
        if stored is None:
            yield "its row in the table of evidence is missing"
        elif isinstance(expected, EvidenceRow) and replace(expected, stored=stored.stored) != stored:
            yield "its row in the table of evidence says something else than its openings"
        elif isinstance(expected, EvidenceRow) and expected.stored != stored.stored:
            # The file may have been erased by an entry that was not read yet: asked once all were.
            self._files[row.index] = expected.stored

    def _evidence_rows(self, size: int) -> Iterator[tuple[str, str]]:
        """Rows that say another thing of the file than their entry: right only where an erasure took it."""
        for index, received in self._files.items():
            later = {name for row in self._store.erasures([index]) if row.index >= size for name in row.names}
            if not (received and (self._acts.file_erased(index) or FILE in later)):
                yield (
                    f"entry {index}",
                    "its row in the table of evidence says something else of the file than its openings",
                )

    def _token(self, row: EntryRow, leaf: Leaf) -> Iterator[str]:
        """The stamped text must be that of a checkpoint we signed: a token over anything else proves nothing of
        ours.
        """
        public = leaf.public or {}
        stamped, token = public.get("stamped"), public.get("token")
        if not isinstance(stamped, str) or not isinstance(token, str):
            yield "it records a token, and lacks the stamped text or the token"
            return
        try:
            size = parse_checkpoint(stamped).size
            info = parse_response(base64.b64decode(token, validate=True)).unverified
        except (LedgerError, binascii.Error) as error:
            yield f"its token cannot be read: {error}"
            return
        note = self._store.checkpoint(size)
        if note is None or parse_note(note).text != stamped:
            yield f"its token stamps a checkpoint of size {size} that was never signed"
        found = self._store.timestamp(row.index)
        if found is None or (found.size, found.gen_time) != (size, info.gen_time_ms):
            yield "its row in the table of timestamps is missing, or says something else than its token"
