"""The policy: which logs and witnesses the reader believes (docs/spec/log.md; C2SP tlog-policy)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from verifier.encoding import BadEncoding, decimal
from verifier.errors import VerifierError
from verifier.signed_note import BadKey, Key, parse_vkey

NO_QUORUM = b"none"

_ALLOWED = re.compile(rb"[\x09\x0a\x20-\x7e\x80-\xff]*")
_ITEMS = re.compile(rb"[^ \t]+")


class BadPolicy(VerifierError):
    """A policy, or another file of keys in a trust folder, is malformed."""


@dataclass(frozen=True)
class Group:
    """Met when at least `threshold` of its `members` are: names of witnesses or groups defined before it."""

    threshold: int
    members: tuple[bytes, ...]


@dataclass(frozen=True)
class Policy:
    """`logs` in the order of their lines; `witnesses` and `groups` by name; `quorum` a name, or `none`."""

    logs: tuple[Key, ...]
    witnesses: Mapping[bytes, Key]
    groups: Mapping[bytes, Group]
    quorum: bytes

    @property
    def asks_witnesses(self) -> bool:
        """Whether the policy names a quorum other than none."""
        return self.quorum != NO_QUORUM

    def is_met(self, cosigned: Collection[bytes]) -> bool:
        """Whether witnesses of these names meet the quorum. Groups only name earlier ones, so one pass decides."""
        met = set(cosigned)
        for name, group in self.groups.items():
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(name)
        return not self.asks_witnesses or self.quorum in met


def lines_of(data: bytes, what: str) -> list[list[bytes]]:
    """The items of each line that has any and is no comment; raises BadPolicy for bytes that no line may hold."""
    if not _ALLOWED.fullmatch(data):
        raise BadPolicy(f"{what} holds a byte that is not allowed")
    if data and not data.endswith(b"\n"):
        raise BadPolicy(f"the last line of {what} does not end in a line feed")
    lines = (_ITEMS.findall(line) for line in data.split(b"\n"))
    return [items for items in lines if items and not items[0].startswith(b"#")]


def key_of(item: bytes, what: str) -> Key:
    """The key of a vkey in a file; raises BadPolicy."""
    try:
        return parse_vkey(item.decode("utf-8"))
    except (UnicodeDecodeError, BadKey) as error:
        raise BadPolicy(f"{what}: {error}") from None


def number_of(item: bytes, what: str) -> int:
    """The number of a decimal item; raises BadPolicy."""
    try:
        return decimal(item.decode("ascii", "replace"))
    except BadEncoding as error:
        raise BadPolicy(f"{what}: {error}") from None


def parse_policy(data: bytes) -> Policy:
    """A policy from its bytes; raises BadPolicy."""
    draft = _Draft()
    for items in lines_of(data, "the policy"):
        match items[0], len(items):
            case b"log", 2 | 3:
                draft.add_log(items[1])
            case b"witness", 3 | 4:
                draft.add_witness(items[1], items[2])
            case b"group", count if count >= 4:
                draft.add_group(items[1], items[2], tuple(items[3:]))
            case b"quorum", 2:
                draft.set_quorum(items[1])
            case _:
                raise BadPolicy("the policy has a line that is no log, witness, group or quorum line")
    if draft.quorum is None:
        raise BadPolicy("the policy names no quorum")
    return Policy(tuple(draft.logs), draft.witnesses, draft.groups, draft.quorum)


@dataclass
class _Draft:
    """A policy up to the line that is being read."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[bytes, Key] = field(default_factory=dict)
    groups: dict[bytes, Group] = field(default_factory=dict)
    quorum: bytes | None = None
    _grouped: set[bytes] = field(default_factory=set)
    _log_keys: set[bytes] = field(default_factory=set)
    _witness_keys: set[bytes] = field(default_factory=set)

    def add_log(self, vkey: bytes) -> None:
        key = key_of(vkey, "a log of the policy")
        if key.material in self._log_keys:
            raise BadPolicy("the policy has the same public key in two log lines")
        self._log_keys.add(key.material)
        self.logs.append(key)

    def add_witness(self, name: bytes, vkey: bytes) -> None:
        key = key_of(vkey, "a witness of the policy")
        self._check_new(name)
        if key.material in self._witness_keys:
            raise BadPolicy("the policy has the same public key in two witness lines")
        self._witness_keys.add(key.material)
        self.witnesses[name] = key

    def add_group(self, name: bytes, rule: bytes, members: tuple[bytes, ...]) -> None:
        self._check_new(name)
        for member in members:
            if not self._is_defined(member):
                raise BadPolicy("a group of the policy has a member that no line before it defines")
            if member in self._grouped:
                raise BadPolicy("the policy has a name that is a member of groups twice")
            self._grouped.add(member)
        threshold = {b"all": len(members), b"any": 1}.get(rule)
        if threshold is None:
            threshold = number_of(rule, "a group's threshold")
        if not 1 <= threshold <= len(members):
            raise BadPolicy(f"a group's threshold should be 1 to {len(members)} and is {threshold}")
        self.groups[name] = Group(threshold, members)

    def set_quorum(self, name: bytes) -> None:
        if self.quorum is not None:
            raise BadPolicy("the policy names its quorum twice")
        if name != NO_QUORUM and not self._is_defined(name):
            raise BadPolicy("the policy's quorum is not defined before it is named")
        self.quorum = name

    def _is_defined(self, name: bytes) -> bool:
        return name in self.witnesses or name in self.groups

    def _check_new(self, name: bytes) -> None:
        if name == NO_QUORUM or self._is_defined(name):
            raise BadPolicy("the policy defines a name that is reserved or already defined")
