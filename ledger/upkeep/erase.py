"""Carry out an erasure that was ordered: what is left cannot be opened, and all else still verifies.

    1  `opening.erased` is committed; from here on nobody is shown what it names
    2  the file's bytes go, unless another entry that lives has the same; where a retention lock of the store of blobs
       is on them, they go out of sight now, and the store deletes them when it ends (ledger.blobs.contract, `tend`)
    3  one transaction puts the surviving openings, and every field hash, in the place of secret and values; with them
       go digest and size in the table of evidence, links, and the code that a repeated submission is compared by
    4  the database's own files are scrubbed (ledger.store.postgres_scrub); all erasures that wait share one scrub
    5  the erasure is marked as done

The surviving openings are written in the transaction that destroys the secret: there is no moment at which either is
missing. A crash anywhere leaves an erasure that is recorded and not marked: it is carried out again, from step 2. So
does a scrub that cannot be seen through, for want of a right or because somebody reads: it is tried again each minute,
and whoever ordered the erasure is told.

What this cannot reach: receipts and bundles that people hold, backups made before, archives of PostgreSQL's
write-ahead log, and blocks that a disk keeps of its own accord.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ledger.blobs.contract import BlobStore, Retained
from ledger.casework.desk import Desk
from ledger.casework.people import Actor
from ledger.casework.projection import project
from ledger.casework.sight import FILE
from ledger.entry.held import format_kept, read_held
from ledger.entry.leaf import format_time
from ledger.entry.receipt_number import format_number
from ledger.errors import CorruptError, LedgerError
from ledger.store.case_contracts import CaseStore
from ledger.store.case_rows import ErasureRow, LinkRow
from ledger.store.contracts import LogWriter
from ledger.store.log_rows import EvidenceRow, OpeningRow

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Erased:
    """An erasure: the number of its act, that of the evidence, and what it took away (`file`: the bytes).

    `unfinished`: why the database's own files, or the store of blobs, may still hold old bytes, and who must do what
    about it; None: they do not.
    """

    erasure: str
    number: str
    fields: tuple[str, ...]
    unfinished: str | None = None


class Erasing:
    """Records and carries out erasures."""

    def __init__(self, store: CaseStore, blobs: BlobStore, desk: Desk) -> None:
        self._store = store
        self._blobs = blobs
        self._desk = desk

    def erase(self, actor: Actor, number: str, fields: Sequence[str] | Literal["all"], order: str) -> Erased:
        """Record an erasure and carry it out.

        Raises ForbiddenError, NotFoundError, ConflictError and UnacceptableError before anything is recorded. What is
        raised afterwards leaves a recorded erasure, which is carried out later. A scrub that could not be seen through
        raises nothing: what was ordered is done as far as anybody can ask, and `unfinished` says what is left.
        """
        index = self._desk.order_erasure(actor, number, fields, order)
        erasure = next(each for each in self._store.unfinished_erasures() if each.index == index)
        reasons = (self._carry_out(erasure), self._finish([erasure]))
        return Erased(
            format_number(index), number, erasure.names, "; ".join(each for each in reasons if each is not None) or None
        )

    def finish_all(self) -> int:
        """Carry out what was recorded and cut short. Returns how many erasures stay unfinished; they are logged."""
        left, carried_out = 0, []
        for erasure in self._store.unfinished_erasures():
            try:
                self._carry_out(erasure)
                carried_out.append(erasure)
            except LedgerError as error:
                left += 1
                _log.error("an erasure could not be carried out, it is tried again: entry %d: %s", erasure.entry, error)
        return left if self._finish(carried_out) is None else left + len(carried_out)

    def _finish(self, erasures: Sequence[ErasureRow]) -> str | None:
        """Steps 4 and 5. Returns what is left to do."""
        if not erasures:
            return None
        try:
            self._store.finish_erasures([each.index for each in erasures])
        except LedgerError as error:
            entries = ", ".join(str(each.entry) for each in erasures)
            _log.error("old bytes of what was erased may remain, it is tried again: entries %s: %s", entries, error)
            return error.what
        return None

    def _carry_out(self, erasure: ErasureRow) -> str | None:
        """Steps 2 and 3. Harmless to repeat. Returns what keeps the file's bytes from being deleted, if anything does:
        the store remembers that, and the erasure waits for it no longer.
        """
        retained = None
        row = self._store.evidence(erasure.entry)
        if row is None:
            raise CorruptError(f"erase entry {erasure.entry}: it has no row in the table of evidence")
        if FILE in erasure.names and row.sha256 is not None:
            digest = row.sha256
            if self._blobs.remove_unless(digest, lambda: self._store.stored_like(digest)):
                retained = _retained(self._blobs.retained(digest))
        with self._store.writing() as writer:
            writer.lock_head()
            self._destroy(writer, erasure.entry)
        return retained

    def _destroy(self, writer: LogWriter, index: int) -> None:
        opening, row = writer.opening(index), self._store.evidence(index)
        if opening is None or row is None:
            raise CorruptError(f"erase entry {index}: its openings are missing")
        erased = {name for each in self._store.erasures([index]) for name in each.names}
        try:
            held = read_held(opening.secret, opening.fields, opening.kept)
        except LedgerError as error:
            raise CorruptError(f"erase entry {index}: {error.what}") from error
        if opening.secret is None and not erased & held.fields.keys():
            return  # it was cut short after this step
        fields, kept = format_kept(held, erased)
        left = OpeningRow(index, None, fields, kept)
        survivors = {name: value for name, value in held.fields.items() if name not in erased}
        rows = project(index, row.chain, "evidence.anchored", survivors)
        evidence = next(each for each in rows if isinstance(each, EvidenceRow))
        stored = evidence.stored and row.stored
        links = [each for each in rows if isinstance(each, LinkRow)]
        columns = EvidenceRow(index, row.chain, evidence.account, evidence.sha256, evidence.size, stored)
        writer.erase(left, columns, links)


def _retained(found: Sequence[Retained]) -> str | None:
    if not found:
        return None
    until = found[0].until
    end = "a legal hold on them ends" if until is None else f"their retention ends on {format_time(until)[:10]}"
    return f"the file's bytes stay in the store of blobs, where nobody is given them, and are deleted once {end}"
