"""A file's own metadata, taken when it is anchored: never fatal, and within what an entry can hold."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from ledger.blobs.contract import BlobStore
from ledger.entry.canonical_json import Value, serialise
from ledger.entry.names import check_name
from ledger.errors import LedgerError
from ledger.extract.sandbox import extract
from ledger.submit.draft import FileFacts
from ledger.submit.limits import VALUE_BYTES, VALUE_DEPTH, Limits

AT_ONCE: Final = max(2, os.cpu_count() or 1)
"""Files that are read at a time: each takes a process and its memory; whoever comes later waits."""

FIELDS_LEFT: Final = 32
"""Places of an entry that extracted fields leave to the ledger's own."""

_FAILURE: Final = "extracted.failure"
_ALWAYS: Final = ("extracted.extractor", "extracted.extractor_version", _FAILURE, "extracted.format")


class Extraction:
    """Takes the metadata of files in the blob store."""

    def __init__(self, blobs: BlobStore, limits: Limits) -> None:
        self._blobs = blobs
        self._limits = limits
        self._places = BoundedSemaphore(AT_ONCE)

    def take(self, facts: FileFacts, declared: Mapping[str, Value], others: int) -> dict[str, Value]:
        """The fields `extracted.*` of a stored file; `others`: how many fields the entry has besides.

        Keys for DKIM come with the message, as `metadata.dkim_keys`. Whatever a file does, fields come back.
        """
        keys = declared.get("declared.dkim_keys")
        given = {str(name): str(key) for name, key in keys.items()} if isinstance(keys, dict) else {}
        with self._places, self._blobs.local(facts.sha256) as path:
            taken = self._read(path, facts, given)
        room = self._limits.entry_fields - others - FIELDS_LEFT
        if len(taken) > room:
            kept = {name: taken.get(name) for name in _ALWAYS}
            kept[_FAILURE] = _joined(kept[_FAILURE], f"{len(taken)} fields were found, {max(room, 0)} have room")
            return kept if len(kept) <= self._limits.entry_fields - others else {}
        return taken

    @staticmethod
    def _read(path: Path, facts: FileFacts, keys: Mapping[str, str]) -> dict[str, Value]:
        found: dict[str, Value] = {**extract(path, facts.media_type, facts.name, dkim_keys=keys).fields}
        lost = [name for name, value in found.items() if not _fits(name, value)]
        for name in lost:
            found[name] = None
        if lost:
            found[_FAILURE] = _joined(found.get(_FAILURE), f"{len(lost)} values are too large to commit")
        return found


def _fits(name: str, value: Value) -> bool:
    """Whether a field can be committed. The extractors bound what they answer; a fault of theirs must not be fatal."""
    try:
        check_name(name)
        return len(serialise(value, max_depth=VALUE_DEPTH)) <= VALUE_BYTES
    except LedgerError:
        return False


def _joined(failure: Value, more: str) -> str:
    return more if not isinstance(failure, str) else f"{failure}; {more}"
