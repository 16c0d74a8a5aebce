"""A ledger's or a log's server over HTTP, read within limits; nothing it answers is believed for being answered.

http.client speaks to the one host of the URL and to no other: it follows no redirect, asks no proxy of the environment,
knows no `file:`. So the token goes to that host alone.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import BinaryIO

from verifier.errors import VerifierError

TIMEOUT_S = 20.0  # for a connection, and for each part of an answer
MAX_ANSWER_S = 120.0  # for a whole answer: a server that sends a byte at a time keeps nobody waiting for ever
MAX_DOWNLOAD_S = 600.0  # for a bundle, which can be large
MAX_JSON = 2**20  # an answer of the ledger's interface is some kilobytes
MAX_PROBLEM = 2**16
CHUNK = 2**16

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")  # what a header can carry, so that no token can add a line to a request


class Unreachable(VerifierError):
    """The server did not answer, or not with what the specification says it answers; `status`: its status, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Server:
    """What is under one http or https URL prefix. `token` goes with each request; `budget_s`: seconds for all."""

    def __init__(self, url: str, token: str | None = None, budget_s: float | None = None) -> None:
        """Raises Unreachable for a URL that is no plain http or https one, or a token that no header can carry."""
        try:
            parts = urllib.parse.urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError as error:
            raise Unreachable(f"the URL is none: {error}") from None
        if parts.scheme not in ("http", "https") or not self._host or parts.query or parts.fragment:
            raise Unreachable("the URL should begin with http:// or https:// and have no query")
        if "@" in parts.netloc:
            raise Unreachable("the URL should name no user and no password")
        if token is not None and not _TOKEN.fullmatch(token):
            raise Unreachable("the token should be printable ascii without blanks")
        self._tls = parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self._headers = {"User-Agent": "evidence-verify", "Connection": "close"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._end = time.monotonic() + budget_s if budget_s is not None else None

    def get(self, path: str, limit: int) -> bytes:
        """At most `limit` bytes of a resource, unpacked if it comes packed; raises Unreachable."""
        with self._exchange("GET", path, {"Accept-Encoding": "identity, gzip"}, None, MAX_ANSWER_S) as response:
            _demand_status(response, path, HTTPStatus.OK)
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding == "identity":
                return _body(response, path, limit)
            if encoding != "gzip":
                raise Unreachable(f"{path} comes in an encoding that was not asked for")
            # What does not compress, as hashes do not, grows: gzip adds 18 bytes and 5 for each 64 KiB or less.
            packed = _body(response, path, limit + limit // 64 + 1_024)
            data = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(packed, limit + 1)
        if len(data) > limit:
            raise _too_long(path, limit)
        return data

    def ask(self, path: str) -> dict[str, object]:
        """The JSON object at a path; raises Unreachable."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        with self._exchange("GET", path, headers, None, MAX_ANSWER_S) as response:
            return _json_answer(response, path, HTTPStatus.OK)

    def tell(self, path: str, body: dict[str, object]) -> dict[str, object]:
        """The JSON object that answers a POST of one with 201; raises Unreachable. Sent once: twice is two acts."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}
        data = json.dumps(body).encode("ascii")
        with self._exchange("POST", path, headers, data, MAX_ANSWER_S) as response:
            return _json_answer(response, path, HTTPStatus.CREATED)

    def download(self, path: str, into: BinaryIO, limit: int) -> int:
        """Write a resource of at most `limit` bytes to a file; returns their number, raises Unreachable."""
        with self._exchange("GET", path, {"Accept-Encoding": "identity"}, None, MAX_DOWNLOAD_S) as response:
            _demand_status(response, path, HTTPStatus.OK)
            media = response.headers.get_content_type()
            if media.startswith("text/") or media.endswith("json"):
                raise Unreachable(f"{path} should be a bundle and is {media}")
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise Unreachable(f"{path} comes in an encoding that was not asked for")
            return _copy(response, path, into.write, limit)

    @contextmanager
    def _exchange(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None, seconds: float
    ) -> Iterator[HTTPResponse]:
        """One request and its answer, hung up after so many seconds wherever it stands."""
        if self._end is not None:
            seconds = min(seconds, self._end - time.monotonic())
        if seconds <= 0:
            raise Unreachable("the server took too long over all its answers together")
        late = threading.Event()
        connection: HTTPConnection | None = None
        watch: threading.Timer | None = None
        try:
            connection = self._connection()
            connection.connect()
            watch = threading.Timer(seconds, _hang_up, (connection.sock, late))
            watch.daemon = True
            watch.start()
            connection.request(method, f"{self._prefix}/{path}", body, {**self._headers, **headers})
            yield connection.getresponse()
        except (OSError, HTTPException, ValueError, zlib.error, Unreachable) as error:
            if late.is_set():
                raise _too_late(path) from None
            if isinstance(error, Unreachable):
                raise
            raise Unreachable(f"{path} cannot be had: {type(error).__name__}") from None
        finally:
            if watch is not None:
                watch.cancel()
            if connection is not None:
                connection.close()
        if late.is_set():  # what came may have been cut off where it seemed to end
            raise _too_late(path)

    def _connection(self) -> HTTPConnection:
        if self._tls:
            return HTTPSConnection(self._host, self._port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        return HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)


def _hang_up(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _demand_status(response: HTTPResponse, path: str, expected: HTTPStatus) -> None:
    if response.status == expected:
        return
    if 300 <= response.status < 400:
        raise Unreachable(f"{path} is redirected elsewhere ({response.status}), and no redirect is followed")
    said = f"{path} is answered with {response.status}{_problem(response, path)}, not {expected.value}"
    raise Unreachable(said, response.status)


def _problem(response: HTTPResponse, path: str) -> str:
    """What application/problem+json says is wrong (RFC 9457); nothing where the answer is something else."""
    if response.headers.get_content_type() != "application/problem+json":
        return ""
    problem = _parse(_body(response, path, MAX_PROBLEM), path)
    said = [text for text in (problem.get("title"), problem.get("detail")) if isinstance(text, str) and text]
    return f" ({': '.join(said)})" if said else ""


def _json_answer(response: HTTPResponse, path: str, expected: HTTPStatus) -> dict[str, object]:
    _demand_status(response, path, expected)
    media = response.headers.get_content_type()
    if media != "application/json":
        raise Unreachable(f"{path} should be application/json and is {media}")
    return _parse(_body(response, path, MAX_JSON), path)


def _parse(data: bytes, path: str) -> dict[str, object]:
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unreachable(f"{path} is answered with something that is no JSON") from None
    if not isinstance(value, dict):
        raise Unreachable(f"{path} should be answered with a JSON object")
    return value


def _unique(members: list[tuple[str, object]]) -> dict[str, object]:
    """Two members of one name are two answers: which one counts would be up to each reader."""
    if len(dict(members)) != len(members):
        raise ValueError("a name occurs twice")
    return dict(members)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _body(response: HTTPResponse, path: str, limit: int) -> bytes:
    data = bytearray()
    _copy(response, path, data.extend, limit)
    return bytes(data)


def _copy(response: HTTPResponse, path: str, write: Callable[[bytes], object], limit: int) -> int:
    """The body, to its announced end. Python 3.11's read1() does not count what it has read, so it is counted here."""
    announced = response.length
    if announced is not None and announced > limit:
        raise _too_long(path, limit)
    total = 0
    while announced is None or total < announced:
        chunk = response.read1(CHUNK if announced is None else min(CHUNK, announced - total))
        if not chunk:
            break
        total += len(chunk)
        if total > limit:
            raise _too_long(path, limit)
        write(chunk)
    if announced is not None and total < announced:
        raise Unreachable(f"{path} ends after {total} of {announced} bytes")
    return total


def _too_late(path: str) -> Unreachable:
    return Unreachable(f"{path} cannot be had: it took too long")


def _too_long(path: str, limit: int) -> Unreachable:
    return Unreachable(f"{path} should have at most {limit} bytes and has more")
