"""Giving a received blob its name, locked and checked, before anybody is told that it is kept.

The service compares each part with our SHA-256 as it arrives, and again when parts are put together. Then we ask what
stands under the name: size, checksum and lock must be what we sent, or nothing is acknowledged.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger.blobs.contract import StoredBlob
from ledger.blobs.s3_address import S3Address
from ledger.blobs.s3_client import Held, Lock, Part, S3Client
from ledger.blobs.s3_errors import RETRY_LATER_SECONDS
from ledger.blobs.s3_incoming import PART_BYTES, IncomingUpload, checksum_of
from ledger.blobs.s3_names import S3Names
from ledger.errors import ConflictError, CorruptError, LedgerError, NotFoundError, UnavailableError

_SLACK: Final = timedelta(days=1)
"""A lock that ends this much before a new one would is not prolonged: the same bytes sent twice cost no write."""


class Keeping:
    """Keeps blobs under their names. `check` reads a blob again, and raises CorruptError."""

    def __init__(
        self,
        client: S3Client,
        address: S3Address,
        names: S3Names,
        pool: Executor,
        check: Callable[[bytes], StoredBlob],
    ) -> None:
        self._client = client
        self._address = address
        self._names = names
        self._pool = pool
        self._check = check

    def put(self, blob: StoredBlob, data: bytearray) -> None:
        """Store a blob of one part."""
        if self._is_here(blob):
            return
        checksum = checksum_of(data)
        try:
            self._client.put(self._names.blob(blob.sha256), data, checksum, self._lock())
        except ConflictError:  # another writer's, or our own: an attempt whose answer was lost
            self._accept(blob)
            return
        self._confirm(blob, checksum)

    def place(self, blob: StoredBlob, incoming: IncomingUpload) -> None:
        """Store a blob that came in parts."""
        if self._is_here(blob):
            return
        source, parts = incoming.complete()
        # A crash here leaves a provisional object: who finds it under `incoming/` deletes it.
        key = self._names.blob(blob.sha256)
        upload = self._client.create_upload(key, self._lock())
        try:
            placed = self._copy(source, key, upload, blob.size, parts)
            # A crash here leaves an upload under the blob's name, which no reader sees and `tend` gives up.
            self._client.complete(key, upload, placed, once=True)
        except (ConflictError, NotFoundError):  # there is one by now: another writer's, or a lost answer's
            self._give_up(key, upload)
            self._accept(blob)
            return
        except BaseException:
            self._give_up(key, upload)
            raise
        self._confirm(blob, _checksum_of_parts(parts))

    def _copy(
        self, source: tuple[str, str | None], key: str, upload: str, size: int, parts: Sequence[Part]
    ) -> list[Part]:
        def copy(part: Part) -> Part:
            start = (part.number - 1) * PART_BYTES
            span = range(start, min(start + PART_BYTES, size))
            return Part(part.number, self._client.copy_part(source, key, upload, span, part.number), part.checksum)

        futures = [self._pool.submit(copy, part) for part in parts]
        try:
            return [each.result() for each in futures]
        finally:
            for each in futures:
                each.cancel()

    def _give_up(self, key: str, upload: str) -> None:
        try:
            self._client.abort(key, upload)
        except LedgerError:
            return  # the failure that brought us here is the one to tell; `tend` finds the upload again

    def _is_here(self, blob: StoredBlob) -> bool:
        """Asked before anything is written, so that nothing is overwritten also where the service knows no
        conditions.
        """
        try:
            self._client.head(self._names.blob(blob.sha256))
        except NotFoundError:
            return False
        self._accept(blob)
        return True

    def _accept(self, blob: StoredBlob) -> None:
        """A blob that was there: read again, as bytes that differ are damage; its lock is prolonged."""
        try:
            self._check(blob.sha256)
            self._demand_lock(blob.sha256, self._client.head(self._names.blob(blob.sha256)))
        except NotFoundError as error:  # removed between two of our questions
            raise UnavailableError("storing a blob: it was removed meanwhile", error.where) from error

    def _confirm(self, blob: StoredBlob, checksum: str) -> None:
        """What the service holds is what we sent."""
        try:
            held = self._client.head(self._names.blob(blob.sha256))
        except NotFoundError as error:
            raise UnavailableError("storing a blob: the store does not have what it took", error.where) from error
        if held.size != blob.size:
            raise self._other_bytes(blob, f"{held.size} bytes, expected {blob.size}")
        if held.checksum is None or ("-" in held.checksum) != ("-" in checksum):
            self._check(blob.sha256)  # a service that tells no such checksum is made to show the bytes
        elif held.checksum != checksum:
            raise self._other_bytes(blob, "another checksum than was sent")
        self._demand_lock(blob.sha256, held)

    def _other_bytes(self, blob: StoredBlob, found: str) -> CorruptError:
        return CorruptError(f"storing a blob: sha256 {blob.sha256.hex()}: found {found}", self._client.where)

    def _demand_lock(self, sha256: bytes, held: Held) -> None:
        lock = self._lock()
        if lock is None or _locked_enough(held, lock):
            return
        # Services that take no lock with the parts take it now; one that is there is prolonged, never shortened.
        key = self._names.blob(sha256)
        self._client.lock(key, held.version, lock)
        if not _locked_enough(self._client.head(key, held.version), lock):
            what = f"storing a blob: the store does not keep the {lock.mode} lock that was asked for"
            raise UnavailableError(what, self._client.where, RETRY_LATER_SECONDS)

    def _lock(self) -> Lock | None:
        if not self._address.retain_days:
            return None
        until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=self._address.retain_days)
        return Lock(self._address.retain_mode, until)


def _locked_enough(held: Held, lock: Lock) -> bool:
    return held.locked_until is not None and held.locked_until >= lock.until - _SLACK


def _checksum_of_parts(parts: Sequence[Part]) -> str:
    """What the protocol calls a composite checksum: the SHA-256 of the parts' SHA-256, and their number."""
    sums = b"".join(b64decode(part.checksum) for part in parts)
    return f"{b64encode(hashlib.sha256(sums).digest()).decode('ascii')}-{len(parts)}"
