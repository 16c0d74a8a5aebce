"""Gather a receipt's parts and format them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ledger.entry.commitment import Commitment, CommittedFields
from ledger.entry.receipt_frame import ReceiptFrame, fill_frame
from ledger.errors import CorruptError
from ledger.prove.parts import PartsBuilder
from ledger.prove.proof_builder import SignedHead
from ledger.prove.receipt import format_receipt
from ledger.store.contracts import EntryRow, OpeningRow


def build_receipt(
    parts: PartsBuilder,
    row: EntryRow,
    opening: OpeningRow,
    *,
    to_submitter: bool,
    opened: frozenset[str] = frozenset(),
    certs: Sequence[str] = (),
    head: SignedHead | None = None,
) -> bytes:
    """The receipt of an entry under the newest checkpoint that is served, or signed where none is served yet.

    `to_submitter`: with the secret, and so every field open. Otherwise `opened` names the fields (nothing else is
    open, `@names` is). `head`: one that covers the entry, where many receipts are made under the same one.
    """
    head = parts.head_covering(row.index) if head is None else head
    subject = parts.entry(row, opening, head, None if to_submitter else opened)
    timestamps = parts.timestamps([row.index], head)
    recorded = parts.recorded_entries(timestamps, head)
    return format_receipt(subject, timestamps, recorded, certs, opening.secret if to_submitter else None)


def build_first_receipt(
    parts: PartsBuilder, row: EntryRow, opening: OpeningRow, committed: CommittedFields, head: SignedHead
) -> bytes:
    """The submitter's receipt of an entry just appended, under a head that covers it: what `build_receipt` gives, but
    for reading back what is at hand. No timestamp can cover the entry yet.
    """
    return format_receipt(parts.fresh(row, committed, head), (), (), (), opening.secret)


def build_framed_receipts(
    parts: PartsBuilder, entries: Sequence[tuple[int, bytes, Commitment, ReceiptFrame]], head: SignedHead
) -> list[bytes]:
    """What `build_first_receipt` gives for each entry just appended, ascending: from its index, its leaf, what was
    committed to, and the frame made of it.

    Raises CorruptError if a leaf has another commitment.
    """
    receipts: list[bytes] = []
    # Entries of one submission stand side by side, but for those of another that had been answered before.
    for _, group in groupby(enumerate(entries), lambda each: each[1][0] - each[0]):
        run = [entry for _, entry in group]
        proofs = parts.proof_texts(run[0][0], [leaf for _, leaf, _, _ in run], head)
        for (index, leaf, commitment, frame), proof in zip(run, proofs, strict=True):
            if b'"root":"%b"' % commitment.root.hex().encode("ascii") not in leaf:
                raise CorruptError(f"open entry {index}: its fields do not give the leaf's commitment")
            receipts.append(fill_frame(frame, index, leaf, proof))
    return receipts
