"""SHA-256, SHA-512 and size of a stream, at the speed of the slower digest alone.

SHA-512 takes about twice as long as SHA-256 on processors with SHA extensions. It runs in a second thread (hashlib
gives up the interpreter's lock while it works), the rest in the caller's, which waits when it is too far ahead.
"""

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from ledger.blobs.contract import StoredBlob

# One handing over costs tens of microseconds, and digesting 1 MiB about a millisecond: the cost drowns.
BLOCK_BYTES = 1024 * 1024
# Blocks that may wait for the second thread: with BLOCK_BYTES this bounds memory to some 5 MiB a stream.
WAITING_BLOCKS = 4


class DoubleDigest:
    """Digests blocks in order. `close` must be called, whatever happened: it ends the second thread."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        self._size = 0
        self._worker: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[None]] = deque()

    def update(self, block: bytes | memoryview) -> None:
        """Digest `block`, which must not change afterwards: the second thread may still be reading it."""
        if len(block) < BLOCK_BYTES and self._worker is None:
            self._sha512.update(block)  # most evidence is smaller than one block: no thread for it
        else:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sha512")
            while len(self._waiting) >= WAITING_BLOCKS:
                self._waiting.popleft().result()
            self._waiting.append(self._worker.submit(self._sha512.update, block))
        self._sha256.update(block)
        self._size += len(block)

    def result(self) -> StoredBlob:
        """The digests of everything so far. The second thread is idle when this returns."""
        while self._waiting:
            self._waiting.popleft().result()
        return StoredBlob(self._sha256.digest(), self._sha512.digest(), self._size)

    def close(self) -> None:
        """End the second thread; blocks that still wait are dropped."""
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)
