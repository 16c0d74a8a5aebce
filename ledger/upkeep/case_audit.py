"""Rows that later entries change: who is in which case, where a demand stands, what was erased.

A row slipped in here would let a stranger read a case, and a demand whose row said "disclosed" would hide a refusal;
no leaf would show it. Memory grows with cases, members, demands, challenges, requests for standing and erasures; never
with evidence, and never with who read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ledger.casework.sight import FILE
from ledger.entry.held import read_held
from ledger.errors import LedgerError
from ledger.store.audit_rows import AuditRows
from ledger.store.case_contracts import CaseStore
from ledger.store.case_rows import (
    ChallengeRow,
    DemandRow,
    ErasureRow,
    FileRemoval,
    MemberRemoval,
    StandingRow,
    StateChange,
)
from ledger.store.log_rows import CaseRow, MemberRow, Projection
from ledger.upkeep.finding import Finding

_STATED: Final[dict[type, str]] = {DemandRow: "demands", ChallengeRow: "challenges", StandingRow: "standings"}
_Stated = DemandRow | ChallengeRow | StandingRow


class CaseAudit:
    """Takes in what entries below `size` make, ascending, and compares it at the end. What a server appended after
    them is passed over.
    """

    def __init__(self, store: CaseStore, rows: AuditRows, size: int) -> None:
        self._store = store
        self._rows = rows
        self._size = size
        self._cases: dict[str, CaseRow] = {}
        self._members: dict[tuple[str, str], MemberRow] = {}
        self._stated: dict[str, dict[int, _Stated]] = {table: {} for table in _STATED.values()}
        self._erased: dict[int, set[str]] = {}
        self._files: set[int] = set()

    def take(self, made: Projection) -> Iterator[Finding]:
        """The next row or change."""
        match made:
            case CaseRow():
                self._cases[made.chain] = made
            case MemberRow():
                self._members[made.chain, made.account] = made
            case MemberRemoval():
                member = self._members.get((made.chain, made.account))
                if member is not None:
                    self._members[made.chain, made.account] = replace(member, removed=made.index)
            case DemandRow() | ChallengeRow() | StandingRow():
                self._stated[_STATED[type(made)]][made.index] = made
            case StateChange():
                subject = self._stated[made.table].get(made.subject)
                if subject is None:
                    what = f"it answers entry {made.subject}, which is not among the {made.table}"
                    yield Finding(f"entry {made.index}", what)
                else:
                    self._stated[made.table][made.subject] = replace(subject, state=made.state)
            case FileRemoval():
                self._files.add(made.entry)
            case ErasureRow():
                self._erased.setdefault(made.entry, set()).update(made.names)

    def finish(self, missing: dict[int, tuple[str, ...]], files: dict[int, bool]) -> Iterator[Finding]:
        """`missing`: of entries, names whose openings are gone. `files`: entries whose row says another thing of the
        file than they do: right only where an erasure took it.
        """
        yield from self._compare_cases()
        yield from self._compare_members()
        yield from self._erasures(missing)
        for table, expected in self._stated.items():
            yield from self._compare_stated(table, expected)
        for index, received in files.items():
            later = {name for row in self._store.erasures([index]) if row.index >= self._size for name in row.names}
            if not (received and (index in self._files or FILE in later)):
                what = "its row in the table of evidence says something else of the file than its openings"
                yield Finding(f"entry {index}", what)

    def _compare_cases(self) -> Iterator[Finding]:
        found = set()
        for row in self._store.projected("cases"):
            if not isinstance(row, CaseRow):
                continue
            expected = self._cases.get(row.chain)
            if expected is None:
                if not self._later(row.index):
                    what = f"it has a row of case {row.chain} that the entries do not demand"
                    yield Finding("table cases", what)
            elif expected == row:
                found.add(row.chain)
        for chain in self._cases.keys() - found:
            yield Finding(f"case {chain}", "its row is missing, or says something else than case.opened")

    def _compare_members(self) -> Iterator[Finding]:
        found = set()
        for chain, account, role, side, index, removed, case_index in self._rows.members():
            row = MemberRow(_hex(chain), account, role, side, index, removed)
            expected = self._members.get((row.chain, account))
            case = self._cases.get(row.chain)
            found.add((row.chain, account))
            if expected == row and case_index == (row.index if case is None else case.index):
                continue
            if self._later(index) or (removed is not None and self._later(removed)):
                continue
            if case is None:
                what = f"it has a row of case {row.chain} that the entries do not demand"
                yield Finding("table members", what)
            else:
                yield Finding(f"case {row.chain}", f"the membership of {account} is not what the entries say")
        for chain, account in sorted(self._members.keys() - found):
            yield Finding(f"case {chain}", f"the membership of {account} is not what the entries say")

    def _later(self, index: int) -> bool:
        """Whether an entry that a server appended meanwhile stands there. Asked after the row was read: its entry was
        committed with it, so an index beyond the last belongs to no entry.
        """
        return self._size <= index <= self._store.last_index()

    def _erasures(self, missing: dict[int, tuple[str, ...]]) -> Iterator[Finding]:
        for entry, names in missing.items():
            # An erasure recorded while we were reading stands beyond what we read.
            later = {name for row in self._store.erasures([entry]) if row.index >= self._size for name in row.names}
            lost = sorted(set(names) - self._erased.get(entry, set()) - later)
            if lost:
                what = f"openings are missing, and no erasure names them: {', '.join(lost)}"
                yield Finding(f"entry {entry}", what)
        unfinished = [each for each in self._store.unfinished_erasures() if each.index < self._size]
        rights = self._store.missing_rights() if unfinished else None
        what = "its erasure is recorded and not finished; a start of the server does it"
        for erasure in unfinished:
            yield Finding(f"entry {erasure.entry}", what if rights is None else f"{what}, but first {rights}")
        yield from self._undone({each.entry for each in unfinished}, missing)

    def _undone(self, unfinished: set[int], missing: dict[int, tuple[str, ...]]) -> Iterator[Finding]:
        """An erasure that is said to be finished, of openings that are here: they were put back, or never taken."""
        for entry, names in self._erased.items():
            if entry in unfinished or not names - set(missing.get(entry, ())) - {FILE}:
                continue
            row = self._store.openings([entry]).get(entry)  # as it stands now: it may have been carried out meanwhile
            try:
                held = None if row is None else read_held(row.secret, row.fields, row.kept)
            except LedgerError:
                continue  # reported where the entry was read
            if held is not None and names & held.fields.keys():
                here = ", ".join(sorted(names & held.fields.keys()))
                yield Finding(f"entry {entry}", f"its erasure is recorded as finished, and openings are here: {here}")

    def _compare_stated(self, table: str, expected: dict[int, _Stated]) -> Iterator[Finding]:
        found: set[int] = set()
        for row in self._store.projected(table):
            if not isinstance(row, DemandRow | ChallengeRow | StandingRow) or self._later(row.index):
                continue
            found.add(row.index)
            if row.index not in expected:
                yield Finding(f"table {table}", f"it has a row of entry {row.index} that the entries do not demand")
            elif expected[row.index] != row and not self._moved_since(row.chain):
                yield Finding(f"table {table}", f"its row of entry {row.index} says something else than the entries")
        for index in sorted(expected.keys() - found):
            yield Finding(f"table {table}", f"its row of entry {index} is missing")

    def _moved_since(self, chain: str) -> bool:
        """Whether an act that we did not read may have changed a row of this case."""
        head = self._store.chain_head(chain)
        return head is not None and head.index >= self._size


def _hex(chain: Any) -> str:
    return chain.hex() if isinstance(chain, bytes) else str(chain)
