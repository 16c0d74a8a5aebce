"""Rows of the tables for people that casework's acts make. Each is derived from an entry, and names its index.

The index of a fresh entry is not known while it is drafted: it is 0 until the batch puts the entry's own in its place.
Names of columns that hold another entry's index say what that entry is: `entry` the evidence, `demand` the demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class MemberRemoval:
    """A `member.removed`: the account loses its sight of the case; its row stays, for it had a side."""

    chain: str
    account: str
    index: int


@dataclass(frozen=True, slots=True)
class ActRow:
    """An entry of a case that is not anchored evidence: the evidence that it acts on, and the demand, challenge or
    request that it answers, where there is one.
    """

    index: int
    chain: str
    kind: str
    entry: int | None
    subject: int | None


@dataclass(frozen=True, slots=True)
class DemandRow:
    """A `metadata.demanded`. `object`: fields, file, original, inspection; `due_at`: milliseconds."""

    index: int
    chain: str
    entry: int
    account: str
    object: str
    state: str
    due_at: int


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """An `authenticity.challenged` (`open`, `answered`, `upheld`, `dismissed`) or `authenticity.admitted`
    (`admitted`).
    """

    index: int
    chain: str
    entry: int
    account: str
    state: str


@dataclass(frozen=True, slots=True)
class StandingRow:
    """A `standing.asked`: who asks to be let in with which role. `state`: asked, admitted, refused."""

    index: int
    chain: str
    entry: int
    account: str
    role: str
    state: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """A later act moved a demand, challenge or request for standing (`table`, `subject`) to another state."""

    table: str
    subject: int
    state: str
    index: int


@dataclass(frozen=True, slots=True)
class DisclosureRow:
    """An act that opened fields of `entry`: to the side that lodged `demand`, or without one to all members.

    `names`: full names, ascending; `file` is the file's bytes.
    """

    index: int
    entry: int
    demand: int | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A `relation.*` of anchored evidence: this entry names the entry `target`."""

    index: int
    relation: str
    target: int


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """An `opening.erased`. `names`: what it takes away, `file` for the file's bytes."""

    index: int
    chain: str
    entry: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileRemoval:
    """An `opening.erased` took the file's bytes of `entry` away."""

    entry: int
    index: int


@dataclass(frozen=True, slots=True)
class AccessRow:
    """An access code that was renewed: which renewal of the evidence at `index`, and when (milliseconds).

    Not derived: renewing a code is no act of the case.
    """

    index: int
    counter: int
    issued_at: int


CaseProjection: TypeAlias = (
    MemberRemoval
    | ActRow
    | DemandRow
    | ChallengeRow
    | StandingRow
    | StateChange
    | DisclosureRow
    | LinkRow
    | ErasureRow
    | FileRemoval
)
