"""Records of one size that are too many for memory, in parts by their first byte: in files without a name, ours alone.

What is written must be fit to lie on a disk: names of chains and hashes, never a secret or an opening.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

PARTS: Final = 64
"""At 10^7 entries a part of keyed digests has 4 MB, one of links at worst 19 MB: that is what is sorted in memory."""

IN_MEMORY: Final = 256 * 1024
"""Bytes of a part that need no file: 16 MiB over all parts."""


class Spill:
    """A context manager; leaving it forgets everything."""

    def __init__(self, record_size: int) -> None:
        self._size = record_size
        self._files: list[BinaryIO] = [BytesIO() for _ in range(PARTS)]
        self._in_memory = [True] * PARTS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def add(self, parts: dict[int, bytes]) -> None:
        """Keep what `sort_records` made."""
        for part, records in parts.items():
            self._files[part].write(records)
            if self._in_memory[part] and self._files[part].tell() > IN_MEMORY:
                self._files[part], self._in_memory[part] = _to_disk(self._files[part]), False

    def parts(self) -> Iterator[list[bytes]]:
        """The records part by part, each sorted: ascending over all of them."""
        for file in self._files:
            file.seek(0)
            data = file.read()
            yield sorted(data[at : at + self._size] for at in range(0, len(data), self._size))


def sort_records(records: Iterable[bytes]) -> dict[int, bytes]:
    """Records by the part that they belong to."""
    parts: dict[int, list[bytes]] = {}
    for record in records:
        parts.setdefault(record[0] * PARTS >> 8, []).append(record)
    return {part: b"".join(found) for part, found in parts.items()}


def _to_disk(memory: BinaryIO) -> BinaryIO:
    from tempfile import TemporaryFile  # what it imports takes longer than a short log

    file = TemporaryFile()  # noqa: SIM115 (it is closed with the rest)
    memory.seek(0)
    file.write(memory.read())
    memory.close()
    return cast(BinaryIO, file)
