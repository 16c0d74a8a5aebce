"""What a member asks of a case, and what comes back: never more than the viewer may see."""

from __future__ import annotations

from ledger.casework.cases import CaseState
from ledger.casework.connections import Connections
from ledger.casework.docket import Docket
from ledger.casework.people import Actor
from ledger.casework.reading import CaseReader, SeenEntry
from ledger.casework.views import CaseView, EntryView, EvidenceView, LookupHit, MemberView
from ledger.entry.held import read_held
from ledger.entry.leaf import parse_leaf
from ledger.entry.receipt_number import format_number
from ledger.errors import CorruptError, LedgerError
from ledger.merkle.hashing import hash_leaf
from ledger.store.case_contracts import CaseStore
from ledger.store.log_rows import ChainHead

__all__ = ["CaseQueries", "CaseView", "EntryView", "EvidenceView", "LookupHit", "MemberView"]

LOOKUP_LIMIT = 1_000
"""Entries that a look-up lists at most: one file anchored that often in a person's cases is a script's doing."""


class CaseQueries:
    """Views for members. Raises NotFoundError to everybody else."""

    def __init__(self, store: CaseStore, reader: CaseReader, docket: Docket) -> None:
        self._store = store
        self._reader = reader
        self._docket = docket
        self._connections = Connections(store, reader)

    def case(self, actor: Actor, chain: str) -> CaseView:
        state, _ = self._reader.state_for(actor, chain)
        return _case_view(state)

    def cases(self, actor: Actor, after: int, limit: int) -> list[CaseView]:
        """The actor's cases, ascending by the index of `case.opened`, above `after`."""
        found = []
        for case in self._store.cases_of(actor.name, after, limit):
            head = self._store.chain_head(case.chain) or ChainHead(case.chain, 0, 0, 0, b"")
            found.append(_case_view(CaseState(case, tuple(self._store.members(case.chain)), head.length, head.acts)))
        return found

    def timeline(self, actor: Actor, chain: str, start: int, limit: int) -> list[EntryView]:
        """Entries of the chain from seq `start` on, ascending."""
        return [entry_view(seen) for seen in self._reader.seen_chain(actor, chain, start, limit)]

    def evidence(self, actor: Actor, number: str) -> EvidenceView:
        """The anchored entry as this actor sees it."""
        seen = self._reader.seen(actor, number)
        view = entry_view(seen)
        published = self._store.published()
        challenges = self._docket.challenges_of(seen.row.index)
        links = self._connections.links(actor, seen)
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
            _openings(seen),
            view.closed,
            published is not None and published[0] > view.index,
            seen.file_visible,
            view.erased,
            self._connections.standing(challenges),
            tuple(challenges),
            links,
            self._connections.copies(actor, seen, links),
            self._connections.sender(seen),
        )

    def lookup(self, actor: Actor, sha256: bytes) -> list[LookupHit]:
        """Entries that commit this digest in the actor's cases, where `file.sha256` is open to the actor."""
        hits = []
        for row in self._store.evidence_by_digest(sha256, actor.name, LOOKUP_LIMIT):
            number = format_number(row.index)
            seen = self._reader.seen(actor, number)
            if "file.sha256" in seen.open:
                name = seen.fields.get("file.name") if "file.name" in seen.open else None
                time = parse_leaf(seen.row.leaf).time
                hits.append(LookupHit(number, row.chain, row.index, None if name is None else str(name), time))
        return hits


def _case_view(state: CaseState) -> CaseView:
    views = tuple(MemberView(member.account, member.role, member.side) for member in state.present())
    return CaseView(state.case.chain, state.case.title, state.case.opener, state.case.index, views, state.length)


def entry_view(seen: SeenEntry) -> EntryView:
    """An entry of a timeline."""
    return EntryView(
        format_number(seen.row.index),
        seen.row.index,
        seen.row.seq,
        seen.row.kind,
        parse_leaf(seen.row.leaf).time,
        hash_leaf(seen.row.leaf).hex(),
        seen.names,
        {name: seen.fields[name] for name in seen.names if name in seen.open},
        tuple(name for name in seen.names if name not in seen.open),
        seen.erased,
    )


def _openings(seen: SeenEntry) -> dict[str, str]:
    """The exact bytes of the openings that this viewer sees, `@names` first."""
    try:
        held = read_held(seen.opening.secret, seen.opening.fields, seen.opening.kept)
    except LedgerError as error:
        raise CorruptError(f"read the openings of entry {seen.row.index}: {error.what}") from error
    shown = {"@names": held.openings[0].decode()}
    return shown | {
        name: held.openings[position].decode() for position, name in enumerate(held.names, 1) if name in seen.open
    }
