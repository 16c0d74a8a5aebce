"""A wire to PostgreSQL that can be cut: before a message reaches the server, after it did, or at any byte."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

CHUNK = 65_536

Way = Literal["lost", "applied"]


@dataclass
class Cut:
    """When to cut every connection, once: at the nth message to the server that contains `text`. `lost`: it never gets
    there; `applied`: it does, and what the server answers is lost. Or after so many bytes in either direction.
    """

    text: bytes = b""
    nth: int = 1
    way: Way = "lost"
    after_bytes: int | None = None


class CuttingProxy:
    """Listens on a port of 127.0.0.1 and passes everything on to a Unix socket. A context manager."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut: Cut | None = None
        self._swallowed: socket.socket | None = None
        self.cuts = 0
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._close_all()

    def arm(self, cut: Cut) -> None:
        with self._lock:
            self._cut = cut

    @property
    def armed(self) -> bool:
        return self._cut is not None

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._target)
            except OSError:  # the server is gone: so is whoever comes
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket, upstream: bool) -> None:
        """One direction, until it ends or is cut."""
        with suppress(OSError):  # the other direction was cut
            while data := source.recv(CHUNK):
                if source is self._swallowed:
                    self._close_all()  # the answer to what was applied
                    return
                if self._meets(data, upstream):
                    self._end(data, to)
                to.sendall(data)
        self._close(source, to)

    def _meets(self, data: bytes, upstream: bool) -> bool:
        with self._lock:
            cut = self._cut
            if cut is None:
                return False
            if cut.after_bytes is not None:
                cut.after_bytes -= len(data)
                return cut.after_bytes <= 0
            if not upstream or cut.text not in data:
                return False
            cut.nth -= 1
            return cut.nth == 0

    def _end(self, data: bytes, to: socket.socket) -> None:
        with self._lock:
            cut, self._cut = self._cut, None
            self.cuts += 1
        assert cut is not None
        if cut.way == "applied":
            self._swallowed = to
            return
        if cut.after_bytes is not None:
            to.sendall(data[: len(data) + cut.after_bytes])
        self._close_all()

    def _close_all(self) -> None:
        with self._lock:
            ended, self._open = self._open, set()
        for each in ended:
            self._shut(each)

    def _close(self, *ended: socket.socket) -> None:
        with self._lock:
            self._open -= set(ended)
        for each in ended:
            self._shut(each)

    @staticmethod
    def _shut(each: socket.socket) -> None:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
