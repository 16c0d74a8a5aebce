"""What the ledger holds of an entry's openings: all of them while it has the secret, or what an erasure left.

While the secret lives, an erased value could be guessed: its salt follows from the secret, and its hash is public to
whoever holds a receipt. So an erasure destroys the secret, and keeps the surviving openings' bytes and every hash:

    {"hashes":["<64 hex>",...],"openings":["[\\"@names\\",...]",...]}        by position; `@names` survives always

From these each surviving field is proven as before; of an erased one nothing is left but a hash under a salt that
nobody knows (128 bits).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from ledger.entry.canonical_json import Value, parse, serialise
from ledger.entry.commitment import NAMES_FIELD, Commitment, commit_fields, commitment_root
from ledger.entry.disclosure import Disclosure, check_disclosure, parse_opening
from ledger.entry.text_encodings import decode_hex
from ledger.errors import MalformedError
from ledger.merkle.hashing import HASH_SIZE

_KEPT_DEPTH: Final = 2


@dataclass(frozen=True, slots=True)
class Held:
    """`fields`: the values at hand, by name; `names`: all names ascending, the erased ones too; `openings`: bytes by
    position, `@names` at 0; `hashes` (32 bytes each) by position, all of them.
    """

    fields: Mapping[str, Value]
    names: tuple[str, ...]
    openings: Mapping[int, bytes]
    hashes: tuple[bytes, ...]
    commitment: Commitment

    @property
    def erased(self) -> tuple[str, ...]:
        """The names whose openings are gone."""
        return tuple(name for name in self.names if name not in self.fields)


def read_held(secret: bytes | None, fields: bytes, kept: bytes | None) -> Held:
    """What a row of openings holds. `fields`: canonical JSON of names and values; `kept` as `format_kept` writes it.

    Raises MalformedError, LimitError or ProofError where the parts do not agree with one another.
    """
    values = parse(fields, where="openings")
    if not isinstance(values, dict) or NAMES_FIELD in values:
        raise MalformedError("read openings: expected an object of fields")
    if secret is not None and kept is None:
        committed = commit_fields(secret, values)
        openings = dict(enumerate(committed.openings))
        return Held(values, committed.names, openings, committed.hashes, committed.commitment)
    if secret is not None or kept is None:
        raise MalformedError("read openings: expected either a secret or what an erasure kept")
    held = _parse_kept(kept)
    if held.fields != values:
        raise MalformedError("read openings: the fields are not those of the openings that were kept")
    return held


def format_kept(held: Held, erased: Set[str]) -> tuple[bytes, bytes]:
    """What a row holds once these names are erased: its `fields` and its `kept`."""
    survivors = {name: value for name, value in held.fields.items() if name not in erased}
    positions = [0, *(at for at, name in enumerate(held.names, 1) if name in survivors)]
    kept: dict[str, Value] = {
        "hashes": [each.hex() for each in held.hashes],
        "openings": [held.openings[position].decode() for position in positions],
    }
    return serialise(survivors), serialise(kept)


def _parse_kept(kept: bytes) -> Held:
    members = parse(kept, where="kept openings", max_depth=_KEPT_DEPTH)
    if not isinstance(members, dict) or members.keys() != {"hashes", "openings"}:
        raise MalformedError("read kept openings: expected exactly hashes and openings")
    hashes = tuple(decode_hex(text, HASH_SIZE, "hashes") for text in _texts(members["hashes"], "hashes"))
    openings = [text.encode() for text in _texts(members["openings"], "openings")]
    if not openings:
        raise MalformedError(f"read kept openings: expected {NAMES_FIELD} first")
    names = parse_opening(openings[0], NAMES_FIELD).value
    listed = [str(name) for name in names] if isinstance(names, list) else []
    places = {name: position for position, name in enumerate(listed, 1)}
    placed = {0: openings[0]}
    for opening in openings[1:]:
        name = parse_opening(opening, "kept openings").name
        if places.get(name, 0) <= max(placed):
            raise MalformedError("read kept openings: expected committed names, ascending", name)
        placed[places[name]] = opening
    commitment = Commitment(commitment_root(hashes), len(hashes))
    opened = check_disclosure(Disclosure(hashes, placed), commitment)
    return Held(opened.opened, opened.names, placed, hashes, commitment)


def _texts(value: Value, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise MalformedError("read kept openings: expected a list of texts", where)
    return [str(each) for each in value]


def names_held(fields: Mapping[str, Value], kept: bytes | None) -> tuple[str, ...]:
    """All names of an entry, erased ones too, ascending; without checking what was kept. For views, which are many."""
    if kept is None:
        return tuple(sorted(fields))
    members = parse(kept, where="kept openings", max_depth=_KEPT_DEPTH)
    openings = _texts(members.get("openings"), "openings") if isinstance(members, dict) else []
    if not openings:
        raise MalformedError(f"read kept openings: expected {NAMES_FIELD} first")
    return tuple(_texts(parse_opening(openings[0].encode(), NAMES_FIELD).value, NAMES_FIELD))
