"""Lists and single views of demands, challenges and requests for standing: a case's docket, for its members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.casework.people import Actor
from ledger.casework.reading import CaseReader, fields_of, index_of
from ledger.casework.views import ChallengeView, DemandView, EventView, StandingView
from ledger.entry.canonical_json import Value
from ledger.entry.leaf import format_time, parse_leaf
from ledger.entry.receipt_number import format_number
from ledger.errors import CorruptError, NotFoundError
from ledger.store.case_contracts import CaseStore
from ledger.store.case_rows import ChallengeRow, DemandRow, StandingRow

_Texts = Mapping[int, Mapping[str, Value]]


class Docket:
    """Reads for members. Raises NotFoundError to everybody else.

    No `actor`: for who has just acted on it. He was a member when that was recorded, and hears so, removed or not.
    """

    def __init__(self, store: CaseStore, reader: CaseReader) -> None:
        self._store = store
        self._reader = reader

    def demand(self, actor: Actor | None, number: str) -> DemandView:
        """One demand by its id."""
        act = "no such demand, or you are not a member of its case"
        row = self._store.demand(index_of(number, act))
        self._check_member(actor, None if row is None else row.chain, act)
        return self._demands([] if row is None else [row])[0]

    def demands(self, actor: Actor, case: str, after: int = -1, limit: int = 100) -> list[DemandView]:
        """The demands of a case, ascending by index, above the index `after`."""
        self._reader.state_for(actor, case)
        return self._demands(self._store.demands_of_case(case, after, limit))

    def challenges(self, actor: Actor, number: str) -> list[ChallengeView]:
        """Challenges to a piece of evidence, and admissions of it."""
        seen = self._reader.seen(actor, number)
        return self.challenges_of(seen.row.index)

    def challenge(self, actor: Actor | None, number: str) -> ChallengeView:
        """One challenge or admission by its id."""
        act = "no such challenge, or you are not a member of its case"
        row = self._store.challenge(index_of(number, act))
        self._check_member(actor, None if row is None else row.chain, act)
        return self._challenges([] if row is None else [row])[0]

    def challenges_of(self, entry: int) -> list[ChallengeView]:
        """The same, for who was found to be a member."""
        return self._challenges(self._store.challenges([entry]))

    def standings(self, actor: Actor, case: str, after: int = -1, limit: int = 100) -> list[StandingView]:
        """The requests for standing of a case, ascending by index."""
        self._reader.state_for(actor, case)
        return self._standings(self._store.standings_of_case(case, after, limit))

    def standing(self, actor: Actor, number: str) -> StandingView:
        """One request by its id: for members, and for who asked."""
        act = "no such request, or you are not a member of its case"
        row = self._store.standing(index_of(number, act))
        if row is None or row.account != actor.name:
            self._check_member(actor, None if row is None else row.chain, act)
        return self._standings([] if row is None else [row])[0]

    def _check_member(self, actor: Actor | None, chain: str | None, act: str) -> None:
        if chain is None or (actor is not None and self._reader.state(chain).member(actor.name) is None):
            raise NotFoundError(act)

    def _demands(self, rows: Sequence[DemandRow]) -> list[DemandView]:
        events = self._events([row.index for row in rows])
        erasures = self._erasures(rows)
        texts, times = self._read([row.index for row in rows])
        views = []
        for row in rows:
            said = texts[row.index]
            wanted = said.get("demand.fields")
            acts = sorted([*events.get(row.index, []), *erasures.get(row.index, [])], key=lambda each: each.number)
            views.append(
                DemandView(
                    format_number(row.index),
                    format_number(row.entry),
                    row.chain,
                    row.state,
                    row.object,
                    "all" if wanted == "all" else _names(wanted),
                    str(said.get("demand.grounds")),
                    format_time(row.due_at),
                    str(said.get("demand.due_basis")),
                    times[row.index],
                    row.account,
                    tuple(acts),
                )
            )
        return views

    def _erasures(self, rows: Sequence[DemandRow]) -> dict[int, list[EventView]]:
        """Erasures of the evidence, which bear on every demand on it."""
        found = self._store.erasures([row.entry for row in rows])
        views = self._event_views([each.index for each in found])
        return {row.index: [views[each.index] for each in found if each.entry == row.entry] for row in rows}

    def _challenges(self, rows: Sequence[ChallengeRow]) -> list[ChallengeView]:
        events = self._events([row.index for row in rows])
        texts, times = self._read([row.index for row in rows])
        views = []
        for row in rows:
            said = texts[row.index]
            grounds = said.get("challenge.grounds")
            views.append(
                ChallengeView(
                    format_number(row.index),
                    format_number(row.entry),
                    row.chain,
                    row.state,
                    times[row.index],
                    row.account,
                    _names(said.get("challenge.heads")),
                    _names(said.get("challenge.fields")),
                    None if grounds is None else str(grounds),
                    tuple(events.get(row.index, [])),
                )
            )
        return views

    def _standings(self, rows: Sequence[StandingRow]) -> list[StandingView]:
        events = self._events([row.index for row in rows])
        _, times = self._read([row.index for row in rows])
        return [
            StandingView(
                format_number(row.index),
                format_number(row.entry),
                row.chain,
                row.state,
                row.account,
                row.role,
                times[row.index],
                tuple(events.get(row.index, [])),
            )
            for row in rows
        ]

    def _events(self, subjects: Sequence[int]) -> dict[int, list[EventView]]:
        acts = self._store.acts_about(subjects)
        views = self._event_views([act.index for act in acts])
        found: dict[int, list[EventView]] = {}
        for act in acts:
            if act.subject is not None:
                found.setdefault(act.subject, []).append(views[act.index])
        return found

    def _event_views(self, indexes: Sequence[int]) -> dict[int, EventView]:
        texts, times = self._read(indexes)
        rows = self._store.entries_at(indexes)
        return {
            index: EventView(format_number(index), rows[index].kind, times[index], str(said.get("submitter.name")))
            for index, said in texts.items()
        }

    def _read(self, indexes: Sequence[int]) -> tuple[_Texts, Mapping[int, str]]:
        """The fields and the claimed times of these entries."""
        openings, rows = self._store.openings(indexes), self._store.entries_at(indexes)
        missing = set(indexes) - (openings.keys() & rows.keys())
        if missing:
            raise CorruptError(f"read the acts of a case: entry {min(missing)} or its openings are missing")
        texts = {index: fields_of(opening) for index, opening in openings.items()}
        return texts, {index: parse_leaf(row.leaf).time for index, row in rows.items()}


def _names(value: Value) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()
