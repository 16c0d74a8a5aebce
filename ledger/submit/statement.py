"""What a party says about the evidence it submits, parsed strictly (CONTRACT, `statement`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ledger.entry.canonical_json import INTEGER_MAX, Value, is_plain, parse_strict, serialise, serialise_plain
from ledger.entry.names import check_name
from ledger.errors import LedgerError, LimitError, MalformedError
from ledger.submit.errors import UnacceptableError, place_of
from ledger.submit.file_name import check_file_name
from ledger.submit.kinds import KINDS, ORIGINS
from ledger.submit.limits import VALUE_DEPTH, Limits
from ledger.submit.policy import Visibility, check_policy
from ledger.submit.relations import check_relations

METADATA_NAMESPACE: Final = "declared"
REQUISITES_NAMESPACE: Final = "requisite"

_MEMBERS: Final = frozenset({"metadata", "requisites", "policy", "name", "size", "sha256", "sha512", "relations"})
# The statement, and in it `metadata`: two objects around each value.
_STATEMENT_DEPTH: Final = VALUE_DEPTH + 2
_HEX: Final = re.compile(r"[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed statement. Values are within the limits, and every key makes a field's name.

    metadata   -- by key, without the namespace `declared.`
    requisites -- by key, without the namespace `requisite.`
    policy     -- see `ledger.submit.policy`
    relations  -- by relation, receipt numbers of the same case (ledger.submit.relations)
    plain      -- whether it was read out of a text for which `is_plain` holds: then it is written at less cost
    name, size, sha256 (32 bytes), sha512 (64 bytes) -- the file as the party knows it; None where it does not say
    """

    metadata: Mapping[str, Value] = field(default_factory=dict)
    requisites: Mapping[str, Value] = field(default_factory=dict)
    policy: Mapping[str, Visibility] = field(default_factory=dict)
    name: str | None = None
    size: int | None = None
    sha256: bytes | None = None
    sha512: bytes | None = None
    relations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    plain: bool = field(default=False, compare=False, repr=False)

    def fields(self) -> dict[str, Value]:
        """The fields that the party declares, by their full names: `declared.author`, `requisite.address`."""
        return {
            **{f"{METADATA_NAMESPACE}.{key}": value for key, value in self.metadata.items()},
            **{f"{REQUISITES_NAMESPACE}.{key}": value for key, value in self.requisites.items()},
        }

    def to_canonical(self) -> bytes:
        """One text for all spellings of the same statement: an idempotency key's replay is compared by it.

        An absent `metadata`, `requisites` or `policy` is the same as an empty one.
        """
        members: dict[str, Value] = {
            "metadata": self.metadata,
            "requisites": self.requisites,
            "policy": self.policy,
        }
        if self.relations:
            members["relations"] = {name: list(numbers) for name, numbers in self.relations.items()}
        if self.name is not None:
            members["name"] = self.name
        if self.size is not None:
            members["size"] = self.size
        if self.sha256 is not None:
            members["sha256"] = self.sha256.hex()
        if self.sha512 is not None:
            members["sha512"] = self.sha512.hex()
        return serialise_plain(members) if self.plain else serialise(members)


def parse_statement(data: bytes, limits: Limits, *, where: str = "statement") -> Statement:
    """Parse one statement: UTF-8 JSON, in any spelling, of known members only; all of them may be absent.

    `where` is how errors name it ("statement", "line 17").

    Raises MalformedError (not JSON, not UTF-8, duplicate keys, NaN, fractions, integers beyond ±(2^53−1), too deep),
    LimitError (the statement or a value has too many bytes) and UnacceptableError (all else).
    """
    if len(data) > limits.statement_bytes:
        raise LimitError(
            f"reading a statement: expected at most {limits.statement_bytes} bytes, got {len(data)}",
            where,
            limits.statement_bytes,
            len(data),
        )
    members = _parse(data, where)
    if not isinstance(members, dict):
        raise UnacceptableError("reading a statement: expected a JSON object", where)
    _check_members(members, where)
    # A canonical text is never longer than the one that came: only a long statement can hold a value that is too long.
    value_bytes = limits.value_bytes if len(data) > limits.value_bytes else None
    statement = Statement(
        metadata=_fields(members, "metadata", METADATA_NAMESPACE, value_bytes, where),
        requisites=_fields(members, "requisites", REQUISITES_NAMESPACE, value_bytes, where),
        policy=_policy(members, value_bytes, where),
        name=_name(members, where),
        size=_size(members, where),
        sha256=_digest(members, "sha256", 32, where),
        sha512=_digest(members, "sha512", 64, where),
        relations=check_relations(_object(members, "relations", where), where=f"{where}.relations"),
        plain=is_plain(data),
    )
    _check_kind(statement.metadata, f"{where}.metadata")
    count = len(statement.metadata) + len(statement.requisites)
    if count > limits.statement_fields:
        raise UnacceptableError(
            f"reading a statement: expected at most {limits.statement_fields} fields in metadata and requisites "
            f"together, got {count}",
            where,
        )
    return statement


def _parse(data: bytes, where: str) -> Value:
    try:
        return parse_strict(data, where=where, max_depth=_STATEMENT_DEPTH)
    except LimitError as error:
        # Nesting is a fault of the text's shape: it must not be answered as a text that is too large.
        raise MalformedError(error.what, error.where) from error


def _check_members(members: dict[str, Value], where: str) -> None:
    if "signature" in members:
        # Silently dropping it would let a party believe that its signature is on record.
        raise UnacceptableError(
            "reading a statement: submitters' signatures are not accepted yet; leave `signature` out",
            f"{where}.signature",
        )
    for member in members:
        if member not in _MEMBERS:
            raise UnacceptableError(
                f"reading a statement: unknown member; expected {', '.join(sorted(_MEMBERS))}", place_of(where, member)
            )


def _fields(
    members: dict[str, Value], member: str, namespace: str, value_bytes: int | None, where: str
) -> dict[str, Value]:
    found = _object(members, member, where)
    for key, value in found.items():
        try:
            check_name(f"{namespace}.{key}")
        except LedgerError as error:
            raise UnacceptableError(error.what, place_of(f"{where}.{member}", key)) from error
        if value_bytes is not None:
            _check_length(value, value_bytes, place_of(f"{where}.{member}", key))
    return found


def _check_kind(metadata: Mapping[str, Value], where: str) -> None:
    """The words that the ledger itself reads mean what it takes them to mean."""
    for key, allowed in (("kind", KINDS), ("origin", ORIGINS)):
        value = metadata.get(key)
        if value is not None and (not isinstance(value, str) or value not in allowed):
            raise UnacceptableError(f"reading a statement: expected one of {', '.join(allowed)}", place_of(where, key))
    original_at = metadata.get("original_at")
    if original_at is not None and not isinstance(original_at, str):
        raise UnacceptableError(
            "reading a statement: expected where the original is, as a text", f"{where}.original_at"
        )


def _policy(members: dict[str, Value], value_bytes: int | None, where: str) -> dict[str, Visibility]:
    found = _object(members, "policy", where)
    if value_bytes is not None:
        _check_length(found, value_bytes, f"{where}.policy")  # it is committed as one value, `system.policy`
    return check_policy(found, where=f"{where}.policy")


def _object(members: dict[str, Value], member: str, where: str) -> dict[str, Value]:
    found = members.get(member, {})
    if not isinstance(found, dict):
        raise UnacceptableError("reading a statement: expected an object", f"{where}.{member}")
    return found


def _check_length(value: Value, value_bytes: int, place: str) -> None:
    length = len(serialise(value))
    if length > value_bytes:
        raise LimitError(
            f"reading a value: expected at most {value_bytes} canonical bytes, got {length}", place, value_bytes, length
        )


def _name(members: dict[str, Value], where: str) -> str | None:
    if "name" not in members:
        return None
    name = members["name"]
    if not isinstance(name, str):
        raise UnacceptableError("naming a file: expected a string", f"{where}.name")
    return check_file_name(name, where=f"{where}.name")


def _size(members: dict[str, Value], where: str) -> int | None:
    if "size" not in members:
        return None
    size = members["size"]
    # bool is an int to Python; file_bytes is no bound here: of a file that stays at home any size can be anchored.
    if type(size) is not int or not 0 <= size <= INTEGER_MAX:
        raise UnacceptableError(f"reading a size: expected bytes, 0 to {INTEGER_MAX}, as an integer", f"{where}.size")
    return size


def _digest(members: dict[str, Value], member: str, length: int, where: str) -> bytes | None:
    if member not in members:
        return None
    digest = members[member]
    if isinstance(digest, str) and len(digest) == 2 * length and _HEX.fullmatch(digest):
        return bytes.fromhex(digest)
    place = f"{where}.{member}"
    if not isinstance(digest, str):
        raise UnacceptableError("reading a digest: expected a string of hex digits", place)
    if len(digest) != 2 * length:
        raise UnacceptableError(f"reading a digest: expected {2 * length} hex digits, got {len(digest)}", place)
    if _HEX.fullmatch(digest.lower()):
        raise UnacceptableError("reading a digest: expected lower-case hex, got upper case", place)
    raise UnacceptableError("reading a digest: expected hex digits only", place)
