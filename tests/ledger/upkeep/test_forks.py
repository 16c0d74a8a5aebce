"""Copies of this process: they give what was asked, in order, say what went wrong, and end with whoever made them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.errors import ConfigError, UnavailableError
from ledger.upkeep.forks import AHEAD, Forks, can_fork
from ledger.upkeep.processes import Processes

CLOSE_SECONDS = 5.0
"""Far less than `_sleep` takes."""


@contextmanager
def forks(count: int = 2) -> Iterator[Forks]:
    made = Forks(_tool, count)
    try:
        yield made
    finally:
        made.close()


def _tool() -> str:
    return f"tool of {os.getpid()}"


def _join(tool: str, piece: int) -> tuple[str, int, int]:
    return tool, piece, os.getpid()


def _slow_first(_tool: str, piece: int) -> int:
    time.sleep(0.3 if piece == 0 else 0)
    return piece


def _large(_tool: str, piece: int) -> bytes:
    return bytes([piece]) * 1_000_000


def _fail(_tool: str, piece: int) -> int:
    if piece == 3:
        raise ConfigError("work: piece 3 is bad", "3")
    if piece == 5:
        raise OSError(5, "a disk's error is no lost process")
    return piece


def _die(_tool: str, _piece: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _sleep(_tool: str, _piece: int) -> None:
    time.sleep(60)


def _no_tool() -> str:
    raise ConfigError("make a tool: there is none")


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_pieces_come_back_in_order_and_each_copy_made_its_own_tool() -> None:
    with forks() as copies:
        for count in (0, 1, 9, 100):
            came = list(copies.map(_join, range(count)))
            assert [piece for _, piece, _ in came] == list(range(count))
            assert all(tool == f"tool of {process}" and process != os.getpid() for tool, _, process in came)
        assert len({process for *_, process in came}) == 2


def test_results_wait_for_their_turn_and_larger_ones_than_a_pipe_holds_arrive() -> None:
    with forks() as copies:
        assert list(copies.map(_slow_first, range(20))) == list(range(20))
        assert list(copies.map(_large, range(20))) == [bytes([piece]) * 1_000_000 for piece in range(20)]


def test_what_a_piece_raises_arrives_whole_and_other_work_goes_on() -> None:
    with forks() as copies:
        with pytest.raises(ConfigError, match="piece 3 is bad") as caught:
            list(copies.map(_fail, range(100)))
        assert caught.value.where == "3"
        with pytest.raises(OSError, match="a disk's error"):
            list(copies.map(_fail, range(4, 100)))
        assert next(copies.map(_join, range(50)))[1] == 0, "work that is left in the middle"
        assert [piece for _, piece, _ in copies.map(_join, range(5))] == list(range(5))


@pytest.mark.parametrize("work", [_die, _join])
def test_a_copy_that_dies_is_told(work: object) -> None:
    with forks() as copies:
        if work is _join:
            os.kill(copies._copies[0].pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="a process died"):
            list(copies.map(work, range(40)))  # type: ignore[arg-type]  # either of two
    made = Forks(_no_tool, 2)
    with pytest.raises(UnavailableError, match="a process died"):
        list(made.map(_join, range(4)))


def test_to_close_ends_them_in_the_middle_of_a_piece() -> None:
    made = Forks(_tool, 2)
    processes = [copy.pid for copy in made._copies]
    for number in range(2 * AHEAD):
        made._give(number, (_sleep, number))
    begun = time.monotonic()
    made.close()
    made.close()
    assert time.monotonic() - begun < CLOSE_SECONDS
    assert not any(map(is_alive, processes))


_LEFT = """
import os, time
from tests.ledger.upkeep.test_forks import Forks, _sleep, _tool
made = Forks(_tool, 2)
for number in range(2):
    made._give(number, (_sleep, number))
print(*(copy.pid for copy in made._copies), flush=True)
os._exit(0)
"""


def test_they_end_with_whoever_made_them() -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", _LEFT], capture_output=True, text=True, check=True, cwd=root)
    processes = [int(word) for word in done.stdout.split()]
    assert len(processes) == 2
    until = time.monotonic() + CLOSE_SECONDS
    while any(map(is_alive, processes)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(is_alive, processes))


def test_no_copy_is_made_beside_another_thread() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert not can_fork()
        with Processes(_tool, "tool", 2) as processes:
            processes.fork()
            assert processes._crew is None
    finally:
        stop.set()
        thread.join()
