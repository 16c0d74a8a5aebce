"""Everything without a reader here: what exiftool tells, and nothing where it does not."""

from __future__ import annotations

from typing import Final

from ledger.extract.fields import EXIFTOOL, Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source

MEDIA_TYPES: Final[tuple[str, ...]] = ()
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    Field("author", "who made it", "exiftool"),
    Field("make", "maker of the device", "exiftool"),
    Field("model", "its model", "exiftool"),
    Field("device_serial", "its serial number", "exiftool"),
    Field("software", "program or firmware", "exiftool"),
    *EXIFTOOL,
)
NAMES: Final = names_of(FIELDS)


def read(_source: Source, _findings: Findings) -> None:
    """Nothing: `exiftool.read` fills what it knows."""
