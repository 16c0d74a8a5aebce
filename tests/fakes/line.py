"""A line between a client and a server on this machine that fails on command: refused, silent, cut, answered by 503."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Final, Self

_BUSY: Final = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNK: Final = 65_536


class Line:
    """Forwards connections to 127.0.0.1:`port`. A context manager; faults are set as attributes, and last until reset.

    `refused`: connections end at once · `silent`: what comes is taken, and nothing answered · `busy`: so many
    connections are answered with 503 · `cut_after`: the next answer ends after so many bytes, once · `lose_answers_of`:
    the answer to a request that begins with these bytes never comes, once.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.refused = self.silent = False
        self.busy = 0
        self.cut_after: int | None = None
        self.lose_answers_of: bytes | None = None
        self.connections = 0
        self._open: list[socket.socket] = [self._listener]
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listener.close()

    def cut(self) -> None:
        """End all connections that are open."""
        with self._lock:
            for each in self._open[1:]:
                _end(each)
            del self._open[1:]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.refused:
                client.close()
            elif self.busy > 0:
                self.busy -= 1
                threading.Thread(target=_say_busy, args=(client,), daemon=True).start()
            else:
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream))
        except OSError:
            client.close()
            return
        with self._lock:
            self._open += [client, server]
        state = {"lost": False}
        for source, target, upward in ((client, server, True), (server, client, False)):
            threading.Thread(target=self._forward, args=(source, target, upward, state), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, upward: bool, state: dict[str, bool]) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if self.refused:
                    break
                if self.silent:
                    continue
                if upward and self.lose_answers_of is not None and data.startswith(self.lose_answers_of):
                    self.lose_answers_of, state["lost"] = None, True
                if not upward and state["lost"] and not data.startswith(b"HTTP/1.1 100"):
                    break
                if not upward and self.cut_after is not None:
                    data, self.cut_after = data[: self.cut_after], self.cut_after - len(data)
                    if self.cut_after <= 0:
                        self.cut_after = None
                        target.sendall(data)
                        break
                target.sendall(data)
        _end(source)
        _end(target)


def _say_busy(client: socket.socket) -> None:
    with suppress(OSError):
        client.recv(_CHUNK)
        client.sendall(_BUSY)
        client.settimeout(1)
        while client.recv(_CHUNK):
            continue
    client.close()


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
