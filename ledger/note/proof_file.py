"""Proof files (C2SP tlog-proof): an entry's index, its inclusion proof and a checkpoint, in one text.

c2sp.org/tlog-proof@v1
index 1
bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=

ledger.example/court
2
…
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.entry.text_encodings import DECIMAL_MAX, decode_base64, decode_decimal, encode_base64
from ledger.errors import LimitError, MalformedError
from ledger.merkle.hashing import HASH_SIZE

PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
"""The first line."""

PATH_MAX: Final = 63
"""Most hashes of an inclusion proof: the height of a tree of 2^63 leaves."""


@dataclass(frozen=True, slots=True)
class ProofFile:
    """`index`: the entry's; `path`: the inclusion proof, 32 bytes each; `note`: the checkpoint's bytes. None is
    verified.
    """

    index: int
    path: tuple[bytes, ...]
    note: bytes


def format_proof(index: int, path: Sequence[bytes], checkpoint_note: bytes) -> bytes:
    """The proof file of an entry. Raises MalformedError or LimitError for what `parse_proof` would refuse."""
    # An empty hash would be read as the empty line, and the rest as the checkpoint.
    if any(len(each) != HASH_SIZE for each in path):
        raise MalformedError(f"write a proof: expected hashes of {HASH_SIZE} bytes")
    if len(path) > PATH_MAX:
        raise LimitError(
            f"write a proof: expected at most {PATH_MAX} hashes, got {len(path)}", None, PATH_MAX, len(path)
        )
    if not checkpoint_note:
        raise MalformedError("write a proof: expected a checkpoint, got none")
    if not 0 <= index <= DECIMAL_MAX:
        raise MalformedError(f"write a proof: expected an index of 0 to {DECIMAL_MAX}, got {index}")
    head = "\n".join((PROOF_HEADER, f"index {index}", *map(encode_base64, path)))
    return head.encode("ascii") + b"\n\n" + checkpoint_note


def parse_proof(data: bytes) -> ProofFile:
    """The parts of a proof file; the checkpoint stays bytes, for `parse_note`. Raises MalformedError or LimitError.

    An `extra` line is refused: nothing signs it, and whoever shows it would be believed.
    """
    head, empty_line, note = data.partition(b"\n\n")
    if not empty_line or not note:
        raise MalformedError("read a proof: expected an empty line and a checkpoint after the inclusion proof")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError(f"read a proof: expected ascii before the checkpoint, got byte {error.start}") from error
    if lines[0] != PROOF_HEADER:
        raise MalformedError(f"read a proof: expected {PROOF_HEADER}, got {lines[0][:80]!r}")
    if len(lines) < 2 or not lines[1].startswith("index "):
        raise MalformedError("read a proof: expected the line index <n> second; extra is never taken")
    _check_length(len(lines) - 2)
    index = decode_decimal(lines[1].removeprefix("index "), "proof index")
    return ProofFile(index, tuple(decode_base64(line, HASH_SIZE, "proof") for line in lines[2:]), note)


def _check_length(hashes: int) -> None:
    if hashes > PATH_MAX:
        raise LimitError(f"proof: expected at most {PATH_MAX} hashes, got {hashes}", None, PATH_MAX, hashes)
