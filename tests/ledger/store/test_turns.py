"""One process of several has the turn, and never for longer than it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger.errors import UnavailableError
from ledger.store import turns
from ledger.store.engine import open_engine
from ledger.store.turns import Turns
from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[3]
HOLD = (
    "import sys, time\n"
    "from ledger.store.engine import open_engine\n"
    "from ledger.store.turns import Turns\n"
    "with Turns(open_engine(sys.argv[1])).take('a work') as mine:\n"
    "    print(mine, flush=True)\n"
    "    time.sleep(60)\n"
)


def seconds_until_taken(url: str) -> float:
    engine = open_engine(url)
    began = time.monotonic()
    while time.monotonic() < began + 20:
        with Turns(engine).take("a work") as mine:
            if mine:
                break
        time.sleep(0.02)
    engine.dispose()
    return time.monotonic() - began


def test_one_at_a_time_and_each_work_for_itself(postgres_url: str) -> None:
    one, other = open_engine(postgres_url), open_engine(postgres_url)
    with Turns(one).take("a work") as first:
        with Turns(other).take("a work") as second, Turns(other).take("another work") as third:
            assert (first, second, third) == (True, False, True)
        with Turns(other).take("a work") as second:
            assert not second
    with Turns(other).take("a work") as second:
        assert second
    one.dispose()
    other.dispose()


def test_a_turn_ends_with_what_was_done_in_it(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with pytest.raises(ZeroDivisionError), Turns(engine).take("a work"):
        raise ZeroDivisionError
    with Turns(engine).take("a work") as mine:
        assert mine
    engine.dispose()


def test_a_process_alone_always_has_the_turn(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with Turns(engine).take("a work") as first, Turns(engine).take("a work") as second:
        assert first and second


def test_a_killed_process_leaves_its_turn_at_once(postgres_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, postgres_url], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "True\n"
        engine = open_engine(postgres_url)
        with Turns(engine).take("a work") as mine:
            assert not mine
        engine.dispose()
        os.kill(holder.pid, signal.SIGKILL)
    assert seconds_until_taken(postgres_url) < 5


def test_a_machine_that_went_away_without_a_word_holds_it_up_for_a_bounded_time(
    postgres_url: str,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 1)
    engine = open_engine(postgres_url)
    with Turns(engine).take("a work") as mine:  # it stays connected, and is not heard of
        assert mine
        assert 0.5 < seconds_until_taken(postgres_url) < 10
    assert "the turn at a work was lost before it was over" in caplog.text
    with Turns(engine).take("a work") as mine:  # the pool holds no dead connection
        assert mine
    engine.dispose()


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    away = Turns(open_engine(f"postgresql://nobody@/none?host={tmp_path}"))
    with pytest.raises(UnavailableError, match="take the turn at a work: the database failed"), away.take("a work"):
        raise AssertionError("nobody has the turn")
