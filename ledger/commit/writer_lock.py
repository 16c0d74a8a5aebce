"""On SQLite exactly one process commits: a lock beside the database's file, held as long as the process lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ledger.errors import ConfigError

SUFFIX = ".writer-lock"


class WriterLock:
    """Held from construction to `release`, or the end of the process, however it ends.

    It stands beside the database, not in a data folder: two data folders may name the same file.
    Raises ConfigError where another process holds it: two writers on one SQLite file would queue behind each other for
    seconds, and each would sign heads that the other had moved.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + SUFFIX)
        self._held = True
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"start: {error.strerror}", str(path)) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise ConfigError(
                "start: another process writes to this SQLite database already; SQLite takes one, PostgreSQL many",
                str(path),
            ) from error
        except OSError as error:
            os.close(self._descriptor)
            raise ConfigError(f"start: lock the SQLite database: {error.strerror}", str(path)) from error

    def release(self) -> None:
        """Let another process write. Harmless to repeat."""
        if self._held:
            self._held = False
            os.close(self._descriptor)
