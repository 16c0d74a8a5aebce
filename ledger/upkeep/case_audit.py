"""Who is in which case follows from the entries; the tables of cases and members must say the same.

A row slipped in here would let a stranger read a case, and no leaf would show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ledger.casework.projection import project
from ledger.entry.canonical_json import parse
from ledger.store.case_rows import MemberRemoval
from ledger.store.contracts import CaseRow, EntryRow, LogStore, MemberRow, OpeningRow, Projection


class CaseAudit:
    """Collects cases and members from verified openings, and compares them at the end."""

    def __init__(self, store: LogStore) -> None:
        self._store = store
        self._cases: dict[str, CaseRow] = {}
        self._members: dict[str, dict[str, MemberRow]] = {}

    def see(self, row: EntryRow, opening: OpeningRow) -> None:
        """Take in an entry whose openings give its commitment."""
        if row.kind not in ("case.opened", "member.added", "member.removed"):
            return
        fields = parse(opening.fields, where=f"openings of entry {row.index}")
        if not isinstance(fields, dict):
            return
        for made in project(row.index, row.chain, row.kind, fields):
            self._take(made)

    def _take(self, made: Projection) -> None:
        if isinstance(made, CaseRow):
            self._cases[made.chain] = made
        elif isinstance(made, MemberRow):
            self._members.setdefault(made.chain, {})[made.account] = made
        elif isinstance(made, MemberRemoval):
            members = self._members.setdefault(made.chain, {})
            if made.account in members:
                members[made.account] = replace(members[made.account], removed=made.index)

    @property
    def rows(self) -> dict[str, int]:
        """How many rows the entries make, by table."""
        return {"cases": len(self._cases), "members": sum(map(len, self._members.values()))}

    def finish(self, size: int) -> Iterator[tuple[str, str]]:
        """What is wrong with the tables. Rows of entries that a server appended after `size` are passed over."""
        for chain, case in self._cases.items():
            if self._store.case(chain) != case:
                yield f"case {chain}", "its row is missing, or says something else than case.opened"
            derived = self._members.get(chain, {})
            for account in sorted(self._unlike(chain, derived, size)):
                yield f"case {chain}", f"the membership of {account} is not what the entries say"

    def _unlike(self, chain: str, derived: Mapping[str, MemberRow], size: int) -> set[str]:
        stored = {each.account: each for each in self._store.members(chain)}
        unlike = {name for name in stored.keys() | derived.keys() if stored.get(name) != derived.get(name)}
        if not unlike:
            return unlike
        # Read after the members: a row's entry was committed with it, so what is beyond this belongs to no entry.
        last = self._store.last_index()
        return {name for name in unlike if name in derived or not size <= stored[name].index <= last}
