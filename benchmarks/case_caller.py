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

    def __init__(self, ledger: Ledger, case: str) -> None:
        accounts = AccountStore(ledger.engine)
        self._headers = {"Authorization": f"Bearer {accounts.add(self.OPPONENT, 'party').token}"}
        self._client = create_app(ledger, accounts, HttpSettings.of(ledger.settings)).test_client()
        self._ledger, self._case = ledger, case
        self._owner = Actor(ACCOUNT, "party")
        self._length = ledger.case(self._owner, case).length
        self._anchored = self._asked = 0
        self._number = ""
        self._taken: dict[str, list[float]] = {}
        for _ in range(_WARM_UP):
            self.ask()
        self._taken.clear()

    def ask(self) -> None:
        """All four calls, each timed. Anchoring what is demanded of is not."""
        if self._asked % _DEMANDS_PER_EVIDENCE == 0:
            self._anchor()
        self._asked += 1
        timeline = f"/api/v1/cases/{self._case}/timeline?limit={PAGE}"
        last = format_cursor("timeline", self._length - PAGE)
        self._time("timeline, first page,", "GET", timeline)
        answer = self._time("timeline, last page,", "GET", f"{timeline}&cursor={last}")
        page = answer.get_json()
        assert len(page["items"]) == PAGE, page
        assert page["next"] is None, page
        demand = {"fields": "all", "grounds": "the picture looks cut"}
        answer = self._time("POST demands", "POST", f"/api/v1/evidence/{self._number}/demands", json=demand)
        self._length += 1
        self._time("GET demand", "GET", answer.headers["Location"])

    def figures(self) -> Figures:
        """The percentiles of what was asked since the last figures, in milliseconds."""
        shares = {"p50": 0.5, "p99": 0.99}
        taken, self._taken = self._taken, {}
        return {f"{call} {word} ms": percentile(taken[call], shares[word]) for word in shares for call in taken}

    def _anchor(self) -> None:
        statement = make_statement((1 << 40) + self._anchored)
        self._anchored += 1
        self._length += 1
        self._number = self._ledger.anchor(self._owner, self._case, statement, None, None, None).number

    def _time(self, call: str, method: str, path: str, **more: Any) -> TestResponse:
        begun = time.perf_counter()
        answer = self._client.open(path, method=method, headers=self._headers, **more)
        answer.get_data()
        self._taken.setdefault(call, []).append((time.perf_counter() - begun) * 1_000)
        assert answer.status_code == (201 if method == "POST" else 200), answer.get_data()
        return answer
