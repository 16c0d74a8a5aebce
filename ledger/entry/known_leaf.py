"""A leaf whose place is known already, recognised by writing it again: one comparison instead of a parse.

Whoever checks a whole log has each leaf's chain, kind and seq from its row or its neighbour. The form of a case's leaf
leaves two parts open, the commitment and the time, at known places:

    {"chain":"<32>","fields":{"count": 7,"root":"<64> "},"kind":"…","prev":"<64>","seq":3,"time":" <24> ","v":1}

What stands around those two parts is written again and compared. What is recognised is a leaf that `parse_leaf` takes,
with exactly these values (a property of the tests); what is not may still be one, and goes to `parse_leaf`. Leaves of
one chain and one form that stand one after another, as a batch leaves them, are written again all at once.
"""

from __future__ import annotations

from binascii import hexlify, unhexlify
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

from ledger.entry.canonical_json import INTEGER_MAX
from ledger.entry.commitment import COUNT_MAX
from ledger.entry.kinds import check_kind
from ledger.entry.leaf import parse_time
from ledger.entry.names import check_name
from ledger.errors import LedgerError
from ledger.merkle.hashing import HASH_SIZE

CHAIN_SIZE: Final = 16
"""Bytes of a chain's name."""

CHAIN_DIGITS: Final = slice(len('{"chain":"'), len('{"chain":"') + 2 * CHAIN_SIZE)
"""Where a leaf says its chain."""

_ROOT_DIGITS: Final = 2 * HASH_SIZE
_HEAD: Final = b'{"chain":"%b","fields":{"count":'
_HEAD_SIZE: Final = len(_HEAD) - 2 + 2 * CHAIN_SIZE
_AFTER_COUNT: Final = len(',"root":"') + _ROOT_DIGITS  # from the comma behind the count to the root's end
_BEFORE_KIND: Final = len('"},"kind":"')
_BEFORE_PREV: Final = len('"},"kind":"' + '","prev":"')
_PREV_AND_SEQ: Final = len('","prev":"') + _ROOT_DIGITS + len('","seq":')
_SEQ_DIGITS: Final = len(str(INTEGER_MAX))
_TIME_SIZE: Final = len("YYYY-MM-DDThh:mm:ss.mmmZ")
_TAIL: Final = b'","v":1}'
_TIME_AT: Final = -(_TIME_SIZE + len(_TAIL))
_PLACE: Final = b'%b%b","seq":%d,"time":"'
_WRITTEN: Final = b'%b%%b%b%%b","seq":%%d,"time":"%%b'  # begin and kind; then root, prev, seq, time with what ends it
_BEFORE_ROOT: Final = len(',"root":"')
_COUNTS: Final = frozenset(b'%d,"root":"' % count for count in range(1, COUNT_MAX + 1))
_HEX: Final = b"0123456789abcdef"
_DIGITS: Final = bytes(ord("0") if byte in _HEX else ord("!") for byte in range(256))
_ROOT_OF_DIGITS: Final = b"0" * _ROOT_DIGITS


def leaf_head(chain: bytes) -> bytes:
    """How a case's leaf begins, from its chain's 16 bytes. Raises ValueError for another length."""
    if len(chain) != CHAIN_SIZE:
        raise ValueError(f"begin a leaf: expected a chain of {CHAIN_SIZE} bytes, got {len(chain)}")
    return _HEAD % hexlify(chain)


def recognise(leaf: bytes, head: bytes, kind: str, prev: bytes, seq: int) -> bool:
    """Whether this is the leaf of a case with these values and any commitment and time.

    `head`: of `leaf_head`. `prev`: the leaf hash before as 64 hex digits; they are not looked at again. False says
    nothing: `parse_leaf` decides. Never raises for bytes.
    """
    end = leaf.find(b",", _HEAD_SIZE) + _AFTER_COUNT
    return (
        leaf[end:_TIME_AT] == _PLACE % (_before_prev(kind), prev, seq)
        and leaf[:_HEAD_SIZE] == head
        and leaf[_HEAD_SIZE : end - _ROOT_DIGITS] in _COUNTS
        and leaf[end - _ROOT_DIGITS : end].translate(_DIGITS) == _ROOT_OF_DIGITS
        and 0 < seq <= INTEGER_MAX
        and (leaf[_TIME_AT:] in _times or _is_time(leaf[_TIME_AT:]))
    )


def recognise_run(
    leaves: Sequence[bytes], digits: Sequence[bytes], head: bytes, kind: str, prev: bytes, seq: int
) -> bool:
    """Whether these are leaves of a case that follow one another in its chain, all of this kind and of one count: each
    would be recognised with the leaf hash before it as its prev, the first with `prev` and `seq`.

    `digits`: the leaf hash of each as 64 hex digits. False says nothing. Raises TypeError where one is no bytes.
    """
    first, count = leaves[0], len(leaves)
    # Of one length each, so that where one is seen to end is where it ends; a seq of more digits begins another run.
    if set(map(len, leaves)) != {len(first)} or len(str(seq + count - 1)) != len(str(seq)):
        return False
    if seq + count - 1 > INTEGER_MAX or not recognise(first, head, kind, prev, seq):
        return False
    root_at = first.index(b",", _HEAD_SIZE) + _BEFORE_ROOT
    data = b"".join(leaves)
    roots, times = zip(*_open_parts(root_at, len(first)).iter_unpack(data), strict=True)
    values: list[object] = [prev] * (4 * count)
    values[0::4] = roots
    values[5::4] = digits[: count - 1]
    values[2::4] = range(seq, seq + count)
    values[3::4] = times
    # Hex digits, a count and a kind's name stand in the form: nothing that formatting would take for its own.
    form = _WRITTEN % (first[:root_at], _before_prev(kind))
    return (
        form * count % tuple(values) == data
        and b"".join(roots).translate(_DIGITS) == _ROOT_OF_DIGITS * count
        and all(end in _times or _is_time(end) for end in set(times))
    )


def claimed_prev(leaf: bytes, kind: str) -> bytes | None:
    """The 64 hex digits that stand where `recognise` looks for `prev`; None where something else does."""
    found = leaf.find(b",", _HEAD_SIZE) + _AFTER_COUNT + _BEFORE_PREV + len(kind)
    prev = leaf[found : found + _ROOT_DIGITS]
    return None if len(prev) != _ROOT_DIGITS or prev.translate(None, _HEX) else prev


def claimed_commitment(leaf: bytes) -> tuple[int, bytes] | None:
    """Count and root (32 bytes) of the leaf of a case that was recognised before; None where it has another form."""
    end = leaf.find(b",", _HEAD_SIZE)
    root = leaf[end + _AFTER_COUNT - _ROOT_DIGITS : end + _AFTER_COUNT]
    count = leaf[_HEAD_SIZE:end]
    if leaf[_HEAD_SIZE - len('","fields":{"count":') : _HEAD_SIZE] != b'","fields":{"count":' or not count.isdigit():
        return None
    if len(root) != _ROOT_DIGITS or root.translate(None, _HEX):
        return None
    return int(count), bytes.fromhex(root.decode("ascii"))


def claimed_kind(leaf: bytes) -> str:
    """What stands where `recognise` looks for the kind; empty where it is no text."""
    begin = leaf.find(b",", _HEAD_SIZE) + _AFTER_COUNT + _BEFORE_KIND
    return _text(leaf[begin : leaf.find(b'"', begin)])


def claimed_place(leaf: bytes) -> tuple[bytes, int, str] | None:
    """Chain (16 bytes), seq and kind from where `recognise` looks for them; None where other things stand there."""
    chain = leaf[CHAIN_DIGITS]
    begin = leaf.find(b",", _HEAD_SIZE) + _AFTER_COUNT + _BEFORE_KIND
    end = leaf.find(b'"', begin)
    seq = leaf[end + _PREV_AND_SEQ : _TIME_AT - len(',"time":"')]
    if not seq.isdigit() or len(seq) > _SEQ_DIGITS or chain.translate(None, _HEX):
        return None
    try:
        return unhexlify(chain), int(seq), leaf[begin:end].decode("ascii")
    except ValueError:
        return None


@lru_cache(maxsize=1_024)
def _open_parts(root_at: int, size: int) -> Struct:
    """Cuts leaves of so many bytes that stand one after another: of each its root, and all from its time on."""
    between = size - root_at - _ROOT_DIGITS + _TIME_AT
    return Struct(f"{root_at}x{_ROOT_DIGITS}s{between}x{-_TIME_AT}s")


@lru_cache(maxsize=1_024)
def _text(kind: bytes) -> str:
    try:
        return kind.decode("ascii")
    except UnicodeDecodeError:
        return ""


@lru_cache(maxsize=1_024)
def _before_prev(kind: str) -> bytes:
    """What stands between root and prev in the leaf of a case; for any other kind what stands in none."""
    try:
        check_name(kind)
        check_kind(kind, public=False)
    except LedgerError:
        return b""
    return b'"},"kind":"%b","prev":"' % kind.encode("ascii")


# How leaves ended whose times were found good, for all entries of a batch claim the same.
_times: Final[set[bytes]] = set()
_TIMES_MAX: Final = 4_096


def _is_time(end: bytes) -> bool:
    """Whether a leaf that ends so has a time and the version."""
    try:
        parse_time(end[:_TIME_SIZE].decode("ascii"))
    except (LedgerError, UnicodeDecodeError):
        return False
    if end[_TIME_SIZE:] != _TAIL:
        return False
    if len(_times) >= _TIMES_MAX:
        _times.clear()
    _times.add(end)
    return True
