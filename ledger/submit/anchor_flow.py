"""A submission from its bytes to its receipt: check, keep the file, commit, prove."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ledger.commit.batch import Sequenced, StaleError
from ledger.commit.prepared import Prepared
from ledger.commit.sequencer import Sequencer
from ledger.entry.canonical_json import Value, parse, parse_own
from ledger.entry.leaf import parse_leaf
from ledger.entry.receipt_frame import fill_frame
from ledger.entry.receipt_number import format_number, parse_number
from ledger.errors import ConflictError, CorruptError, ErasedError, NotFoundError
from ledger.merkle.hashing import hash_leaf
from ledger.store.contracts import LogStore
from ledger.store.log_rows import EntryRow, OpeningRow
from ledger.submit.acts import DECISIONS, Projector
from ledger.submit.anchoring import Submission, check_key, draft_submission, prepare_draft, replay_key
from ledger.submit.batch_lines import Batch, Line, make_line, prepare_lines
from ledger.submit.cores import Cores
from ledger.submit.draft import EVIDENCE_ANCHORED, FileFacts
from ledger.submit.errors import UnacceptableError
from ledger.submit.extraction import Extraction
from ledger.submit.intake import Intake, Receiving, facts_without_file
from ledger.submit.kinds import Missing, missing
from ledger.submit.limits import Limits
from ledger.submit.questions import questions
from ledger.submit.relations import Resolver
from ledger.submit.statement import Statement, parse_statement

Allowed: TypeAlias = Callable[[], int]
"""Checks the right to anchor in the case, now, and gives the number of acts that it was checked on. Raises
NotFoundError or ForbiddenError: a member who is removed while his file arrives is refused.
"""


MakeReceipts = Callable[[Sequence[tuple[EntryRow, OpeningRow]]], list[bytes]]


@dataclass(frozen=True, slots=True)
class Anchored:
    """The answer to a submission. `receipt`: the receipt's exact bytes; `access`: the code for the other side.

    `missing`: what courts ask of such evidence and it does not say; `questions`: what does not fit together.
    """

    number: str
    case: str
    index: int
    time: str
    access: str
    receipt: bytes
    replayed: bool
    missing: tuple[Missing, ...] = ()
    questions: tuple[str, ...] = ()


class AnchorFlow:
    """Anchors evidence for accounts whose right to do so `allowed` checks.

    `make_receipts` gives the submitter's receipts of entries that were there before, with their timestamps; a fresh
    entry has none yet, and its receipt needs nothing but its frame and its proof. `access(index, secret)` gives the
    evidence's access code as it is now. `extraction`: takes files' own metadata; None where the operator switched it
    off. `cores`: prepare large batches.
    """

    def __init__(
        self,
        store: LogStore,
        sequencer: Sequencer,
        intake: Intake,
        limits: Limits,
        make_receipts: MakeReceipts,
        project: Projector,
        access: Callable[[int, bytes], str],
        extraction: Extraction | None,
        cores: Cores,
    ) -> None:
        self._store = store
        self._sequencer = sequencer
        self._intake = intake
        self._limits = limits
        self._make_receipts = make_receipts
        self._project = project
        self._access = access
        self._extraction = extraction
        self._cores = cores

    def receive(self, declared_size: int | None) -> Receiving:
        """A file on its way in. Left without `anchor`, it leaves nothing."""
        return self._intake.receive(declared_size)

    def anchor(
        self,
        account: str,
        case: str,
        statement: bytes,
        upload: Receiving | None,
        name: str | None,
        key: str | None,
        allowed: Allowed,
        acts: int,
    ) -> Anchored:
        """Anchor a file sent under `name`, or without `upload` the digests in the statement.

        `acts`: what `allowed` gave lately. Raises MalformedError, LimitError, UnacceptableError, ConflictError,
        UnavailableError; nothing is stored then.
        """
        check_key(key)
        parsed = parse_statement(statement, self._limits)
        resolve = self._resolver(case)
        if upload is None:
            submission = Submission(account, case, parsed, facts_without_file(parsed), stored=False)
            return self._append([self._line(submission, key, resolve)], acts, allowed)[0]
        known = self._refuse_other_content(account, case, parsed, upload, name, key)
        with upload.holding():
            # A crash after this leaves a blob without an entry: never the other way round.
            facts = upload.keep(parsed, file_name=name).facts
            taken = {} if known else self._take(facts, parsed)
            submission = Submission(account, case, parsed, facts, stored=True, taken=taken)
            return self._append([self._line(submission, key, resolve)], acts, allowed)[0]

    def anchor_lines(
        self, account: str, case: str, lines: Sequence[bytes], key: str | None, allowed: Allowed
    ) -> list[Anchored]:
        """Anchor hash-only statements, all or none. Errors name the line."""
        check_key(key)
        acts, resolve = allowed(), self._resolver(case)
        batch = Batch(account, case, key, self._limits, self._project)
        return self._append(prepare_lines(batch, lines, resolve, self._cores), acts, allowed)

    def _line(self, submission: Submission, key: str | None, resolve: Resolver) -> Line:
        draft = draft_submission(submission, self._limits, resolve)
        return make_line(prepare_draft(submission, draft, key, self._project), draft.fields)

    def _take(self, facts: FileFacts, statement: Statement) -> Mapping[str, Value]:
        if self._extraction is None:
            return {}
        declared = statement.fields()
        return self._extraction.take(facts, declared, len(declared) + len(statement.relations))

    def _resolver(self, case: str) -> Resolver:
        """Finds what a statement's links name: evidence of the same case, or for `answers` a demand in it."""

        def resolve(relation: str, number: str, place: str) -> str:
            row = self._store.entry(parse_number(number))
            kind = "metadata.demanded" if relation == "answers" else EVIDENCE_ANCHORED
            # One answer for what is not here, is another case's, or is of another kind: nothing is told.
            if row is None or row.chain != case or row.kind != kind:
                what = "a demand" if relation == "answers" else "evidence"
                raise UnacceptableError(f"linking evidence: expected {what} of this case, {number} is none", place)
            return hash_leaf(row.leaf).hex()

        return resolve

    def _append(self, lines: Sequence[Line], acts: int, allowed: Allowed) -> list[Anchored]:
        placed = self._place([line.prepared for line in lines], acts, allowed)
        before = iter(self._repeated([place.index for place in placed if place.replayed]))
        return [
            next(before) if place.replayed else _answer(line, place) for line, place in zip(lines, placed, strict=True)
        ]

    def _place(self, prepared: list[Prepared], acts: int, allowed: Allowed) -> list[Sequenced]:
        """Append, unless somebody acted in the case since the right to do so was checked: then it is checked again."""
        for _ in range(DECISIONS):
            first = prepared[0]._replace(expected_acts=acts)
            try:
                return self._sequencer.append([first, *prepared[1:]])
            except StaleError:
                acts = allowed()
        raise ConflictError("anchor evidence: the case keeps changing; try again")

    def _repeated(self, indexes: Sequence[int]) -> list[Anchored]:
        """The answers to what was answered before, as they are now."""
        if not indexes:
            return []
        standing = [self._read_back(index) for index in indexes]
        for row, opening in standing:
            if opening.secret is None:
                raise _erased(row.index)
        receipts = self._make_receipts(standing)
        return [self._answer_again(*each, receipt) for each, receipt in zip(standing, receipts, strict=True)]

    def _answer_again(self, row: EntryRow, opening: OpeningRow, receipt: bytes) -> Anchored:
        time, fields = parse_leaf(row.leaf).time, parse(opening.fields, where="openings")
        said = fields if isinstance(fields, dict) else {}
        return Anchored(
            format_number(row.index),
            row.chain,
            row.index,
            time,
            self._access(row.index, opening.secret or b""),
            receipt,
            True,
            missing(said),
            questions(said, time),
        )

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
    ) -> bool:
        """A key used before, with other content, is refused before the file is kept. The transaction checks again.

        Returns whether it was used before.
        """
        known = None if key is None else self._store.replay(account, key)
        if known is None:
            return False
        measured = upload.measure()
        facts = FileFacts(name or statement.name or "", measured.size, measured.sha256, measured.sha512, "")
        request = replay_key(Submission(account, case, statement, facts, stored=True), key)
        _, opening = self._read_back(known.index)
        if opening.secret is None:
            raise _erased(known.index)
        if request is None or not hmac.compare_digest(request.mac(opening.secret), known.mac):
            raise ConflictError("repeat a submission: this key was used before, with other content", "Idempotency-Key")
        return True


def _erased(index: int) -> ErasedError:
    what = "repeat a submission: what it committed has been erased"
    return ErasedError(what, "Idempotency-Key", format_number(index))


def _answer(line: Line, place: Sequenced) -> Anchored:
    """The answer to a submission whose entry is new: its fields are looked at again only where they leave something to
    ask that depends on the entry's time.
    """
    said = parse_own(line.prepared.fields) if line.asks else {}
    return Anchored(
        format_number(place.index),
        line.prepared.chain,
        place.index,
        place.time,
        line.access,
        _first_receipt(line, place),
        False,
        line.missing,
        questions(said, place.time) if isinstance(said, dict) else (),
    )


def _first_receipt(line: Line, place: Sequenced) -> bytes:
    """What the submitter's receipt read back from the store would be. No timestamp can cover the entry yet."""
    commitment = line.prepared.commitment
    if commitment is None or b'"root":"%b"' % commitment.root.hex().encode("ascii") not in place.leaf:
        raise CorruptError(f"open entry {place.index}: its fields do not give the leaf's commitment")
    if place.proofs is None:
        raise CorruptError(f"prove entry {place.index}: expected an entry just appended")
    return fill_frame(line.frame, place.index, place.leaf, place.proofs.text(place.index))
