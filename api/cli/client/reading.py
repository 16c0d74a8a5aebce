"""A local file on its way into the ledger: read once, in constant memory, digested while it passes."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from api.cli.failures import CommandError
from api.cli.progress import Meter

READ_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Digests:
    """What a file is: its size in bytes, SHA-256 and SHA-512 in lower-case hex."""

    size: int
    sha256: str
    sha512: str


class ReadFile:
    """An open evidence file. A context manager, and a binary file that httpx can send and send again."""

    def __init__(self, path: Path, meter: Meter) -> None:
        self._meter = meter
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        self._file = open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb", buffering=0)  # noqa: SIM115
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            self._file.close()
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or device"
            raise CommandError(f"reading the file: expected a regular file, found {kind}")
        self._size = status.st_size
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def fileno(self) -> int:
        """The descriptor: from it httpx learns the size."""
        return self._file.fileno()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Back to the beginning, for another attempt; nothing else."""
        if (offset, whence) != (0, os.SEEK_SET):
            raise OSError("an evidence file is read from its beginning only")
        self._file.seek(0)
        self._begin()
        return 0

    def read(self, count: int = READ_BYTES) -> bytes:
        """The next bytes, at most `count`; empty at the end."""
        block = self._file.read(count) or b""
        self._read += len(block)
        self._sha256.update(block)
        self._sha512.update(block)
        self._meter.advance(len(block))
        return block

    def digests(self) -> Digests:
        """What was read so far is. Raises CommandError when that is not the whole file as it was found."""
        if self._read != self._size:
            raise CommandError(
                f"reading the file: it changed meanwhile: expected {self._size} bytes, read {self._read}"
            )
        return Digests(self._read, self._sha256.hexdigest(), self._sha512.hexdigest())

    def _begin(self) -> None:
        self._read = 0
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        self._meter.start(self._size)


def digest_file(path: Path, meter: Meter) -> Digests:
    """Size and both digests of the file at `path`, in one pass. Raises OSError, CommandError."""
    with ReadFile(path, meter) as file:
        while file.read():
            pass
        return file.digests()
