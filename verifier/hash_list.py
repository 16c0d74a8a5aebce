"""A list of hashes as a part of the evidence writes it: field hashes, a consistency proof.

A bundle writes 64 hex a line, LF after each; a receipt a list of strings. What cannot be read is kept as a fault and
not raised, because the fault belongs to the step that needs the hashes (4, 6 or 8), not to the container.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier.encoding import BadEncoding, hex_hash

# The most that any list can rightly hold: a hash for each field of a commitment. Longer ones are not even taken apart.
MAX_HASHES = 1_024
_LINE = 65


@dataclass(frozen=True)
class HashList:
    """`hashes` of 32 bytes each; or `fault`, one lower-case clause saying why they cannot be read."""

    hashes: tuple[bytes, ...]
    fault: str | None = None


def from_lines(data: bytes) -> HashList:
    """The hashes of a bundle's member."""
    if len(data) > MAX_HASHES * _LINE:
        return HashList((), f"more than {MAX_HASHES} hashes")
    text = data.decode("latin-1")  # what is not ascii is no hex digit either
    if text and not text.endswith("\n"):
        return HashList((), "the last hash is not followed by a line feed")
    return from_strings(text[:-1].split("\n") if text else ())


def from_strings(strings: Sequence[str]) -> HashList:
    """The hashes of a receipt's list. Each string is judged alone: one with two lines in it is no two hashes."""
    if len(strings) > MAX_HASHES:
        return HashList((), f"more than {MAX_HASHES} hashes")
    hashes: list[bytes] = []
    for place, string in enumerate(strings):
        try:
            hashes.append(hex_hash(string))
        except BadEncoding as error:
            return HashList((), f"hash {place}: {error}")
    return HashList(tuple(hashes))
