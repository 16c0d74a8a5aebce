"""The file that a page is written to: it can be written before anything is done, and is there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from verifier.errors import Unreadable


class PageFile:
    """A context in which the place for a page is taken; left without write(), it leaves nothing behind."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises Unreadable if no plain file can be written there."""
        self._path = Path(path)
        self._part = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        try:
            if self._path.exists() and not self._path.is_file():
                raise Unreadable(f"{self._path} should be a plain file to be written over")
            self._file = self._part.open("xb")
        except (OSError, ValueError) as error:  # ValueError: a null character in the name
            raise Unreadable(f"{self._path} cannot be written: {getattr(error, 'strerror', None) or error}") from None

    def write(self, page: str) -> None:
        """Put the page in its place; raises Unreadable."""
        try:
            with self._file:
                self._file.write(page.encode("utf-8"))
            self._part.replace(self._path)
        except OSError as error:
            raise Unreadable(f"{self._path} cannot be written: {error.strerror or error}") from None

    def __enter__(self) -> PageFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        with suppress(OSError):
            self._part.unlink()
