"""Who writes an entry that needs a blob, and who removes that blob, keep out of each other's way.

A directory's blobs are locked by their own folders. Blobs elsewhere need a place of their own for it: this machine's
folder where one machine writes (`FolderLocks`), the database where several do (`ledger.store.advisory_locks`).
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from ledger.blobs.durable_file import FILE_MODE, make_directory_durably, unavailable


class ContentLocks(Protocol):
    """Locks named by the 32 bytes of a SHA-256. They end with the process that holds them."""

    def held(self, sha256: bytes, *, alone: bool) -> AbstractContextManager[None]:
        """Hold the lock of this content together with others, or `alone`; waits for it.

        Raises UnavailableError. Two contents may share a lock: holding one may delay who wants the other alone.
        """
        ...


class FolderLocks:
    """Locks in the files of `directory`, for all threads and processes of this machine."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        make_directory_durably(directory)

    @contextmanager
    def held(self, sha256: bytes, *, alone: bool) -> Iterator[None]:
        path = self._directory / sha256[:1].hex()  # 256 files, whatever the number of blobs
        with unavailable("holding a blob", path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        try:
            with unavailable("holding a blob", path):
                fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)
