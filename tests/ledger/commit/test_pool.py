"""The pool: bounded, in order, drained before it ends."""

from __future__ import annotations

import threading

import pytest

from ledger.commit.pool import BATCH_ENTRIES, Pool, Waiting
from ledger.commit.prepared import Prepared
from ledger.errors import UnavailableError

ONE = Prepared("0a" * 16, "case.noted")


def take(pool: Pool) -> list[Waiting]:
    taken = pool.take()
    assert taken is not None
    return taken


def test_what_waits_is_taken_at_once_and_in_order() -> None:
    pool = Pool()
    submissions = [[ONE] * n for n in (1, 2, 3)]
    futures = [pool.put(each) for each in submissions]
    assert len(pool) == 6
    taken = take(pool)
    assert [each.submission for each in taken] == submissions
    assert [each.future for each in taken] == futures
    assert len(pool) == 0


def test_a_batch_ends_before_it_is_too_large() -> None:
    pool = Pool()
    for size in (BATCH_ENTRIES - 1, 1, 1):
        pool.put([ONE] * size)
    assert [len(each.submission) for each in take(pool)] == [BATCH_ENTRIES - 1, 1]
    assert len(take(pool)) == 1


def test_a_submission_larger_than_a_batch_is_one_of_its_own() -> None:
    pool = Pool()
    pool.put([ONE] * (BATCH_ENTRIES + 1))
    pool.put([ONE])
    assert [len(each.submission) for each in take(pool)] == [BATCH_ENTRIES + 1]
    assert len(take(pool)) == 1


def test_beyond_the_capacity_clients_are_told_to_come_back() -> None:
    pool = Pool(capacity=5)
    pool.put([ONE] * 5)
    with pytest.raises(UnavailableError, match="5 entries are waiting already") as refused:
        pool.put([ONE])
    assert refused.value.retry_after > 0
    take(pool)
    pool.put([ONE])  # there is room again


def test_one_submission_above_the_capacity_is_taken_when_nothing_waits() -> None:
    pool = Pool(capacity=5)
    pool.put([ONE] * 6)
    with pytest.raises(UnavailableError):
        pool.put([ONE])


def test_closing_refuses_what_comes_and_drains_what_waits() -> None:
    pool = Pool()
    pool.put([ONE])
    pool.close()
    with pytest.raises(UnavailableError, match="the ledger is closing"):
        pool.put([ONE])
    assert len(take(pool)) == 1
    assert pool.take() is None
    assert pool.take() is None


def test_closing_wakes_a_writer_that_waits() -> None:
    pool = Pool()
    taken: list[object] = []
    writer = threading.Thread(target=lambda: taken.append(pool.take()))
    writer.start()
    pool.close()
    writer.join(5)
    assert taken == [None]


def test_a_woken_writer_finds_nothing_once_and_misses_nothing() -> None:
    pool = Pool()
    pool.wake()
    assert take(pool) == []
    pool.wake()
    pool.put([ONE])
    assert len(take(pool)) == 1
    taken: list[object] = []
    writer = threading.Thread(target=lambda: taken.append(pool.take()))
    writer.start()
    pool.wake()
    writer.join(5)
    assert taken == [[]]
