"""Documents that are zip packages (Office, OpenDocument): a few members read, each within bounds."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.source import Source
from ledger.extract.strict_xml import Element, parse_tree
from ledger.extract.times import wall_time
from ledger.extract.values import text

MEMBERS_MAX: Final = 20_000
"""Members of a document: the largest presentations have some thousand."""

PART_BYTES: Final = 4 * 1024 * 1024
"""Unpacked bytes of a part that is read as a tree (properties, relations)."""

STREAM_BYTES: Final = 256 * 1024 * 1024
"""Unpacked bytes of a part that is read as a stream (the text itself): a bomb ends here."""

_CHUNK_BYTES: Final = 256 * 1024


class Package:
    """An opened package. Members of names that stand twice are read as `zipfile` reads them: the last one."""

    def __init__(self, source: Source) -> None:
        """Raises ExtractError for what is no zip file, or has more than MEMBERS_MAX members."""
        source.stream.seek(0)
        try:
            self._zip = zipfile.ZipFile(source.stream)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            raise ExtractError("not a readable zip file") from error
        if len(self._zip.infolist()) > MEMBERS_MAX:
            raise ExtractError(f"more than {MEMBERS_MAX} members")
        self.names = [info.filename for info in self._zip.infolist()]

    def has(self, name: str) -> bool:
        """Whether there is a member of this name."""
        return name in self.names

    def tree(self, name: str) -> Element:
        """A member as XML. Raises ExtractError where it is missing, too large, damaged or no XML."""
        data = b"".join(self.stream(name, PART_BYTES))
        return parse_tree(data)

    def stream(self, name: str, limit: int = STREAM_BYTES) -> Iterator[bytes]:
        """A member's bytes, piece by piece. Raises ExtractError beyond `limit`, and where it is damaged."""
        left = limit
        try:
            with self._zip.open(name) as member:
                while chunk := member.read(_CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        raise ExtractError(f"a part of more than {limit} bytes")
                    yield chunk
        except (KeyError, RuntimeError, zipfile.BadZipFile, OSError, EOFError) as error:
            raise ExtractError("a part is missing, damaged or encrypted") from error

    def below(self, folder: str) -> list[dict[str, object]]:
        """Names and sizes of the members in a folder."""
        return [
            {"name": text(info.filename), "bytes": info.file_size}
            for info in self._zip.infolist()
            if info.filename.startswith(folder) and not info.filename.endswith("/")
        ]

    def times(self) -> dict[str, object]:
        """Earliest and latest time of the members: Office writes 1980, others their clock, repackers theirs."""
        found = sorted(moment for info in self._zip.infolist() if (moment := wall_time(*info.date_time)))
        return {"earliest": found[0] if found else None, "latest": found[-1] if found else None}
