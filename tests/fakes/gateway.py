"""A network between client and server that fails on command: it loses answers, cuts uploads, says 503."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

_POST: Final = re.compile(rb"POST (/\S+) HTTP/1\.1\r\n")
_KEY: Final = re.compile(rb"(?i)\r\nIdempotency-Key: *([!-~]+)\r\n")
_PROBLEM: Final = b'{"detail":"the pool is full","status":503,"title":"Full or down"}'
_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/problem+json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_PROBLEM), _PROBLEM)
)


class Gateway:
    """Forwards connections to 127.0.0.1:`port`. Each fault is used up once, by a request that posts. A context manager.

    `keys`: the Idempotency-Keys that came by, in their order.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.keys: list[str] = []
        self._faults: list[Callable[[_Exchange], None]] = []
        self._sockets: list[socket.socket] = [self._listener]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            each.close()

    def lose_answer(self) -> None:
        """The next post reaches the server, which answers; the client never hears it."""
        self._faults.append(_Exchange.lose_answer)

    def cut_upload(self) -> None:
        """The connection of the next post ends in the middle of the body."""
        self._faults.append(_Exchange.cut)

    def be_busy(self) -> None:
        """The next post is answered with 503 and Retry-After: 1; the server does not hear of it."""
        self._faults.append(_Exchange.say_busy)

    def take_fault(self, head: bytes) -> Callable[[_Exchange], None] | None:
        """What befalls the post with this head, and note its key."""
        if key := _KEY.search(head):
            self.keys.append(key[1].decode("ascii"))
        return self._faults.pop(0) if self._faults else None

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                return
            self._sockets += [client, server]
            exchange = _Exchange(self, client, server)
            threading.Thread(target=exchange.forward_requests, daemon=True).start()
            threading.Thread(target=exchange.forward_answers, daemon=True).start()


class _Exchange:
    """One connection of a client, and ours to the server on its behalf."""

    def __init__(self, gateway: Gateway, client: socket.socket, server: socket.socket) -> None:
        self._gateway = gateway
        self._client = client
        self._server = server
        self._losing = False

    def forward_requests(self) -> None:
        try:
            while data := self._client.recv(65536):
                if _POST.match(data):
                    while b"\r\n\r\n" not in data:
                        data += self._client.recv(65536)
                    fault = self._gateway.take_fault(data)
                    if fault is not None:
                        fault(self)
                self._server.sendall(data)
        except OSError:
            pass
        self._end()

    def forward_answers(self) -> None:
        try:
            while data := self._server.recv(65536):
                if self._losing:
                    break
                self._client.sendall(data)
        except OSError:
            pass
        self._end()

    def lose_answer(self) -> None:
        self._losing = True

    def cut(self) -> None:
        self._client.settimeout(0.2)  # of a short body all is here already
        with suppress(TimeoutError):
            self._client.recv(1024)
        self._end()

    def say_busy(self) -> None:
        self._client.sendall(_BUSY)
        self._end()

    def _end(self) -> None:
        for each in (self._client, self._server):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it was closed before
