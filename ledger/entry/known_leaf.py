"""A leaf whose place is known already, recognised by writing it again: one comparison instead of a parse.

Whoever checks a whole log has each leaf's chain, kind and seq from its row or its neighbour. The form of a case's leaf
leaves two parts open, the commitment and the time, at known places:

    {"chain":"<32>","fields":{ "count":7,"root":"<64>" },"kind":"…","prev":"<64>","seq":3,"time":" <24> ","v":1}

Written again around those two parts, it is compared as a whole. What is recognised is a leaf that `parse_leaf` takes,
with exactly these values (a property of the tests); what is not may still be one, and goes to `parse_leaf`.
"""

from __future__ import annotations

from binascii import hexlify, unhexlify
from functools import lru_cache
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
_BEFORE_PREV: Final = len('"},"kind":"' + '","prev":"')
_PREV_AND_SEQ: Final = len('","prev":"') + _ROOT_DIGITS + len('","seq":')
_SEQ_DIGITS: Final = len(str(INTEGER_MAX))
_TIME: Final = slice(-len('YYYY-MM-DDThh:mm:ss.mmmZ","v":1}'), -len('","v":1}'))
_WHOLE: Final = b'%b%b"},"kind":"%b","prev":"%b","seq":%d,"time":"%b","v":1}'
_COUNTS: Final = frozenset(b'%d,"root":"' % count for count in range(1, COUNT_MAX + 1))
_HEX: Final = b"0123456789abcdef"


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
    committed = leaf[_HEAD_SIZE : leaf.find(b",", _HEAD_SIZE) + _AFTER_COUNT]
    time = leaf[_TIME]
    return (
        leaf == _WHOLE % (head, committed, _known_kind(kind), prev, seq, time)
        and committed[:-_ROOT_DIGITS] in _COUNTS
        and not committed[-_ROOT_DIGITS:].translate(None, _HEX)
        and 0 < seq <= INTEGER_MAX
        and (time in _times or _is_time(time))
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


def claimed_place(leaf: bytes) -> tuple[bytes, int, str] | None:
    """Chain (16 bytes), seq and kind from where `recognise` looks for them; None where other things stand there."""
    chain = leaf[CHAIN_DIGITS]
    begin = leaf.find(b",", _HEAD_SIZE) + _AFTER_COUNT + len('"},"kind":"')
    end = leaf.find(b'"', begin)
    seq = leaf[end + _PREV_AND_SEQ : _TIME.start - len(',"time":"')]
    if not seq.isdigit() or len(seq) > _SEQ_DIGITS or chain.translate(None, _HEX):
        return None
    try:
        return unhexlify(chain), int(seq), leaf[begin:end].decode("ascii")
    except ValueError:
        return None


@lru_cache(maxsize=1_024)
def _known_kind(kind: str) -> bytes:
    """A case's kind as it stands in a leaf; for any other what stands in none."""
    try:
        check_name(kind)
        check_kind(kind, public=False)
    except LedgerError:
        return b'"'
    return kind.encode("ascii")


# Times that were found good, for all entries of a batch claim the same.
_times: Final[set[bytes]] = set()
_TIMES_MAX: Final = 4_096


def _is_time(time: bytes) -> bool:
    try:
        parse_time(time.decode("ascii"))
    except (LedgerError, UnicodeDecodeError):
        return False
    if len(_times) >= _TIMES_MAX:
        _times.clear()
    _times.add(time)
    return True
