"""A bounded hunt through every parser, the same each time; and proof that a hunt finds what is there to be found."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.hunt import attempt, hunt
from tests.fuzz.seeds import Seeds, make_seeds
from tests.fuzz.targets import TARGETS, DisagreedError, Target

INPUTS = 400
SECONDS = 4.0
"""For each parser, whichever comes first: `make fuzz` is where time is spent."""


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Seeds:
    return make_seeds(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_refuses_or_accepts_and_does_nothing_else(name: str, seeds: Seeds) -> None:
    hunted = hunt(TARGETS[name], seeds, random.Random(name), inputs=INPUTS, seconds=SECONDS)
    if hunted.find is not None:
        raise AssertionError(f"{name} on {hunted.find.data[:300]!r}") from hunted.find.error
    assert hunted.accepted, "not even what a ledger made is accepted: nothing but the first check was tried"
    assert hunted.inputs > len(seeds.of(TARGETS[name].seeds))


def test_a_hunt_finds_what_breaks(seeds: Seeds) -> None:
    def careless(data: bytes, _: Seeds) -> None:
        if b"\x00" in data:
            raise IndexError("list index out of range")

    found = hunt(Target("careless", "notes", careless, (ValueError,)), seeds, random.Random(1), inputs=5000, seconds=60)
    assert found.find is not None
    assert isinstance(found.find.error, IndexError) and b"\x00" in found.find.data


def test_a_hunt_finds_where_two_implementations_differ(seeds: Seeds) -> None:
    leaf = seeds.leaves[0]
    assert attempt(TARGETS["leaf"], leaf, seeds)
    assert attempt(TARGETS["leaf"], leaf + b" ", seeds), "refused by both is agreement"

    def loose(data: bytes, _: Seeds) -> None:
        if data.strip() == leaf and data != leaf:
            raise DisagreedError("taken by one alone")

    with pytest.raises(DisagreedError):
        attempt(Target("loose", "leaves", loose, ()), leaf + b" ", seeds)
