"""Receipts of entries just appended, by the thousand: what is known before the entry has its place is written then, in
whichever process, and what all of them share is written once.

    {"certs":[],"entries":[],"hashes":[…],"leaf":"              before the leaf: from the openings
    <leaf>","number":"<number>                                  from the entry's place
    ","opened":[…],"proof":"                                    between number and proof: from the openings
    <proof>                                                     from the tree
    ","secret":"…","timestamps":[],"v":1}                       after the proof

The bytes are those of `ledger.prove.receipt` for the same entry without timestamps (a property of the tests).
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from typing import Final, NamedTuple

from ledger.entry.canonical_json import escape_json
from ledger.entry.commitment import CommittedFields
from ledger.entry.receipt_number import format_number

_BEFORE_LEAF: Final = b'{"certs":[],"entries":[],"hashes":["%b"],"leaf":"'
_TO_NUMBER: Final = b'","number":"'
_OPENED: Final = b'","opened":["%b"],"proof":"'
_AFTER_PROOF: Final = b'","secret":"%b","timestamps":[],"v":1}'


class ReceiptFrame(NamedTuple):
    """The parts of a submitter's receipt that follow from its openings and its secret."""

    before_leaf: bytes
    opened: bytes
    after_proof: bytes


def frame_receipt(committed: CommittedFields, secret: bytes) -> ReceiptFrame:
    """The frame of an entry's receipt, all of its fields open, with its `secret` (32 bytes)."""
    hashes = b"".join(committed.hashes).hex(",", 32).replace(",", '","').encode("ascii")
    # Canonical JSON holds no line's end, so all openings are escaped at once and then taken apart.
    opened = escape_json(b"\n".join(committed.openings)).replace(b"\n", b'","')
    return ReceiptFrame(
        _BEFORE_LEAF % hashes, _OPENED % opened, _AFTER_PROOF % b2a_base64(secret, newline=False)
    )  # fmt: skip


def fill_frame(frame: ReceiptFrame, index: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The receipt of the entry at `index` with this leaf. `proof`: its proof file, escaped as in a JSON string, in
    parts.
    """
    number = format_number(index).encode("ascii")
    return b"".join((frame.before_leaf, escape_json(leaf), _TO_NUMBER, number, frame.opened, *proof, frame.after_proof))
