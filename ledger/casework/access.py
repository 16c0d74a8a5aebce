"""Access codes: checked, counted, renewed. Who has one may ask to be let in; it opens nothing.

A wrong code, an unknown number, an expired code and an erased entry are answered alike, and each attempt counts
against the account that makes it, also across restarts.
"""

from __future__ import annotations

import hmac
from typing import Final

from ledger.casework.people import Actor
from ledger.casework.standing import no_such_code
from ledger.casework.state import EvidenceState
from ledger.casework.transitions import SUBMITTER, permit
from ledger.clock import Clock
from ledger.entry.leaf import parse_leaf, parse_time
from ledger.entry.receipt_number import format_number, parse_number
from ledger.errors import ErasedError, ForbiddenError, LedgerError, TooOftenError
from ledger.store.case_contracts import CaseStore
from ledger.submit.anchoring import access_code
from ledger.submit.draft import EVIDENCE_ANCHORED

ATTEMPTS_AN_HOUR: Final = 10
"""Attempts of one account with access codes. 128 bits are safe from guessing; this keeps the log of acts and the
server's time from it.
"""

_HOUR_MS: Final = 3_600 * 1_000
_DAY_MS: Final = 24 * _HOUR_MS

# Stands in for the code of an entry that is not there: the comparison takes its time all the same.
_NO_SECRET: Final = bytes(32)


class AccessCodes:
    """`days`: how long a code is good for; `attempts`: how many an account has in an hour."""

    def __init__(self, store: CaseStore, clock: Clock, *, days: int, attempts: int = ATTEMPTS_AN_HOUR) -> None:
        self._store = store
        self._clock = clock
        self._days = days
        self._attempts = attempts

    def check(self, actor: Actor, number: str, code: str) -> int:
        """The index of the evidence that this is the code of. Raises TooOftenError, or NotFoundError for all else."""
        now = self._clock.now_ms()
        count, since = self._store.count_attempt(actor.name, now, _HOUR_MS)
        if count > self._attempts:
            wait = max(1, -(-(since + _HOUR_MS - now) // 1000))
            raise TooOftenError(
                f"ask for standing: at most {self._attempts} attempts an hour, try again later", None, wait
            )
        try:
            index = parse_number(number)
        except LedgerError:
            index = -1
        row = self._store.entry(index) if index >= 0 else None
        opening = self._store.openings([index]).get(index) if row is not None else None
        secret = opening.secret if opening is not None else None
        counter, issued = self._issued(index, None if row is None else row.leaf)
        expected = access_code(secret or _NO_SECRET, counter)
        given = "".join(code.split()).upper()
        right = hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
        anchored = row is not None and row.kind == EVIDENCE_ANCHORED and secret is not None
        if not (right and anchored and now < issued + self._days * _DAY_MS):
            raise no_such_code()
        return index

    def renew(self, actor: Actor, state: EvidenceState) -> str:
        """A new code for this evidence, by its submitter or the court. The one before ends. Raises ErasedError."""
        role = state.role_of(actor)
        permit("renew the access code", role)
        if role == SUBMITTER and actor.name != state.row.account:
            raise ForbiddenError("renew the access code: only who submitted the evidence, and the court, may")
        opening = self._store.openings([state.row.index]).get(state.row.index)
        if opening is None or opening.secret is None:
            raise ErasedError(
                "renew the access code: it ended with the secret, which was erased on an order",
                number=format_number(state.row.index),
            )
        counter = self._store.renew_access(state.row.index, self._clock.now_ms())
        return access_code(opening.secret, counter)

    def current(self, index: int, secret: bytes) -> str:
        """The code of this evidence as it is now."""
        renewed = self._store.access(index)
        return access_code(secret, 0 if renewed is None else renewed.counter)

    def _issued(self, index: int, leaf: bytes | None) -> tuple[int, int]:
        renewed = None if leaf is None else self._store.access(index)
        if renewed is not None:
            return renewed.counter, renewed.issued_at
        return 0, 0 if leaf is None else parse_time(parse_leaf(leaf).time)
