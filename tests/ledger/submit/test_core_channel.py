"""Messages arrive as they were sent, through memory and without it, and an end that is gone is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ledger.submit.core_channel import MEMORY_KEPT, Channel, pack_message, share_memory

Ends = tuple[Channel, Channel, int | None]


@pytest.fixture(params=["memory", "pipe"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    memory = share_memory() if request.param == "memory" else None
    if request.param == "memory" and memory is None:
        pytest.skip("this system has no memory to share by descriptor")
    with ExitStack() as stack:
        (there, here), (back, forth) = os.pipe(), os.pipe()
        files = [stack.enter_context(os.fdopen(each, mode)) for each, mode in zip(
            (there, here, back, forth), ("rb", "wb", "rb", "wb"), strict=True)]  # fmt: skip
        yield Channel(files[0], files[3], memory), Channel(files[2], files[1], memory), memory
        if memory is not None:
            os.close(memory)


def test_messages_of_any_length_go_both_ways_one_after_another(ends: Ends) -> None:
    worker, owner, memory = ends
    for length in (0, 1, 40_000, 1 if memory is None else 3_000_000, 7):
        owner.send(pack_message(("task", b"x" * length)))
        assert worker.receive() == ("task", b"x" * length)
        worker.send(pack_message([length]))
        assert owner.receive() == [length]


@pytest.mark.parametrize("ends", ["memory"], indirect=True)
def test_memory_that_one_long_message_took_is_given_back(ends: Ends) -> None:
    worker, owner, memory = ends
    assert memory is not None
    owner.send(pack_message(bytes(MEMORY_KEPT)))
    assert len(worker.receive()) == MEMORY_KEPT
    assert os.fstat(memory).st_size == 0
    owner.send(pack_message("short"))
    assert worker.receive() == "short"
    assert 0 < os.fstat(memory).st_size < 100


def test_what_cannot_be_pickled_is_refused_before_anything_is_sent(ends: Ends) -> None:
    worker, owner, _ = ends
    with pytest.raises(Exception, match=r"pickle|local"):
        owner.send(pack_message(lambda: None))
    owner.send(pack_message(1))
    assert worker.receive() == 1


def test_an_end_that_is_gone_is_noticed(ends: Ends) -> None:
    worker, owner, _ = ends
    owner._sink.write(b"\x05\x00")
    owner._sink.close()
    with pytest.raises(EOFError):
        worker.receive()
