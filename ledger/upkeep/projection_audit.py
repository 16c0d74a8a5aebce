"""The tables of casework must say what the entries say: each row is derived again and compared, and no row is more.

A demand whose row said "disclosed" would hide a refusal from the court; a disclosure slipped in would open fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ledger.casework.projection import project
from ledger.entry.held import Held
from ledger.errors import LedgerError
from ledger.store.case_contracts import CaseStore
from ledger.store.case_rows import (
    ActRow,
    ChallengeRow,
    DemandRow,
    DisclosureRow,
    ErasureRow,
    FileRemoval,
    LinkRow,
    StandingRow,
    StateChange,
)
from ledger.store.contracts import EntryRow, Projection

_TABLES: Final[dict[type, str]] = {
    ActRow: "acts",
    ChallengeRow: "challenges",
    DemandRow: "demands",
    DisclosureRow: "disclosures",
    ErasureRow: "erasures",
    LinkRow: "links",
    StandingRow: "standings",
}

_Key = tuple[object, ...]


class ProjectionAudit:
    """Collects the rows that acts make; as many are kept in memory as there are acts and links."""

    def __init__(self, store: CaseStore) -> None:
        self._store = store
        self._expected: dict[str, dict[_Key, Projection]] = {table: {} for table in _TABLES.values()}
        self._missing: dict[int, tuple[str, ...]] = {}
        self._erased: dict[int, set[str]] = {}
        self._files: set[int] = set()

    def see(self, row: EntryRow, held: Held) -> Iterator[str]:
        """Take in an entry whose openings give its commitment. Yields what is wrong with its fields."""
        if held.erased:
            self._missing[row.index] = held.erased
        try:
            made = project(row.index, row.chain, row.kind, held.fields)
        except LedgerError as error:
            yield f"its fields are not those of its kind: {error}"
            return
        for each in made:
            if isinstance(each, StateChange):
                yield from self._change(each)
            elif isinstance(each, FileRemoval):
                self._files.add(each.entry)
            elif type(each) in _TABLES:
                self._expected[_TABLES[type(each)]][_key(each)] = each
                if isinstance(each, ErasureRow):
                    self._erased.setdefault(each.entry, set()).update(each.names)

    def _change(self, change: StateChange) -> Iterator[str]:
        rows = self._expected[change.table]
        subject = rows.get((change.subject,))
        if isinstance(subject, DemandRow | ChallengeRow | StandingRow):
            rows[(change.subject,)] = replace(subject, state=change.state)
        else:
            yield f"it answers entry {change.subject}, which is not among the {change.table}"

    def file_erased(self, entry: int) -> bool:
        """Whether an erasure that was seen took the file of this entry."""
        return entry in self._files

    def finish(self, size: int) -> Iterator[tuple[str, str]]:
        """What is wrong with the tables, and with what was erased. What a server appended after `size` is passed
        over.
        """
        yield from self._unexplained(size)
        for table, rows in self._expected.items():
            yield from self._compare(table, rows, size)

    def _unexplained(self, size: int) -> Iterator[tuple[str, str]]:
        for entry, names in self._missing.items():
            # An erasure recorded while we were reading stands beyond what we read.
            later = {name for row in self._store.erasures([entry]) if row.index >= size for name in row.names}
            lost = sorted(set(names) - self._erased.get(entry, set()) - later)
            if lost:
                yield f"entry {entry}", f"openings are missing, and no erasure names them: {', '.join(lost)}"
        unfinished = [each for each in self._store.unfinished_erasures() if each.index < size]
        rights = self._store.missing_rights() if unfinished else None
        what = "its erasure is recorded and not finished; a start of the server does it"
        for erasure in unfinished:
            yield f"entry {erasure.entry}", what if rights is None else f"{what}, but first {rights}"

    def _compare(self, table: str, rows: dict[_Key, Projection], size: int) -> Iterator[tuple[str, str]]:
        found: set[_Key] = set()
        last: int | None = None
        for row in self._store.projected(table):
            index = int(getattr(row, "index", -1))
            if index >= size:
                last = self._store.last_index() if last is None or index > last else last
                if index > last:
                    yield f"table {table}", f"it has a row of entry {index}, which does not exist"
                continue
            found.add(_key(row))
            expected = rows.get(_key(row))
            if expected is None:
                yield f"table {table}", f"it has a row of entry {index} that the entries do not demand"
            elif expected != row and not self._moved_since(row, size):
                yield f"table {table}", f"its row of entry {index} says something else than the entries"
        for key in rows.keys() - found:
            yield f"table {table}", f"its row of entry {key[0]} is missing"

    def _moved_since(self, row: Projection, size: int) -> bool:
        """Whether an act that we did not read may have changed this row's state."""
        if not isinstance(row, DemandRow | ChallengeRow | StandingRow):
            return False
        head = self._store.chain_head(row.chain)
        return head is not None and head.index >= size


def _key(row: Projection) -> _Key:
    return (row.index, row.relation, row.target) if isinstance(row, LinkRow) else (row.index,)
