"""Gather a receipt's parts and format them."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.prove.parts import PartsBuilder
from ledger.prove.proof_builder import SignedHead
from ledger.prove.receipt import format_receipt
from ledger.store.log_rows import EntryRow, OpeningRow


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
