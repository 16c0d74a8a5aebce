"""Requests in one thread: what they have for the writer goes together, and none stands in the way of the others."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import ContextVar

import pytest

import api.serve.lane as lane_module
from api.serve.crew import Crew
from api.serve.lane import HELD_MAX, Lane
from ledger.commit.patience import outcome_of
from tests.api.serve.test_crew import wait_for

WHOSE: ContextVar[int] = ContextVar("whose")


class Writer:
    """Takes what is begun, and says when."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, Future[int]]] = []

    def begin(self, n: int) -> Future[int]:
        future: Future[int] = Future()
        self.begun.append((n, future))
        return future

    def finish(self, *, backwards: bool = False) -> None:
        taken, self.begun = self.begun, []
        for n, future in reversed(taken) if backwards else taken:
            future.set_result(n * n)


@pytest.fixture
def lane() -> Iterator[Lane]:
    yield Lane("lane", Crew("other", 4))


def name_of_thread() -> str:
    return threading.current_thread().name


def block(lane: Lane) -> threading.Event:
    """The lane stands still until it is set."""
    began, held = threading.Event(), threading.Event()

    def stand_still() -> None:
        began.set()
        held.wait(10)

    lane.submit(stand_still)
    assert began.wait(5)
    return held


def test_what_waits_for_the_writer_goes_to_it_together_and_each_gets_its_own(lane: Lane) -> None:
    writer, ran, got = Writer(), list[int](), list[tuple[int, int, int, str]]()

    def work(n: int) -> None:
        WHOSE.set(n)
        ran.append(n)
        got.append((n, outcome_of(lambda: writer.begin(n), 10), WHOSE.get(), name_of_thread()))

    held = block(lane)
    for n in range(9):
        lane.submit(lambda n=n: work(n))  # type: ignore[misc]
    held.set()
    assert wait_for(lambda: len(writer.begun) == 9)
    assert ran == list(range(9)) == [n for n, _ in writer.begun], "none was begun before all had run"
    assert got == []
    writer.finish(backwards=True)
    assert wait_for(lambda: len(got) == 9)
    assert got == [(n, n * n, n, "lane") for n in reversed(range(9))]


def test_the_writer_does_not_wait_for_the_last_of_very_many(lane: Lane) -> None:
    writer = Writer()
    held = block(lane)
    for n in range(HELD_MAX):
        lane.submit(lambda n=n: outcome_of(lambda: writer.begin(n), 10) and None)  # type: ignore[misc]
    last = block_later(lane)
    held.set()
    assert wait_for(lambda: len(writer.begun) == HELD_MAX), "although another one was there to run"
    last.set()


def test_the_writer_does_not_wait_for_the_end_of_what_has_nothing_for_it(lane: Lane) -> None:
    """Refusals without end: nobody would be anchored for as long as they come."""
    writer, refused = Writer(), list[int]()
    held = block(lane)
    lane.submit(lambda: outcome_of(lambda: writer.begin(0), 10) and None)
    for n in range(HELD_MAX - 2):
        lane.submit(lambda n=n: refused.append(n))  # type: ignore[misc]
    early = block_later(lane)
    last = block_later(lane)
    held.set()
    assert wait_for(lambda: len(refused) == HELD_MAX - 2)
    assert writer.begun == []
    early.set()
    assert wait_for(lambda: len(writer.begun) == 1), "although another one was there to run"
    last.set()


def block_later(lane: Lane) -> threading.Event:
    held = threading.Event()
    lane.submit(lambda: held.wait(10) and None)
    return held


def test_who_asked_hears_what_beginning_raised_and_what_came_of_it(lane: Lane) -> None:
    heard: list[str] = []

    def work(begin: Callable[[], Future[int]]) -> None:
        try:
            outcome_of(begin, 10)
        except ValueError as error:
            heard.append(str(error))

    def full() -> Future[int]:
        raise ValueError("full")

    def failing() -> Future[int]:
        future: Future[int] = Future()
        future.set_exception(ValueError("failed"))
        return future

    lane.submit(lambda: work(full))
    lane.submit(lambda: work(failing))
    assert wait_for(lambda: heard == ["full", "failed"])


def test_waiting_ends_with_its_time_and_a_late_outcome_wakes_nobody(lane: Lane) -> None:
    writer, heard = Writer(), list[str]()

    def work() -> None:
        for n in range(2):
            try:
                outcome_of(lambda n=n: writer.begin(n), 0.05 if n == 0 else 10)  # type: ignore[misc]
                heard.append("answered")
            except TimeoutError:
                heard.append("late")

    lane.submit(work)
    assert wait_for(lambda: len(writer.begun) == 1)
    lane.relieve()
    time.sleep(0.1)
    assert heard == []
    lane.relieve()
    assert wait_for(lambda: heard == ["late"] and len(writer.begun) == 2)
    writer.begun[0][1].set_result(1)
    time.sleep(0.05)
    assert heard == ["late"], "it waits for another outcome by now"
    writer.begun[1][1].set_result(1)
    assert wait_for(lambda: heard == ["late", "answered"])


def test_what_was_not_begun_in_its_time_is_not_begun_after_it(lane: Lane) -> None:
    writer, heard = Writer(), list[str]()

    def work() -> None:
        try:
            outcome_of(lambda: writer.begin(0), 0.01)
        except TimeoutError:
            heard.append("late")

    held = block(lane)
    lane.submit(work)
    last = block_later(lane)
    held.set()
    assert wait_for(lambda: len(lane._waiting) == 1)
    time.sleep(0.05)
    lane.relieve()
    last.set()
    assert wait_for(lambda: heard == ["late"])
    assert writer.begun == []
    lane.submit(lambda: outcome_of(lambda: writer.begin(1), 10) and None)
    assert wait_for(lambda: [n for n, _ in writer.begun] == [1])


def test_who_has_waited_leaves_nothing_for_the_collector_of_garbage(lane: Lane) -> None:
    class Outcome:
        pass

    begun: list[Future[Outcome]] = []

    def begin() -> Future[Outcome]:
        begun.append(Future())
        return begun[-1]

    gc.disable()
    try:
        lane.submit(lambda: outcome_of(begin, 10) and None)
        assert wait_for(lambda: len(begun) == 1)
        outcome = Outcome()
        left = weakref.ref(outcome)
        begun.pop().set_result(outcome)
        del outcome
        assert wait_for(lambda: left() is None)
    finally:
        gc.enable()


def test_what_comes_behind_one_that_stands_still_goes_elsewhere(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "STALL_SECONDS", 0.05)
    done: list[str] = []
    held = block(lane)
    lane.submit(lambda: done.append(f"behind in {name_of_thread()}"))
    lane.relieve()
    assert done == []
    time.sleep(0.1)
    lane.relieve()
    lane.submit(lambda: done.append(f"later in {name_of_thread()}"))
    assert wait_for(lambda: len(done) == 2)
    assert all(each[:-1].endswith("in other-") for each in done), done
    held.set()
    assert wait_for(lambda: lane._stepping is None)
    lane.relieve()
    lane.submit(lambda: done.append(f"again in {name_of_thread()}"))
    assert wait_for(lambda: done[2:] == ["again in lane"])


def test_what_may_stand_still_is_done_elsewhere_while_the_others_go_on(lane: Lane) -> None:
    held, told = threading.Event(), list[str]()

    def fail() -> None:
        told.append(f"worked in {name_of_thread()}")
        held.wait(10)
        raise OSError("gone")

    def work() -> None:
        try:
            lane.elsewhere(fail, 10)
        except OSError as error:
            told.append(f"{error} in {name_of_thread()}")

    lane.submit(work)
    assert wait_for(lambda: told == ["worked in other-1"])
    lane.submit(lambda: told.append("meanwhile"))
    assert wait_for(lambda: told[1:] == ["meanwhile"])
    held.set()
    assert wait_for(lambda: told[2:] == ["gone in lane"])


def test_a_work_that_raises_is_told_in_the_log_and_the_others_go_on(
    lane: Lane, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()

    def fail() -> None:
        raise ValueError("broken")

    lane.submit(fail)
    lane.submit(done.set)
    assert done.wait(5)
    assert [record.getMessage() for record in caplog.records] == ["a request failed in the server: ValueError"]
