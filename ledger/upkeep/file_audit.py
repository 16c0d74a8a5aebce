"""Every file that is held, read again and digested. The same file under several entries is read once."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.blobs.contract import BlobStore
from ledger.errors import LedgerError, NotFoundError, UnavailableError
from ledger.store.audit_rows import AuditRows
from ledger.upkeep.finding import Finding, Progress

_PAGE = 500


def audit_files(rows: AuditRows, blobs: BlobStore, size: int, progress: Progress) -> Iterator[Finding]:
    """What is wrong with the files of entries below `size`, by digest. Raises UnavailableError where the store of blobs
    does not work: that says nothing of any file.
    """
    after, done = b"", 0
    while page := rows.files(after, size, _PAGE):
        for sha256, index, least, most in page:
            yield from _check(blobs, sha256, index, {least, most})
            done += 1
            progress("files", done, 0)
        after = page[-1][0]


def _check(blobs: BlobStore, sha256: bytes, index: int, sizes: set[int | None]) -> Iterator[Finding]:
    where = f"file of entry {index} ({sha256.hex()})"
    try:
        found = blobs.check(sha256).size
        if sizes != {found}:
            received = " and ".join(str(each) for each in sorted(sizes - {found, None}, key=str))
            yield Finding(where, f"it has {found} bytes, {received} were received")
    except (NotFoundError, ValueError):
        yield Finding(where, "it is missing")
    except UnavailableError as error:
        if blobs.trouble() is not None:
            raise
        yield Finding(where, error.what)  # of this file alone, as on a disk that is going bad
    except LedgerError as error:
        yield Finding(where, error.what)
