"""DoubleDigest: hashlib's digests, and never more than a few blocks waiting."""

import hashlib
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.blobs.double_digest import BLOCK_BYTES, WAITING_BLOCKS, DoubleDigest
from tests.contracts.blob_store import stored_blob


@given(st.lists(st.sampled_from([0, 1, 100, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1]), max_size=5))
def test_blocks_of_any_size_are_digested_in_order(sizes: list[int]) -> None:
    blocks = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    digest = DoubleDigest()
    try:
        for block in blocks:
            digest.update(block)
        assert digest.result() == stored_blob(b"".join(blocks))
    finally:
        digest.close()


class Held:
    """A SHA-512 that works only when it is let."""

    def __init__(self) -> None:
        self.real, self.gate = hashlib.sha512(), threading.Event()

    def update(self, block: bytes) -> None:
        self.gate.wait(timeout=30)
        self.real.update(block)

    def digest(self) -> bytes:
        return self.real.digest()


def test_a_fast_source_waits_for_the_slow_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a 10 GiB file would gather in memory."""
    digest, held, block = DoubleDigest(), Held(), os.urandom(BLOCK_BYTES)
    monkeypatch.setattr(digest, "_sha512", held)
    fed = threading.Semaphore(0)

    def feed() -> None:
        for _ in range(20):
            digest.update(block)
            fed.release()

    feeder = threading.Thread(target=feed)
    feeder.start()
    for _ in range(WAITING_BLOCKS):
        assert fed.acquire(timeout=30)
    assert not fed.acquire(timeout=0.2)
    held.gate.set()
    feeder.join()
    assert digest.result() == stored_blob(block * 20)
    digest.close()


def test_closing_does_not_wait_for_blocks_that_nobody_needs() -> None:
    digest = DoubleDigest()
    digest.update(bytes(BLOCK_BYTES))
    digest.close()
    digest.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("sha512")] == []
