"""Work on all cores: the same results, whatever happens to the processes, and none of them outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ledger.errors import LimitError
from ledger.submit import cores as room
from ledger.submit.cores import Cores


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def fail(number: int) -> int:
    raise LimitError("square", f"number {number}", 1, number)


def die_elsewhere(parent: int) -> int:
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return parent


def linger(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def cores_left(_: int) -> list[int]:
    return sorted(os.sched_getaffinity(0))


@pytest.fixture
def cores() -> Iterator[Cores]:
    made = Cores(2)
    made.start()
    until(lambda: len(made._free) == 2 and all(each.is_up() for each in made._free))
    yield made
    made.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def pids(cores: Cores) -> list[int]:
    return [each._process.pid for each in cores._free]


@pytest.mark.parametrize("pieces", [0, 1, 2, 5])
def test_results_come_in_order_and_from_elsewhere(cores: Cores, pieces: int) -> None:
    there = set(pids(cores))
    results = cores.map(square, range(pieces))
    assert [result for result, _ in results] == [n * n for n in range(pieces)]
    assert {pid for _, pid in results} <= there
    assert len({pid for _, pid in results}) == min(pieces, 2)


def test_nobody_waits_for_a_process_to_come_up() -> None:
    cores = Cores(2)
    assert cores.map(square, [3]) == [(9, os.getpid())]
    cores.close()


def test_who_has_the_time_may_wait_until_they_are_up() -> None:
    cores = Cores(2)
    assert not cores.wait_up(0)
    assert cores.wait_up(60)
    assert {pid for _, pid in cores.map(square, [1, 2])} == set(pids(cores))
    cores.close()


def test_without_processes_the_caller_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    none = Cores(0)
    assert none.map(square, [2, 3]) == [(4, os.getpid()), (9, os.getpid())]
    none.close()
    monkeypatch.setattr(room, "_COMMAND", ("/nowhere/python",))
    impossible = Cores(2)
    assert impossible.map(square, [2]) == [(4, os.getpid())]
    monkeypatch.setattr(room, "_COMMAND", (sys.executable, "-c", "raise SystemExit"))
    useless = Cores(1)
    useless.start()
    useless._free[0]._process.wait()
    assert useless.map(square, [2]) == [(4, os.getpid())]
    assert useless._free == []
    for each in (impossible, useless):
        each.close()


def test_an_error_is_raised_here_and_the_process_goes_on(cores: Cores) -> None:
    there = pids(cores)
    with pytest.raises(LimitError) as raised:
        cores.map(fail, [7])
    assert (raised.value.where, raised.value.got) == ("number 7", 7)
    with pytest.raises(Exception, match=r"pickle|local"):
        cores.map(lambda number: number, [1])
    assert sorted(pids(cores)) == sorted(there)
    assert {pid for _, pid in cores.map(square, [1, 2])} == set(there)


def test_a_process_that_dies_in_the_middle_loses_nothing(cores: Cores) -> None:
    ours = os.getpid()
    assert cores.map(die_elsewhere, [ours] * 5) == [ours] * 5
    assert cores._free == []
    assert cores.map(square, [2]) == [(4, ours)]


def test_a_process_that_died_between_two_batches_is_not_asked(cores: Cores) -> None:
    first, second = pids(cores)
    os.kill(first, signal.SIGKILL)
    cores._free[0]._process.wait()
    assert {pid for _, pid in cores.map(square, [1, 2, 3])} <= {second, os.getpid()}
    assert pids(cores) == [second]


def test_a_process_that_hangs_is_given_up_and_holds_up_nobody(cores: Cores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(room, "WAIT_SECONDS", 0.1)
    stopped, ours = pids(cores), os.getpid()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    found: list[tuple[int, int]] = []
    first = threading.Thread(target=lambda: found.extend(cores.map(square, [2, 3])))
    first.start()
    until(lambda: cores._busy == 2)
    assert cores.map(square, [4]) == [(16, ours)]  # while the first still waits
    assert found == []
    first.join()
    assert found == [(4, ours), (9, ours)]
    assert cores._free == []
    until(lambda: not any(map(_runs, stopped)))


def test_who_comes_second_waits_for_a_process_rather_than_do_the_work(cores: Cores) -> None:
    there, found = set(pids(cores)), []
    threads = [threading.Thread(target=lambda: found.extend(cores.map(linger, [0.05] * 3))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 12 and set(found) == there


def test_many_threads_share_them(cores: Cores) -> None:
    results: dict[int, list[int]] = {}

    def work(thread: int) -> None:
        for _ in range(20):
            results[thread] = [result for result, _ in cores.map(square, [thread, thread + 1, thread + 2])]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results == {n: [n * n, (n + 1) ** 2, (n + 2) ** 2] for n in range(4)}
    assert len(cores._free) == 2


def test_a_pinned_process_starts_others_that_are_not(cores: Cores) -> None:
    before = os.sched_getaffinity(0)
    pinned = Cores(1)
    try:
        os.sched_setaffinity(0, {min(before)})
        pinned.start()
        until(pinned._free[0].is_up)
    finally:
        os.sched_setaffinity(0, before)
    assert pinned.map(cores_left, [0]) == [sorted(before)]
    pinned.close()


def test_closing_ends_them_and_work_is_still_done(cores: Cores) -> None:
    processes = [each._process for each in cores._free]
    cores.close()
    assert [each.returncode for each in processes] == [0, 0]
    assert cores.map(square, [4]) == [(16, os.getpid())]
    cores.close()


KILLED = """
import time
from ledger.submit.cores import Cores
cores = Cores(2)
cores.start()
while not all(each.is_up() for each in cores._free): time.sleep(0.01)
print(*(each._process.pid for each in cores._free), flush=True)
time.sleep(60)
"""


def test_they_end_when_we_are_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        orphans = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
    assert len(orphans) == 2
    until(lambda: not any(_runs(pid) for pid in orphans))


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
