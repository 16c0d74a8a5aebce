"""Read a case, a piece of evidence, a demand: as decisions see them, and as a member sees them.

Who is not a member gets NotFoundError, the same as for what does not exist: nothing reveals whether a case exists. The
chain's end is read before anything else: whoever acts between the reads makes a decision stale, never wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.casework.cases import CaseState
from ledger.casework.people import Actor
from ledger.casework.sight import FILE, NOBODY, disclosed_to, may_see_file, open_names, submitter_of
from ledger.casework.state import ChallengeState, DemandState, EvidenceState, StandingState
from ledger.entry.canonical_json import Value, parse
from ledger.entry.held import names_held
from ledger.entry.receipt_number import parse_number
from ledger.errors import CorruptError, LedgerError, NotFoundError
from ledger.store.case_contracts import CaseStore
from ledger.store.case_rows import ActRow, DisclosureRow
from ledger.store.log_rows import EntryRow, EvidenceRow, MemberRow, OpeningRow
from ledger.submit.draft import EVIDENCE_ANCHORED

_CHAIN = re.compile(r"[0-9a-f]{32}")

NO_CASE = "no such case, or you are not a member of it"
NO_EVIDENCE = "no such evidence, or you are not a member of its case"


ACTS_READ = 100_000
"""Acts on one piece of evidence that are looked through for a bundle: rows of some fifty bytes each."""


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """An entry with what this viewer sees of it; the base of every view, receipt and bundle.

    `fields`: the values at hand; `names`: all that were committed; `open`: those that this viewer sees.
    """

    row: EntryRow
    opening: OpeningRow
    fields: Mapping[str, Value]
    names: tuple[str, ...]
    open: frozenset[str]
    viewer: MemberRow
    submitter: MemberRow
    evidence: EvidenceRow | None = None
    file_disclosed: bool = False

    @property
    def file_visible(self) -> bool:
        """Whether this viewer may have the file's bytes, and we have them."""
        shown = frozenset({FILE}) if self.file_disclosed else frozenset()
        return self.evidence is not None and self.evidence.stored and may_see_file(self.viewer, self.submitter, shown)

    @property
    def erased(self) -> tuple[str, ...]:
        """The names whose openings are gone."""
        return tuple(name for name in self.names if name not in self.fields)


class CaseReader:
    """Reads for members and for decisions."""

    def __init__(self, store: CaseStore) -> None:
        self._store = store

    # --- for decisions -----------------------------------------------------------------------------------------------

    def state(self, chain: str) -> CaseState:
        """The case's state. Raises NotFoundError."""
        head = self._store.chain_head(chain)
        case = self._store.case(chain)
        if case is None or head is None:
            raise NotFoundError(NO_CASE)
        return CaseState(case, tuple(self._store.members(chain)), head.length, head.acts)

    def state_for(self, actor: Actor, chain: str) -> tuple[CaseState, MemberRow]:
        """The state and the actor's membership. Raises NotFoundError alike for an unknown case and a stranger's."""
        if _CHAIN.fullmatch(chain) is None:
            raise NotFoundError(NO_CASE)
        state = self.state(chain)
        member = state.member(actor.name)
        if member is None:
            raise NotFoundError(NO_CASE)
        return state, member

    def membership(self, actor: Actor, chain: str) -> tuple[MemberRow, int]:
        """The actor's membership and the number of the case's acts that it was read on: all that a check needs which
        looks at nothing else of the case. Raises NotFoundError as `state_for` does.
        """
        found = None
        if _CHAIN.fullmatch(chain) is not None:
            found = self._store.membership(chain, actor.name)
        if found is None or found[0].removed is not None:
            raise NotFoundError(NO_CASE)
        return found

    def evidence_state(self, number: str) -> EvidenceState:
        """A piece of evidence, for a decision that checks who asks. Raises NotFoundError for what is none."""
        return self._evidence_at(index_of(number, NO_EVIDENCE))

    def demand_state(self, number: str, actor: Actor | None = None) -> DemandState:
        """A demand by its id, for a decision. Raises NotFoundError for what is none, and alike where `actor` is not a
        member.
        """
        act = "no such demand, or you are not a member of its case"
        row = self._store.demand(index_of(number, act))
        evidence = None if row is None else self._evidence_at(row.entry)
        if row is None or evidence is None or (actor is not None and evidence.case.member(actor.name) is None):
            raise NotFoundError(act)
        # Read again: the first reading only told which case it is, and may be older than the count of its acts.
        row = self._store.demand(row.index) or row
        wanted = self._fields_of(row.index).get("demand.fields")
        names = None if wanted == "all" else tuple(str(name) for name in wanted if isinstance(wanted, list))  # type: ignore[union-attr]  # a list by its kind
        return DemandState(evidence, row, names)

    def challenge_state(self, number: str, actor: Actor | None = None) -> ChallengeState:
        """A challenge by its id. Raises NotFoundError."""
        act = "no such challenge, or you are not a member of its case"
        row = self._store.challenge(index_of(number, act))
        evidence = None if row is None else self._evidence_at(row.entry)
        if row is None or evidence is None or (actor is not None and evidence.case.member(actor.name) is None):
            raise NotFoundError(act)
        return ChallengeState(evidence, self._store.challenge(row.index) or row)

    def standing_state(self, number: str, actor: Actor | None = None) -> StandingState:
        """A request for standing by its id. Raises NotFoundError."""
        act = "no such request, or you are not a member of its case"
        row = self._store.standing(index_of(number, act))
        evidence = None if row is None else self._evidence_at(row.entry)
        if row is None or evidence is None or (actor is not None and evidence.case.member(actor.name) is None):
            raise NotFoundError(act)
        return StandingState(evidence, self._store.standing(row.index) or row)

    def _evidence_at(self, index: int) -> EvidenceState:
        found = self._store.evidence(index)
        if found is None:
            raise NotFoundError(NO_EVIDENCE)
        case = self.state(found.chain)
        row = self._store.evidence(index) or found
        opening = self._store.openings([index]).get(index)
        if opening is None:
            raise CorruptError(f"read the openings of entry {index}: they are missing")
        fields = fields_of(opening)
        names = names_held(fields, opening.kept)
        recorded = {name for erasure in self._store.erasures([index]) for name in erasure.names}
        return EvidenceState(
            case,
            row,
            {name: value for name, value in fields.items() if name not in recorded},
            names,
            frozenset(recorded | (set(names) - fields.keys())),
            tuple(self._store.disclosures([index])),
            tuple(self._store.demands_of_entry(index)),
        )

    def _fields_of(self, index: int) -> Mapping[str, Value]:
        opening = self._store.openings([index]).get(index)
        if opening is None:
            raise CorruptError(f"read the openings of entry {index}: they are missing")
        return fields_of(opening)

    # --- for members -------------------------------------------------------------------------------------------------

    def seen(self, actor: Actor, number: str) -> SeenEntry:
        """The anchored entry of this receipt number. Raises NotFoundError also where the actor is not a member."""
        row = self._store.entry(index_of(number, NO_EVIDENCE))
        if row is None or row.kind != EVIDENCE_ANCHORED:
            raise NotFoundError(NO_EVIDENCE)
        try:
            state, viewer = self.state_for(actor, row.chain)
        except NotFoundError as error:
            raise NotFoundError(NO_EVIDENCE) from error
        return self.see(state, viewer, [row])[0]

    def seen_chain(self, actor: Actor, chain: str, start: int, limit: int) -> list[SeenEntry]:
        """Entries of the chain from seq `start` on, each with what the actor sees of it."""
        state, viewer = self.state_for(actor, chain)
        return self.see(state, viewer, self._store.chain_entries(chain, start, limit))

    def seen_acts(self, actor: Actor, entry: SeenEntry, limit: int, without: str) -> list[SeenEntry]:
        """Acts on this evidence, `without` those of one kind, each with what the actor sees of it; at most `limit`.

        Whoever floods the record must not crowd out what matters: first come the demands of the viewer's own side and
        what answers them, then erasures, then the other demands and their answers, then challenges, then the rest; of
        equals the newest.
        """
        acts = self._store.acts_on(entry.row.index, ACTS_READ, without=without)
        demands = {demand.index: demand for demand in self._store.demands_of_entry(entry.row.index)}
        members = self.state(entry.row.chain).members
        own = {each.account for each in members if each.side and each.side == entry.viewer.side} | {actor.name}

        def weight(act: ActRow) -> tuple[int, int]:
            demand = demands.get(act.index) or demands.get(-1 if act.subject is None else act.subject)
            if demand is not None:
                return (0 if demand.account in own else 2), -act.index
            if act.kind == "opening.erased":
                return 1, -act.index
            return (3 if act.kind.startswith(("authenticity.", "challenge.")) else 4), -act.index

        chosen = sorted(acts, key=weight)[:limit]
        return self.seen_at(actor, entry.row.chain, [act.index for act in chosen])

    def seen_at(self, actor: Actor, chain: str, indexes: Sequence[int]) -> list[SeenEntry]:
        """Those of these entries that are of this case, ascending, each with what the actor sees of it."""
        state, viewer = self.state_for(actor, chain)
        rows = self._store.entries_at(indexes)
        return self.see(state, viewer, [rows[index] for index in sorted(rows) if rows[index].chain == chain])

    def see(self, state: CaseState, viewer: MemberRow, rows: Sequence[EntryRow]) -> list[SeenEntry]:
        """These entries of the case, as this member sees them. As many reads for a page as for one entry."""
        members = {member.account: member for member in state.members}
        openings = self._store.openings([row.index for row in rows])
        anchored = [row.index for row in rows if row.kind == EVIDENCE_ANCHORED]
        evidence = self._store.evidence_rows(anchored)
        disclosures: dict[int, list[DisclosureRow]] = {}
        for each in self._store.disclosures(anchored):
            disclosures.setdefault(each.entry, []).append(each)
        lodged = {each.demand for found in disclosures.values() for each in found if each.demand is not None}
        demands = self._store.demands_at(sorted(lodged))
        lodgers = {index: members.get(demand.account, NOBODY) for index, demand in demands.items()}
        seen = []
        for row in rows:
            opening = openings.get(row.index)
            if opening is None:
                raise NotFoundError(f"open entry {row.index}: its openings are not here")
            shown = disclosed_to(viewer, disclosures.get(row.index, ()), lodgers)
            seen.append(_see(row, opening, viewer, members, evidence.get(row.index), shown))
        return seen


def _see(
    row: EntryRow,
    opening: OpeningRow,
    viewer: MemberRow,
    members: Mapping[str, MemberRow],
    evidence: EvidenceRow | None,
    shown: frozenset[str],
) -> SeenEntry:
    fields = fields_of(opening)
    account = evidence.account if evidence is not None else str(fields.get("submitter.name"))
    submitter = submitter_of(account, members, row.chain)
    names = names_held(fields, opening.kept)
    opened = open_names(row.kind, fields, viewer, submitter, shown)
    return SeenEntry(row, opening, fields, names, opened, viewer, submitter, evidence, FILE in shown)


def fields_of(opening: OpeningRow) -> Mapping[str, Value]:
    """The values at hand of an entry. Raises CorruptError."""
    try:
        fields = parse(opening.fields, where="openings")
    except LedgerError as error:
        raise CorruptError(f"read the openings of entry {opening.index}: {error.what}") from error
    if not isinstance(fields, dict):
        raise CorruptError(f"read the openings of entry {opening.index}: expected an object of fields")
    return fields


def index_of(number: str, act: str) -> int:
    """The index that a receipt number names. Raises NotFoundError for a mistyped one, saying so."""
    try:
        return parse_number(number)
    except LedgerError as error:
        raise NotFoundError(f"{act}: {error.what}", "number") from error
