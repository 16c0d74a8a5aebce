"""Who may anchor in a case."""

from __future__ import annotations

from typing import Final

from ledger.casework.people import Actor, may_anchor
from ledger.casework.reading import CaseReader
from ledger.clock import Clock
from ledger.errors import ForbiddenError

REMEMBERED_SECONDS: Final = 0.2
"""How long a right counts that was read: an entry is refused by the writer anyway if somebody acted in between."""

_REMEMBERED_MAX: Final = 4_096


class AnchoringRight:
    """Checks the right of an actor to anchor in a case, and gives the number of the case's acts that it was read on.

    An entry that is decided on that number is refused where there are more by then (StaleError), and its author checked
    again: so it makes no difference to the log how old the answer was. Both calls raise NotFoundError, ForbiddenError.
    """

    def __init__(self, reader: CaseReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._remembered: dict[tuple[str, str, str], tuple[float, int]] = {}

    def check(self, actor: Actor, case: str) -> int:
        """As it is now."""
        now = self._clock.monotonic()
        member, acts = self._reader.membership(actor, case)
        if not may_anchor(member):
            raise ForbiddenError("anchor evidence: only a side, a notary or an expert of the case may")
        if len(self._remembered) >= _REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered[actor.name, actor.role, case] = (now + REMEMBERED_SECONDS, acts)
        return acts

    def check_lately(self, actor: Actor, case: str) -> int:
        """As it was at most REMEMBERED_SECONDS ago."""
        until, acts = self._remembered.get((actor.name, actor.role, case), (0.0, 0))
        return acts if self._clock.monotonic() < until else self.check(actor, case)
