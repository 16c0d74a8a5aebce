"""Blobs in a bucket of an S3-compatible object store, optionally under its retention lock (docs/object-storage.md)."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final, cast

from ledger.blobs.content_locks import ContentLocks, FolderLocks
from ledger.blobs.contract import Retained, StoredBlob
from ledger.blobs.double_digest import BLOCK_BYTES, DoubleDigest
from ledger.blobs.durable_file import TemporaryFile, clean_leftovers, make_directory_durably
from ledger.blobs.s3_address import S3Address
from ledger.blobs.s3_client import Held, S3Client
from ledger.blobs.s3_incoming import IncomingUpload
from ledger.blobs.s3_keeping import Keeping
from ledger.blobs.s3_leftovers import Leftovers
from ledger.blobs.s3_names import S3Names
from ledger.blobs.s3_reader import BUFFER_BYTES, S3Stream
from ledger.blobs.s3_removal import Removal
from ledger.blobs.s3_writer import S3BlobWriter
from ledger.errors import CorruptError, LedgerError, NotFoundError

PARTS_AT_ONCE: Final = 8
"""Parts that one process sends or copies at a time, whatever the number of uploads."""
TROUBLE_SECONDS: Final = 5.0
"""How long one answer of `trouble` is good for: whoever asks often does not burden the service."""


class S3Blobs:
    """A BlobStore in a bucket. `folder`, on this machine, holds what tells living writers from dead ones, and copies
    of blobs while programs read them. Opening asks nothing of the network, so a ledger starts while its store is down.

    `locks`: needed where front ends on several machines write; by default those of `folder`.
    """

    def __init__(self, address: S3Address, folder: Path, locks: ContentLocks | None = None) -> None:
        self._address = address
        self._client = S3Client(address)
        self._names = S3Names(address.prefix)
        self._scratch = folder / "scratch"
        make_directory_durably(folder)
        make_directory_durably(self._scratch)
        clean_leftovers(self._scratch)
        self._locks = locks or FolderLocks(folder / "locks")
        self._leftovers = Leftovers(self._client, self._names, folder)
        self._removal = Removal(self._client, self._names, address.retain_mode)
        self._pool = ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="s3-parts")
        self._keeping = Keeping(self._client, address, self._names, self._pool, self.check)
        self._asked = threading.Lock()
        self._trouble: tuple[float, str | None] | None = None

    def receive(self) -> S3BlobWriter:
        incoming = IncomingUpload(self._client, self._pool, self._leftovers.begin, self._leftovers.done)
        return S3BlobWriter(self._keeping, incoming)

    def open(self, sha256: bytes) -> BinaryIO:
        stream = S3Stream(self._client, self._names.blob(sha256), self._head(sha256))
        return cast(BinaryIO, BufferedReader(stream, BUFFER_BYTES))

    @contextmanager
    def local(self, sha256: bytes) -> Iterator[Path]:
        with self.open(sha256) as stream, _ScratchFile(self._scratch) as copy:
            while block := stream.read(BLOCK_BYTES):
                copy.write(block)
            yield copy.path

    def size(self, sha256: bytes) -> int:
        return self._head(sha256).size

    def exists(self, sha256: bytes) -> bool:
        try:
            self._head(sha256)
        except NotFoundError:
            return False
        return True

    def check(self, sha256: bytes) -> StoredBlob:
        digest = DoubleDigest()
        try:
            with self.open(sha256) as stream:
                while block := stream.read(BLOCK_BYTES):
                    digest.update(block)
            found = digest.result()
        finally:
            digest.close()
        if found.sha256 != sha256:
            raise CorruptError(
                f"checking a blob: expected bytes of sha256 {sha256.hex()}, found {found.sha256.hex()}",
                self._client.where,
            )
        return found

    def remove(self, sha256: bytes) -> None:
        self._removal.remove(sha256)

    @contextmanager
    def holding(self, sha256: bytes) -> Iterator[None]:
        with self._locks.held(sha256, alone=False):
            yield

    def remove_unless(self, sha256: bytes, needed: Callable[[], bool]) -> bool:
        with self._locks.held(sha256, alone=True):
            if needed():
                return False
            self._removal.remove(sha256)
            return True

    def retained(self, sha256: bytes | None = None) -> list[Retained]:
        if sha256 is None:
            return list(self._removal.retained())
        found = self._removal.until(sha256)
        return [] if found is None else [found]

    def tend(self) -> None:
        self._leftovers.clean()
        for key, upload, _ in list(self._client.uploads(self._names.blobs)):
            sha256 = self._names.sha256_of(key)
            if sha256 is not None:
                # Whoever is placing this blob holds it.
                with self._locks.held(sha256, alone=True):
                    self._client.abort(key, upload)
        self._removal.finish_due()

    def trouble(self) -> str | None:
        with self._asked:
            now = time.monotonic()
            if self._trouble is None or now - self._trouble[0] > TROUBLE_SECONDS:
                self._trouble = (now, self._find_trouble())
            return self._trouble[1]

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._leftovers.close()

    def _head(self, sha256: bytes) -> Held:
        try:
            return self._client.head(self._names.blob(sha256))
        except NotFoundError:
            self._client.probe()  # without its bucket every blob is said not to be there
            raise

    def _find_trouble(self) -> str | None:
        try:
            self._client.probe()
            locks, by_default = self._client.lock_settings() if self._address.retain_days else (True, False)
        except LedgerError as error:
            return f"the store of blobs: {error.what}"
        if not locks:
            return "the store of blobs: the bucket was made without Object Lock, and retain_days asks for it"
        if by_default:  # a file cut off half way would stay for years
            return "the store of blobs: the bucket locks every object by default: provisional ones could not be deleted"
        return None


class _ScratchFile(TemporaryFile):
    """A copy for a program of this machine. It needs not survive anything, and is never given another name."""

    @property
    def path(self) -> Path:
        return self._source()
