"""One member of a case who turns the pages of its timeline and lodges demands, through the application."""

from __future__ import annotations

import time
from typing import Any, ClassVar, Final

from werkzeug.test import TestResponse

from api.app import create_app
from api.auth.accounts import AccountStore
from api.settings import HttpSettings
from api.wire.cursor import format_cursor
from benchmarks.comparison import Figures, percentile
from benchmarks.logs import ACCOUNT
from benchmarks.statements import make_statement
from ledger.assembly import Ledger
from ledger.casework.people import Actor

PAGE: Final = 3
"""Entries of a page: as many as the empty ledger's case has, so that every ledger is asked for the same."""

_DEMANDS_PER_EVIDENCE: Final = 60  # an account may have 100 waiting on one piece of evidence
_WARM_UP: Final = 10


class CaseCaller:
    """The opponent in a case, with a client over the ledger's own application."""

    OPPONENT: ClassVar[str] = "berik"

    def __init__(self, ledger: Ledger, case: str, requests: int) -> None:
        accounts = AccountStore(ledger.engine)
        self._headers = {"Authorization": f"Bearer {accounts.add(self.OPPONENT, 'party').token}"}
        self._client = create_app(ledger, accounts, HttpSettings.of(ledger.settings)).test_client()
        self._ledger, self._case, self._requests = ledger, case, requests
        self._owner = Actor(ACCOUNT, "party")
        self._length = ledger.case(self._owner, case).length
        self._anchored = 0
        self._ask(_WARM_UP)

    def run(self) -> Figures:
        """All four calls in turn, as often as there are requests."""
        taken = self._ask(self._requests)
        shares = {"p50": 0.5, "p99": 0.99}
        return {f"{call} {word} ms": percentile(taken[call], shares[word]) for word in shares for call in taken}

    def _ask(self, requests: int) -> dict[str, list[float]]:
        """Milliseconds by call. Anchoring what is demanded of is not timed."""
        taken: dict[str, list[float]] = {}
        timeline, number = f"/api/v1/cases/{self._case}/timeline?limit={PAGE}", ""
        for request in range(requests):
            if request % _DEMANDS_PER_EVIDENCE == 0:
                number = self._anchor()
            last = format_cursor("timeline", self._length - PAGE)
            self._time(taken, "timeline, first page,", "GET", timeline)
            answer = self._time(taken, "timeline, last page,", "GET", f"{timeline}&cursor={last}")
            page = answer.get_json()
            assert len(page["items"]) == PAGE, page
            assert page["next"] is None, page
            demand = {"fields": "all", "grounds": "the picture looks cut"}
            answer = self._time(taken, "POST demands", "POST", f"/api/v1/evidence/{number}/demands", json=demand)
            self._length += 1
            self._time(taken, "GET demand", "GET", answer.headers["Location"])
        return taken

    def _anchor(self) -> str:
        statement = make_statement((1 << 40) + self._anchored)
        self._anchored += 1
        self._length += 1
        return self._ledger.anchor(self._owner, self._case, statement, None, None, None).number

    def _time(self, taken: dict[str, list[float]], call: str, method: str, path: str, **more: Any) -> TestResponse:
        begun = time.perf_counter()
        answer = self._client.open(path, method=method, headers=self._headers, **more)
        answer.get_data()
        taken.setdefault(call, []).append((time.perf_counter() - begun) * 1_000)
        assert answer.status_code == (201 if method == "POST" else 200), answer.get_data()
        return answer
