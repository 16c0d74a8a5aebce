"""A file's own metadata, taken here before its digests are sent: `anchor --hash-only --extract`."""

from __future__ import annotations

from pathlib import Path

from api.cli.output import message


def declared_metadata(path: Path) -> dict[str, object]:
    """What the file at `path` says of itself, by key of a statement's `metadata`: `extracted.author` is committed as
    `declared.extracted.author`, for nobody but its owner has seen the file.

    The file is read by a confined process of its own (ledger.extract). Raises OSError where it cannot be opened.
    """
    # The readers' libraries are large, and no other command needs them.
    from ledger.extract.sandbox import extract
    from ledger.submit.media_type import HEAD_BYTES, detect

    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    extraction = extract(path, detect(head, lambda: path.open("rb")), path.name)
    if extraction.failure is not None:
        message(f"{path}: not all of its metadata could be taken: {extraction.failure}")
    return {**extraction.fields}
