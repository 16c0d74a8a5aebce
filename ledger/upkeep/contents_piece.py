"""What the entries of one stretch hold: openings that give the commitments, tokens, and the rows made from both.

Rows that no later entry changes are compared here, within the stretch; those of cases go to ledger.upkeep.case_audit.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from ledger.casework.projection import project
from ledger.entry.canonical_json import Value
from ledger.entry.held import read_held
from ledger.entry.known_leaf import claimed_commitment
from ledger.entry.leaf import parse_leaf
from ledger.entry.quick_held import open_whole
from ledger.errors import LedgerError, UnavailableError
from ledger.merkle.open_tiles import OpenTiles
from ledger.note.checkpoint import Checkpoint, format_checkpoint
from ledger.store.audit_rows import AuditRows
from ledger.store.case_rows import ActRow, DisclosureRow, ErasureRow, LinkRow
from ledger.store.evidence_mark import mark_of
from ledger.store.log_rows import EvidenceRow, Projection
from ledger.upkeep.spill import sort_records
from ledger.upkeep.token_audit import RecordedToken, read_token

ROWS: Final = 1_024
"""Entries read at a time, with their openings: about a megabyte; at worst, with values of 64 KiB, a few hundred."""

DIGEST_SIZE: Final = 16
"""Bytes of a secret's keyed digest: among 10^10 of them two agree by chance once in 10^18."""

SECRET_RECORD: Final = DIGEST_SIZE + 8

_EVIDENCE: Final = "evidence.anchored"
_TIMESTAMP: Final = "timestamp.recorded"

# Tables whose rows stay as their entries made them, with the columns that follow from the entry.
_FIXED: Final[Mapping[type, tuple[str, tuple[str, ...]]]] = {
    ActRow: ("acts", ("idx", "chain", "kind", "entry", "subject")),
    DisclosureRow: ("disclosures", ("idx", "entry", "demand", "names")),
    ErasureRow: ("erasures", ("idx", "chain", "entry", "names")),
    LinkRow: ("links", ("idx", "relation", "target")),
}


@dataclass(frozen=True, slots=True)
class ContentsPiece:
    """Entries [start, end). `key`: of this run alone, under which secrets are digested; it is written nowhere.
    `origin`: the log's name.
    """

    start: int
    end: int
    key: bytes
    origin: str


@dataclass(slots=True)
class ContentsFound:
    """What came of a piece. `made`: rows that later entries may change, with the kinds of changes, in the log's order;
    `missing`: of entries, the names whose openings are gone; `files`: entries whose row says another thing of the file
    than they do, and whether they received it; `secrets`: keyed digests with indexes, by part.
    """

    findings: list[tuple[str, str]] = field(default_factory=list)
    made: list[Projection] = field(default_factory=list)
    missing: dict[int, tuple[str, ...]] = field(default_factory=dict)
    files: dict[int, bool] = field(default_factory=dict)
    secrets: dict[int, bytes] = field(default_factory=dict)


def check_contents(rows: AuditRows, piece: ContentsPiece) -> ContentsFound:
    """Check a piece. What cannot be read is a finding like any other."""
    walk = _ContentsWalk(rows, piece)
    try:
        walk.run()
    except UnavailableError as error:
        where = f"entries {piece.start} to {piece.end - 1}"
        walk.found.findings.append((where, f"what they hold cannot be read: {error.what}"))
    return walk.found


class _ContentsWalk:
    def __init__(self, rows: AuditRows, piece: ContentsPiece) -> None:
        self.found = ContentsFound()
        self._rows = rows
        self._piece = piece
        self._tree = rows.tree()
        self._secrets: list[bytes] = []
        self._fixed: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {}
        self._tokens: dict[int, RecordedToken] = {}

    def run(self) -> None:
        for start in range(self._piece.start, self._piece.end, ROWS):
            end = min(start + ROWS, self._piece.end)
            self._fixed = {table: {} for table, _ in _FIXED.values()}
            self._tokens = {}
            for row in self._rows.contents(start, end):
                for what in self._entry(row):
                    self.found.findings.append((f"entry {row[0]}", what))
            for table, columns in _FIXED.values():
                self._compare(table, columns, start, end)
            self._compare_tokens(start, end)
        self.found.secrets = sort_records(self._secrets)

    def _entry(self, row: tuple[Any, ...]) -> Iterator[str]:
        index, chain, kind, leaf, opening = row[:5]
        if not (isinstance(chain, bytes) and isinstance(kind, str)):
            return  # as below
        try:
            committed = claimed_commitment(leaf)
            if committed is None:
                parsed = parse_leaf(leaf)
                committed = None if parsed.fields is None else (parsed.fields.count, parsed.fields.root)
        except (LedgerError, TypeError):
            return  # the walk along the log says so
        if row[8] is not None and kind != _EVIDENCE:
            self._table("evidence", f"it has a row of entry {index} that the entries do not demand")
        if committed is None:
            if opening is not None:
                yield "it is public, and yet it has openings"
            if kind == _TIMESTAMP:
                yield from self._token(index, leaf)
        elif opening is None:
            yield "its openings are missing, and no erasure is recorded"
        else:
            fields = yield from self._openings(row, committed)
            if fields is not None:
                yield from self._project(index, chain.hex(), kind, fields, row)

    def _openings(
        self, row: tuple[Any, ...], committed: tuple[int, bytes]
    ) -> Generator[str, None, Mapping[str, Value] | None]:
        """Yields what is wrong; returns the fields where they are those that were committed."""
        index, (secret, fields, kept) = row[0], row[5:8]
        if kept is None and secret is not None:
            values = open_whole(secret, fields, *committed)
            if values is not None:
                self._secrets.append(self._digest(secret) + index.to_bytes(8, "big"))
                return values
        try:
            held = read_held(secret, fields, kept)
        except (LedgerError, TypeError, AttributeError) as error:
            yield f"its openings are malformed: {error}"
            return None
        if (held.commitment.count, held.commitment.root) != committed:
            yield "its openings do not give its commitment"
            return None
        if secret is not None:
            self._secrets.append(self._digest(secret) + index.to_bytes(8, "big"))
        if held.erased:
            self.found.missing[index] = held.erased
        return held.fields

    def _digest(self, secret: bytes) -> bytes:
        # Its records may go to a disk: whoever finds them there learns nothing without the key.
        return blake2b(secret, digest_size=DIGEST_SIZE, key=self._piece.key).digest()

    def _project(
        self, index: int, chain: str, kind: str, fields: Mapping[str, Value], row: tuple[Any, ...]
    ) -> Iterator[str]:
        try:
            made = project(index, chain, kind, fields)
        except LedgerError as error:
            yield f"its fields are not those of its kind: {error}"
            return
        for each in made:
            if isinstance(each, EvidenceRow):
                yield from self._evidence(each, row)
                continue
            if type(each) in _FIXED:
                values = _values(each)
                key = values if isinstance(each, LinkRow) else values[:1]
                self._fixed[_FIXED[type(each)][0]][key] = values
            if type(each) not in (ActRow, DisclosureRow, LinkRow):
                self.found.made.append(each)

    def _evidence(self, expected: EvidenceRow, row: tuple[Any, ...]) -> Iterator[str]:
        index, mark, account, sha256, size, stored = row[8:14]
        if index is None:
            yield "its row in the table of evidence is missing"
            return
        found = EvidenceRow(index, expected.chain, account, sha256, size, bool(stored))
        marked = mark == mark_of(expected.sha256, bytes.fromhex(expected.chain))
        if not marked or expected._replace(stored=found.stored) != found:
            yield "its row in the table of evidence says something else than its openings"
        elif expected.stored != found.stored:
            # The file may have been erased by an entry that was not read yet: asked once all were.
            self.found.files[expected.index] = expected.stored

    def _compare(self, table: str, columns: tuple[str, ...], start: int, end: int) -> None:
        expected = self._fixed[table]
        for row in self._rows.of_entries(table, columns, start, end):
            key = row if table == "links" else row[:1]
            demanded = expected.pop(key, None)
            if demanded is None:
                self._table(table, f"it has a row of entry {row[0]} that the entries do not demand")
            elif demanded != row:
                self._table(table, f"its row of entry {row[0]} says something else than the entries")
        for key in expected:
            self._table(table, f"its row of entry {key[0]} is missing")

    def _token(self, index: int, leaf: bytes) -> Iterator[str]:
        try:
            token = read_token(leaf)
        except LedgerError as error:
            yield error.what
            return
        self._tokens[index] = token
        # A token comes after what it stamps, and so does its entry.
        if not 0 < token.size <= index or self._text(token.size) != token.stamped:
            yield f"its token stamps a checkpoint of size {token.size} that is not this log's"

    def _text(self, size: int) -> str | None:
        """The text of the log's checkpoint of this size, whether or not its signed note is kept."""
        try:
            root = OpenTiles.load(size, self._tree.read).frontier.root()
        except UnavailableError:
            raise
        except (LedgerError, TypeError):
            return None  # whoever derives the tree says what is missing
        return format_checkpoint(Checkpoint(self._piece.origin, size, root))

    def _compare_tokens(self, start: int, end: int) -> None:
        stored = {row[0]: row for row in self._rows.of_entries("timestamps", ("idx", "size", "gen_time"), start, end)}
        for index, token in self._tokens.items():
            if stored.pop(index, None) != (index, token.size, token.gen_time_ms):
                what = "its row in the table of timestamps is missing, or says something else than its token"
                self.found.findings.append((f"entry {index}", what))
        for index in stored:
            self._table("timestamps", f"it has a row of entry {index} that the entries do not demand")

    def _table(self, table: str, what: str) -> None:
        self.found.findings.append((f"table {table}", what))


def _values(row: Projection) -> tuple[Any, ...]:
    """A row as its table holds it."""
    match row:
        case ActRow():
            return row.index, bytes.fromhex(row.chain), row.kind, row.entry, row.subject
        case DisclosureRow():
            return row.index, row.entry, row.demand, "\n".join(row.names)
        case ErasureRow():
            return row.index, bytes.fromhex(row.chain), row.entry, "\n".join(row.names)
        case LinkRow():
            return row.index, row.relation, row.target
    raise TypeError(f"compare a row: expected one that stays as it is, got {type(row).__name__}")
