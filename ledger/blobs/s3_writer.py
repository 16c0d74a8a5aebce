"""The BlobWriter of S3Blobs: digested and sent as it comes, a part at a time."""

from types import TracebackType
from typing import Self

from ledger.blobs.contract import StoredBlob
from ledger.blobs.double_digest import BLOCK_BYTES, DoubleDigest
from ledger.blobs.s3_incoming import PART_BYTES, IncomingUpload
from ledger.blobs.s3_keeping import Keeping


class S3BlobWriter:
    """Gathers parts; a blob that fits into one is sent only when it is known to be wanted."""

    def __init__(self, keeping: Keeping, incoming: IncomingUpload) -> None:
        self._keeping = keeping
        self._incoming = incoming
        self._digest = DoubleDigest()
        self._part = bytearray()
        self._measured: StoredBlob | None = None
        self._usable = True  # not after a failure: digests and parts may then disagree

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._digest.close()
        finally:
            self._incoming.close()

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        if self._measured is not None:
            raise ValueError("write: the blob has been measured, it takes no more bytes")
        self._demand_usable("write")
        self._usable = False
        rest = memoryview(chunk).cast("B")
        while rest:
            if len(self._part) == PART_BYTES:
                self._digest_part()
                self._incoming.send(self._part)
                self._part = bytearray()
            room = PART_BYTES - len(self._part)
            self._part += rest[:room]
            rest = rest[room:]
        self._usable = True

    def measure(self) -> StoredBlob:
        if self._measured is None:
            self._demand_usable("measure")
            self._digest_part()
            self._measured = self._digest.result()
        return self._measured

    def finish(self) -> StoredBlob:
        blob = self.measure()
        self._demand_usable("finish")
        self._usable = False
        if self._incoming.begun:
            self._incoming.send(self._part)
            self._keeping.place(blob, self._incoming)
        else:
            self._keeping.put(blob, self._part)
        return blob

    def _demand_usable(self, act: str) -> None:
        if not self._usable:
            raise ValueError(f"{act}: the blob is finished, or an earlier call failed")

    def _digest_part(self) -> None:
        """Digest what was gathered; from here on these bytes do not change."""
        view = memoryview(self._part)
        for start in range(0, len(view), BLOCK_BYTES):
            self._digest.update(view[start : start + BLOCK_BYTES])
