"""A checkpoint's note text (C2SP tlog-checkpoint): origin, size and root, three lines and no more.

ledger.example/court
2
+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.entry.text_encodings import DECIMAL_MAX, decode_base64, decode_decimal, encode_base64
from ledger.errors import MalformedError
from ledger.merkle.hashing import EMPTY_ROOT, HASH_SIZE
from ledger.note.keys import check_key_name


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: `origin`, the log's name; `size`, 0 to 2^63 − 1 entries; `root`, 32 bytes.

    Raises MalformedError or LimitError for an origin that is no key name, another size or root, or a root of the
    empty tree that is not the hash of nothing.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_key_name(self.origin, "origin")
        if not 0 <= self.size <= DECIMAL_MAX:
            raise MalformedError(f"checkpoint: expected a size of 0 to 2^63 - 1, got {self.size}")
        if len(self.root) != HASH_SIZE:
            raise MalformedError(f"checkpoint: expected a root of {HASH_SIZE} bytes, got {len(self.root)}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedError("checkpoint: expected the empty tree's root at size 0")


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The note text, with its last newline. Its SHA-256 is what a timestamp is asked for."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{encode_base64(checkpoint.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a note text. Raises MalformedError or LimitError for any other form.

    Extension lines are refused: the ML-DSA-44 signature does not cover them, so anybody could say anything there.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedError(f"read a checkpoint: expected three lines, each with its newline, got {len(lines) - 1}")
    origin, size, root, _ = lines
    return Checkpoint(
        origin, decode_decimal(size, "checkpoint size"), decode_base64(root, HASH_SIZE, "checkpoint root")
    )
