"""A log as anybody reads it (C2SP tlog-tiles): a folder of its files, or its URL. Nothing that comes is believed."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from ledger.errors import ConfigError, LimitError, UnavailableError
from ledger.merkle.entry_bundles import BUNDLED_LEAF_MAX
from ledger.merkle.tiles import TILE_WIDTH

FILE_MAX: Final = TILE_WIDTH * (2 + BUNDLED_LEAF_MAX)
"""Bytes of the largest file of a log: an entry bundle whose leaves are all as long as they may be."""


class TileSource(Protocol):
    """Where a log's files come from."""

    def read(self, path: str) -> bytes | None:
        """A file of the log; None where there is none. Raises UnavailableError, LimitError (more than FILE_MAX)."""
        ...

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        """The same for many, in their order; some may be fetched ahead."""
        ...


def open_source(place: str) -> TileSource:
    """A folder, or a log's URL prefix. Raises ConfigError for what is neither."""
    parts = urllib.parse.urlsplit(place)
    if parts.scheme in ("http", "https"):
        if not parts.hostname or parts.query or parts.fragment:
            raise ConfigError("read a log: expected an address such as https://ledger.example", place)
        from ledger.upkeep.url_tiles import UrlTiles  # what it imports takes longer than a folder's check

        return UrlTiles(parts)
    if not Path(place).is_dir():
        raise ConfigError("read a log: expected a folder of its tiles, or its address", place)
    return FolderTiles(Path(place))


class FolderTiles:
    """A folder that holds `checkpoint` and `tile/…`."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def read(self, path: str) -> bytes | None:
        try:
            with open(f"{self._folder}/{path}", "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size  # a buffer of the largest size for each would cost more than it
                data = file.read(min(size, FILE_MAX) + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnavailableError(f"read a log's file: {error.strerror}", path) from error
        return within(data, path)

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        return map(self.read, paths)


def within(data: bytes, path: str) -> bytes:
    """A file's bytes. Raises LimitError for more than `FILE_MAX`."""
    if len(data) > FILE_MAX:
        raise LimitError(f"read a log's file: expected at most {FILE_MAX} bytes", path, FILE_MAX, len(data))
    return data
