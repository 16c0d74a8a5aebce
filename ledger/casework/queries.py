"""What a member asks of a case, and what comes back: never more than the viewer may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.casework.cases import CaseState
from ledger.casework.people import Actor
from ledger.casework.sight import may_see_file, open_names, submitter_of
from ledger.entry.canonical_json import Value, parse
from ledger.entry.commitment import NAMES_FIELD, derive_salt, opening_bytes
from ledger.entry.leaf import parse_leaf
from ledger.entry.receipt_number import format_number, parse_number
from ledger.errors import CorruptError, LedgerError, NotFoundError
from ledger.merkle.hashing import hash_leaf
from ledger.store.contracts import CaseRow, EntryRow, EvidenceRow, LogStore, MemberRow, OpeningRow
from ledger.submit.draft import EVIDENCE_ANCHORED

LOOKUP_LIMIT = 1_000
"""Entries that a look-up lists at most: one file anchored that often in a person's cases is a script's doing."""


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
    names.
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


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """An anchored entry. `leaf` and `openings` are exact bytes as text; `published`: a served checkpoint holds it."""

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


@dataclass(frozen=True, slots=True)
class LookupHit:
    number: str
    case: str
    index: int
    name: str | None
    time: str


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """An entry with what this viewer sees of it; the base of every view, receipt and bundle."""

    row: EntryRow
    opening: OpeningRow
    fields: Mapping[str, Value]
    open: frozenset[str]
    viewer: MemberRow
    submitter: MemberRow
    evidence: EvidenceRow | None = None
    members: Mapping[str, MemberRow] = field(default_factory=dict)

    @property
    def file_visible(self) -> bool:
        """Whether this viewer may have the file's bytes, and we have them."""
        return self.evidence is not None and self.evidence.stored and may_see_file(self.viewer, self.submitter)


class CaseQueries:
    """Reads for members. Who is not one gets NotFoundError, so that nothing reveals whether a case exists."""

    def __init__(self, store: LogStore) -> None:
        self._store = store

    def state(self, chain: str) -> CaseState:
        """The case's state for a decision. Raises NotFoundError.

        The chain's end is read first: whoever acts between the reads makes the decision stale, never wrong.
        """
        head = self._store.chain_head(chain)
        case = self._store.case(chain)
        if case is None or head is None:
            raise NotFoundError("no such case, or you are not a member of it")
        return CaseState(case, tuple(self._store.members(chain)), head.length, head.acts)

    def state_for(self, actor: Actor, chain: str) -> tuple[CaseState, MemberRow]:
        """The state and the actor's membership. Raises NotFoundError alike for an unknown case and a stranger's."""
        if len(chain) != 32 or any(c not in "0123456789abcdef" for c in chain):
            raise NotFoundError("no such case, or you are not a member of it")
        state = self.state(chain)
        member = state.member(actor.name)
        if member is None:
            raise NotFoundError("no such case, or you are not a member of it")
        return state, member

    def case(self, actor: Actor, chain: str) -> CaseView:
        state, _ = self.state_for(actor, chain)
        return _case_view(state.case, state.members, state.length)

    def cases(self, actor: Actor, after: int, limit: int) -> list[CaseView]:
        found = []
        for case in self._store.cases_of(actor.name, after, limit):
            head = self._store.chain_head(case.chain)
            found.append(_case_view(case, tuple(self._store.members(case.chain)), 0 if head is None else head.length))
        return found

    def timeline(self, actor: Actor, chain: str, start: int, limit: int) -> list[EntryView]:
        return [_entry_view(seen) for seen in self.seen_chain(actor, chain, start, limit)]

    def seen_chain(self, actor: Actor, chain: str, start: int, limit: int) -> list[SeenEntry]:
        """Entries of the chain from seq `start` on, each with what the actor sees of it."""
        state, viewer = self.state_for(actor, chain)
        members = {member.account: member for member in state.members}
        rows = self._store.chain_entries(chain, start, limit)
        openings = self._store.openings([row.index for row in rows])
        return [self._see(row, openings.get(row.index), viewer, members) for row in rows]

    def seen(self, actor: Actor, number: str) -> SeenEntry:
        """The anchored entry of this receipt number. Raises NotFoundError also where the actor is not a member."""
        try:
            index = parse_number(number)
        except LedgerError as error:
            raise NotFoundError(f"no such receipt number: {error.what}", "number") from error
        row = self._store.entry(index)
        if row is None or row.kind != EVIDENCE_ANCHORED:
            raise NotFoundError("no such evidence, or you are not a member of its case")
        try:
            state, viewer = self.state_for(actor, row.chain)
        except NotFoundError as error:
            raise NotFoundError("no such evidence, or you are not a member of its case") from error
        members = {member.account: member for member in state.members}
        return self._see(row, self._store.openings([index]).get(index), viewer, members)

    def evidence(self, actor: Actor, number: str) -> EvidenceView:
        """The anchored entry as this actor sees it."""
        seen = self.seen(actor, number)
        view = _entry_view(seen)
        openings = {
            name: opening_bytes(name, derive_salt(seen.opening.secret, name), value).decode()
            for name, value in {NAMES_FIELD: list(view.names), **view.opened}.items()
        }
        published = self._store.published()
        return EvidenceView(
            view.number,
            seen.row.chain,
            view.index,
            view.kind,
            view.seq,
            view.time,
            seen.row.leaf.decode(),
            view.leaf_hash,
            view.names,
            view.opened,
            openings,
            view.closed,
            published is not None and published[0] > view.index,
            seen.file_visible,
        )

    def lookup(self, actor: Actor, sha256: bytes) -> list[LookupHit]:
        """Entries that commit this digest in the actor's cases, where `file.sha256` is open to the actor."""
        hits = []
        for row in self._store.evidence_by_digest(sha256, actor.name, LOOKUP_LIMIT):
            seen = self.seen(actor, format_number(row.index))
            if "file.sha256" in seen.open:
                name = seen.fields.get("file.name") if "file.name" in seen.open else None
                time = parse_leaf(seen.row.leaf).time
                hits.append(
                    LookupHit(
                        format_number(row.index), row.chain, row.index, str(name) if name is not None else None, time
                    )
                )
        return hits

    def _see(
        self, row: EntryRow, opening: OpeningRow | None, viewer: MemberRow, members: Mapping[str, MemberRow]
    ) -> SeenEntry:
        if opening is None:
            raise NotFoundError(f"open entry {row.index}: its openings are not here")
        fields = _fields(opening)
        evidence = self._store.evidence(row.index) if row.kind == EVIDENCE_ANCHORED else None
        account = evidence.account if evidence is not None else str(fields.get("submitter.name"))
        submitter = submitter_of(account, members, row.chain)
        names = open_names(row.kind, fields, viewer, submitter)
        return SeenEntry(row, opening, fields, names, viewer, submitter, evidence, members)


def _fields(opening: OpeningRow) -> dict[str, Value]:
    try:
        fields = parse(opening.fields, where="openings")
    except LedgerError as error:
        raise CorruptError(f"read the openings of entry {opening.index}: {error.what}") from error
    if not isinstance(fields, dict):
        raise CorruptError(f"read the openings of entry {opening.index}: expected an object of fields")
    return fields


def _case_view(case: CaseRow, members: tuple[MemberRow, ...], length: int) -> CaseView:
    views = tuple(MemberView(member.account, member.role, member.side) for member in members)
    return CaseView(case.chain, case.title, case.opener, case.index, views, length)


def _entry_view(seen: SeenEntry) -> EntryView:
    names = tuple(sorted(seen.fields))
    return EntryView(
        format_number(seen.row.index),
        seen.row.index,
        seen.row.seq,
        seen.row.kind,
        parse_leaf(seen.row.leaf).time,
        hash_leaf(seen.row.leaf).hex(),
        names,
        {name: seen.fields[name] for name in names if name in seen.open},
        tuple(name for name in names if name not in seen.open),
    )
