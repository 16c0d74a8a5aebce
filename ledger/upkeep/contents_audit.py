"""What all entries hold, from what its stretches gave (ledger.upkeep.contents_piece): secrets that repeat, the tables
of cases, rows of entries that do not exist.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from ledger.store.audit_rows import AuditRows
from ledger.store.case_contracts import CaseStore
from ledger.upkeep.case_audit import CaseAudit
from ledger.upkeep.contents_piece import DIGEST_SIZE, SECRET_RECORD, ContentsPiece, check_contents
from ledger.upkeep.finding import Finding, Progress
from ledger.upkeep.processes import Processes
from ledger.upkeep.spill import Spill

TABLES: Final = (
    "entries", "openings", "evidence", "acts", "demands", "challenges", "standings", "disclosures", "links", "erasures",
    "timestamps", "access_codes",
)  # fmt: skip
"""Tables whose every row belongs to the entry of its index."""

_PHASE: Final = "contents"
_KEY_SIZE: Final = 32


def audit_contents(
    store: CaseStore, rows: AuditRows, origin: str, size: int, processes: Processes[AuditRows],
    ranges: Sequence[range], progress: Progress,
) -> Iterator[Finding]:  # fmt: skip
    """All that is wrong with what the entries below `size` hold. `origin`: the log's name; `ranges`: of indexes,
    together all of them.
    """
    key = secrets.token_bytes(_KEY_SIZE)
    pieces = [ContentsPiece(each.start, each.stop, key, origin) for each in ranges]
    cases = CaseAudit(store, rows, size)
    missing: dict[int, tuple[str, ...]] = {}
    files: dict[int, bool] = {}
    with Spill(SECRET_RECORD) as digests:
        for piece, found in zip(pieces, processes.map(check_contents, pieces), strict=True):
            yield from (Finding(where, what) for where, what in found.findings)
            for made in found.made:
                yield from cases.take(made)
            missing |= found.missing
            files |= found.files
            digests.add(found.secrets)
            progress(_PHASE, piece.end, size)
        yield from cases.finish(missing, files)
        yield from _repeated(digests)
    yield from _strays(store, rows)


def _repeated(digests: Spill) -> Iterator[Finding]:
    for part in digests.parts():
        for one, next_one in pairwise(part):
            if one[:DIGEST_SIZE] == next_one[:DIGEST_SIZE]:
                index = int.from_bytes(next_one[DIGEST_SIZE:], "big")
                yield Finding(f"entry {index}", "its secret is another entry's too: salts repeat")


def _strays(store: CaseStore, rows: AuditRows) -> Iterator[Finding]:
    """Rows of entries that do not exist. The last entry is read after each table: what a server appends is there."""
    for table in TABLES:
        ends = rows.ends(table)
        if ends is None:
            continue
        if ends[0] < 0:
            yield Finding(f"table {table}", f"it has a row of entry {ends[0]}, which cannot be")
        if ends[1] > store.last_index():
            yield Finding(f"table {table}", f"it has a row of entry {ends[1]}, which does not exist")
