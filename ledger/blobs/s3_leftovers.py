"""Telling what dead writers left in the bucket from what living ones are sending.

A key under `incoming/` names the data folder and the process that sends. A process holds a lock on a file of its name
in the data folder as long as it lives: so its fellows there know. Of other machines nobody here knows, and what they
left is given up after LEFTOVER_DAYS, should that machine never come back.
"""

import fcntl
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from ledger.blobs.durable_file import FILE_MODE, make_directory_durably, unavailable, write_durably
from ledger.blobs.s3_client import S3Client
from ledger.blobs.s3_names import S3Names, is_id, new_id
from ledger.errors import ConflictError

LEFTOVER_DAYS: Final = 7
"""No upload takes so long: a client that is too slow is cut off by the server far earlier."""

_FRONT_END: Final = "front-end"
_PROCESSES: Final = "processes"


class Leftovers:
    """This process's provisional keys, and those of the dead. `folder` is the data folder's own, and local."""

    def __init__(self, client: S3Client, names: S3Names, folder: Path) -> None:
        self._client = client
        self._names = names
        self._processes = folder / _PROCESSES
        make_directory_durably(self._processes)
        self._front_end = _front_end(folder)
        self._process, self._descriptor = _claim(self._processes)
        self._living: set[str] = set()
        self._lock = threading.Lock()

    def begin(self) -> str:
        """A provisional key, which is left alone until `done`."""
        key = self._names.new_incoming(self._front_end, self._process)
        with self._lock:
            self._living.add(key)
        return key

    def done(self, key: str) -> None:
        with self._lock:
            self._living.discard(key)

    def clean(self) -> None:
        """Give up the dead's uploads, and delete their provisional objects. Raises UnavailableError."""
        dead = [name for name in os.listdir(self._processes) if is_id(name) and not self._lives(name)]
        for key, upload, began in list(self._client.uploads(self._names.incoming)):
            if self._is_leftover(key, began):
                self._client.abort(key, upload)
        for each in list(self._client.versions(self._names.incoming)):
            if self._is_leftover(each.key, each.written):
                self._client.delete(each.key, each.version)
        for name in dead:  # only now: until here its name told whose they were
            (self._processes / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of this process's name."""
        with suppress(OSError):
            (self._processes / self._process).unlink()
        os.close(self._descriptor)

    def _is_leftover(self, key: str, began: datetime) -> bool:
        whose = self._names.parse_incoming(key)
        if whose is None:
            return False
        if whose.front_end != self._front_end:
            return began < datetime.now(UTC) - timedelta(days=LEFTOVER_DAYS)
        if whose.process != self._process:
            return not self._lives(whose.process)
        with self._lock:
            return key not in self._living

    def _lives(self, process: str) -> bool:
        try:
            descriptor = os.open(self._processes / process, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


def _front_end(folder: Path) -> str:
    """The data folder's own name in keys, made once."""
    path = folder / _FRONT_END
    with suppress(ConflictError):  # it has one
        if not path.exists():
            write_durably(path, new_id().encode("ascii"))
    with unavailable("reading the front end's name", path):
        name = path.read_text("ascii")
    if not is_id(name):
        raise ConflictError("reading the front end's name: expected 16 hex digits, found something else", str(path))
    return name


def _claim(processes: Path) -> tuple[str, int]:
    """A name for this process, and the locked file that says that it lives."""
    while True:
        name = new_id()
        with unavailable("naming this process", processes):
            descriptor = os.open(processes / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Between the two calls another process may have taken it for a dead one's, and deleted it.
            if os.fstat(descriptor).st_nlink == 1:
                return name, descriptor
            os.close(descriptor)
