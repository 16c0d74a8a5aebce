"""The leaf of an entry (docs/spec/entry.md)."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.canonical_json import MAX_INT, Json, NotCanonical, depth, is_int, kind_of, parse_object
from verifier.encoding import BadEncoding, hex_hash, is_hex, time_us
from verifier.errors import VerifierError
from verifier.field_name import is_field_name
from verifier.merkle import leaf_hash

MAX_LEAF = 65_535
MAX_FIELDS = 1_024
MAX_PUBLIC_DEPTH = 8
CHAIN_DIGITS = 32
VERSION = 1

ANCHORED = "evidence.anchored"
RECORDED = "timestamp.recorded"

SYSTEM_KINDS = frozenset(
    (
        "log.opened",
        RECORDED,
        "policy.published",
        "key.rotated",
        "key.revoked",
        "independence.declared",
        "map.recorded",
        "log.closed",
    )
)
CASE_KINDS = frozenset(
    (
        "case.opened",
        "member.added",
        "member.removed",
        "standing.asked",
        "standing.ruled",
        ANCHORED,
        "evidence.read",
        "evidence.revealed",
        "custody.transferred",
        "metadata.demanded",
        "metadata.disclosed",
        "demand.refused",
        "demand.ruled",
        "demand.lapsed",
        "authenticity.challenged",
        "authenticity.admitted",
        "challenge.answered",
        "challenge.ruled",
        "filing.submitted",
        "filing.registered",
        "filing.refused",
        "opening.erased",
        "channel.declared",
    )
)

_COMMON = frozenset(("chain", "kind", "prev", "seq", "time", "v"))


class BadLeaf(VerifierError):
    """A leaf is not in the leaf grammar."""


@dataclass(frozen=True)
class Fields:
    """What a leaf shows of its fields: their `count` (1 to 1,024) and the commitment's 32-byte `root`."""

    count: int
    root: bytes


@dataclass(frozen=True)
class Leaf:
    """A leaf that is in the grammar; one of `fields` and `public` is not None. `time` is the operator's claim."""

    chain: str
    kind: str
    seq: int
    prev: bytes | None
    time: str
    time_us: int
    fields: Fields | None
    public: dict[str, Json] | None
    hash: bytes

    @property
    def known_kind(self) -> bool:
        """Whether the kind is one the specification lists."""
        return self.kind in SYSTEM_KINDS or self.kind in CASE_KINDS


def parse_leaf(data: bytes) -> Leaf:
    """A leaf from its exact bytes; raises BadLeaf for every fault of step 2."""
    if len(data) > MAX_LEAF:
        raise BadLeaf(f"a leaf has at most {MAX_LEAF} bytes and this one has {len(data)}")
    try:
        members = parse_object(data)
    except NotCanonical as error:
        raise BadLeaf(f"the leaf: {error}") from None
    _check_version(members)
    content = members.keys() - _COMMON
    if not members.keys() >= _COMMON or content not in ({"fields"}, {"public"}):
        raise BadLeaf("the leaf should have chain, kind, prev, seq, time, v and one of fields and public")
    kind = _kind(members["kind"])
    fields = _fields(members["fields"]) if "fields" in members else None
    public = _public(members["public"]) if "public" in members else None
    _check_content(kind, public)
    seq = _seq(members["seq"])
    time = members["time"]
    if not isinstance(time, str):
        raise BadLeaf(f"time should be a string and is {kind_of(time)}")
    try:
        claimed = time_us(time)
    except BadEncoding as error:
        raise BadLeaf(f"time: {error}") from None
    prev = _prev(members["prev"], seq)
    return Leaf(_chain(members["chain"]), kind, seq, prev, time, claimed, fields, public, leaf_hash(data))


def _check_version(members: dict[str, Json]) -> None:
    version = members.get("v")
    if not is_int(version) or version != VERSION:
        raise BadLeaf(f"the leaf's v should be the int {VERSION}; this is an unknown version")


def _chain(value: Json) -> str:
    if not isinstance(value, str) or not is_hex(value, CHAIN_DIGITS):
        raise BadLeaf(f"chain should be {CHAIN_DIGITS} lower-case hex digits")
    return value


def _kind(value: Json) -> str:
    if not isinstance(value, str) or not is_field_name(value):
        raise BadLeaf("kind is not in the grammar of kinds")
    return value


def _seq(value: Json) -> int:
    if not isinstance(value, int) or not is_int(value) or not 0 <= value <= MAX_INT:
        raise BadLeaf("seq should be an integer from 0 to 2^53-1")
    return value


def _prev(value: Json, seq: int) -> bytes | None:
    if (value is None) != (seq == 0):
        raise BadLeaf("prev should be null if and only if seq is 0")
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadLeaf(f"prev should be a string and is {kind_of(value)}")
    try:
        return hex_hash(value)
    except BadEncoding as error:
        raise BadLeaf(f"prev: {error}") from None


def _fields(value: Json) -> Fields:
    if not isinstance(value, dict) or value.keys() != {"count", "root"}:
        raise BadLeaf("fields should be an object of count and root")
    count, root = value["count"], value["root"]
    if not isinstance(count, int) or not is_int(count) or not 1 <= count <= MAX_FIELDS:
        raise BadLeaf(f"count should be an integer from 1 to {MAX_FIELDS}")
    if not isinstance(root, str):
        raise BadLeaf(f"root should be a string and is {kind_of(root)}")
    try:
        return Fields(count, hex_hash(root))
    except BadEncoding as error:
        raise BadLeaf(f"root: {error}") from None


def _public(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise BadLeaf(f"public should be an object and is {kind_of(value)}")
    if depth(value) > MAX_PUBLIC_DEPTH:
        raise BadLeaf(f"public is deeper than {MAX_PUBLIC_DEPTH}")
    return value


def _check_content(kind: str, public: dict[str, Json] | None) -> None:
    if kind in SYSTEM_KINDS and public is None:
        raise BadLeaf(f"{kind} is a kind of the system chain and should have public, not fields")
    if kind in CASE_KINDS and public is not None:
        raise BadLeaf(f"{kind} is a kind of cases and should have fields, not public")
    if kind == RECORDED and public is not None and not _is_recording(public):
        raise BadLeaf(f"the public of {RECORDED} should be exactly the strings stamped and token")


def _is_recording(public: dict[str, Json]) -> bool:
    return public.keys() == {"stamped", "token"} and all(isinstance(value, str) for value in public.values())
