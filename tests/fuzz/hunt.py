"""One hunt: inputs until a number or a time is reached, and what was found."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import ITIMER_REAL, SIGALRM, setitimer, signal
from types import FrameType
from typing import Final

from tests.fuzz.mutation import mutants
from tests.fuzz.seeds import Seeds
from tests.fuzz.targets import Target

HANG_S: Final = 20.0
"""Wall seconds for one input of at most a mebibyte, on a busy machine. Real ones take milliseconds."""


class HungError(AssertionError):
    """One input took longer than HANG_S."""


@dataclass(frozen=True)
class Find:
    """An input that broke its parser: told by its class and words, to be tried again from `data`."""

    target: str
    data: bytes
    error: Exception


@dataclass(frozen=True)
class Hunted:
    """What a hunt did. `accepted`: inputs that were taken, a hunt without any tests the first check only."""

    inputs: int
    accepted: int
    find: Find | None


def hunt(target: Target, seeds: Seeds, choice: random.Random, *, inputs: int, seconds: float) -> Hunted:
    """Try the seeds, then mutants, until `inputs` or `seconds` are used up or something is found."""
    end, tried, accepted = time.monotonic() + seconds, 0, 0
    with _no_hang():
        for data in _stream(target, seeds, choice):
            if tried >= inputs or (tried and time.monotonic() > end):
                break
            tried += 1
            try:
                accepted += attempt(target, data, seeds)
            except Exception as error:
                return Hunted(tried, accepted, Find(target.name, data, error))
    return Hunted(tried, accepted, None)


def attempt(target: Target, data: bytes, seeds: Seeds) -> bool:
    """Whether the input is accepted. Raises whatever is no refusal, HungError where it takes too long."""
    setitimer(ITIMER_REAL, HANG_S)
    try:
        target.run(data, seeds)
    except target.refusals:
        return False
    finally:
        setitimer(ITIMER_REAL, 0)
    return True


def _stream(target: Target, seeds: Seeds, choice: random.Random) -> Iterator[bytes]:
    known = seeds.of(target.seeds)
    yield from known
    yield from mutants(known, choice)


@contextmanager
def _no_hang() -> Iterator[None]:
    before = signal(SIGALRM, _hung)
    try:
        yield
    finally:
        signal(SIGALRM, before)


def _hung(_number: int, _frame: FrameType | None) -> None:
    raise HungError(f"one input took more than {HANG_S:g} s")
