"""The kept file's bytes: two slots, written in turn, so that a torn write leaves the other one whole.

    0       evidence-kept-checkpoint/2 0000003402 <64 hex of the note's SHA-256>\n<the signed note>      padded to 8 KiB
    8192    the same: the checkpoint before it, or the one after

The digest tells a slot whose write was cut off from a whole one; which of two whole ones is newer, their sizes of the
tree tell. A file that is a signed note by itself, as earlier versions kept it, is read as one.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from ledger.errors import MalformedError
from ledger.note.checkpoint import Checkpoint, parse_checkpoint
from ledger.note.signed_note import parse_note

SLOT_SIZE: Final = 8_192
"""Bytes of a slot: our own two signature lines take at most half of it, and it shares no block of a disk with the
other.
"""

FILE_SIZE: Final = 2 * SLOT_SIZE

_MAGIC: Final = b"evidence-kept-checkpoint/2 "
_HEADER: Final = re.compile(rb"evidence-kept-checkpoint/2 ([0-9]{10}) ([0-9a-f]{64})\n")
_HEADER_SIZE: Final = len(_MAGIC) + 10 + 1 + 64 + 1


def fits(note: bytes) -> bool:
    """Whether a slot holds this note; one with many cosignatures, such as an operator accepts, may be longer."""
    return len(note) <= SLOT_SIZE - _HEADER_SIZE


def format_slot(note: bytes) -> bytes:
    """A slot's bytes, without what pads it: what lies behind the note is never read."""
    return b"%b%010d %b\n%b" % (_MAGIC, len(note), sha256(note).hexdigest().encode(), note)


def format_file(note: bytes) -> bytes:
    """A new file with this note in its first slot. It never changes its size: writing it later moves no metadata."""
    return format_slot(note).ljust(FILE_SIZE, b"\n")


def parse_slots(data: bytes) -> tuple[bytes | None, bytes | None] | None:
    """The notes of both slots, None for one that is empty or was cut off. None for a file that has no slots.

    Raises MalformedError where neither slot holds a note: a write never touches both.
    """
    if len(data) != FILE_SIZE or _MAGIC not in (data[: len(_MAGIC)], data[SLOT_SIZE : SLOT_SIZE + len(_MAGIC)]):
        return None
    slots = _parse_slot(data[:SLOT_SIZE]), _parse_slot(data[SLOT_SIZE:])
    if slots == (None, None):
        raise MalformedError("read the kept checkpoint: expected a whole slot of two, got none")
    return slots


def damaged_slots(data: bytes) -> list[int]:
    """Which slots, counted from 1, hold something that is no whole note: a write was cut off there, or a byte changed.

    What lies behind a note is never read, and is not looked at.
    """
    if parse_slots(data) is None:
        return []
    slots = (data[:SLOT_SIZE], data[SLOT_SIZE:])
    return [at for at, slot in enumerate(slots, 1) if slot.strip(b"\n\0") and _parse_slot(slot) is None]


def newest_note(data: bytes) -> bytes:
    """The newest note that a kept file holds, or the file itself where it has no slots. Raises MalformedError or
    LimitError where a slot's note is no checkpoint.
    """
    slots = parse_slots(data)
    if slots is None:
        return data
    notes = [note for note in slots if note is not None]
    return max(notes, key=lambda note: checkpoint_of(note).size)


def checkpoint_of(note: bytes) -> Checkpoint:
    """What a note says, its signatures unread. Raises MalformedError or LimitError."""
    return parse_checkpoint(text_of(note))


def text_of(note: bytes) -> str:
    """A note's text. Raises MalformedError or LimitError for what is no note."""
    text, empty_line, _ = note.partition(b"\n\n")
    # Three lines and an empty one: any other text, or what is no text, goes to the parser that says what is wrong.
    return text.decode("ascii") + "\n" if empty_line and text.isascii() else parse_note(note).text


def _parse_slot(slot: bytes) -> bytes | None:
    header = _HEADER.match(slot)
    if header is None:
        return None
    length = int(header[1])
    note = slot[_HEADER_SIZE : _HEADER_SIZE + length]
    return note if sha256(note).hexdigest().encode() == header[2] else None
