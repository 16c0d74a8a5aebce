"""A log's files over HTTP. A server that is silent, drips, floods or redirects ends it with the file's name."""

from __future__ import annotations

import http.client
import time
import urllib.parse
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import local
from typing import Final

from ledger.errors import UnavailableError
from ledger.upkeep.tile_source import FILE_MAX, within

TIMEOUT_SECONDS: Final = 20.0
"""For each answer's next bytes: a server that says nothing for so long is down."""

FILE_SECONDS: Final = 120.0
"""For a whole file: a server that sends a byte now and then must not hold an audit for ever."""

TRIES: Final = 3
"""A kept connection may have been closed meanwhile, and a busy server asks for patience."""

AT_ONCE: Final = 8
"""Requests under way for each process: on a long way it is the answers' delay that takes the time."""

_BLOCK: Final = 64 * 1024


class UrlTiles:
    """A log's URL prefix. Redirects are not followed: who asks for this log wants no other."""

    def __init__(self, prefix: urllib.parse.SplitResult) -> None:
        self._prefix = prefix
        self._path = prefix.path.rstrip("/")
        self._kept = local()
        self._threads = ThreadPoolExecutor(AT_ONCE)

    def read_all(self, paths: Iterable[str]) -> Iterator[bytes | None]:
        waiting: deque[Future[bytes | None]] = deque()
        for path in paths:
            waiting.append(self._threads.submit(self.read, path))
            if len(waiting) == 2 * AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def read(self, path: str) -> bytes | None:
        for attempt in range(1, TRIES + 1):
            try:
                status, data = self._get(path)
            except (OSError, http.client.HTTPException) as error:
                self._forget()
                if attempt == TRIES:
                    raise UnavailableError(f"read a log's file: {type(error).__name__}: {error}", path) from error
                continue
            if status == http.HTTPStatus.OK:
                return data
            if status == http.HTTPStatus.NOT_FOUND:
                return None
            if status < http.HTTPStatus.INTERNAL_SERVER_ERROR or attempt == TRIES:
                raise UnavailableError(f"read a log's file: expected status 200, got {status}", path)
            time.sleep(attempt)
        raise UnavailableError("read a log's file: no answer", path)

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = self._connection()
        end = time.monotonic() + FILE_SECONDS
        connection.request("GET", f"{self._path}/{path}", headers={"Accept-Encoding": "gzip, identity"})
        answer = connection.getresponse()
        parts, size = [], 0
        while block := answer.read1(_BLOCK):  # what is there: a whole block may be long in coming
            parts.append(block)
            size += len(block)
            if size > FILE_MAX or time.monotonic() > end:
                self._forget()
                raise UnavailableError("read a log's file: it is too long, or comes too slowly", path)
        if answer.length:  # read1 ends without a word where the connection did
            raise http.client.IncompleteRead(b"", answer.length)
        data = b"".join(parts)
        if answer.status == http.HTTPStatus.OK and answer.headers.get("Content-Encoding") == "gzip":
            data = _unzip(data, path)
        return answer.status, data

    def _connection(self) -> http.client.HTTPConnection:
        """One for each thread, kept from request to request."""
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if connection is None:
            secure = self._prefix.scheme == "https"
            made = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            connection = made(self._prefix.hostname or "", self._prefix.port, timeout=TIMEOUT_SECONDS)
            self._kept.connection = connection
        return connection

    def _forget(self) -> None:
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if connection is not None:
            connection.close()
        self._kept.connection = None


def _unzip(data: bytes, path: str) -> bytes:
    """Never more than a file may have, whatever the bytes say."""
    try:
        return within(zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, FILE_MAX + 1), path)
    except zlib.error as error:
        raise UnavailableError(f"read a log's file: it is no gzip: {error}", path) from error
