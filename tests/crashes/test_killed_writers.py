"""Processes die while they anchor, and several anchor at once: what was acknowledged is there, once, for ever."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.config import Settings
from ledger.errors import ConfigError
from ledger.store.sql_store import SqlStore
from ledger.upkeep.fsck import fsck
from tests.crashes.submissions import anchor, leaf_hash
from tests.crashes.told import read_log
from tests.ledger.making import ALICE, make_log, opened

KILLS = 3  # of processes started as any program is; a thousand more: test_commit_points
THREADS = 6
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return make_log(tmp_path / "data", database_url)


@pytest.fixture
def case(settings: Settings) -> str:
    with opened(settings) as ledger:
        return ledger.open_case(ALICE, "Crashes").case


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for each in started:
        each.kill()
        each.communicate()


def start(settings: Settings, case: str, run: int, per_thread: int = 0) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.crashes.anchoring", str(settings.data), case, str(run), str(THREADS)]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, str(per_thread)], stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT)


def acknowledged(output: bytes) -> dict[str, tuple[str, str]]:
    """By key: the number and the leaf hash that the process was told. A line is whole, or was never written."""
    lines = [line.split(" ") for line in output.decode().splitlines()]
    assert all(len(line) == 3 for line in lines)
    return {key: (number, leaf) for key, number, leaf in lines}


def check_log(settings: Settings, told: dict[str, tuple[str, str]]) -> dict[str, int]:
    """Every acknowledged entry stands where it was said to, and chains have no gap. Returns each chain's length."""
    store = SqlStore.open(settings.database)
    held = read_log(store)
    store.close()
    assert set(told.values()) <= held.answers
    assert len({number for number, _ in told.values()}) == len(told)
    return held.lengths


def check_replays(settings: Settings, case: str, told: dict[str, tuple[str, str]]) -> None:
    """The same keys again: the same numbers, and not one entry more."""
    with opened(settings) as ledger, ThreadPoolExecutor(16) as pool:
        before = ledger.status()["size"]
        again = dict(zip(told, pool.map(lambda key: anchor(ledger, case, key), told), strict=True))
        assert {key: (each.number, leaf_hash(each.receipt)) for key, each in again.items()} == told
        assert all(each.replayed for each in again.values())
        assert ledger.status()["size"] == before


def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(
    settings: Settings, case: str, processes: list[subprocess.Popen[bytes]]
) -> None:
    moments = random.Random(20261121)
    told: dict[str, tuple[str, str]] = {}
    for run in range(KILLS):
        process = start(settings, case, run)
        processes.append(process)
        assert process.stdout is not None
        first = b""
        if run == KILLS - 1:
            time.sleep(moments.uniform(0.5, 1.5))  # maybe while it starts and mends
        else:
            first = process.stdout.readline()  # it has recovered from the kill before, and anchors
            assert first, process.communicate()[1].decode()
            time.sleep(moments.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        told |= acknowledged(first + rest)
        if not settings.embedded:
            continue
        check_log(settings, told)
    assert len(told) > 2 * KILLS
    with opened(settings):  # mends what the last kill left
        pass
    check_log(settings, told)
    check_replays(settings, case, told)
    assert list(fsck(settings)) == []


def test_two_processes_on_postgresql_commit_in_turn(
    tmp_path: Path, postgres_url: str, processes: list[subprocess.Popen[bytes]]
) -> None:
    settings = make_log(tmp_path / "data", postgres_url)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Together").case
    processes += [start(settings, case, run, per_thread=12) for run in range(2)]
    told: dict[str, tuple[str, str]] = {}
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == b"opened\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None  # or it would be closed again
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
        told |= acknowledged(output)
    assert len(told) == 2 * THREADS * 12
    lengths = check_log(settings, told)
    assert lengths[case] == 1 + len(told)
    indexes = sorted((int(number[3:13]), key[0]) for key, (number, _) in told.items())
    assert len({run for _, run in indexes[: len(indexes) // 2]}) == 2  # at once, not one after the other
    assert list(fsck(settings)) == []


def test_a_second_sqlite_writer_is_refused_and_the_first_goes_on(tmp_path: Path, sqlite_url: str) -> None:
    settings = make_log(tmp_path / "data", sqlite_url)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Alone").case
        process = start(settings, case, 0, per_thread=1)
        output, errors = process.communicate(timeout=60)
        assert process.returncode != 0 and output == b""
        assert b"another process writes to this SQLite database already" in errors
        with pytest.raises(ConfigError, match="another process writes"), opened(settings):
            pass
        assert anchor(ledger, case, "0-0-1").index == 2
    with opened(settings) as ledger:
        assert anchor(ledger, case, "0-0-1").replayed


def test_another_folder_on_the_same_file_is_refused(tmp_path: Path, sqlite_url: str) -> None:
    """Two data folders, one database: the lock belongs to the file."""
    settings = make_log(tmp_path / "data", sqlite_url)
    link = tmp_path / "other"
    link.symlink_to(settings.data)
    other = replace(settings, data=link, kept=link)
    with opened(settings), pytest.raises(ConfigError, match="another process writes"), opened(other):
        pass
