"""Blobs in a directory: `ab/cd/<hex>`, two levels so that no directory holds millions of files.

A path is made of the hex digits of 32 bytes, so no name that a client chose ever reaches the file system.
"""

import fcntl
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from ledger.blobs.contract import SHA256_BYTES, Retained, StoredBlob
from ledger.blobs.double_digest import BLOCK_BYTES, DoubleDigest
from ledger.blobs.durable_file import (
    TemporaryFile,
    clean_leftovers,
    make_directory_durably,
    sync_directory,
    sync_file,
    unavailable,
)
from ledger.errors import CorruptError, NotFoundError

# On the same file system as the blobs, so that one link puts a received file in its place.
INCOMING: Final = "incoming"
# A chunk of at least this many bytes is digested and written as it comes; smaller ones are gathered first, because
# each block costs a system call and a handing over to the digesting thread.
_GATHER_BELOW_BYTES: Final = BLOCK_BYTES // 4


class DirectoryBlobs:
    """A BlobStore in `directory`, which is made (its parent must exist) when it is not there.

    Opening the store deletes what writers that died have left. Raises UnavailableError.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._durable_directories: set[Path] = set()
        self._lock = threading.Lock()
        make_directory_durably(directory)
        make_directory_durably(directory / INCOMING)
        clean_leftovers(directory / INCOMING)

    def receive(self) -> "DirectoryBlobWriter":
        return DirectoryBlobWriter(self, self._directory / INCOMING)

    def open(self, sha256: bytes) -> BinaryIO:
        path = self._path(sha256)
        with unavailable("opening a blob", path):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                raise NotFoundError("opening a blob: expected it in the store, found none", str(path)) from None
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise CorruptError("opening a blob: expected a regular file, found something else", str(path))
            return os.fdopen(descriptor, "rb")

    @contextmanager
    def local(self, sha256: bytes) -> Iterator[Path]:
        self.open(sha256).close()
        yield self._path(sha256)

    def size(self, sha256: bytes) -> int:
        with self.open(sha256) as stream:
            return os.fstat(stream.fileno()).st_size

    def exists(self, sha256: bytes) -> bool:
        path = self._path(sha256)
        with unavailable("looking for a blob", path):
            try:
                return stat.S_ISREG(path.lstat().st_mode)
            except FileNotFoundError:
                return False

    def check(self, sha256: bytes) -> StoredBlob:
        path = self._path(sha256)
        digest = DoubleDigest()
        try:
            with self.open(sha256) as stream, unavailable("reading a blob", path):
                while block := stream.read(BLOCK_BYTES):
                    digest.update(block)
            found = digest.result()
        finally:
            digest.close()
        if found.sha256 != sha256:
            raise CorruptError(
                f"checking a blob: expected bytes of sha256 {sha256.hex()}, found {found.sha256.hex()}", str(path)
            )
        return found

    def remove(self, sha256: bytes) -> None:
        path = self._path(sha256)
        with unavailable("removing a blob", path):
            path.unlink(missing_ok=True)
        # A crash here leaves the blob there or gone: whoever was erasing does it again.
        if path.parent.is_dir():
            sync_directory(path.parent)

    @contextmanager
    def holding(self, sha256: bytes) -> Iterator[None]:
        with self._locked(sha256, fcntl.LOCK_SH):
            yield

    def remove_unless(self, sha256: bytes, needed: Callable[[], bool]) -> bool:
        with self._locked(sha256, fcntl.LOCK_EX):
            if needed():
                return False
            self.remove(sha256)
            return True

    def retained(self, sha256: bytes | None = None) -> list[Retained]:
        return []  # a directory locks nothing: what is removed is gone

    def tend(self) -> None:
        clean_leftovers(self._directory / INCOMING)

    def trouble(self) -> str | None:
        if os.access(self._directory / INCOMING, os.W_OK | os.X_OK):
            return None
        return f"the store of blobs: {self._directory / INCOMING} is not there, or may not be written to"

    def close(self) -> None:
        """Nothing is held open between calls."""

    @contextmanager
    def _locked(self, sha256: bytes, how: int) -> Iterator[None]:
        """A lock on the directory of this blob, which few others share. It ends with the process that held it."""
        directory = self._path(sha256).parent
        with unavailable("holding a blob", directory):
            self._make_directories(directory)
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with unavailable("holding a blob", directory):
                fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def keep(self, temporary: TemporaryFile, blob: StoredBlob) -> None:
        """Make a received file, whose bytes are `blob`, durable under its name. Called by the writer alone."""
        path = self._path(blob.sha256)
        temporary.sync()
        self._make_directories(path.parent)
        if not temporary.place(path):
            self.check(blob.sha256)  # never overwritten: bytes that differ are damage, and stay as its evidence
            sync_file(path)  # it may have been copied here, by a restore, and never synced
        # Also for a blob that was there: its writer may not have come to this line.
        sync_directory(path.parent)
        # A crash from here on leaves a durable blob that no entry names: harmless, and found again by its bytes.

    def _path(self, sha256: bytes) -> Path:
        if len(sha256) != SHA256_BYTES:
            raise ValueError(f"a blob's name: expected {SHA256_BYTES} bytes, got {len(sha256)}")
        name = sha256.hex()
        return self._directory / name[:2] / name[2:4] / name

    def _make_directories(self, directory: Path) -> None:
        """Make `ab/` and `ab/cd/` durable. One that is there may still be on its way to the disk, made by another
        process a moment ago: it is synced once before this process relies on it, and never again.
        """
        for each in (directory.parent, directory):
            if each not in self._durable_directories:
                make_directory_durably(each)
                with self._lock:
                    self._durable_directories.add(each)


class DirectoryBlobWriter:
    """The BlobWriter of DirectoryBlobs."""

    def __init__(self, store: DirectoryBlobs, incoming: Path) -> None:
        self._store = store
        self._temporary = TemporaryFile(incoming)
        self._digest = DoubleDigest()
        self._gathered = bytearray()
        self._measured: StoredBlob | None = None
        self._usable = True  # not after a failure: digests and file may then disagree

    def __enter__(self) -> Self:
        self._temporary.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._digest.close()
        finally:
            self._temporary.__exit__(kind, error, trace)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        if self._measured is not None:
            raise ValueError("write: the blob has been measured, it takes no more bytes")
        self._demand_usable("write")
        view = memoryview(chunk).cast("B")
        if len(view) < _GATHER_BELOW_BYTES:
            self._gathered += view
            if len(self._gathered) >= BLOCK_BYTES:
                self._take_gathered()
            return
        self._take_gathered()
        for start in range(0, len(view), BLOCK_BYTES):
            part = view[start : start + BLOCK_BYTES]
            # Of anything but bytes a copy: the caller may overwrite it while the second thread still reads.
            self._take(part if isinstance(chunk, bytes) else bytes(part))

    def measure(self) -> StoredBlob:
        if self._measured is None:
            self._demand_usable("measure")
            self._take_gathered()
            self._measured = self._digest.result()
        return self._measured

    def finish(self) -> StoredBlob:
        blob = self.measure()
        self._demand_usable("finish")
        self._usable = False
        self._store.keep(self._temporary, blob)
        return blob

    def _demand_usable(self, act: str) -> None:
        if not self._usable:
            raise ValueError(f"{act}: the blob is finished, or an earlier call failed")

    def _take_gathered(self) -> None:
        if self._gathered:
            self._take(bytes(self._gathered))
            self._gathered.clear()

    def _take(self, block: bytes | memoryview) -> None:
        self._usable = False
        self._digest.update(block)
        self._temporary.write(block)
        self._usable = True
