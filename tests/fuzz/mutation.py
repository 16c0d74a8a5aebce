"""Bytes that are nearly right: what no parser has been written for, and what every attacker starts from."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

LENGTH_MAX: Final = 1 << 20
"""Bytes of an input. Limits are tested by name elsewhere; here many small inputs find more than one large."""

_NUMBERS: Final = tuple(
    number.to_bytes(size, "big")[::step]
    for size in (1, 2, 4, 8)
    for step in (1, -1)
    for number in (0, 1, (1 << (8 * size - 1)) - 1, 1 << (8 * size - 1), (1 << (8 * size)) - 1)
)
_WORDS: Final = (
    b"\n", b"\r\n", b"\n\n", b"\x00", b" ", b"+", b"-", b"=", b'"', b"\\", b"\\u0000", b"\\ud800", b"\xff\xfe",
    b"\xc0\x80", b"\xe2\x80\x94 ", b"{", b"}", b"[" * 70, b"1e400", b"-0", b"9007199254740993", b"null",
    b"18446744073709551616",
    b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x00\x00", b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"../", b"--",
)  # fmt: skip


def mutants(seeds: Sequence[bytes], choice: random.Random) -> Iterator[bytes]:
    """Without end: a seed with one to eight changes. The same `choice` gives the same bytes."""
    while True:
        data = bytearray(choice.choice(seeds))
        for _ in range(1 << choice.randrange(4)):
            choice.choice(_CHANGES)(choice, data, seeds)
        yield bytes(data[:LENGTH_MAX])


def _flip(choice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)


def _delete(choice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = choice.randrange(len(data) + 1)
    del data[start : start + choice.choice((1, 2, 8, 64, len(data)))]


def _repeat(choice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = choice.randrange(len(data) + 1)
    piece = data[start : start + choice.choice((1, 8, 64, 512))]
    data[start:start] = piece * choice.choice((1, 2, 16))


def _insert_word(choice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = choice.randrange(len(data) + 1)
    data[start:start] = choice.choice(_WORDS)


def _overwrite_number(choice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start, number = choice.randrange(len(data) + 1), choice.choice(_NUMBERS)
    data[start : start + len(number)] = number


def _splice(choice: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = choice.choice(seeds)
    start, end = sorted((choice.randrange(len(other) + 1), choice.randrange(len(other) + 1)))
    at = choice.randrange(len(data) + 1)
    data[at : at + choice.choice((0, end - start))] = other[start:end]


def _swap_lines(choice: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    lines = bytes(data).split(b"\n")
    one, other = choice.randrange(len(lines)), choice.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    data[:] = b"\n".join(lines)


_CHANGES: Final[tuple[Callable[[random.Random, bytearray, Sequence[bytes]], None], ...]] = (
    _flip,
    _flip,
    _delete,
    _repeat,
    _insert_word,
    _overwrite_number,
    _splice,
    _swap_lines,
)
