"""From a parsed request to its answer on the wire, a small one in one piece: gunicorn sends the head by itself."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gunicorn.http import wsgi  # type: ignore[import-untyped]  # ships no types

from api.serve.connection import Connection
from api.serve.lane import Lane
from api.settings import SILENCE_SECONDS
from api.wire.problem import trace

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = logging.getLogger("evidence_ledger.http")

_GATHERED_BYTES: Final = 64 * 1024
# The socket's own limit ends a sending that moves nothing; this one, a sending that hardly moves.
_ELSEWHERE_SECONDS: Final = 2 * SILENCE_SECONDS


class GatheringSocket:
    """A connection's socket that keeps the first piece to send it with the second. `flush` at the end.

    `lane`: the one whose work sends. What a client does not take at once is then sent elsewhere: a client that takes
    nothing would stand in the way of all others.
    """

    def __init__(self, sock: socket.socket, lane: Lane | None = None) -> None:
        self._sock = sock
        self._lane = lane
        self._held = b""
        self.has_sent = False

    def send(self, data: bytes) -> int:
        """At once: an interim answer, for which the client waits."""
        return self._sock.send(data)

    def sendall(self, data: bytes) -> None:
        """Now or with what follows."""
        if not self.has_sent and not self._held:
            self._held = data
            return
        if len(data) <= _GATHERED_BYTES:
            data, self._held = self._held + data, b""
        else:
            self.flush()
        self._transmit(data)

    def flush(self) -> None:
        """Send what is kept."""
        if self._held:
            data, self._held = self._held, b""
            self._transmit(data)

    def sendfile(self, *arguments: Any, **named: Any) -> int:
        """As the socket's own, after what is kept."""
        self.flush()
        return self._sock.sendfile(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def _transmit(self, data: bytes) -> None:
        self.has_sent = True
        if self._lane is None:
            self._sock.sendall(data)
            return
        sent = 0
        with suppress(BlockingIOError):
            sent = self._sock.send(data, socket.MSG_DONTWAIT)
        if sent < len(data):
            self._lane.elsewhere(partial(self._sock.sendall, data[sent:]), _ELSEWHERE_SECONDS)


def answer(
    application: WSGIApplication,
    request: Any,
    conn: Connection,
    config: Any,
    *,
    is_last: bool,
    lane: Lane | None = None,
) -> bool:
    """Let the application answer, in a work of `lane`, if it is one's. Returns whether the connection may take another
    request; `is_last`: it may not.

    Raises what the application raises before anything was sent, and OSError. Once the answer has begun, another one
    would be taken for its body: it is cut off, so that nobody takes it for whole.
    """
    sock = GatheringSocket(conn.sock, lane)
    response, environ = wsgi.create(request, sock, conn.client, conn.server, config)
    environ["wsgi.multithread"] = True
    if is_last:
        response.force_close()
    chunks = application(environ, response.start_response)
    try:
        _send(chunks, environ, response)
        sock.flush()
    except OSError:
        raise
    except Exception as error:
        if not sock.has_sent:
            raise
        _log.error("an answer broke off: %s", trace(error))
        conn.shut()
        return False
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return not response.should_close()


def _send(chunks: Any, environ: Any, response: Any) -> None:
    if isinstance(chunks, environ["wsgi.file_wrapper"]):
        response.write_file(chunks)
    else:
        for chunk in chunks:
            response.write(chunk)
    response.close()
