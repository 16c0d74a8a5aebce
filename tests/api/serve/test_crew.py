"""Threads that are held up get company; threads that are merely busy do not."""

from __future__ import annotations

import threading
import time

import pytest

import api.serve.crew as crew_module
from api.serve.crew import Crew


def wait_for(what: object, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if callable(what) and what():
            return True
        time.sleep(0.005)
    return False


def test_work_is_done_by_no_more_threads_than_needed() -> None:
    crew, done, threads = Crew("c", 4), [], set()
    for n in range(20):
        crew.submit(lambda n=n: (done.append(n), threads.add(threading.current_thread().name)))  # type: ignore[misc]
        assert wait_for(lambda n=n: len(done) == n + 1)
        time.sleep(0.002)  # the thread comes back to wait
    assert done == list(range(20))
    assert len(threads) <= 2


def test_there_are_never_more_threads_than_its_size() -> None:
    crew, held, running = Crew("c", 3), threading.Event(), []

    def hold() -> None:
        running.append(1)
        held.wait(10)

    for _ in range(10):
        crew.submit(hold)
    assert wait_for(lambda: len(running) == 3)
    time.sleep(0.1)
    assert len(running) == 3
    held.set()
    assert wait_for(lambda: len(running) == 10)


def test_threads_that_are_held_get_company_and_lose_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "STALL_SECONDS", 0.05)
    crew, held, served = Crew("c", 2, 40), threading.Event(), threading.Event()
    for _ in range(10):
        crew.submit(lambda: held.wait(10) and None)
    crew.submit(served.set)
    crew.relieve()
    assert not served.wait(0.2)
    crew.relieve()
    assert served.wait(5), "nobody but the held threads could have"
    held.set()
    assert wait_for(lambda: crew._waiting.empty())
    crew.relieve()
    for _ in range(30):
        crew.submit(lambda: None)
    assert wait_for(lambda: crew._count <= 2)


def test_no_thread_is_added_where_there_is_merely_much_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "STALL_SECONDS", 0.0)
    crew, done = Crew("c", 2, 40), []

    def work() -> None:
        time.sleep(0.001)
        done.append(1)

    for _ in range(300):
        crew.submit(work)
    while len(done) < 300:
        before = len(done)
        assert wait_for(lambda before=before: len(done) > min(before + 5, 299))
        crew.relieve()
        assert crew._count <= 2
