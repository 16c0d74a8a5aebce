"""What writers of this room submit: the same bytes each time for the same key, so that a repetition can be told."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import count

from ledger.assembly import Ledger
from ledger.entry.canonical_json import parse
from ledger.submit.anchor_flow import Anchored
from tests.ledger.making import ALICE, statement

FILE_EVERY = 8  # each so many submissions bring a file, and as many a batch; the others digests alone
LINES = 3  # in a batch


def keys(run: int, thread: int) -> Iterator[str]:
    """The keys of one thread of one process, in the order in which it uses them."""
    return (f"{run}-{thread}-{n}" for n in count())


def anchor(ledger: Ledger, case: str, key: str) -> Anchored:
    """Anchor what this key stands for, alone."""
    run, thread, n = map(int, key.split("-"))
    if n % FILE_EVERY:
        return ledger.anchor(ALICE, case, _statement(run, thread, n), None, None, key)
    with ledger.receive_file() as upload:
        upload.write(f"the file of {key}".encode())
        return ledger.anchor(ALICE, case, b"{}", upload, "file.txt", key)


def submit(ledger: Ledger, case: str, key: str) -> dict[str, Anchored]:
    """Anchor what this key stands for: one entry, or a batch of which all lines stand or none. By key and line."""
    run, thread, n = map(int, key.split("-"))
    if n % FILE_EVERY != FILE_EVERY // 2:
        return {key: anchor(ledger, case, key)}
    lines = [_statement(run, thread, n * LINES + line) for line in range(LINES)]
    return {f"{key}.{line}": each for line, each in enumerate(ledger.anchor_batch(ALICE, case, lines, key))}


def leaf_hash(receipt: bytes) -> str:
    """SHA-256(0x00 || leaf) of a receipt's leaf, in hex."""
    return sha256(b"\0" + _member(receipt, "leaf").encode()).hexdigest()


def signed_note(receipt: bytes) -> bytes:
    """The checkpoint that stands at the end of a receipt's proof."""
    return _member(receipt, "proof").partition("\n\n")[2].encode()


def _member(receipt: bytes, name: str) -> str:
    parsed = parse(receipt, where="receipt")
    assert isinstance(parsed, dict)
    return str(parsed[name])


def _statement(run: int, thread: int, n: int) -> bytes:
    return statement((run * 100 + thread) * 100_000 + n)
