"""The receipt: one canonical JSON object with all that its holder needs (docs/spec/bundle.md, "Receipt")."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.entry.canonical_json import Value, serialise
from ledger.entry.receipt_number import format_number
from ledger.entry.text_encodings import encode_base64
from ledger.prove.parts import EntryParts, TimestampParts

RECEIPT_DEPTH = 4
"""Nesting of a receipt: the object, its lists, their objects, and those objects' lists."""


def format_receipt(
    subject: EntryParts,
    timestamps: Sequence[TimestampParts],
    recorded: Sequence[EntryParts],
    certs: Sequence[str],
    secret: bytes | None,
) -> bytes:
    """The receipt's bytes. `secret` (32 bytes) goes to the submitter alone: who has it can open every field."""
    receipt: dict[str, Value] = {
        "certs": list(certs),
        "entries": [
            {"index": entry.index, "leaf": entry.leaf.decode(), "proof": entry.proof.decode()} for entry in recorded
        ],
        "hashes": [each.hex() for each in subject.hashes],
        "leaf": subject.leaf.decode(),
        "number": format_number(subject.index),
        "opened": [opening.decode() for _, opening in sorted((subject.openings or {}).items())],
        "proof": subject.proof.decode(),
        "timestamps": [
            {
                "consistency": [each.hex() for each in timestamp.consistency],
                "stamped": timestamp.stamped,
                "token": encode_base64(timestamp.token),
            }
            for timestamp in timestamps
        ],
        "v": 1,
    }
    if secret is not None:
        receipt["secret"] = encode_base64(secret)
    return serialise(receipt, max_depth=RECEIPT_DEPTH)
