"""What a member may carry away: receipts, files, bundles. Decided here; built in ledger.prove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ledger.blobs.contract import BlobStore
from ledger.casework.people import Actor
from ledger.casework.reading import CaseReader, SeenEntry
from ledger.errors import CorruptError, ErasedError, ForbiddenError, NotFoundError
from ledger.submit.draft import RECEIVED_FIELD

CASE_BUNDLE_ENTRIES = 10_000
"""Entries of a case that one bundle is tried with: with ten members each, the most that a bundle's 100,000 hold."""

ENTRY_BUNDLE_ACTS = 1_000
"""Acts on a piece of evidence that go into its bundle; which ones, where there are more, says CaseReader.seen_acts."""


@dataclass(frozen=True, slots=True)
class FileView:
    """A file for download; the caller closes `stream`. `name` as committed, `size` in bytes."""

    stream: BinaryIO
    size: int
    name: str
    media_type: str


class Handout:
    """Says what this member may have of an entry or a case. Raises NotFoundError to everybody else."""

    def __init__(self, reader: CaseReader, blobs: BlobStore) -> None:
        self._reader = reader
        self._blobs = blobs

    def receipt(self, actor: Actor, number: str) -> tuple[SeenEntry, bool]:
        """The entry, and whether the receipt is the submitter's, with the secret. The court's comes without it."""
        seen = self._reader.seen(actor, number)
        mine = actor.name == seen.submitter.account
        if not mine and seen.viewer.role != "court":
            raise ForbiddenError("get a receipt: only who submitted the evidence, and the case's court, may")
        return seen, mine

    def file(self, actor: Actor, number: str) -> FileView:
        """The evidence file. Raises ForbiddenError for members who may not, NotFoundError where we do not hold it."""
        seen = self._reader.seen(actor, number)
        evidence = seen.evidence
        if evidence is None or not evidence.stored or evidence.sha256 is None or evidence.size is None:
            if seen.fields.get(RECEIVED_FIELD) is True or RECEIVED_FIELD in seen.erased:
                raise ErasedError("get a file: it was erased on an order", "file", number)
            raise NotFoundError("get a file: only its digests were submitted; its owner keeps it", "file")
        if not seen.file_visible:
            raise ForbiddenError("get a file: until it is disclosed or ordered, the submitter's side and the court may")
        stream = self._blobs.open(evidence.sha256)
        media_type = seen.fields.get("file.media_type")
        return FileView(stream, evidence.size, str(seen.fields.get("file.name")), str(media_type))

    def entry(self, actor: Actor, number: str) -> tuple[SeenEntry, Sequence[SeenEntry]]:
        """The entry for a bundle of its own, and the acts on it, which go with it; who read it is its case's matter."""
        seen = self._reader.seen(actor, number)
        return seen, self._reader.seen_acts(actor, seen, ENTRY_BUNDLE_ACTS, without="evidence.read")

    def case(self, actor: Actor, case: str) -> Sequence[SeenEntry]:
        """All entries of the case, ascending. Raises ForbiddenError where they are too many for one bundle."""
        seen = self._reader.seen_chain(actor, case, 0, CASE_BUNDLE_ENTRIES + 1)
        if len(seen) > CASE_BUNDLE_ENTRIES:
            raise ForbiddenError(f"bundle a case: at most {CASE_BUNDLE_ENTRIES} entries fit into one bundle")
        if not seen or [each.row.seq for each in seen] != list(range(len(seen))):
            raise CorruptError("bundle a case: its chain has a gap", case)
        return seen
