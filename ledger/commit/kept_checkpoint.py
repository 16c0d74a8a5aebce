"""The newest signed checkpoint, in a file outside the database: what a rolled back database cannot take back.

Nothing of a checkpoint leaves the process before it stands here. Processes that share one data folder share the file,
under a lock; it never moves backwards and is no part of a backup. It is written in place (ledger.commit.note_slots):
one flush, where a new file under the old name takes two and the directory's.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from ledger.blobs.durable_file import replace_durably, sync_descriptor, unavailable
from ledger.commit.note_slots import (
    FILE_SIZE,
    SLOT_SIZE,
    checkpoint_of,
    fits,
    format_file,
    format_slot,
    newest_note,
    parse_slots,
)
from ledger.errors import ConfigError, LedgerError, RolledBackError, UnavailableError
from ledger.note.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from ledger.note.signed_note import parse_note

FILE_NAME = "kept-checkpoint"

# A signed note: three short lines, our two signatures, and at most a hundred lines of witnesses of 3.3 KB each.
_NOTE_MAX = 512 * 1024

_Content: TypeAlias = tuple[bytes, list[Checkpoint | None]]


class KeptCheckpoint:
    """The kept file in `directory`. `advance` is safe to call from many processes on one machine."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._lock_path = directory / f"{FILE_NAME}.lock"
        self._last: _Content = (b"", [])

    def read(self) -> bytes | None:
        """The kept signed note, or None where there is none. Raises ConfigError for a file that cannot be read, or in
        which no note was kept.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(_NOTE_MAX)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"read the kept checkpoint: {error.strerror}", str(self.path)) from error
        try:
            return newest_note(data)
        except LedgerError as error:
            raise ConfigError(f"read the kept checkpoint: it is malformed: {error.what}", str(self.path)) from error

    def advance(self, note: bytes) -> None:
        """Keep this signed note unless a newer one is kept already. Durable when it returns.

        Raises RolledBackError if one of the same size with another root is kept: two trees of ours contradict;
        ConfigError where the kept file is no checkpoint.
        """
        new = checkpoint_of(note)
        with self._locked(), ExitStack() as stack:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                self._replace(note)
                return
            except OSError as error:
                raise ConfigError(f"read the kept checkpoint: {error.strerror}", str(self.path)) from error
            stack.callback(os.close, descriptor)
            data, slots = self._content(descriptor)
            old, newest = max(((kept, at) for at, kept in enumerate(slots) if kept), key=lambda each: each[0].size)
            if old.size == new.size and old.root != new.root:
                raise RolledBackError(
                    f"keep a checkpoint of size {new.size}: another root was signed before",
                    str(self.path),
                    [format_checkpoint(old), format_checkpoint(new)],
                )
            if old.size >= new.size:
                # Whoever wrote it may have been killed before it was durable, and we answer for it now.
                sync_descriptor(descriptor, self.path)
            elif len(slots) == 1 or not fits(note):
                self._replace(note)
            else:
                written = self._write(descriptor, 1 - newest, note)
                at = (1 - newest) * SLOT_SIZE
                self._last = (
                    b"".join((data[:at], written, data[at + len(written) :])),
                    [new, old] if newest else [old, new],
                )

    def _content(self, descriptor: int) -> _Content:
        """The file's bytes, and what each slot says, at least one of them; or of a file without slots, what it says.

        They are read each time: other processes write them too. What was parsed once is not parsed again.
        """
        try:
            data = os.pread(descriptor, FILE_SIZE + 1, 0)
            if len(data) > FILE_SIZE:
                data = os.pread(descriptor, _NOTE_MAX, 0)
            if data != self._last[0] or not data:
                self._last = data, _parse(data)
            return self._last
        except OSError as error:
            raise ConfigError(f"read the kept checkpoint: {error.strerror}", str(self.path)) from error
        except LedgerError as error:
            raise ConfigError(f"keep a checkpoint: the kept one is malformed: {error.what}", str(self.path)) from error

    def _replace(self, note: bytes) -> None:
        replace_durably(self.path, format_file(note) if fits(note) else note)

    def _write(self, descriptor: int, slot: int, note: bytes) -> bytes:
        """Over the older slot: a crash in the middle leaves the newer one, which is as good as before. Returns what was
        written.
        """
        at = slot * SLOT_SIZE
        try:
            with unavailable("keeping a checkpoint", self.path):
                data = format_slot(note)
                written = os.pwrite(descriptor, data, at)
                if written != len(data):
                    raise OSError(errno.EIO, "written in part")
            sync_descriptor(descriptor, self.path)
        except UnavailableError:
            # What the disk did not take must not be read back from memory as kept: the slot is emptied there too.
            with suppress(OSError):
                os.pwrite(descriptor, bytes(len(data)), at)
            raise
        return data

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UnavailableError(f"keep a checkpoint: {error.strerror}", str(self._lock_path)) from error
        try:
            with unavailable("locking the kept checkpoint", self._lock_path):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _parse(data: bytes) -> list[Checkpoint | None]:
    slots = parse_slots(data)
    if slots is None:
        return [parse_checkpoint(parse_note(data).text)]
    return [None if note is None else checkpoint_of(note) for note in slots]
