"""Files that are there whole after a crash, or not at all.

A new content is written to a temporary file, synced, given its name in one atomic step, and the directory is synced.
Each comment "a crash here leaves …" says what the next start finds. Files are made 0600 and directories 0700: what
lies here is evidence and keys.

A temporary file is locked (flock) as long as its writer lives. So a process that starts beside others can tell a
leftover, whose writer is dead and whose lock is gone, from a file that somebody is writing now.
"""

import errno
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ledger.errors import ConflictError, UnavailableError

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700
# A full or failing disk is put right by people, not within the second.
RETRY_AFTER_SECONDS: Final = 60
# Of a large file the system is asked to begin writing each window at once, and to forget those already written. So the
# sync at the end has little left to wait for, and 10 GiB of evidence do not push the database out of the page cache.
# Measured on 2 GiB: 0.6 s instead of 1.9. A file within the kept windows stays cached: extractors read it next.
_WINDOW_BYTES: Final = 8 * 1024 * 1024
_KEPT_WINDOWS: Final = 8

_TEMPORARY_NAME: Final = re.compile(r"\.incoming-[0-9a-f]{32}")
# File systems without hard links (FAT, some network ones) say it in one of these ways.
_NO_HARD_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def write_durably(path: Path, data: bytes) -> None:
    """Create `path` with `data`. The same bytes there already is success; its parent directory must exist.

    Raises ConflictError when other bytes are there (they stay), UnavailableError when it cannot be made durable.
    """
    with TemporaryFile(path.parent) as temporary:
        temporary.write(data)
        temporary.sync()
        if not temporary.place(path):
            with unavailable("reading a file that is there already", path):
                same = path.read_bytes() == data
            if not same:
                raise ConflictError("creating a file: expected none or the same bytes, found other bytes", str(path))
            sync_file(path)
    # Also when it was there: whoever made it may not have come to this line.
    sync_directory(path.parent)


def replace_durably(path: Path, data: bytes) -> None:
    """Make `data` the content of `path`, whatever was there; a reader sees the old bytes or the new, never a mixture.

    Its parent directory must exist. Raises UnavailableError; then the old content stands.
    """
    with TemporaryFile(path.parent) as temporary:
        temporary.write(data)
        temporary.sync()
        temporary.replace(path)
    # A crash here leaves the old content or the new one, each whole: the directory decides which.
    sync_directory(path.parent)


class TemporaryFile:
    """A nameless-to-be file in `directory`. A context manager: left without `place` or `replace`, it is deleted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor = -1
        self._path: Path | None = None
        self._size = 0

    def __enter__(self) -> Self:
        with unavailable("creating a temporary file", self._directory):
            self._descriptor, self._path = _create_locked(self._directory)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._path is not None:
                with unavailable("deleting a temporary file", self._path):
                    self._path.unlink(missing_ok=True)
        except UnavailableError:
            # The failure that brought us here is the one to tell; the next start deletes the leftover.
            if error is None:
                raise
        finally:
            os.close(self._descriptor)  # and with it the lock

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`, all of it. Raises UnavailableError (disk full, input/output error)."""
        rest = memoryview(data)
        with unavailable("writing a temporary file", self._directory):
            while rest:
                written = os.write(self._descriptor, rest)
                rest = rest[written:]
                self._advise(self._size, self._size + written)
                self._size += written
        # A crash here leaves a temporary file under no name that counts: the next start deletes it.

    def sync(self) -> None:
        """Make the content durable. Never called twice: after a failed sync Linux forgets the unwritten pages, and a
        second one would report a success that did not happen.
        """
        with unavailable("syncing a temporary file", self._directory):
            _sync_content(self._descriptor)
        # A crash here leaves a complete temporary file that nobody was told of: the next start deletes it.

    def place(self, path: Path) -> bool:
        """Give the synced file the name `path` unless that is taken; False when it is. The caller syncs the directory.

        A link fails where a rename would overwrite: of two writers one places its file, and the other learns of it.
        """
        source = self._source()
        with unavailable("giving a file its name", path):
            try:
                os.link(source, path)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_HARD_LINKS:
                    raise
                if path.exists():
                    return False
                # Only here two writers can both arrive: of a blob they bring the same bytes.
                source.rename(path)
                self._path = None
        # A crash here leaves `path` whole or absent, and maybe the temporary name beside it, which the start deletes.
        return True

    def replace(self, path: Path) -> None:
        """Give the synced file the name `path`, whatever has it now. The caller syncs the directory."""
        with unavailable("replacing a file", path):
            self._source().replace(path)
        self._path = None

    def _advise(self, old_size: int, size: int) -> None:
        if not hasattr(os, "posix_fadvise"):
            return
        for window in range(old_size // _WINDOW_BYTES, size // _WINDOW_BYTES):
            for each in (window, window - _KEPT_WINDOWS):  # the first is still dirty: for it this begins the writing
                if each >= 0:
                    start = each * _WINDOW_BYTES
                    with suppress(OSError):  # it is advice: a file system that takes none keeps the file all the same
                        os.posix_fadvise(self._descriptor, start, _WINDOW_BYTES, os.POSIX_FADV_DONTNEED)

    def _source(self) -> Path:
        if self._path is None:
            raise ValueError("the temporary file has its name already")
        return self._path


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable. Raises UnavailableError."""
    with unavailable("syncing a directory", directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)  # fdatasync promises nothing about a directory's names
        finally:
            os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of an existing file durable. Raises UnavailableError."""
    with unavailable("syncing a file", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _sync_content(descriptor)
        finally:
            os.close(descriptor)


def sync_descriptor(descriptor: int, path: Path) -> None:
    """Make the content of an open file, `path`, durable. Never asked again after a failure. Raises UnavailableError."""
    with unavailable("syncing a file", path):
        _sync_content(descriptor)


def make_directory_durably(directory: Path) -> None:
    """Make `directory` (its parent must exist), or accept the one that is there. Raises UnavailableError."""
    with unavailable("making a directory", directory):
        directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    # A crash here leaves an empty directory, or none: both are as good as before.
    sync_directory(directory.parent)


def clean_leftovers(directory: Path) -> int:
    """Delete the temporary files in `directory` whose writers are dead; how many there were. Raises UnavailableError.

    Done at start. Files of living writers, in this process or another, are left alone.
    """
    cleaned = 0
    with unavailable("cleaning up temporary files", directory):
        for path in directory.iterdir():
            if _TEMPORARY_NAME.fullmatch(path.name) and _delete_if_abandoned(path):
                cleaned += 1
    return cleaned


@contextmanager
def unavailable(act: str, where: Path) -> Iterator[None]:
    """Turn the system's refusal of `act` into an UnavailableError that says so."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnavailableError(f"{act}: {reason}", str(where), RETRY_AFTER_SECONDS) from error


def _create_locked(directory: Path) -> tuple[int, Path]:
    while True:
        path = directory / f".incoming-{secrets.token_hex(16)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # A process that starts in this very moment may have locked and deleted it between the two calls.
            if os.fstat(descriptor).st_nlink == 1:
                return descriptor, path
        except BaseException:
            path.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        os.close(descriptor)


def _delete_if_abandoned(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # its writer has just finished
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(descriptor)
    return True


def _choose_sync() -> Callable[[int], None]:
    """Linux: fdatasync, which leaves out times but never the size, so the content can be found again. macOS: fsync
    stops at the drive's cache, F_FULLFSYNC does not. Elsewhere: fsync.
    """
    full_sync: int | None = getattr(fcntl, "F_FULLFSYNC", None)
    if full_sync is not None:
        command = full_sync
        return lambda descriptor: _full_sync(descriptor, command)
    return os.fdatasync if hasattr(os, "fdatasync") else os.fsync


def _full_sync(descriptor: int, command: int) -> None:
    fcntl.fcntl(descriptor, command)


_sync_content: Final = _choose_sync()
