"""A field that a reader may fill: its name, what it means, where it comes from."""

from __future__ import annotations

from typing import Final, NamedTuple

PREFIX: Final = "extracted."


class Field(NamedTuple):
    """One line of a format's list. `name` stands without PREFIX; `meaning` and `source` are for docs/extractors.md."""

    name: str
    meaning: str
    source: str


ALWAYS: Final = (
    Field("extractor", "which reader took these metadata", "this room"),
    Field("extractor_version", "its version, and those of the libraries and tools it used", "this room"),
    Field("failure", "null, or what could not be read and why; never words of the file", "this room"),
    Field("format", "the format that the file was read as", "this room"),
)

EXIFTOOL: Final = (
    Field("exiftool", "every tag that exiftool reads, by group and name; null without exiftool", "exiftool"),
    Field("exiftool_version", "null: exiftool was not available when this file was read", "exiftool"),
)


def names_of(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """The full names of a format, those of ALWAYS included, ascending. Raises ValueError where one stands twice."""
    names = tuple(sorted(PREFIX + field.name for field in (*ALWAYS, *fields)))
    if len(set(names)) != len(names):
        raise ValueError("list a format's names: expected each once, got one twice")
    return names
