"""Keys and signed notes (docs/spec/log.md; C2SP signed-note)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from verifier.encoding import BadEncoding, base64_bytes
from verifier.errors import VerifierError

ED25519 = 0x01
WITNESS_ED25519 = 0x04
ML_DSA_44 = 0x06
KEY_SIZES = {ED25519: 32, WITNESS_ED25519: 32, ML_DSA_44: 1_312}

MAX_NAME = 255
MAX_LINES = 100
KEY_ID_SIZE = 4
# Unicode's White_Space, less the control characters, which are refused as such.
_SPACES = frozenset(" \u00a0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(code) for code in range(0x2000, 0x200B)}
_LINE_START = "— "  # em dash, space
_KEY_ID = re.compile(r"[0-9a-f]{8}")


class BadKey(VerifierError):
    """A vkey is malformed or its key ID is not that of its key."""


class BadNote(VerifierError):
    """A signed note is malformed."""


@dataclass(frozen=True)
class Key:
    """A vkey: `key_id` of 4 bytes, `kind` the type byte, `material` the public key's bytes."""

    name: str
    key_id: bytes
    kind: int
    material: bytes


@dataclass(frozen=True)
class SignatureLine:
    """A signature line: the name, the 4-byte key ID, and what follows it (at least one byte)."""

    name: str
    key_id: bytes
    signature: bytes

    def is_of(self, key: Key) -> bool:
        """Whether this is a line of that key: name and key ID both."""
        return self.name == key.name and self.key_id == key.key_id


def is_name(name: str) -> bool:
    """Whether a text is in the grammar of key names, which origins share."""
    if not name or len(name.encode("utf-8", "surrogatepass")) > MAX_NAME:
        return False
    return not any(char == "+" or char in _SPACES or unicodedata.category(char) in ("Cc", "Cs") for char in name)


def parse_vkey(text: str) -> Key:
    """A key from its vkey; raises BadKey.

    The key ID is demanded for the types this format uses. C2SP computes it in other ways for some other types, whose
    keys are kept and never satisfied.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise BadKey("a vkey should be a name, a key ID and a key with + between them")
    name, key_id_text, material_text = parts
    if not is_name(name):
        raise BadKey("a vkey's name is empty, too long, or holds a space or control character")
    if not _KEY_ID.fullmatch(key_id_text):
        raise BadKey(f"the key ID of {name} should be 8 lower-case hex digits")
    try:
        material = base64_bytes(material_text)
    except BadEncoding as error:
        raise BadKey(f"the key of {name}: {error}") from None
    if len(material) < 2:
        raise BadKey(f"the key of {name} should be a type byte and a public key")
    key = Key(name, bytes.fromhex(key_id_text), material[0], material[1:])
    if key.kind in KEY_SIZES:
        _check_listed(key)
    return key


def _check_listed(key: Key) -> None:
    if len(key.material) != KEY_SIZES[key.kind]:
        raise BadKey(f"the key of {key.name} should have {KEY_SIZES[key.kind]} bytes and has {len(key.material)}")
    hashed = key.name.encode("utf-8") + b"\n" + bytes([key.kind]) + key.material
    if hashlib.sha256(hashed).digest()[:KEY_ID_SIZE] != key.key_id:
        raise BadKey(f"the key ID of {key.name} is not that of its key")


def text_of(note: bytes) -> bytes:
    """The text of a signed note, with its last line feed: all before the last empty line; raises BadNote."""
    end = note.rfind(b"\n\n")
    if end < 0:
        raise BadNote("the note has no empty line between text and signatures")
    return note[: end + 1]


def lines_of(note: bytes) -> list[SignatureLine]:
    """The signature lines of a signed note, checked in their form only; raises BadNote."""
    try:
        text = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadNote(f"the note is not utf-8 at byte {error.start}") from None
    if any(char != "\n" and unicodedata.category(char) == "Cc" for char in set(text)):
        raise BadNote("the note holds a control character")
    end = text.rfind("\n\n")
    if end < 0:
        raise BadNote("the note has no empty line between text and signatures")
    signatures = text[end + 2 :]
    if not signatures.endswith("\n"):
        raise BadNote("the note should end with a signature line and its line feed")
    lines = signatures[:-1].split("\n", MAX_LINES)
    if len(lines) > MAX_LINES:
        raise BadNote(f"a note has at most {MAX_LINES} signature lines and this one has more")
    return [_parse_line(line) for line in lines]


def _parse_line(line: str) -> SignatureLine:
    name, space, encoded = line.removeprefix(_LINE_START).partition(" ")
    if not line.startswith(_LINE_START) or not space or not is_name(name):
        raise BadNote("a signature line should be an em dash, a space, a name, a space, and base64")
    try:
        data = base64_bytes(encoded)
    except BadEncoding as error:
        raise BadNote(f"the signature line of {name}: {error}") from None
    if len(data) <= KEY_ID_SIZE:
        raise BadNote(f"the signature line of {name} should hold a key ID and a signature")
    return SignatureLine(name, data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])
