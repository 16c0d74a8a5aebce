"""The leaf: an entry's public bytes, canonical JSON, and the claimed time that it carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from ledger.entry.canonical_json import INTEGER_MAX, Value, parse, serialise
from ledger.entry.commitment import COUNT_MAX, VALUE_DEPTH_MAX, Commitment
from ledger.entry.kinds import check_kind
from ledger.entry.names import check_name
from ledger.entry.text_encodings import decode_hex
from ledger.errors import LimitError, MalformedError
from ledger.merkle.hashing import HASH_SIZE

LEAF_MAX: Final = 65_535
"""Bytes of the longest leaf: what the two-byte length in an entry bundle can announce (C2SP tlog-tiles)."""

LEAF_VERSION: Final = 1
"""The member `v`. Another value fails: a reader that does not know a version must not guess at its meaning."""

_CHAIN: Final = re.compile(r"[0-9a-f]{32}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MEMBERS: Final = frozenset({"chain", "kind", "prev", "seq", "time", "v"})


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry's leaf.

    `chain`: 32 hex digits, the case's only public name. `kind`: see `kinds`. `prev`: leaf hash (32 bytes) of the
    chain's entry seq − 1, None at 0. `seq`: 0 to 2^53 − 1. `time`: the operator's claim, `YYYY-MM-DDThh:mm:ss.mmmZ`.
    Exactly one of `fields` and `public` is set. Building one checks nothing; `format_leaf` and `parse_leaf` do.
    """

    chain: str
    kind: str
    prev: bytes | None
    seq: int
    time: str
    fields: Commitment | None = None
    public: dict[str, Value] | None = None


def format_leaf(leaf: Leaf) -> bytes:
    """The leaf's canonical bytes. Raises MalformedError or LimitError for a leaf that `parse_leaf` would refuse."""
    if leaf.fields is not None and leaf.public is None:
        return format_case_leaf(leaf.chain, leaf.kind, leaf.prev, leaf.seq, leaf.time, leaf.fields)
    if leaf.fields is None and leaf.public is not None:
        return format_public_leaf(leaf.chain, leaf.kind, leaf.prev, leaf.seq, leaf.time, leaf.public)
    raise MalformedError("leaf: expected exactly one of fields and public")


def format_public_leaf(
    chain: str, kind: str, prev: bytes | None, seq: int, time: str, public: Mapping[str, Value]
) -> bytes:
    """The canonical bytes of a leaf of the system chain, from the members of `Leaf`. Raises as `format_leaf` does."""
    _check_words(chain, kind, time, True)
    _check_numbers(prev, seq)
    said = serialise(public, where="public", max_depth=VALUE_DEPTH_MAX).decode("utf-8")
    data = (
        f'{{"chain":"{chain}","kind":"{kind}","prev":{_prev_text(prev)},"public":{said},"seq":{seq},"time":"{time}",'
        f'"v":{LEAF_VERSION}}}'
    ).encode()
    if len(data) > LEAF_MAX:
        raise LimitError(
            f"format a leaf: expected at most {LEAF_MAX} bytes, got {len(data)}", None, LEAF_MAX, len(data)
        )
    return data


def format_case_leaf(chain: str, kind: str, prev: bytes | None, seq: int, time: str, commitment: Commitment) -> bytes:
    """The canonical bytes of a case's leaf, from the members of `Leaf`. Raises as `format_leaf` does."""
    _check_words(chain, kind, time, False)
    _check_numbers(prev, seq)
    _check_commitment(commitment)
    # Every string here is checked to need no escape, so these bytes are JCS as they stand (tested against rfc8785).
    return (
        f'{{"chain":"{chain}","fields":{{"count":{commitment.count},"root":"{commitment.root.hex()}"}},"kind":"{kind}",'
        f'"prev":{_prev_text(prev)},"seq":{seq},"time":"{time}","v":{LEAF_VERSION}}}'
    ).encode("ascii")


def _prev_text(prev: bytes | None) -> str:
    return "null" if prev is None else f'"{prev.hex()}"'


def parse_leaf(data: bytes) -> Leaf:
    """The leaf of canonical bytes, all rules of `docs/spec/entry.md` checked (step 2 of the verification).

    Raises MalformedError or LimitError otherwise.
    """
    if len(data) > LEAF_MAX:
        raise LimitError(f"parse a leaf: expected at most {LEAF_MAX} bytes, got {len(data)}", None, LEAF_MAX, len(data))
    members = parse(data, where="leaf", max_depth=VALUE_DEPTH_MAX + 1)
    if not isinstance(members, dict):
        raise MalformedError("parse a leaf: expected an object")
    one_of = members.keys() & {"fields", "public"}
    if len(one_of) != 1 or members.keys() - one_of != _MEMBERS:
        raise MalformedError(
            "parse a leaf: expected exactly chain kind prev seq time v and one of fields and public, "
            f"got {' '.join(sorted(members))[:200]}"
        )
    if type(members["v"]) is not int or members["v"] != LEAF_VERSION:
        raise MalformedError(f"parse a leaf: expected version {LEAF_VERSION}, got {str(members['v'])[:40]}")
    leaf = Leaf(
        chain=_string(members["chain"], "chain"),
        kind=_string(members["kind"], "kind"),
        prev=None if members["prev"] is None else decode_hex(_string(members["prev"], "prev"), HASH_SIZE, "prev"),
        seq=_integer(members["seq"], "seq"),
        time=_string(members["time"], "time"),
        fields=_read_commitment(members["fields"]) if "fields" in members else None,
        public=_read_public(members["public"]) if "public" in members else None,
    )
    _check_place(leaf)
    return leaf


def format_time(ms_since_epoch: int) -> str:
    """Milliseconds since 1970-01-01T00:00:00Z as `YYYY-MM-DDThh:mm:ss.mmmZ`. Raises LimitError outside the years 1 to
    9999.
    """
    try:
        moment = _EPOCH + ms_since_epoch * _MILLISECOND
    except OverflowError as error:
        raise LimitError(f"format a time: expected a year of 1 to 9999, got {ms_since_epoch} ms") from error
    return f"{moment:%m-%dT%H:%M:%S}".join((f"{moment.year:04}-", f".{moment.microsecond // 1000:03}Z"))


def parse_time(text: str) -> int:
    """Milliseconds since 1970-01-01T00:00:00Z of `YYYY-MM-DDThh:mm:ss.mmmZ`, a moment that exists, no leap second.

    Raises MalformedError for any other form.
    """
    if _TIME.fullmatch(text) is None:
        raise MalformedError(f"read a time: expected YYYY-MM-DDThh:mm:ss.mmmZ, got {text[:40]!r}")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedError(f"read a time: {text} does not exist") from error
    if format_time((moment - _EPOCH) // _MILLISECOND) != text:
        raise MalformedError(f"read a time: {text} does not exist")
    return (moment - _EPOCH) // _MILLISECOND


def _check_place(leaf: Leaf) -> None:
    """The rules that hold for writer and reader alike."""
    if (leaf.fields is None) == (leaf.public is None):
        raise MalformedError("leaf: expected exactly one of fields and public")
    _check_words(leaf.chain, leaf.kind, leaf.time, leaf.public is not None)
    _check_numbers(leaf.prev, leaf.seq)
    if leaf.fields is not None:
        _check_commitment(leaf.fields)


def _check_numbers(prev: bytes | None, seq: int) -> None:
    if not 0 <= seq <= INTEGER_MAX:
        raise MalformedError(f"leaf: expected a seq of 0 to 2^53 - 1, got {seq}")
    if (prev is None) != (seq == 0):
        raise MalformedError(f"leaf: expected prev to be null at seq 0 and only there, got seq {seq}")
    if prev is not None and len(prev) != HASH_SIZE:
        raise MalformedError(f"leaf: expected a prev of {HASH_SIZE} bytes, got {len(prev)}")


def _check_commitment(fields: Commitment) -> None:
    if len(fields.root) != HASH_SIZE or not 1 <= fields.count <= COUNT_MAX:
        raise MalformedError(
            f"leaf: expected a root of {HASH_SIZE} bytes over 1 to {COUNT_MAX} fields, got {fields.count}"
        )


@lru_cache(maxsize=4_096)  # entries of a batch share them; what is refused is not remembered
def _check_words(chain: str, kind: str, time: str, public: bool) -> None:
    if _CHAIN.fullmatch(chain) is None:
        raise MalformedError(f"leaf: expected a chain of 32 hex digits, got {chain[:80]!r}")
    check_name(kind, "kind")
    check_kind(kind, public)
    parse_time(time)


def _read_commitment(value: Value) -> Commitment:
    if not isinstance(value, dict) or value.keys() != {"count", "root"}:
        raise MalformedError("parse a leaf: expected exactly count and root", "fields")
    root = decode_hex(_string(value["root"], "root"), HASH_SIZE, "root")
    return Commitment(root, _integer(value["count"], "count"))


def _read_public(value: Value) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise MalformedError("parse a leaf: expected an object", "public")
    return value


def _string(value: Value, where: str) -> str:
    if not isinstance(value, str):
        raise MalformedError("parse a leaf: expected a string", where)
    return value


def _integer(value: Value, where: str) -> int:
    if type(value) is not int:
        # bool is an int in Python, and true is not 1 here.
        raise MalformedError("parse a leaf: expected an integer", where)
    return value
