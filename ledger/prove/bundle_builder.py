"""Gather a bundle's parts under one signed head and write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger.blobs.contract import BlobStore
from ledger.entry.receipt_number import format_number
from ledger.prove.bundle import BundleParts, BundleStream, EvidenceFile, write_bundle
from ledger.prove.parts import PartsBuilder
from ledger.store.log_rows import EntryRow, OpeningRow


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """An entry with fields, and the names that this reader may see open."""

    row: EntryRow
    opening: OpeningRow
    open: frozenset[str]


class BundleBuilder:
    """`trust`: the operator's own copy of the trust folder; `certs`: PEM of authorities' intermediates."""

    def __init__(
        self,
        parts: PartsBuilder,
        blobs: BlobStore,
        trust: Callable[[], Mapping[str, bytes]],
        certs: Sequence[str] = (),
    ) -> None:
        self._parts = parts
        self._blobs = blobs
        self._trust = trust
        self._certs = tuple(certs)

    def entry(self, entry: ShownEntry, files: Sequence[EvidenceFile], acts: Sequence[ShownEntry] = ()) -> BundleStream:
        """The bundle of one entry, with the acts on it, ascending: those whose `relation.entry` is its index."""
        return self._build(format_number(entry.row.index), None, [entry], files, acts)

    def case(self, chain: str, entries: Sequence[ShownEntry], files: Sequence[EvidenceFile]) -> BundleStream:
        """The bundle of a whole case: all entries of its chain, ascending."""
        return self._build(None, chain, entries, files)

    def _build(
        self,
        number: str | None,
        case: str | None,
        shown: Sequence[ShownEntry],
        files: Sequence[EvidenceFile],
        acts: Sequence[ShownEntry] = (),
    ) -> BundleStream:
        head = self._parts.head_covering([*shown, *acts][-1].row.index)
        subjects = [self._parts.entry(each.row, each.opening, head, each.open) for each in (*shown, *acts)]
        timestamps = self._parts.timestamps([each.row.index for each in shown], head)
        recorded = self._parts.recorded_entries(timestamps, head)
        parts = BundleParts(number, case, [*subjects, *recorded], timestamps, self._certs, files, self._trust())
        return write_bundle(parts, self._blobs)
