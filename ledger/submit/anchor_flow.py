"""A submission from its bytes to its receipt: check, keep the file, commit, prove."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.commit.prepared import Prepared
from ledger.commit.sequencer import Sequencer
from ledger.entry.leaf import parse_leaf
from ledger.entry.receipt_number import format_number
from ledger.errors import ConflictError, CorruptError, ErasedError, NotFoundError
from ledger.store.contracts import EntryRow, LogStore, OpeningRow
from ledger.submit.acts import Projector
from ledger.submit.anchoring import Submission, access_code, check_key, prepare_evidence, prepare_lines, replay_key
from ledger.submit.draft import FileFacts
from ledger.submit.intake import Intake, Receiving, facts_without_file
from ledger.submit.limits import Limits
from ledger.submit.statement import Statement, parse_statement


@dataclass(frozen=True, slots=True)
class Anchored:
    """The answer to a submission. `receipt`: the receipt's exact bytes; `access`: the code for the other side."""

    number: str
    case: str
    index: int
    time: str
    access: str
    receipt: bytes
    replayed: bool


class AnchorFlow:
    """Anchors evidence for accounts whose right to do so was checked before.

    `make_receipt(row, opening, with_timestamps)` gives the submitter's receipt; a fresh entry has no timestamps yet.
    `access(index, secret)` gives the evidence's access code as it is now.
    """

    def __init__(
        self,
        store: LogStore,
        sequencer: Sequencer,
        intake: Intake,
        limits: Limits,
        make_receipt: Callable[[EntryRow, OpeningRow, bool], bytes],
        project: Projector,
        access: Callable[[int, bytes], str],
    ) -> None:
        self._store = store
        self._sequencer = sequencer
        self._intake = intake
        self._limits = limits
        self._make_receipt = make_receipt
        self._project = project
        self._access = access

    def receive(self, declared_size: int | None) -> Receiving:
        """A file on its way in. Left without `anchor`, it leaves nothing."""
        return self._intake.receive(declared_size)

    def anchor(
        self, account: str, case: str, statement: bytes, upload: Receiving | None, name: str | None, key: str | None
    ) -> Anchored:
        """Anchor a file sent under `name`, or without `upload` the digests in the statement.

        Raises MalformedError, LimitError, UnacceptableError, ConflictError, UnavailableError; nothing is stored then.
        """
        check_key(key)
        parsed = parse_statement(statement, self._limits)
        if upload is None:
            return self._anchor(Submission(account, case, parsed, facts_without_file(parsed), stored=False), key)
        self._refuse_other_content(account, case, parsed, upload, name, key)
        with upload.holding():
            # A crash after this leaves a blob without an entry: never the other way round.
            facts = upload.keep(parsed, file_name=name).facts
            return self._anchor(Submission(account, case, parsed, facts, stored=True), key)

    def anchor_lines(self, account: str, case: str, lines: Sequence[bytes], key: str | None) -> list[Anchored]:
        """Anchor hash-only statements, all or none. Errors name the line."""
        check_key(key)
        return self._append(prepare_lines(account, case, list(lines), key, self._limits, self._project))

    def _anchor(self, submission: Submission, key: str | None) -> Anchored:
        return self._append([prepare_evidence(submission, key, self._limits, self._project)])[0]

    def _append(self, prepared: list[Prepared]) -> list[Anchored]:
        placed = self._sequencer.append(prepared)
        rows = []
        for each, place in zip(prepared, placed, strict=True):
            if place.replayed:
                rows.append(self._read_back(place.index))
            else:
                row = EntryRow(place.index, each.chain, place.seq, each.kind, place.leaf)
                rows.append((row, OpeningRow(place.index, each.secret, each.fields)))
        return [self._answer(row, opening, place.replayed) for (row, opening), place in zip(rows, placed, strict=True)]

    def _answer(self, row: EntryRow, opening: OpeningRow, replayed: bool) -> Anchored:
        number, time = format_number(row.index), parse_leaf(row.leaf).time
        if opening.secret is None:
            raise ErasedError("repeat a submission: what it committed has been erased", "Idempotency-Key", number)
        receipt = self._make_receipt(row, opening, replayed)
        code = self._access(row.index, opening.secret) if replayed else access_code(opening.secret)
        return Anchored(number, row.chain, row.index, time, code, receipt, replayed)

    def _read_back(self, index: int) -> tuple[EntryRow, OpeningRow]:
        row = self._store.entry(index)
        opening = self._store.openings([index]).get(index)
        if row is None:
            raise CorruptError(f"read entry {index}: it is missing")
        if opening is None:
            raise NotFoundError(f"read entry {index}: its openings are not here")
        return row, opening

    def _refuse_other_content(
        self, account: str, case: str, statement: Statement, upload: Receiving, name: str | None, key: str | None
    ) -> None:
        """A key used before, with other content, is refused before the file is kept. The transaction checks again."""
        known = None if key is None else self._store.replay(account, key)
        if known is None:
            return
        measured = upload.measure()
        facts = FileFacts(name or statement.name or "", measured.size, measured.sha256, measured.sha512, "")
        request = replay_key(Submission(account, case, statement, facts, stored=True), key)
        _, opening = self._read_back(known.index)
        if opening.secret is None:
            number = format_number(known.index)
            raise ErasedError("repeat a submission: what it committed has been erased", "Idempotency-Key", number)
        if request is None or not hmac.compare_digest(request.mac(opening.secret), known.mac):
            raise ConflictError("repeat a submission: this key was used before, with other content", "Idempotency-Key")
