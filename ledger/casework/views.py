"""What members get to see, as values. Times are in the ledger's form, numbers are receipt numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.entry.canonical_json import Value


@dataclass(frozen=True, slots=True)
class MemberView:
    account: str
    role: str
    side: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as its members see it. `case`: 32 hex digits; `index`: of `case.opened`; `length`: entries of its
    chain.
    """

    case: str
    title: str
    opener: str
    index: int
    members: tuple[MemberView, ...]
    length: int


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry of a case's timeline. `opened`: name to value, as far as the viewer may see; `closed`: the other
    names, and of these `erased`: those whose openings are gone, on an order.
    """

    number: str
    index: int
    seq: int
    kind: str
    time: str
    leaf_hash: str
    names: tuple[str, ...]
    opened: Mapping[str, Value]
    closed: tuple[str, ...]
    erased: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link between two entries of a case: `relation` as in the statement; `mine`: whether this entry makes it."""

    relation: str
    number: str
    mine: bool


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """A challenge, or an admission (`state` admitted). `fields`: empty for the whole; `heads`: empty for an
    admission.
    """

    challenge: str
    number: str
    case: str
    state: str
    time: str
    by: str
    heads: tuple[str, ...]
    fields: tuple[str, ...]
    grounds: str | None
    events: tuple[EventView, ...]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """An anchored entry. `leaf` and `openings` are exact bytes as text; `published`: a served checkpoint holds it.

    `standing`: whether it is challenged or admitted, in words; `links`: to and from other evidence and demands;
    `copies`: whether linked evidence has the same bytes, as far as both digests are open; `sender`: what declared
    channels say of a message's address.
    """

    number: str
    case: str
    index: int
    kind: str
    seq: int
    time: str
    leaf: str
    leaf_hash: str
    names: tuple[str, ...]
    opened: Mapping[str, Value]
    openings: Mapping[str, str]
    closed: tuple[str, ...]
    published: bool
    has_file: bool
    erased: tuple[str, ...] = ()
    standing: str = "not challenged"
    challenges: tuple[ChallengeView, ...] = ()
    links: tuple[LinkView, ...] = ()
    copies: tuple[str, ...] = ()
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class LookupHit:
    number: str
    case: str
    index: int
    name: str | None
    time: str


@dataclass(frozen=True, slots=True)
class EventView:
    """An act on a demand, a challenge or a request, and who did it."""

    number: str
    kind: str
    time: str
    by: str


@dataclass(frozen=True, slots=True)
class DemandView:
    """A demand as docs/spec/casework.md has it. `number`: the evidence's; `fields`: names and prefixes, or "all"."""

    demand: str
    number: str
    case: str
    state: str
    object: str
    fields: tuple[str, ...] | str
    grounds: str
    due_at: str
    due_basis: str
    time: str
    by: str
    events: tuple[EventView, ...]

    @property
    def index(self) -> int:
        """The demand's index: lists are paged by it."""
        return int(self.demand[3:13])


@dataclass(frozen=True, slots=True)
class ReminderView:
    """What waits for somebody. `kind`: answer, ruling, standing; `subject`: the id of the demand or request; `number`:
    the evidence's; `seconds_left`: negative when the term is over, None with `due_at` where there is none; `level`:
    due, soon, overdue, waiting.
    """

    kind: str
    subject: str
    number: str
    case: str
    due_at: str | None
    seconds_left: int | None
    level: str


@dataclass(frozen=True, slots=True)
class StandingView:
    """A request to be let in. `standing`: its id, or None where a court's account was let in at once."""

    standing: str | None
    number: str
    case: str
    state: str
    account: str
    role: str
    time: str
    events: tuple[EventView, ...] = ()
