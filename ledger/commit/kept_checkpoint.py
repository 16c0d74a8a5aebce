"""The newest signed checkpoint, in a file outside the database: what a rolled back database cannot take back.

Nothing of a checkpoint leaves the process before it stands here. Processes that share one data folder share the file,
under a lock; it never moves backwards and is no part of a backup.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.blobs.durable_file import replace_durably
from ledger.errors import ConfigError, LedgerError, RolledBackError, UnavailableError
from ledger.note.checkpoint import Checkpoint, parse_checkpoint
from ledger.note.signed_note import parse_note

FILE_NAME = "kept-checkpoint"

# A signed note: three short lines, our two signatures, and at most a hundred lines of witnesses of 3.3 KB each.
_NOTE_MAX = 512 * 1024


class KeptCheckpoint:
    """The kept file in `directory`. `advance` is safe to call from many processes on one machine."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._lock_path = directory / f"{FILE_NAME}.lock"

    def read(self) -> bytes | None:
        """The kept signed note, or None where there is none. Raises ConfigError for a file that cannot be read."""
        try:
            with self.path.open("rb") as file:
                return file.read(_NOTE_MAX)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"read the kept checkpoint: {error.strerror}", str(self.path)) from error

    def advance(self, note: bytes) -> None:
        """Keep this signed note unless a newer one is kept already. Durable when it returns.

        Raises RolledBackError if one of the same size with another root is kept: two trees of ours contradict;
        ConfigError where the kept file is no checkpoint.
        """
        new, new_text = _parsed(note)
        with self._locked():
            old_note = self.read()
            if old_note is not None:
                old, old_text = self._parsed_kept(old_note)
                if old.size == new.size and old.root != new.root:
                    raise RolledBackError(
                        f"keep a checkpoint of size {new.size}: another root was signed before",
                        str(self.path),
                        [old_text, new_text],
                    )
                if old.size >= new.size:
                    return
            replace_durably(self.path, note)

    def _parsed_kept(self, note: bytes) -> tuple[Checkpoint, str]:
        try:
            return _parsed(note)
        except LedgerError as error:
            raise ConfigError(f"keep a checkpoint: the kept one is malformed: {error.what}", str(self.path)) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnavailableError(f"keep a checkpoint: {error.strerror}", str(self._lock_path)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _parsed(note: bytes) -> tuple[Checkpoint, str]:
    text = parse_note(note).text
    return parse_checkpoint(text), text
