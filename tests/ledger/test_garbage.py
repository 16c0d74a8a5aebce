"""The search for cycles goes on again, however the work ended."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ledger.garbage import no_search_for_cycles


@pytest.fixture(autouse=True)
def searching() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_it_stands_still_until_the_work_is_done() -> None:
    with no_search_for_cycles():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    with pytest.raises(ValueError), no_search_for_cycles():
        raise ValueError
    assert gc.isenabled()


def test_two_that_overlap_leave_it_going_on() -> None:
    first, second = no_search_for_cycles(), no_search_for_cycles()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_who_switched_it_off_finds_it_off() -> None:
    gc.disable()
    with no_search_for_cycles():
        pass
    assert not gc.isenabled()
