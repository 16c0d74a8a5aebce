"""What a member carries away: receipts, files, bundles. Each holds what this member may see, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ledger.blobs.contract import BlobStore
from ledger.casework.people import Actor
from ledger.casework.queries import CaseQueries, SeenEntry
from ledger.entry.receipt_number import format_number
from ledger.errors import CorruptError, ForbiddenError, NotFoundError
from ledger.prove.bundle import BundleParts, BundleStream, EvidenceFile, write_bundle
from ledger.prove.parts import PartsBuilder
from ledger.prove.receipt_builder import build_receipt

CASE_BUNDLE_ENTRIES = 10_000
"""Entries of a case that one bundle takes: with some ten members each, the most that a bundle's 100,000 hold."""


@dataclass(frozen=True, slots=True)
class FileView:
    """A file for download; the caller closes `stream`. `name` as committed, `size` in bytes."""

    stream: BinaryIO
    size: int
    name: str
    media_type: str


class Handout:
    """Builds what leaves. `trust`: the operator's own copy of the trust folder; `certs`: authorities' intermediates."""

    def __init__(
        self,
        queries: CaseQueries,
        parts: PartsBuilder,
        blobs: BlobStore,
        trust: Callable[[], Mapping[str, bytes]],
        certs: Sequence[str] = (),
    ) -> None:
        self._queries = queries
        self._parts = parts
        self._blobs = blobs
        self._trust = trust
        self._certs = tuple(certs)

    def receipt(self, actor: Actor, number: str) -> bytes:
        """The receipt as it stands now: with the secret for the submitter, without it for the court."""
        seen = self._queries.seen(actor, number)
        mine = actor.name == seen.submitter.account
        if not mine and seen.viewer.role != "court":
            raise ForbiddenError("get a receipt: only who submitted the evidence, and the case's court, may")
        return build_receipt(
            self._parts, seen.row, seen.opening, to_submitter=mine, opened=seen.open, certs=self._certs
        )

    def file(self, actor: Actor, number: str) -> FileView:
        """The evidence file. Raises ForbiddenError for members who may not, NotFoundError where we do not hold it."""
        seen = self._queries.seen(actor, number)
        if seen.evidence is None or not seen.evidence.stored:
            raise NotFoundError("get a file: only its digests were submitted; its owner keeps it", "file")
        if not seen.file_visible:
            raise ForbiddenError("get a file: until it is disclosed or ordered, the submitter's side and the court may")
        stream = self._blobs.open(seen.evidence.sha256)
        media_type = seen.fields.get("file.media_type")
        return FileView(stream, seen.evidence.size, str(seen.fields.get("file.name")), str(media_type))

    def bundle(self, actor: Actor, number: str, with_file: bool) -> BundleStream:
        """The bundle of one entry, with what this member may see. Without the file where the member may not have it."""
        seen = self._queries.seen(actor, number)
        return self._bundle(format_number(seen.row.index), None, [seen], with_file)

    def case_bundle(self, actor: Actor, case: str, with_files: bool) -> BundleStream:
        """The bundle of a whole case. Raises ForbiddenError where the case is too long for one bundle."""
        seen = self._queries.seen_chain(actor, case, 0, CASE_BUNDLE_ENTRIES + 1)
        if len(seen) > CASE_BUNDLE_ENTRIES:
            raise ForbiddenError(f"bundle a case: at most {CASE_BUNDLE_ENTRIES} entries fit into one bundle")
        if not seen or [each.row.seq for each in seen] != list(range(len(seen))):
            raise CorruptError("bundle a case: its chain has a gap", case)
        return self._bundle(None, case, seen, with_files)

    def _bundle(
        self, number: str | None, case: str | None, seen: Sequence[SeenEntry], with_files: bool
    ) -> BundleStream:
        head = self._parts.head_covering(seen[-1].row.index)
        subjects = [self._parts.entry(each.row, each.opening, head, each.open) for each in seen]
        timestamps = self._parts.timestamps([each.row.index for each in seen], head)
        recorded = self._parts.recorded_entries(timestamps, head)
        files = [
            EvidenceFile(each.row.index, str(each.fields.get("file.name")), each.evidence.sha256)
            for each in seen
            if with_files and each.file_visible and each.evidence is not None
        ]
        entries = [*subjects, *recorded]
        parts = BundleParts(number, case, entries, timestamps, self._certs, files, self._trust())
        return write_bundle(parts, self._blobs)
