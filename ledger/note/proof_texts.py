r"""Proof files of neighbours by the thousand, in parts, escaped as in a JSON string; what they share is written once.

    c2sp.org/tlog-proof@v1\nindex 41\n         of each entry
    bjQLnP+zepicpUTmu3gKLHiQHT+z…\n…           its path, whose end its neighbours share
    \nledger.example/court\n…                  the note: one for all

Put together they are what `ledger.note.proof_file.format_proof` gives, escaped (a property of the tests).
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Final

from ledger.entry.canonical_json import serialise
from ledger.merkle.stretch import Stretch
from ledger.note.proof_file import PROOF_HEADER

_BEFORE_PATH: Final = PROOF_HEADER.encode("ascii") + b"\\nindex %d\\n"


def before_path(index: int) -> bytes:
    """What comes before the path of the entry at `index`."""
    return _BEFORE_PATH % index


def path_texts(stretch: Stretch) -> list[bytes]:
    """The path of each leaf of a stretch in order: a line of base64 for each hash, its end escaped.

    From the root down: a node's path is its sibling, and then its parent's path.
    """
    texts, above_start = [b""], 0
    for start, row in reversed(stretch.rows()):
        lines = [b2a_base64(node, newline=False) + b"\\n" for node in row]
        shift = (start >> 1) - above_start
        texts = [
            lines[at ^ 1] + texts[(at >> 1) + shift] if at ^ 1 < len(row) else texts[(at >> 1) + shift]
            for at in range(len(row))
        ]
        above_start = start
    return texts[stretch.first - above_start :]


def after_path(note: bytes) -> bytes:
    """What comes after each path: the signed note."""
    return b"\\n" + serialise(note.decode())[1:-1]
