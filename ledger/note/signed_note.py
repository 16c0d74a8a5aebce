"""Signed notes (C2SP signed-note): a text, an empty line, and signature lines. Reading one verifies nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ledger.entry.text_encodings import decode_base64, encode_base64
from ledger.errors import LimitError, MalformedError
from ledger.note.keys import KEY_ID_SIZE

SIGNATURE_LINES_MAX: Final = 100
"""Most signature lines of a note: each of ours costs a verification. The specification demands at least 16."""

NOTE_MAX: Final = 1024 * 1024
"""Bytes of the longest note: 100 lines of the largest post-quantum signatures in use, and far below what hurts."""

_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NOT_IN_NAMES: Final = re.compile(r"[\s+\x00-\x1f]")
_SIGNATURE_LINE: Final = re.compile(r"— ([^ ]+) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's `name`, its `key_id` (4 bytes), and `raw`, what follows the key ID. Unverified."""

    name: str
    key_id: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class SignedNote:
    """`text`: the note's text with its last newline. `signatures`: all lines in their order, none of them verified."""

    text: str
    signatures: tuple[Signature, ...]


def format_note(note: SignedNote) -> bytes:
    """The note's bytes. Raises MalformedError or LimitError for a note that `parse_note` would refuse."""
    _check_text(note.text)
    _check_count(len(note.signatures))
    return f"{note.text}\n{''.join(map(format_signature_line, note.signatures))}".encode()


def parse_note(data: bytes) -> SignedNote:
    """The note of these bytes. Raises MalformedError for another form, LimitError over 100 signature lines or 1 MiB.

    Signatures of keys that nobody here knows are kept: who verifies decides whom to know.
    """
    if len(data) > NOTE_MAX:
        raise LimitError(f"read a note: expected at most {NOTE_MAX} bytes, got {len(data)}", None, NOTE_MAX, len(data))
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"read a note: expected utf-8, got {error.reason} at byte {error.start}") from error
    if not whole.endswith("\n"):
        raise MalformedError("read a note: expected a newline at its end")
    # The text may hold empty lines; signature lines may not, so the last empty line parts them.
    text, empty_line, block = whole.rpartition("\n\n")
    if not empty_line:
        raise MalformedError("read a note: expected an empty line before the signatures")
    text += "\n"
    _check_text(text)
    lines = block.split("\n")[:-1]
    _check_count(len(lines))
    return SignedNote(text, tuple(map(parse_signature_line, lines)))


def format_signature_line(signature: Signature) -> str:
    """`— <name> base64(key ID || raw)` with its newline. Raises MalformedError for a signature without a line."""
    _check_signature(signature)
    return f"— {signature.name} {encode_base64(signature.key_id + signature.raw)}\n"


def parse_signature_line(line: str) -> Signature:
    """One signature line, without its newline. Raises MalformedError for another form."""
    match = _SIGNATURE_LINE.fullmatch(line)
    if match is None:
        raise MalformedError(f"read a note: expected a signature line, got {line[:80]!r}")
    name, encoded = match.groups()
    both = decode_base64(encoded, None, f"signature of {name[:80]}")
    signature = Signature(name, both[:KEY_ID_SIZE], both[KEY_ID_SIZE:])
    _check_signature(signature)
    return signature


def _check_text(text: str) -> None:
    if not text.endswith("\n") or text == "\n":
        raise MalformedError("note: expected a text that ends in a newline")
    bad = _CONTROL.search(text)
    if bad is not None:
        raise MalformedError(f"note: expected no control characters but newline, got {bad.group()!r}")


def _check_count(count: int) -> None:
    if count == 0:
        raise MalformedError("note: expected at least one signature line")
    if count > SIGNATURE_LINES_MAX:
        raise LimitError(
            f"note: expected at most {SIGNATURE_LINES_MAX} signature lines, got {count}",
            None,
            SIGNATURE_LINES_MAX,
            count,
        )


def _check_signature(signature: Signature) -> None:
    """A key's name has no Unicode space and no `+`; its length is its owner's business, for most keys are not known
    here.
    """
    name = signature.name
    if not name or _NOT_IN_NAMES.search(name):
        raise MalformedError(f"note: expected a key name without space, + or control characters, got {name[:80]!r}")
    if len(signature.key_id) != KEY_ID_SIZE or not signature.raw:
        raise MalformedError(f"note: expected a key id of {KEY_ID_SIZE} bytes and a signature after it", name[:80])
