"""From a receipt to the evidence it holds (docs/spec/bundle.md, "Receipt")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from verifier.canonical_json import Json, NotCanonical, is_int, kind_of, parse_object
from verifier.commitment import SECRET_SIZE, OpeningPart
from verifier.encoding import BadEncoding, base64_bytes
from verifier.errors import StepFailed
from verifier.evidence import MAX_TIMESTAMPS, Entry, Evidence, Timestamp
from verifier.hash_list import HashList, from_strings
from verifier.pem import is_one_block
from verifier.receipt_number import BadNumber, index_of

# docs/spec/bundle.md, "Receipt": as much as one member of a bundle.
MAX_RECEIPT = 64 * 2**20

_REQUIRED = frozenset(("v", "number", "leaf", "proof", "hashes", "opened", "timestamps", "entries", "certs"))
_OPTIONAL = frozenset(("secret", "retired"))


def read_receipt(file: BinaryIO) -> Evidence:
    """The evidence in a receipt; raises StepFailed(1) unless it has the shape of one."""
    data = file.read(MAX_RECEIPT + 1)
    if len(data) > MAX_RECEIPT:
        raise StepFailed(1, f"a receipt has at most {MAX_RECEIPT} bytes")
    try:
        members = parse_object(data)
    except NotCanonical as error:
        raise StepFailed(1, f"the receipt: {error}") from None
    if not _REQUIRED <= members.keys() <= _REQUIRED | _OPTIONAL:
        raise StepFailed(1, "the receipt lacks a member or has one that receipts do not have")
    if not is_int(members["v"]) or members["v"] != 1:
        raise StepFailed(1, "the receipt should be of v 1")
    faults: list[str] = []
    number = _string(members, "number")
    subject = Entry(
        _index(number),
        _string(members, "leaf").encode("utf-8"),
        _string(members, "proof").encode("utf-8"),
        from_strings(_strings(members, "hashes")),
        tuple(OpeningPart(text.encode("utf-8")) for text in _strings(members, "opened")),
        _secret(members, faults),
    )
    return Evidence(
        is_receipt=True,
        number=number,
        case=None,
        subject=subject,
        entries=(subject, *_recorded(members)),
        timestamps=_timestamps(members, faults),
        certificates=_certificates(members, faults),
        retired=_retired(members) if "retired" in members else {},
        faults=tuple(faults),
    )


def _index(number: str) -> int | None:
    try:
        return index_of(number)
    except BadNumber:  # step 5 says so
        return None


def _secret(members: dict[str, Json], faults: list[str]) -> bytes | None:
    """The secret; one in a wrong form is a fault, and kept as no bytes, which give no salt."""
    if "secret" not in members:
        return None
    try:
        secret = base64_bytes(_string(members, "secret"))
    except BadEncoding:
        secret = b""
    if len(secret) == SECRET_SIZE:
        return secret
    faults.append(f"the receipt's secret should be the base64 of {SECRET_SIZE} bytes")
    return b""


def _recorded(members: dict[str, Json]) -> list[Entry]:
    entries: list[Entry] = []
    last = -1
    for item in _objects(members, "entries", {"index", "leaf", "proof"}):
        index = _integer(item, "index", 0)
        if index <= last:
            raise StepFailed(1, "the receipt's entries should be strictly ascending by index")
        last = index
        entries.append(Entry(index, _string(item, "leaf").encode("utf-8"), _string(item, "proof").encode("utf-8")))
    return entries


def _timestamps(members: dict[str, Json], faults: list[str]) -> tuple[Timestamp, ...]:
    items = _objects(members, "timestamps", {"consistency", "stamped", "token"})
    if len(items) > MAX_TIMESTAMPS:
        faults.append(f"at most {MAX_TIMESTAMPS} timestamps are allowed and {len(items)} are there")
    timestamps: list[Timestamp] = []
    for place, item in enumerate(items):
        try:
            token = base64_bytes(_string(item, "token"))
        except BadEncoding as error:
            faults.append(f"the token of timestamp {place}: {error}")
            token = b""
        consistency = from_strings(_strings(item, "consistency"))
        timestamps.append(Timestamp(token, _string(item, "stamped").encode("utf-8"), consistency))
    return tuple(timestamps[:MAX_TIMESTAMPS])


def _certificates(members: dict[str, Json], faults: list[str]) -> tuple[bytes, ...]:
    certificates = tuple(text.encode("utf-8") for text in _strings(members, "certs"))
    for place, data in enumerate(certificates):
        if not is_one_block(data):
            faults.append(f"certs {place} is not exactly one PEM certificate")
    return certificates


def _retired(members: dict[str, Json]) -> dict[int, HashList]:
    retired: dict[int, HashList] = {}
    last = 0
    for item in _objects(members, "retired", {"consistency", "size"}):
        size = _integer(item, "size", 1)
        if size <= last:
            raise StepFailed(1, "the receipt's retired should be strictly ascending by size")
        last = size
        retired[size] = from_strings(_strings(item, "consistency"))
    return retired


def _string(members: dict[str, Json], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise StepFailed(1, f"the receipt's {name} should be a string and is {kind_of(value)}")
    return value


def _integer(members: dict[str, Json], name: str, least: int) -> int:
    value = members[name]
    if not isinstance(value, int) or not is_int(value) or value < least:
        raise StepFailed(1, f"the receipt's {name} should be an integer of {least} or more")
    return value


def _strings(members: dict[str, Json], name: str) -> Sequence[str]:
    value = members[name]
    if not isinstance(value, list):
        raise StepFailed(1, f"the receipt's {name} should be a list and is {kind_of(value)}")
    strings = [item for item in value if isinstance(item, str)]
    if len(strings) != len(value):
        raise StepFailed(1, f"the receipt's {name} should be a list of strings")
    return strings


def _objects(members: dict[str, Json], name: str, names: set[str]) -> list[dict[str, Json]]:
    value = members[name]
    if not isinstance(value, list):
        raise StepFailed(1, f"the receipt's {name} should be a list and is {kind_of(value)}")
    objects = [item for item in value if isinstance(item, dict) and item.keys() == names]
    if len(objects) != len(value):
        raise StepFailed(1, f"the receipt's {name} should be objects of exactly {', '.join(sorted(names))}")
    return objects
