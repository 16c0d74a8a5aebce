"""A batch of hash-only statements, one a line: each checked before any is stored, large batches on all cores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from ledger.commit.prepared import Packed, Prepared, pack, unpack
from ledger.errors import LedgerError, LimitError
from ledger.submit.acts import Projector
from ledger.submit.anchoring import Submission, line_key, prepare_evidence
from ledger.submit.cores import Cores
from ledger.submit.errors import UnacceptableError
from ledger.submit.intake import facts_without_file
from ledger.submit.limits import Limits
from ledger.submit.relations import Resolver
from ledger.submit.statement import parse_statement

CORES_LINES: Final = 200
"""Lines from which on a batch is cut into pieces for the cores: some ten milliseconds of work, against one or two for
the way there and back.
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What all lines of a batch have in common. `project` is a module's own function: other processes import it."""

    account: str
    chain: str
    key: str | None
    limits: Limits
    project: Projector


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive lines of a batch; the first has number `first`, counted from 1."""

    batch: Batch
    first: int
    lines: Sequence[bytes]


class _LinkedError(Exception):
    """A line links other entries, and only who has the database can say whether they are there."""


def prepare_lines(batch: Batch, lines: Sequence[bytes], resolve: Resolver, cores: Cores) -> list[Prepared]:
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
    size = -(-len(lines) // cores.count)
    pieces = [Piece(batch, at + 1, lines[at : at + size]) for at in range(0, len(lines), size)]
    prepared = []
    made = (each for piece in cores.map(prepare_piece, pieces) for each in piece)
    for number, (line, each) in enumerate(zip(lines, made, strict=True), 1):
        if isinstance(each, LedgerError):
            raise each
        prepared.append(_prepare_line(batch, number, line, resolve) if each is None else unpack(each))
    return prepared


def prepare_piece(piece: Piece) -> list[Packed | LedgerError | None]:
    """What comes of each line: an entry, what is wrong with it, or None for a line whose links must be looked up."""
    made: list[Packed | LedgerError | None] = []
    for number, line in enumerate(piece.lines, piece.first):
        try:
            made.append(pack(_prepare_line(piece.batch, number, line, _refuse_links)))
        except _LinkedError:
            made.append(None)
        except LedgerError as error:
            made.append(error)
    return made


def _refuse_links(relation: str, number: str, place: str) -> NoReturn:
    raise _LinkedError


def _prepare_line(batch: Batch, number: int, line: bytes, resolve: Resolver) -> Prepared:
    where = f"line {number}"
    statement = parse_statement(line, batch.limits, where=where)
    facts = facts_without_file(statement, where=where)
    submission = Submission(batch.account, batch.chain, statement, facts, stored=False)
    try:
        return prepare_evidence(submission, line_key(batch.key, number), batch.limits, batch.project, resolve, where)
    except UnacceptableError as error:
        place = error.where or ""
        raise UnacceptableError(error.what, place if place.startswith(where) else f"{where}: {place}") from error
