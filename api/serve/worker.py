"""gunicorn's threaded worker, made patient within bounds, and unable to end in the middle of a ledger's work."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, Final

from gunicorn import util  # type: ignore[import-untyped]  # ships no types
from gunicorn.http import errors  # type: ignore[import-untyped]  # ships no types
from gunicorn.workers.gthread import PollableMethodQueue, TConn, ThreadWorker  # type: ignore[import-untyped]  # ships no types

from api.settings import BYTES_PER_SECOND_MIN, GRACE_SECONDS, PATIENCE_SECONDS, SILENCE_SECONDS
from api.wire.problem import MEDIA_TYPE

# After the grace, connections are cut; their threads see it at once and drop what they were receiving.
_CUT_SECONDS: Final = 1.0

_STATUS: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (errors.LimitRequestLine, 414, "URI Too Long"),
    (errors.LimitRequestHeaders, 431, "Request Header Fields Too Large"),
    (errors.ExpectationFailed, 417, "Expectation Failed"),
    (errors.UnsupportedTransferCoding, 501, "Not Implemented"),
    (errors.ParseException, 400, "Bad Request"),
)


class Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A client's connection. A client that is too slow is taken to be gone: it holds a thread.

    It has 30 seconds for a request, and one more for each 8 KiB that it sent: a file of gigabytes over a slow line
    arrives, and a head or a body dripped byte by byte does not.
    """

    def init(self) -> None:
        is_new = not self.initialized
        super().init()
        if is_new and self.parser is not None:
            self._receive: Callable[[int | None], bytes] = self.parser.unreader.chunk
            self.parser.unreader.chunk = self._receive_in_time
        self._started = time.monotonic()
        self._received = 0

    def _receive_in_time(self, size_hint: int | None = None) -> bytes:
        left = PATIENCE_SECONDS + self._received / BYTES_PER_SECOND_MIN - (time.monotonic() - self._started)
        before = self.sock.gettimeout()
        try:
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(left if before is None else min(left, before))
            data = self._receive(size_hint)
            self.sock.settimeout(before)
        except TimeoutError:
            # Shut, not merely reported as ended: nothing that comes later may be read as another request.
            _shut(self.sock)
            return b""
        self._received += len(data)
        return data


class _MethodQueue(PollableMethodQueue):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own writes a byte to its pipe also after closing it: by then the number may be one of our files."""

    _read_fd: int | None
    _write_fd: int | None

    def close(self) -> None:
        numbers = (self._read_fd, self._write_fd)
        self._read_fd = self._write_fd = -1
        for number in numbers:
            if number is not None:
                os.close(number)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """One process of the server.

    Stopping: no new connections; requests under way have GRACE_SECONDS; then their connections are cut, which drops
    what they were receiving; then the ledger is closed, which finishes what it has taken. SIGINT and SIGQUIT stop the
    same way: Ctrl-C must not lose more than a service manager does.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.method_queue = _MethodQueue()
        self._under_way: dict[Future[Any], Connection] = {}

    def init_process(self) -> None:
        # The arbiter kills what has not ended after STOP_SECONDS; this process must be ready before.
        self.cfg.set("graceful_timeout", GRACE_SECONDS)
        super().init_process()

    def run(self) -> None:
        try:
            super().run()
            self._cut_connections()
        finally:
            self.app.close()

    def handle_quit(self, sig: int, frame: Any) -> None:
        self.handle_exit(sig, frame)

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except OSError:
            return  # the client was gone before it was accepted
        # A client that takes no byte of its answer must not hold a thread for ever.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(SILENCE_SECONDS), 0))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: Connection) -> None:
        future = self.tpool.submit(self.handle, conn)
        self._under_way[future] = conn
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        self._under_way.pop(fs, None)
        super().finish_request(conn, fs)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """What cannot be parsed as a request gets a problem too, without being repeated: it is somebody's bytes."""
        status, reason = next(
            ((s, r) for kind, s, r in _STATUS if isinstance(exc, kind)), (500, "Internal Server Error")
        )
        if status == 500:
            self.log.error("a request failed in the server: %s", type(exc).__name__, exc_info=exc)
        try:
            util.write_nonblock(client, _refusal(status, reason))
        except OSError:
            self.log.debug("the client did not wait for its refusal")

    def _cut_connections(self) -> None:
        for conn in self._under_way.values():
            _shut(conn.sock)
        ended = wait(list(self._under_way), timeout=_CUT_SECONDS)
        if ended.not_done:
            self.log.warning("%d requests did not end and are abandoned unanswered", len(ended.not_done))


def _refusal(status: int, reason: str) -> bytes:
    detail = "read the request: expected HTTP/1.1 within this server's limits"
    slug = "malformed" if status < 500 else "internal"
    problem = {"detail": detail, "status": status, "title": reason, "type": f"/docs#{slug}", "where": "request"}
    body = json.dumps(problem, sort_keys=True).encode() + b"\n"
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
        "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n\r\n"
    )
    return head.encode("ascii") + body


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed already
