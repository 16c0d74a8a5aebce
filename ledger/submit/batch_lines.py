"""A batch of hash-only statements, one a line: each checked before any is stored, large batches on all cores."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

from ledger.commit.prepared import Prepared, RowKind, pack, unpack
from ledger.entry.canonical_json import Value
from ledger.entry.receipt_frame import ReceiptFrame, frame_receipt
from ledger.errors import LedgerError, LimitError
from ledger.submit.acts import Projector
from ledger.submit.anchoring import Submission, access_code, draft_submission, line_key, prepare_draft
from ledger.submit.cores import Cores
from ledger.submit.draft import EVIDENCE_ANCHORED
from ledger.submit.errors import UnacceptableError
from ledger.submit.intake import facts_without_file
from ledger.submit.kinds import Missing, missing
from ledger.submit.limits import Limits
from ledger.submit.questions import may_ask
from ledger.submit.relations import Resolver
from ledger.submit.statement import parse_statement

CORES_LINES: Final = 64
"""Lines from which on a batch is cut into pieces for the cores: some milliseconds of work, against less than one for
the way there and back.
"""

_PIECE_LINES: Final = 1_000
"""Most lines of one piece: its answer, some 5 MB, is at once in memory here, there and on the way."""

MARSHAL_VERSION: Final = 2
"""Without references to what came before: nothing here repeats, and to look for it takes as long as the rest."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What all lines of a batch have in common. `project` is a module's own function: other processes import it."""

    account: str
    chain: str
    key: str | None
    limits: Limits
    project: Projector


class Line(NamedTuple):
    """An entry, and what its answer says but for its place: the code for the other side, what courts miss, whether
    there is something to ask, and the frame of its receipt.
    """

    prepared: Prepared
    access: str
    missing: tuple[Missing, ...]
    asks: bool
    frame: ReceiptFrame


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive lines of a batch; the first has number `first`, counted from 1."""

    batch: Batch
    first: int
    lines: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Made:
    """What comes of a piece, as it travels: `packed`, by `marshal`, the lines that make an entry, in order; `others`,
    by their place in the piece: what is wrong with it, or None for a line whose links must be looked up. `kinds`: of
    rows.
    """

    packed: bytes
    kinds: Sequence[RowKind]
    others: Mapping[int, LedgerError | None]


class _LinkedError(Exception):
    """A line links other entries, and only who has the database can say whether they are there."""


def prepare_lines(batch: Batch, lines: Sequence[bytes], resolve: Resolver, cores: Cores) -> list[Line]:
    """The entries of all lines.

    Raises the first bad line's error with `where` = "line N…"; LimitError for too many lines, UnacceptableError for
    none.
    """
    if not lines:
        raise UnacceptableError("read a batch: expected at least one line", "body")
    if len(lines) > batch.limits.batch_lines:
        raise LimitError(
            f"read a batch: expected at most {batch.limits.batch_lines} lines, got {len(lines)}",
            "body",
            batch.limits.batch_lines,
            len(lines),
        )
    if cores.count == 0 or len(lines) < CORES_LINES:
        return [_prepare_line(batch, number, line, resolve) for number, line in enumerate(lines, 1)]
    size = min(-(-len(lines) // cores.count), _PIECE_LINES)
    pieces = [Piece(batch, at + 1, lines[at : at + size]) for at in range(0, len(lines), size)]
    made = cores.map(prepare_piece, pieces)
    return [line for piece, each in zip(pieces, made, strict=True) for line in _unpack_piece(piece, each, resolve)]


def prepare_piece(piece: Piece) -> Made:
    """What comes of each line."""
    packed: list[tuple[Any, ...]] = []
    kinds: list[RowKind] = []
    others: dict[int, LedgerError | None] = {}
    for place, text in enumerate(piece.lines):
        try:
            line = _prepare_line(piece.batch, piece.first + place, text, _refuse_links)
        except _LinkedError:
            others[place] = None
        except LedgerError as error:
            others[place] = error
        else:
            told = [(each.name, each.reason) for each in line.missing]
            packed.append((pack(line.prepared, kinds), line.access, told, line.asks, tuple(line.frame)))
    return Made(marshal.dumps(packed, MARSHAL_VERSION), kinds, others)


def _unpack_piece(piece: Piece, made: Made, resolve: Resolver) -> Iterator[Line]:
    batch, kinds = piece.batch, made.kinds
    packed = iter(marshal.loads(made.packed))  # noqa: S302  (what our own process wrote)
    for place, text in enumerate(piece.lines):
        if place not in made.others:
            prepared, access, told, asks, frame = next(packed)
            yield Line(
                unpack(prepared, batch.chain, EVIDENCE_ANCHORED, batch.account, kinds),
                access,
                tuple([Missing(*each) for each in told]),
                asks,
                ReceiptFrame(*frame),
            )
            continue
        error = made.others[place]
        if error is not None:
            raise error
        yield _prepare_line(batch, piece.first + place, text, resolve)


def _refuse_links(relation: str, number: str, place: str) -> NoReturn:
    raise _LinkedError


def _prepare_line(batch: Batch, number: int, text: bytes, resolve: Resolver) -> Line:
    where = f"line {number}"
    statement = parse_statement(text, batch.limits, where=where)
    facts = facts_without_file(statement, where=where)
    submission = Submission(batch.account, batch.chain, statement, facts, stored=False)
    try:
        draft = draft_submission(submission, batch.limits, resolve, where)
    except UnacceptableError as error:
        place = error.where or ""
        raise UnacceptableError(error.what, place if place.startswith(where) else f"{where}: {place}") from error
    prepared = prepare_draft(submission, draft, line_key(batch.key, number), batch.project)
    return make_line(prepared, draft.fields)


def make_line(prepared: Prepared, fields: Mapping[str, Value]) -> Line:
    """From an entry that this process prepared, and its fields."""
    if prepared.committed is None:
        raise ValueError("make a line: expected an entry with its openings")
    return Line(
        prepared,
        access_code(prepared.secret),
        missing(fields),
        may_ask(fields),
        frame_receipt(prepared.committed, prepared.secret),
    )
