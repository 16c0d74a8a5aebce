"""What lies between front ends and PostgreSQL: a line that breaks under both of them, a pooler."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Engine

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.commit import sequencer
from ledger.errors import UnavailableError
from ledger.store.engine import open_engine
from ledger.submit.anchor_flow import Anchored
from ledger.upkeep.fsck import fsck
from tests.clusters.pooler import pooled
from tests.fakes.cutting_proxy import Cut, CuttingProxy
from tests.ledger.making import ALICE, anchor_file, make_log, opened, statement
from tests.postgres import SUPERUSER, PostgresServer

SECONDS = 30
ENTRIES = 120
CLIENTS = 8
COMMITS = 20  # between two cuts; two writers that recover make half a dozen


def repeat(ledger: Ledger, case: str, n: int) -> tuple[Anchored, int]:
    """What is answered in the end, and how often it was refused before."""
    deadline = time.monotonic() + SECONDS
    refused = 0
    while True:
        try:
            return ledger.anchor(ALICE, case, statement(n), None, None, f"k-{n}"), refused
        except UnavailableError:
            assert time.monotonic() < deadline
            refused += 1
            time.sleep(0.02)


def cut_again_and_again(line: CuttingProxy, done: Event) -> None:
    """Each so many COMMITs: by turns before one arrives, and after it was carried out."""
    while not done.wait(0.005):
        if not line.armed:
            line.arm(Cut(b"COMMIT\0", COMMITS, "applied" if line.cuts % 2 else "lost"))


def test_commits_cut_again_and_again_under_two_writers(
    tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tests/crashes cuts under one. Here the other may have gone on from what nobody heard of."""
    monkeypatch.setattr(sequencer, "RECOVERY_SECONDS", 0.02)
    with CuttingProxy(postgres_server.socket_folder / ".s.PGSQL.5432") as line:
        name, done = postgres_server.create_database(), Event()
        settings = make_log(tmp_path / "data", f"postgresql://{SUPERUSER}@127.0.0.1:{line.port}/{name}")
        with opened(settings) as one, opened(settings) as other, ThreadPoolExecutor(CLIENTS) as pool:
            case = one.open_case(ALICE, "Cut").case
            cutting = Thread(target=cut_again_and_again, args=(line, done))
            cutting.start()
            answers = list(pool.map(lambda n: repeat((one, other)[n % 2], case, n), range(ENTRIES)))
            done.set()
            cutting.join()
            line.arm(Cut(b"no such text"))
            again = list(pool.map(lambda n: repeat((one, other)[n % 2], case, n)[0], range(ENTRIES)))
            assert one.status()["size"] == 2 + ENTRIES
        assert line.cuts >= 2
        assert sum(refused for _, refused in answers) >= line.cuts
        assert sorted(first.index for first, _ in answers) == list(range(2, 2 + ENTRIES))
        assert [(each.number, each.replayed) for each in again] == [(first.number, True) for first, _ in answers]
        assert list(fsck(settings)) == []


def prepared_by(engine: Engine) -> int:
    """How many statements a session has prepared that executes one again and again."""
    with engine.connect() as connection:
        for n in range(10):
            connection.exec_driver_sql("SELECT %s", (n,))
        return int(connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one())


def test_behind_a_pooler_nothing_outlives_a_transaction(tmp_path: Path, postgres_server: PostgresServer) -> None:
    """PgBouncer greets with a pid of its own. A statement prepared here could be carried out by another's session."""
    direct = open_engine(postgres_server.url(postgres_server.create_database()))
    assert prepared_by(direct) == 1
    direct.dispose()
    with pooled(postgres_server) as url, opened(make_log(tmp_path / "data", url)) as ledger:
        assert prepared_by(ledger.engine) == 0
        number = anchor_file(ledger, ledger.open_case(ALICE, "Pool").case).number
        erased = ledger.erase(Actor("operator", "operator"), number, "all", "order 1")
        assert erased.unfinished is not None and "expected PostgreSQL itself, got a pooler" in erased.unfinished
