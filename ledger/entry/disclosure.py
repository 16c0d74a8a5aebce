"""Handing over openings, and checking what was handed over against the leaf's commitment.

A disclosure is all field hashes and the bytes of some openings; the root is recomputed from the hashes. `@names` is
always open: so the other side knows which fields exist, and no second value can hide behind a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger.entry.canonical_json import Value, parse
from ledger.entry.commitment import (
    COUNT_MAX,
    NAMES_FIELD,
    OPENING_MAX,
    SALT_SIZE,
    VALUE_DEPTH_MAX,
    Commitment,
    CommittedFields,
    commitment_root,
    derive_salt,
    field_hash,
)
from ledger.entry.names import check_name
from ledger.entry.text_encodings import decode_base64
from ledger.errors import LimitError, MalformedError, NotFoundError, ProofError

_OPENING_DEPTH: Final = VALUE_DEPTH_MAX + 1


@dataclass(frozen=True, slots=True)
class Disclosure:
    """`hashes`: every field's hash (32 bytes each) by position; `openings`: the bytes of the opened positions, 0
    among them.
    """

    hashes: tuple[bytes, ...]
    openings: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Opening:
    """One field, opened: `name`, `salt` (16 bytes) and `value`."""

    name: str
    salt: bytes = field(repr=False)
    value: Value


@dataclass(frozen=True, slots=True)
class OpenedFields:
    """A disclosure that holds: `names` of all fields, ascending, and the values of those `opened`, without `@names`."""

    names: tuple[str, ...]
    opened: dict[str, Value]

    @property
    def closed(self) -> tuple[str, ...]:
        """The names whose values stay hidden."""
        return tuple(name for name in self.names if name not in self.opened)


def parse_opening(data: bytes, where: str) -> Opening:
    """Read an opening's bytes. Raises MalformedError or LimitError unless they are the one form that a producer
    writes.
    """
    if len(data) > OPENING_MAX:
        raise LimitError(
            f"opening: expected at most {OPENING_MAX} bytes, got {len(data)}", where, OPENING_MAX, len(data)
        )
    parts = parse(data, where=where, max_depth=_OPENING_DEPTH)
    if not isinstance(parts, list) or len(parts) != 3:
        raise MalformedError("opening: expected a list of name, salt and value", where)
    name, salt, value = parts
    if not isinstance(name, str) or not isinstance(salt, str):
        raise MalformedError("opening: expected name and salt as strings", where)
    if name != NAMES_FIELD:
        check_name(name, where)
    return Opening(name, decode_base64(salt, SALT_SIZE, where), value)


def disclose(committed: CommittedFields, names_to_open: Iterable[str]) -> Disclosure:
    """Open these names, and always `@names`. Raises NotFoundError for a name that was not committed."""
    positions = {name: position for position, name in enumerate(committed.names, start=1)}
    openings = {0: committed.openings[0]}
    for name in sorted(set(names_to_open) - {NAMES_FIELD}):
        if name not in positions:
            raise NotFoundError("disclose a field: it was not committed", name)
        openings[positions[name]] = committed.openings[positions[name]]
    return Disclosure(committed.hashes, dict(sorted(openings.items())))


def check_disclosure(disclosure: Disclosure, commitment: Commitment) -> OpenedFields:
    """Check a disclosure against the leaf's commitment (step 4 of the verification).

    Count, root, `@names`, and of each opening its hash, its form, and that it stands at its name's position. Raises
    ProofError where it does not fit, MalformedError or LimitError where it cannot be read.
    """
    _check_hashes(disclosure.hashes, commitment)
    if 0 not in disclosure.openings:
        raise ProofError(f"check a disclosure: expected {NAMES_FIELD} to be open")
    names = _check_names(_open(disclosure, 0), commitment.count)
    opened: dict[str, Value] = {}
    for position in sorted(disclosure.openings):
        if position == 0:
            continue
        opening = _open(disclosure, position)
        if opening.name != names[position - 1]:
            raise ProofError(
                f"check a disclosure: expected {names[position - 1]} at position {position}, got {opening.name}"
            )
        opened[opening.name] = opening.value
    return OpenedFields(names, opened)


def check_salts(disclosure: Disclosure, secret: bytes) -> None:
    """Check that an entry's secret (32 bytes) gives the salt of every opening. Raises ProofError where it does not."""
    for position, data in disclosure.openings.items():
        opening = parse_opening(data, f"position {position}")
        if derive_salt(secret, opening.name) != opening.salt:
            raise ProofError("check a salt: the secret gives another one", opening.name)


def _check_hashes(hashes: Sequence[bytes], commitment: Commitment) -> None:
    if len(hashes) != commitment.count or not 1 <= commitment.count <= COUNT_MAX:
        raise ProofError(f"check a disclosure: expected {commitment.count} hashes, got {len(hashes)}")
    computed = commitment_root(hashes)
    if computed != commitment.root:
        raise ProofError(f"check a disclosure: expected root {commitment.root.hex()}, got {computed.hex()}")


def _open(disclosure: Disclosure, position: int) -> Opening:
    where = f"position {position}"
    if not 0 <= position < len(disclosure.hashes):
        raise ProofError(f"check a disclosure: expected a position below {len(disclosure.hashes)}", where)
    data = disclosure.openings[position]
    if field_hash(data) != disclosure.hashes[position]:
        raise ProofError("check a disclosure: the opening does not give the hash at its position", where)
    return parse_opening(data, where)


def _check_names(opening: Opening, count: int) -> tuple[str, ...]:
    """The committed names. Strictly ascending, or one name could have two values, the convenient one to be shown
    later.
    """
    listed = opening.value
    if opening.name != NAMES_FIELD or not isinstance(listed, list):
        raise ProofError(
            f"check a disclosure: expected a list of names as {NAMES_FIELD} at position 0, got {opening.name}"
        )
    if len(listed) + 1 != count:
        raise ProofError(f"check a disclosure: expected {count - 1} names, got {len(listed)}")
    names: list[str] = []
    for name in listed:
        if not isinstance(name, str):
            raise ProofError(f"check a disclosure: expected strings in {NAMES_FIELD}, got {type(name).__name__}")
        check_name(name, NAMES_FIELD)
        if names and name <= names[-1]:
            raise ProofError(f"check a disclosure: expected names strictly ascending, got {name} after {names[-1]}")
        names.append(name)
    return tuple(names)
