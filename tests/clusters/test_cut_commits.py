"""The line to the database breaks in the middle of a commit: nobody guesses, and nothing is there twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.commit import sequencer
from ledger.errors import UnavailableError
from ledger.store.engine import open_engine
from ledger.submit.anchor_flow import Anchored
from ledger.upkeep.fsck import fsck
from tests.clusters.wire import Moment, Wire
from tests.ledger.making import ALICE, anchor_file, make_log, opened, statement
from tests.postgres import PostgresServer

SECONDS = 30
COMMITS = {"the batch's": 1, "the checkpoint's": 2}


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="evidence-") as short:  # a socket's path has at most 107 bytes
        yield Path(short)


@pytest.fixture(autouse=True)
def quick_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "RECOVERY_SECONDS", 0.02)


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


def prepared_by(engine: Engine) -> int:
    """How many statements a session has prepared that executes one again and again."""
    with engine.connect() as connection:
        for n in range(10):
            connection.exec_driver_sql("SELECT %s", (n,))
        return int(connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one())


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("which", COMMITS)
def test_a_commit_whose_answer_nobody_heard(
    tmp_path: Path, folder: Path, postgres_server: PostgresServer, which: str, moment: Moment
) -> None:
    with Wire(postgres_server, folder).up() as wire:
        settings = make_log(tmp_path / "data", wire.url(postgres_server.create_database()))
        with opened(settings) as ledger:
            case = ledger.open_case(ALICE, "Cut").case
            wire.cut({COMMITS[which]: moment})
            with pytest.raises(UnavailableError, match="outcome is not known"):
                ledger.anchor(ALICE, case, statement(1), None, None, "k-1")
            assert wire.cuts == [(COMMITS[which], moment)]
            answered, _ = repeat(ledger, case, 1)
            assert (answered.index, answered.replayed) == (2, (which, moment) != ("the batch's", "before"))
            assert repeat(ledger, case, 2)[0].index == 3
        assert list(fsck(settings)) == []


def test_commits_cut_again_and_again_under_two_writers(
    tmp_path: Path, folder: Path, postgres_server: PostgresServer
) -> None:
    with Wire(postgres_server, folder).up() as wire:
        settings = make_log(tmp_path / "data", wire.url(postgres_server.create_database()))
        with opened(settings) as one, opened(settings) as other, ThreadPoolExecutor(8) as pool:
            case = one.open_case(ALICE, "Cut").case
            wire.cut({number: "before" if number % 2 else "after" for number in range(5, 1_000, 9)})
            answers = list(pool.map(lambda n: repeat((one, other)[n % 2], case, n), range(80)))
            wire.cut({})
            again = list(pool.map(lambda n: repeat((one, other)[n % 2], case, n)[0], range(80)))
            assert one.status()["size"] == 2 + 80
        assert {moment for _, moment in wire.cuts} == {"before", "after"}
        assert sum(refused for _, refused in answers) >= len(wire.cuts) // 2
        assert sorted(first.index for first, _ in answers) == list(range(2, 82))
        assert [(each.number, each.replayed) for each in again] == [(first.number, True) for first, _ in answers]
        assert list(fsck(settings)) == []


def test_behind_a_pooler_nothing_outlives_a_transaction(
    tmp_path: Path, folder: Path, postgres_server: PostgresServer
) -> None:
    """PgBouncer greets with a pid of its own. A statement prepared here could be carried out by another's session."""
    direct = open_engine(postgres_server.url(postgres_server.create_database()))
    assert prepared_by(direct) == 1
    direct.dispose()
    with Wire(postgres_server, folder, pooler=True).up() as wire:
        settings = make_log(tmp_path / "data", wire.url(postgres_server.create_database()))
        with opened(settings) as ledger:
            case = ledger.open_case(ALICE, "Pool").case
            repeat(ledger, case, 1)
            assert prepared_by(ledger.engine) == 0
            number = anchor_file(ledger, case).number
            erased = ledger.erase(Actor("operator", "operator"), number, "all", "order 1")
            assert erased.unfinished is not None and "expected PostgreSQL itself, got a pooler" in erased.unfinished
