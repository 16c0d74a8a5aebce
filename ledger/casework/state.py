"""What decisions stand on: a case, a piece of evidence in it, and what was asked about it. Values, without a database.

`acts` of the case is what makes a decision stale: it was counted before anything else was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.casework.cases import CaseState
from ledger.casework.people import Actor
from ledger.casework.sight import NOBODY, disclosed_to, is_own_side, open_names
from ledger.casework.transitions import COURT, OFFICE, SIDE, SUBMITTER
from ledger.entry.canonical_json import Value
from ledger.errors import NotFoundError
from ledger.store.case_rows import ChallengeRow, DemandRow, DisclosureRow, StandingRow
from ledger.store.log_rows import EvidenceRow, MemberRow
from ledger.submit.draft import EVIDENCE_ANCHORED


@dataclass(frozen=True, slots=True)
class EvidenceState:
    """A piece of evidence. `fields`: values at hand, by name; `names`: all that were committed; `erased`: what an
    erasure named, `file` for the file's bytes; `demands`: those on it.
    """

    case: CaseState
    row: EvidenceRow
    fields: Mapping[str, Value]
    names: tuple[str, ...]
    erased: frozenset[str]
    disclosures: tuple[DisclosureRow, ...]
    demands: tuple[DemandRow, ...]

    @property
    def submitter(self) -> MemberRow:
        """Who submitted it, with the side he has, or had."""
        return self.case.membership(self.row.account) or NOBODY

    def role_of(self, actor: Actor) -> str:
        """How the actor stands to this evidence. Raises NotFoundError for who is not a member."""
        member = self.case.member(actor.name)
        if member is None:
            raise NotFoundError("no such evidence, or you are not a member of its case")
        if is_own_side(member, self.submitter):
            return SUBMITTER
        if member.side:
            return SIDE
        return COURT if member.role == "court" else OFFICE

    def open_to(self, viewer: MemberRow) -> frozenset[str]:
        """The names that this member sees open; `file` among them where its bytes were disclosed to him."""
        shown = disclosed_to(viewer, self.disclosures, self.lodgers())
        return open_names(EVIDENCE_ANCHORED, self.fields, viewer, self.submitter, shown) | (shown & {"file"})

    def lodgers(self) -> Mapping[int, MemberRow]:
        """Who lodged each demand."""
        return {demand.index: self.case.membership(demand.account) or NOBODY for demand in self.demands}


@dataclass(frozen=True, slots=True)
class DemandState:
    """A demand on a piece of evidence. `wanted`: names and prefixes as demanded, or None for all."""

    evidence: EvidenceState
    row: DemandRow
    wanted: tuple[str, ...] | None

    @property
    def lodger(self) -> MemberRow:
        """Who lodged it."""
        return self.evidence.case.membership(self.row.account) or NOBODY

    def covers(self, name: str) -> bool:
        """Whether the demand reaches this name."""
        if self.wanted is None:
            return True
        return any(name.startswith(each[:-1]) if each.endswith(".*") else name == each for each in self.wanted)

    def existing(self) -> tuple[str, ...]:
        """The committed names that the demand reaches."""
        return tuple(name for name in self.evidence.names if self.covers(name))


@dataclass(frozen=True, slots=True)
class ChallengeState:
    evidence: EvidenceState
    row: ChallengeRow


@dataclass(frozen=True, slots=True)
class StandingState:
    evidence: EvidenceState
    row: StandingRow
