"""A blob of the object store as a seekable stream, which goes on where a broken connection left off."""

import io
from typing import Final

from ledger.blobs.s3_client import Body, Held, S3Client
from ledger.errors import UnavailableError

BUFFER_BYTES: Final = 256 * 1024
"""Formats are read by many small reads near one another: those cost no request of their own."""
ATTEMPTS: Final = 3
"""Connections that may break one after the other without a byte between them."""


class S3Stream(io.RawIOBase):
    """The bytes of exactly the object that `held` describes. Reading raises UnavailableError, CorruptError."""

    def __init__(self, client: S3Client, key: str, held: Held) -> None:
        super().__init__()
        self._client = client
        self._key = key
        self._held = held
        self._place = 0
        self._body: Body | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._held.size}[whence]
        if start + offset < 0:
            raise ValueError("seek: expected a place within the blob, got one before it")
        if start + offset != self._place:
            self._let_go()
            self._place = start + offset
        return self._place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # all buffers that io passes
        wanted = min(len(buffer), self._held.size - self._place)
        if wanted <= 0:
            return 0
        data = self._read(wanted)
        memoryview(buffer)[: len(data)] = data
        self._place += len(data)
        return len(data)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _read(self, wanted: int) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if self._body is None:
                    self._body = self._client.get(self._key, self._held, self._place)
                with self._client.errors("reading a blob"):
                    data = self._body.read(wanted)
                if data:
                    return data
                raise UnavailableError("reading a blob: it ended before its size", self._client.where)
            except UnavailableError:
                self._let_go()
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _let_go(self) -> None:
        if self._body is not None:
            body, self._body = self._body, None
            body.close()  # with it the connection: what is left of 10 GiB is not read out
