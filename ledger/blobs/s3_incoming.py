"""A blob on its way in: parts under a key of its own, which nothing but `incoming/` knows, until all were measured.

S3 wants an object's name before its first byte, and a blob's name is known after its last. So parts go to a provisional
key, and are copied inside the service to the blob's own (`s3_keeping`).
"""

import hashlib
import logging
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Final

from ledger.blobs.s3_client import Part, S3Client
from ledger.errors import LedgerError, NotFoundError, UnavailableError

PART_BYTES: Final = 5 * 1024 * 1024
"""The smallest part that the protocol allows, and so the least memory: 10,000 parts hold 48 GiB."""
PARTS_MAX: Final = 10_000
WAITING_PARTS: Final = 2
"""Parts of one blob that are being sent while the next is gathered. With these, a writer holds 15 MiB."""

_log = logging.getLogger(__name__)


def checksum_of(data: bytes | bytearray) -> str:
    """SHA-256 as the protocol writes it."""
    return b64encode(hashlib.sha256(data).digest()).decode("ascii")


class IncomingUpload:
    """The parts of one blob. `begin` names a provisional key, `done` lets go of that name. For one thread."""

    def __init__(self, client: S3Client, pool: Executor, begin: Callable[[], str], done: Callable[[str], None]) -> None:
        self._client = client
        self._pool = pool
        self._begin = begin
        self._done = done
        self._key: str | None = None
        self._upload: str | None = None
        self._sent: deque[Future[Part]] = deque()
        self._parts: list[Part] = []
        self._staged: str | bool | None = False  # False: not completed; else the version, or None without versions

    @property
    def begun(self) -> bool:
        return self._upload is not None

    def send(self, data: bytearray) -> None:
        """Send the next part, which must not change afterwards. Waits where too many are under way.

        Raises UnavailableError, also for a part before this one.
        """
        if self._upload is None:
            self._key = self._begin()
            self._upload = self._client.create_upload(self._key)
        number = len(self._parts) + len(self._sent) + 1
        if number > PARTS_MAX:
            raise UnavailableError(f"storing a part of a blob: expected at most {PARTS_MAX}", self._client.where)
        while len(self._sent) >= WAITING_PARTS:
            self._parts.append(self._sent.popleft().result())
        self._sent.append(self._pool.submit(self._send, self._key or "", self._upload, number, data))

    def complete(self) -> tuple[tuple[str, str | None], list[Part]]:
        """Make the parts one provisional object: its key and version, and the parts. Raises UnavailableError."""
        if self._key is None or self._upload is None:
            raise ValueError("completing a blob: it has no parts")
        parts = self.parts()
        try:
            version = self._client.complete(self._key, self._upload, parts, once=False)
        except NotFoundError as error:
            # An attempt whose answer was lost may have completed it; else another process took it for a leftover.
            try:
                version = self._client.head(self._key).version
            except NotFoundError:
                raise UnavailableError(error.what, error.where) from error
        self._staged = version
        return (self._key, version), parts

    def parts(self) -> list[Part]:
        """All parts, once the service has them. Raises UnavailableError."""
        while self._sent:
            self._parts.append(self._sent.popleft().result())
        return self._parts

    def close(self) -> None:
        """Leave nothing behind. What cannot be taken away now is found again under `incoming/`, and taken away then."""
        if self._key is None:
            return
        for each in self._sent:
            each.cancel()
        wait(self._sent)  # a part that arrives after the end of its upload would stay
        try:
            if self._staged is not False:
                version = self._staged if isinstance(self._staged, str) else None
                self._client.delete(self._key, version)
            elif self._upload is not None:
                self._client.abort(self._key, self._upload)
        except LedgerError as error:
            _log.warning("what was received in part could not be given up, it is tried again: %s", error)
        finally:
            self._done(self._key)

    def _send(self, key: str, upload: str, number: int, data: bytearray) -> Part:
        try:
            return self._client.upload_part(key, upload, number, data, checksum_of(data))
        except NotFoundError as error:
            raise UnavailableError(f"{error.what}; another process took it for a leftover", error.where) from error
