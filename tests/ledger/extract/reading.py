"""How these tests read: in this process for the readers themselves, in the sandbox for what confines them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from ledger.extract.source import Source
from ledger.extract.worker import read_file
from ledger.submit.media_type import HEAD_BYTES, detect

SAMPLES = Path(__file__).parent / "samples"


def media_type(data: bytes) -> str:
    """The type that the ledger would commit."""
    return detect(data[:HEAD_BYTES], lambda: io.BytesIO(data))


def read_here(data: bytes, name: str = "evidence", kind: str | None = None, **keys: Any) -> dict[str, Any]:
    """What the readers find, by short name, without exiftool."""
    found = read_file(Source(io.BytesIO(data), len(data), kind or media_type(data), name, **keys))
    return {key.removeprefix("extracted."): value for key, value in found.items()}


def sample(name: str) -> bytes:
    """One of the samples."""
    return (SAMPLES / name).read_bytes()


def items(listing: Any) -> list[Any]:
    """The items of a listing that holds all it counts."""
    assert listing["truncated"] == 0
    assert listing["count"] == len(listing["items"])
    return list(listing["items"])
