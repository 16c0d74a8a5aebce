"""Fields, openings and the commitment (docs/spec/commitment.md)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.canonical_json import Json, NotCanonical, depth, is_int, kind_of, parse
from verifier.encoding import BadEncoding, base64_bytes, is_hex
from verifier.errors import VerifierError
from verifier.field_name import is_field_name
from verifier.hash_list import HashList
from verifier.leaf import Fields
from verifier.merkle import root_of

NAMES = "@names"
MAX_OPENING = 131_072
MAX_DEPTH = 8
SALT_SIZE = 16
SECRET_SIZE = 32


class BadCommitment(VerifierError):
    """An entry's hashes and openings are not a disclosure of its commitment."""


@dataclass(frozen=True)
class Opening:
    """One opened field: its name (or `@names`), 16-byte salt, value, and the hash that commits to all three."""

    name: str
    salt: bytes
    value: Json
    field_hash: bytes


@dataclass(frozen=True)
class OpeningPart:
    """An opening's exact bytes; `position` is the one its member's name gives, None in a receipt."""

    data: bytes
    position: int | None = None


@dataclass(frozen=True)
class Disclosure:
    """A commitment that was checked: all names, and the values of those that are open (without `@names`)."""

    names: tuple[str, ...]
    values: Mapping[str, Json]

    @property
    def absent(self) -> list[str]:
        """Names that are open with the value null."""
        return [name for name, value in self.values.items() if value is None]

    @property
    def closed(self) -> list[str]:
        """Names that are committed and not open."""
        return [name for name in self.names if name not in self.values]


def parse_opening(data: bytes) -> Opening:
    """An opening from its bytes; raises BadCommitment unless it is canonical, of three items, and within its limits."""
    if len(data) > MAX_OPENING:
        raise BadCommitment(f"an opening has at most {MAX_OPENING} bytes and this one has {len(data)}")
    try:
        items = parse(data)
    except NotCanonical as error:
        raise BadCommitment(f"an opening is not canonical: {error}") from None
    if not isinstance(items, list) or len(items) != 3:
        raise BadCommitment("an opening should be a list of name, salt and value")
    name, salt_text, value = items
    if not isinstance(name, str) or not (name == NAMES or is_field_name(name)):
        raise BadCommitment("an opening's name is not a field name")
    if not isinstance(salt_text, str):
        raise BadCommitment(f"the salt of {name} should be a string and is {kind_of(salt_text)}")
    try:
        salt = base64_bytes(salt_text)
    except BadEncoding as error:
        raise BadCommitment(f"the salt of {name}: {error}") from None
    if len(salt) != SALT_SIZE:
        raise BadCommitment(f"the salt of {name} should have {SALT_SIZE} bytes and has {len(salt)}")
    if depth(value) > MAX_DEPTH:
        raise BadCommitment(f"the value of {name} is deeper than {MAX_DEPTH}")
    return Opening(name, salt, value, hashlib.sha256(b"\x00" + data).digest())


def check(fields: Fields, hashes: HashList | None, parts: Sequence[OpeningPart], secret: bytes | None) -> Disclosure:
    """That hashes and openings disclose the commitment of a leaf, and what they disclose.

    The five points of commitment.md, "Disclosure and its check"; raises BadCommitment.
    """
    if hashes is None:
        raise BadCommitment("the field hashes are missing")
    if hashes.fault is not None:
        raise BadCommitment(f"the field hashes are malformed: {hashes.fault}")
    if len(hashes.hashes) != fields.count:
        raise BadCommitment(f"the leaf counts {fields.count} fields and {len(hashes.hashes)} hashes are given")
    if root_of(hashes.hashes) != fields.root:
        raise BadCommitment("the field hashes have another root than the leaf states")
    if not parts or parts[0].position not in (None, 0):
        raise BadCommitment(f"position 0 should be open and hold {NAMES}")
    first = parse_opening(parts[0].data)
    names = _names(first, fields.count)
    positions = {NAMES: 0} | {name: place for place, name in enumerate(names, start=1)}
    values: dict[str, Json] = {}
    last = -1
    for part in parts:
        opening = first if part is parts[0] else parse_opening(part.data)
        position = _position(opening, part, positions, last)
        if opening.field_hash != hashes.hashes[position]:
            raise BadCommitment(f"the opening of {opening.name} does not hash to the hash at position {position}")
        if secret is not None and opening.salt != salt_of(secret, opening.name):
            raise BadCommitment(f"the salt of {opening.name} is not the one that the secret gives")
        if position:
            values[opening.name] = opening.value
        last = position
    return Disclosure(names, values)


def salt_of(secret: bytes, name: str) -> bytes:
    """The 16-byte salt that an entry's 32-byte secret gives a name."""
    return hmac.digest(secret, name.encode("utf-8"), "sha256")[:SALT_SIZE]


def _names(opening: Opening, count: int) -> tuple[str, ...]:
    if opening.name != NAMES:
        raise BadCommitment(f"position 0 should be {NAMES} and is {opening.name}")
    if not isinstance(opening.value, list):
        raise BadCommitment(f"{NAMES} should be a list and is {kind_of(opening.value)}")
    names: list[str] = []
    for name in opening.value:
        if not isinstance(name, str) or not is_field_name(name):
            raise BadCommitment(f"{NAMES} holds something that is not a field name")
        if names and names[-1] >= name:  # names are ascii: the order of characters is that of bytes
            raise BadCommitment(f"{NAMES} is not strictly ascending at {name}")
        names.append(name)
    if len(names) != count - 1:
        raise BadCommitment(f"the leaf counts {count} fields and {NAMES} lists {len(names)}, which should be one less")
    return tuple(names)


def _position(opening: Opening, part: OpeningPart, positions: Mapping[str, int], last: int) -> int:
    position = positions.get(opening.name)
    if position is None:
        raise BadCommitment(f"the opening of {opening.name} has no place: {NAMES} does not list it")
    if part.position is not None and part.position != position:
        raise BadCommitment(f"the opening at position {part.position} is that of {opening.name}, whose is {position}")
    if position <= last:
        raise BadCommitment(f"the openings are not in ascending order at {opening.name}")
    return position


def check_anchored(disclosure: Disclosure) -> None:
    """That an `evidence.anchored` commits the required names and opens them with their types; raises BadCommitment."""
    for name, right in _REQUIRED.items():
        if name not in disclosure.names:
            raise BadCommitment(f"an evidence.anchored should commit {name} and does not")
        if name in disclosure.values and not right(disclosure.values[name]):
            raise BadCommitment(f"{name} is open with a value of another type than it must have")


def _is_string(value: Json) -> bool:
    return isinstance(value, str)


def _is_size(value: Json) -> bool:
    return isinstance(value, int) and is_int(value) and value >= 0


def _is_sha256(value: Json) -> bool:
    return isinstance(value, str) and is_hex(value, 64)


def _is_sha512(value: Json) -> bool:
    return isinstance(value, str) and is_hex(value, 128)


_REQUIRED = {
    "file.name": _is_string,
    "file.size": _is_size,
    "file.sha256": _is_sha256,
    "file.sha512": _is_sha512,
    "file.media_type": _is_string,
    "submitter.name": _is_string,
}
