"""What casework may rely on from a database, beyond the log itself. `tests/contracts/case_store.py` holds both to it.

All of it follows from entries (rebuild makes it again), but for access codes and attempts to use them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from ledger.store.case_rows import (
    AccessRow,
    ActRow,
    ChallengeRow,
    DemandRow,
    DisclosureRow,
    ErasureRow,
    LinkRow,
    StandingRow,
)
from ledger.store.contracts import LogStore
from ledger.store.log_rows import EntryRow, EvidenceRow, MemberRow, Projection


class CaseStore(LogStore, Protocol):
    """A log's database with the tables of its cases. Lists are ascending by index. No read scans a table."""

    def membership(self, chain: str, account: str) -> tuple[MemberRow, int] | None:
        """This account's row in a case, also where its membership has ended, and the number of acts of the case's
        chain (ChainHead.acts) at the very moment at which the row stood so. None where there is no row.
        """
        ...

    def evidence_rows(self, indexes: Sequence[int]) -> Mapping[int, EvidenceRow]: ...

    def evidence_like(self, chain: str, sha256: bytes, limit: int) -> list[EvidenceRow]:
        """Evidence of this case that commits this digest (32 bytes)."""
        ...

    def acts_on(self, entry: int, limit: int, *, without: str = "") -> list[ActRow]:
        """Acts on this evidence; `without`: a kind that is left out."""
        ...

    def acts_about(self, subjects: Sequence[int]) -> list[ActRow]:
        """Acts that answer these demands, challenges or requests for standing."""
        ...

    def acts_of_kind(self, chain: str, kind: str, limit: int) -> list[ActRow]:
        """The newest acts of this kind in a case, ascending."""
        ...

    def act(self, index: int) -> ActRow | None: ...

    def entries_at(self, indexes: Sequence[int]) -> Mapping[int, EntryRow]: ...

    def demand(self, index: int) -> DemandRow | None: ...

    def demands_at(self, indexes: Sequence[int]) -> Mapping[int, DemandRow]: ...

    def demands_of_case(self, chain: str, after: int, limit: int) -> list[DemandRow]: ...

    def demands_of_entry(self, entry: int) -> list[DemandRow]: ...

    def due_demands(self, now_ms: int, limit: int) -> list[DemandRow]:
        """Demands in the state `asked` whose term has passed, by their term."""
        ...

    def challenge(self, index: int) -> ChallengeRow | None: ...

    def challenges(self, entries: Sequence[int]) -> list[ChallengeRow]:
        """Challenges to, and admissions of, these pieces of evidence."""
        ...

    def standing(self, index: int) -> StandingRow | None: ...

    def standings_of(self, chain: str, account: str) -> list[StandingRow]:
        """What this account asked in this case."""
        ...

    def standings_of_case(self, chain: str, after: int, limit: int) -> list[StandingRow]: ...

    def demands_to_answer(self, account: str, limit: int) -> list[DemandRow]:
        """Demands in the state `asked` on evidence of this member's side, in all of his cases, by their term."""
        ...

    def demands_to_rule(self, account: str, states: Sequence[str], limit: int) -> list[DemandRow]:
        """Demands in these states, in all cases whose court this member is; of too many, those of his first cases."""
        ...

    def standings_to_rule(self, account: str, limit: int) -> list[StandingRow]:
        """Requests in the state `asked`: on what this member submitted, and in all cases whose court he is."""
        ...

    def disclosures(self, entries: Sequence[int]) -> list[DisclosureRow]: ...

    def links_from(self, indexes: Sequence[int]) -> list[LinkRow]: ...

    def links_to(self, target: int, limit: int) -> list[LinkRow]: ...

    def erasures(self, entries: Sequence[int]) -> list[ErasureRow]: ...

    def unfinished_erasures(self) -> list[ErasureRow]:
        """Erasures that are recorded and of which it is not known that nothing remains."""
        ...

    def finish_erasures(self, indexes: Sequence[int]) -> None:
        """Let nothing that was erased linger in the database's own files; then these erasures are finished.

        `indexes`: of the acts, whose rows `LogWriter.erase` has replaced. Several share one scrub. Raises
        UnavailableError with what is left and who must do what about it; done again, it goes on from there.
        """
        ...

    def missing_rights(self) -> str | None:
        """What the database's administrator must grant before erasures can be finished; None: nothing."""
        ...

    def access(self, index: int) -> AccessRow | None: ...

    def renew_access(self, index: int, at: int) -> int:
        """The next access code's counter for this evidence, from 1; `at`: milliseconds. The one before ends."""
        ...

    def count_attempt(self, account: str, now_ms: int, window_ms: int) -> tuple[int, int]:
        """Count one more attempt of this account. Returns how many it made, and since when (milliseconds).

        What is older than `window_ms` is forgotten. Attempts at once are counted one after another.
        """
        ...

    def projected(self, table: str) -> Iterator[Projection]:
        """A derived table, row by row, by its primary key. For fsck, and to see what a rebuild made."""
        ...

    def stored_like(self, sha256: bytes) -> bool:
        """Whether any entry that has not lost its file needs the blob of this digest (32 bytes)."""
        ...
