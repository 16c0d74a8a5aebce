"""What waits for a person, in all of his cases: terms that run, rulings and requests that only he can give."""

from __future__ import annotations

from typing import Final

from ledger.casework.people import Actor
from ledger.casework.views import ReminderView
from ledger.clock import Clock
from ledger.entry.leaf import format_time
from ledger.entry.receipt_number import format_number
from ledger.store.case_contracts import CaseStore
from ledger.store.case_rows import DemandRow, StandingRow

SOON_MS: Final = 3 * 24 * 3_600 * 1_000
"""Below three days a term is `soon`: over a weekend there is still a working day on one side of it."""

REMINDERS_MOST: Final = 500
"""Of each kind: more than a person does in a day, less than a script gone wild could pile up."""

KINDS: Final = ("answer", "ruling", "standing")
"""A demand to answer, a demand to rule on, a request for standing to rule on."""

LEVELS: Final = ("due", "soon", "overdue", "waiting")
"""How urgent: `waiting` has no term."""

TO_RULE: Final = ("refused", "lapsed", "not_held")
"""States of a demand in which the side that lodged it got nothing, and the court has not ruled."""


class Reminders:
    """Reads for whoever asks, about himself alone: without a case he gets an empty list."""

    def __init__(self, store: CaseStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def of(self, actor: Actor) -> list[ReminderView]:
        """By term, the nearest first; then what has none, by index. At most REMINDERS_MOST of each kind."""
        now_ms = self._clock.now_ms()
        answers = self._store.demands_to_answer(actor.name, REMINDERS_MOST)
        rulings = self._store.demands_to_rule(actor.name, TO_RULE, REMINDERS_MOST)
        requests = self._store.standings_to_rule(actor.name, REMINDERS_MOST)
        waiting: list[tuple[str, DemandRow | StandingRow]] = [("ruling", row) for row in rulings]
        waiting += [("standing", row) for row in requests]
        return [
            *(_term(row, now_ms) for row in answers),
            *(_waiting(kind, row) for kind, row in sorted(waiting, key=lambda each: each[1].index)),
        ]


def level_of(left_ms: int) -> str:
    """How urgent a term is of which these milliseconds are left. At its very end it is over, as for `demand.lapsed`."""
    if left_ms <= 0:
        return "overdue"
    return "soon" if left_ms < SOON_MS else "due"


def _term(row: DemandRow, now_ms: int) -> ReminderView:
    left_ms = row.due_at - now_ms
    seconds, due_at = left_ms // 1_000, format_time(row.due_at)
    subject, number = format_number(row.index), format_number(row.entry)
    return ReminderView("answer", subject, number, row.chain, due_at, seconds, level_of(left_ms))


def _waiting(kind: str, row: DemandRow | StandingRow) -> ReminderView:
    return ReminderView(kind, format_number(row.index), format_number(row.entry), row.chain, None, None, "waiting")
