"""The database goes while it is written to, and comes back: connections cut at a commit or at any byte, the server
stopped or crashed, SQLite's file taken away. Whoever asks meanwhile hears 503 and when to come back, is answered once
he does, and nothing is lost or doubled.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from api.auth.accounts import AccountStore
from ledger.assembly import Ledger
from ledger.commit import sequencer
from ledger.config import Settings
from ledger.errors import UnavailableError
from ledger.upkeep.fsck import fsck
from tests.api.serve.process import make_ledger, serving
from tests.api.service import FORM_TYPE, Part, form
from tests.crashes.postgres_outage import Outage, outage
from tests.crashes.submissions import submit
from tests.crashes.told import Told, check_told
from tests.fakes.cutting_proxy import Cut, CuttingProxy
from tests.ledger.making import ALICE, make_log, opened, statement
from tests.postgres import PostgresServer

THREADS = 4
CUTS = int(os.environ.get("EVIDENCE_FAULT_CUTS", "8"))  # at any byte


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "RECOVERY_SECONDS", 0.02)


@dataclass
class Anchoring:
    """Threads that anchor without end, each key until it is answered. `refusals` counts by what was said."""

    ledger: Ledger
    case: str
    told: Told
    refusals: list[str] = field(default_factory=list)
    surprises: list[Exception] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, thread: int) -> None:
        for n in count():
            if self._stopping.is_set():
                return
            self._answer(f"1-{thread}-{n}")

    def _answer(self, key: str) -> None:
        while True:
            try:
                answered = submit(self.ledger, self.case, key)
            except UnavailableError as error:
                assert error.retry_after > 0
                self.refusals.append(error.what)
                time.sleep(0.02)
                continue
            except Exception as error:
                self.surprises.append(error)
                return
            with self._lock:
                for each, anchored in answered.items():
                    self.told.answered(each, anchored)
            return

    def __enter__(self) -> Anchoring:
        self._threads = [threading.Thread(target=self.work, args=(n,)) for n in range(THREADS)]
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for each in self._threads:
            each.join()

    def wait_for_more(self, answers: int = 3) -> None:
        """Until so many more are answered."""
        before = len(self.told.answers)
        until(lambda: len(self.told.answers) >= before + answers or bool(self.surprises))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def check(settings: Settings, case: str, anchoring: Anchoring) -> None:
    assert anchoring.surprises == []
    held = check_told(settings, anchoring.told)
    assert held.lengths[case] == 1 + len(anchoring.told.answers)
    assert list(fsck(settings)) == []


# --- connections ---------------------------------------------------------------------------------------------------


@pytest.fixture
def wire(postgres_server: PostgresServer) -> Iterator[CuttingProxy]:
    with CuttingProxy(postgres_server.socket_folder / ".s.PGSQL.5432") as proxy:
        yield proxy


def over(proxy: CuttingProxy, url: str) -> str:
    name = url.partition("@/")[2].partition("?")[0]
    return f"postgresql+psycopg://postgres@127.0.0.1:{proxy.port}/{name}?sslmode=disable&gssencmode=disable"


def test_connections_are_cut_in_the_middle_of_a_commit_and_at_any_byte(
    tmp_path: Path, postgres_url: str, wire: CuttingProxy
) -> None:
    settings = make_log(tmp_path / "data", over(wire, postgres_url))
    chance = random.Random(20261121)
    texts = (b"COMMIT\0", b"INSERT INTO entries", b"UPDATE log_head", b"INSERT INTO published", b"FOR UPDATE")
    cuts = [Cut(text, nth, way) for text in texts for nth in (1, 2) for way in ("lost", "applied")]
    cuts += [Cut(after_bytes=chance.randrange(1, 30_000)) for _ in range(CUTS)]
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Wires").case
        with Anchoring(ledger, case, Told.of(settings)) as anchoring:
            for cut in cuts:
                anchoring.wait_for_more()
                wire.arm(cut)
                until(lambda: not wire.armed)
            anchoring.wait_for_more()
    assert wire.cuts == len(cuts)
    assert len(anchoring.refusals) > len(cuts) // 2
    check(settings, case, anchoring)


# --- the server ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres() -> Iterator[Outage]:
    with outage() as made:
        yield made


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_postgresql_is_stopped_or_crashes_and_comes_back(tmp_path: Path, postgres: Outage, how: signal.Signals) -> None:
    settings = make_log(tmp_path / "data", postgres.server.url(postgres.server.create_database()))
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Outage").case
        with Anchoring(ledger, case, Told.of(settings)) as anchoring:
            for _ in range(2):
                anchoring.wait_for_more(10)
                postgres.stop(how)
                refused = len(anchoring.refusals)
                until(lambda before=refused: len(anchoring.refusals) > before + THREADS)  # type: ignore[misc]
                assert ledger.readiness() != []
                postgres.start()
            anchoring.wait_for_more(10)
        assert ledger.readiness() == []
    check(settings, case, anchoring)


def test_over_http_it_is_503_with_a_time_to_come_back(tmp_path: Path, postgres: Outage) -> None:
    settings, token = make_ledger(tmp_path / "data", database=postgres.server.url(postgres.server.create_database()))
    with serving(settings.data) as server:
        _, opened_case = server.call("POST", "/api/v1/cases", token, {"title": "Outage"})
        path = f"/api/v1/cases/{opened_case['case']}/evidence"

        def anchor(key: str) -> tuple[int, int]:
            """The answer's status, and the seconds after which to come back."""
            connection = server.connect()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": FORM_TYPE, "Idempotency-Key": key}
            connection.request("POST", path, form([Part("statement", statement(int(key)))]), headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status, int(answer.getheader("Retry-After", "0"))

        assert anchor("1")[0] == 201
        postgres.stop(signal.SIGQUIT)
        for key in ("1", "2", "3"):
            status, retry_after = anchor(key)
            assert (status, retry_after > 0) == (503, True)
        assert server.call("GET", "/readyz")[0] == 503
        postgres.start()
        with ThreadPoolExecutor(4) as pool:

            def insist(key: str) -> int:
                while (status := anchor(key)[0]) == 503:
                    time.sleep(0.1)
                return status

            assert list(pool.map(insist, ["1", "2", "3", "4"])) == [200, 201, 201, 201]  # the first, again
        assert server.call("GET", "/readyz")[0] == 200
    assert list(fsck(settings)) == []
    AccountStore.open(settings.database).close()


# --- the file ------------------------------------------------------------------------------------------------------


def test_sqlites_file_is_taken_away_and_comes_back(tmp_path: Path) -> None:
    """As when a network drive goes: what was open stays so, what is opened anew fails, and nothing is made anew."""
    settings = make_log(tmp_path / "data")
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Outage").case
        with Anchoring(ledger, case, Told.of(settings)) as anchoring:
            anchoring.wait_for_more(10)
            ledger.engine.dispose()
            settings.data.rename(tmp_path / "elsewhere")
            until(lambda: len(anchoring.refusals) > THREADS)
            assert not settings.data.exists()
            (tmp_path / "elsewhere").rename(settings.data)
            anchoring.wait_for_more(10)
        assert ledger.readiness() == []
    check(settings, case, anchoring)
