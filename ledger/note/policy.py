"""Trust policies (C2SP tlog-policy): whose logs, which witnesses, and how many of them are enough.

log ledger.example/court+67cd5fce+AW2tYtla…
log ledger.example/court+c7be6ad7+BtXnqzjp…
witness notary witness.example/notary+caaec592+BNorFo/D…
witness expert witness.example/expert+30295d55+BuKhZkvF… https://expert.example/witness
group both all notary expert
quorum both
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from ledger.errors import LimitError, MalformedError
from ledger.note.keys import ED25519, ED25519_COSIGNATURE, MLDSA44, VerifierKey, format_vkey, parse_vkey

POLICY_MAX: Final = 1024 * 1024
"""Bytes of the longest policy: several hundred ML-DSA-44 keys; the specification asks for at least 32 of each line."""

NO_QUORUM: Final = "none"
"""The quorum that asks for no cosignature; no witness and no group may bear this name."""

LOG_TYPES: Final = frozenset({ED25519, MLDSA44})
"""Key types with which a log signs a checkpoint."""

WITNESS_TYPES: Final = frozenset({ED25519_COSIGNATURE, MLDSA44})
"""Key types with which a witness cosigns."""

_BAD_OCTET: Final = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_BLANKS: Final = re.compile(r"[ \t]+")
_WORD: Final = re.compile(r"[^ \t\n\x00-\x1f\x7f]+")
_THRESHOLD: Final = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A `log` line. The key's name is the log's origin. `url`: its meaning is the application's."""

    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A `witness` line. `name` has no meaning outside the policy, and is not the key's name. `url`: the submission
    prefix.
    """

    name: str
    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """A `group` line: counts as one when `threshold` of its `members` (witnesses or earlier groups) do."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy. `groups` stand in an order in which each names only earlier ones; `quorum` is a name, or `none`.

    Raises MalformedError for doubled keys or names, names not defined, a member of two groups, a threshold that
    cannot be met, or a key of a type that does not fit its line.
    """

    logs: tuple[PolicyLog, ...] = ()
    witnesses: tuple[PolicyWitness, ...] = ()
    groups: tuple[PolicyGroup, ...] = ()
    quorum: str = NO_QUORUM

    def __post_init__(self) -> None:
        _check_keys([log.vkey for log in self.logs], LOG_TYPES, "log")
        _check_keys([witness.vkey for witness in self.witnesses], WITNESS_TYPES, "witness")
        defined: set[str] = set()
        for witness in self.witnesses:
            _define(witness.name, defined)
        grouped: set[str] = set()
        for group in self.groups:
            _check_group(group, defined, grouped)
            _define(group.name, defined)
        if self.quorum != NO_QUORUM and self.quorum not in defined:
            raise MalformedError(f"read a policy: the quorum {self.quorum[:80]!r} is not defined before it")
        if any(url is not None and not _WORD.fullmatch(url) for url in self._urls()):
            raise MalformedError("read a policy: expected a url to be one word")

    def quorum_met(self, witnesses: Set[str]) -> bool:
        """Whether cosignatures of the witnesses with these policy names are enough. Names that are not witnesses
        count nothing.

        A question about names, not a verification: the caller has checked each one's cosignature.
        """
        if self.quorum == NO_QUORUM:
            return True
        met = {witness.name for witness in self.witnesses if witness.name in witnesses}
        for group in self.groups:
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(group.name)
        return self.quorum in met

    def log_keys(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys of the log with this origin."""
        return tuple(log.vkey for log in self.logs if log.vkey.name == origin)

    def _urls(self) -> list[str | None]:
        return [log.url for log in self.logs] + [witness.url for witness in self.witnesses]


def format_policy(policy: Policy) -> bytes:
    """The policy's file: logs, witnesses, groups, quorum, one line each."""
    lines = [_join("log", format_vkey(log.vkey), log.url) for log in policy.logs]
    lines += [_join("witness", each.name, format_vkey(each.vkey), each.url) for each in policy.witnesses]
    lines += [_join("group", each.name, str(each.threshold), *each.members) for each in policy.groups]
    lines.append(_join("quorum", policy.quorum))
    return "".join(lines).encode("utf-8", "surrogateescape")


def parse_policy(data: bytes) -> Policy:
    """The policy of a file's bytes. Raises MalformedError with the line, LimitError over 1 MiB.

    Names are opaque octets, by the specification: bytes that are not UTF-8 survive as surrogates and come out again
    unchanged.
    """
    if len(data) > POLICY_MAX:
        raise LimitError(
            f"read a policy: expected at most {POLICY_MAX} bytes, got {len(data)}", None, POLICY_MAX, len(data)
        )
    bad = _BAD_OCTET.search(data)
    if bad is not None:
        raise MalformedError(f"read a policy: expected no control characters but tab and newline, got {bad.group()!r}")
    if data and not data.endswith(b"\n"):
        raise MalformedError("read a policy: expected a newline at its end")
    reader = _Reader()
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = _BLANKS.sub(" ", line).strip(" ").split(" ")
        if words != [""] and not words[0].startswith("#"):
            try:
                reader.read(words)
            except MalformedError as error:
                raise MalformedError(error.what, f"policy line {number}") from error
    return reader.policy()


class _Reader:
    """Collects a policy line by line; a name must be defined on a line before the one that uses it."""

    def __init__(self) -> None:
        self.logs: list[PolicyLog] = []
        self.witnesses: list[PolicyWitness] = []
        self.groups: list[PolicyGroup] = []
        self.quorum: str | None = None
        self.defined: set[str] = set()

    def read(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self.logs.append(PolicyLog(parse_vkey(vkey), url[0] if url else None))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                _define(name, self.defined)
                self.witnesses.append(PolicyWitness(name, parse_vkey(vkey), url[0] if url else None))
            case ["group", name, threshold, *members] if members:
                self._require(members)
                _define(name, self.defined)
                self.groups.append(PolicyGroup(name, _read_threshold(threshold, len(members)), tuple(members)))
            case ["quorum", name] if self.quorum is None:
                if name != NO_QUORUM:
                    self._require([name])
                self.quorum = name
            case _:
                raise MalformedError(
                    f"read a policy: expected log, witness, group or one quorum, got {words[0][:40]!r}"
                )

    def policy(self) -> Policy:
        if self.quorum is None:
            raise MalformedError("read a policy: expected exactly one quorum line, got none")
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _require(self, names: list[str]) -> None:
        for name in names:
            if name not in self.defined:
                raise MalformedError(f"read a policy: {name[:80]!r} is not defined before this line")


def _read_threshold(text: str, count: int) -> int:
    if text in ("all", "any"):
        return count if text == "all" else 1
    if _THRESHOLD.fullmatch(text) is None:
        raise MalformedError(f"read a policy: expected all, any or a number, got {text[:40]!r}")
    return int(text)


def _define(name: str, defined: set[str]) -> None:
    if name == NO_QUORUM or name in defined or _WORD.fullmatch(name) is None:
        raise MalformedError(f"read a policy: expected a new name other than none, got {name[:80]!r}")
    defined.add(name)


def _check_group(group: PolicyGroup, defined: set[str], grouped: set[str]) -> None:
    for member in group.members:
        # In one group only, and once: else one witness would count twice.
        if member not in defined or member in grouped:
            raise MalformedError(f"read a policy: {member[:80]!r} is not defined, or is in a group already")
        grouped.add(member)
    if not 1 <= group.threshold <= len(group.members):
        raise MalformedError(
            f"read a policy: expected a threshold of 1 to {len(group.members)} in group {group.name[:80]}, "
            f"got {group.threshold}"
        )


def _check_keys(keys: list[VerifierKey], types: frozenset[int], line: str) -> None:
    if len({key.public for key in keys}) != len(keys):
        raise MalformedError(f"read a policy: two {line} lines have the same public key")
    for key in keys:
        if key.type not in types:
            raise MalformedError(
                f"read a policy: expected a {line} key of type {sorted(types)}, got {key.type}: {key.name}"
            )


def _join(*words: str | None) -> str:
    return " ".join(word for word in words if word is not None) + "\n"
