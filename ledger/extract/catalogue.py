"""Every format with its names, meanings and sources, as docs/extractors.md shows them."""

from __future__ import annotations

from ledger.extract.fields import ALWAYS, PREFIX, Field
from ledger.extract.formats import FORMATS, Format


def as_markdown() -> str:
    """The tables of docs/extractors.md: first what every format has, then each format."""
    parts = ["## Every format\n", _table(ALWAYS)]
    for name in sorted(FORMATS):
        parts += [f"## `{name}`\n", _about(FORMATS[name]), _table(FORMATS[name].module.FIELDS)]
    return "\n".join(parts)


def _about(chosen: Format) -> str:
    """What the format is, which media types it takes, what it is read with."""
    types = ", ".join(f"`{media_type}`" for media_type in chosen.module.MEDIA_TYPES) or "(see above)"
    libraries = ", ".join(chosen.module.LIBRARIES) or "the standard library"
    first = (chosen.module.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
    return f"{first}\n\nMedia types: {types}. Read with: {libraries}.\n"


def _table(fields: tuple[Field, ...]) -> str:
    rows = [f"| `{PREFIX}{field.name}` | {field.meaning} | {field.source} |" for field in sorted(fields)]
    return "\n".join(["| name | meaning | source |", "|---|---|---|", *rows, ""])
