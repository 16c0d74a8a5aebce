"""A line to PostgreSQL that breaks at a COMMIT, or behind which somebody else answers than greets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Literal

from tests.postgres import SUPERUSER, PostgresServer

Moment = Literal["before", "after"]
_COMMIT = b"COMMIT\0"
_GREETING = b"K\0\0\0"  # BackendKeyData (K), of which the next four bytes after the length are the session's pid


class Wire:
    """Leads connections at a socket in `folder` to `server`. `cut_at`: by the COMMIT's number from now on, whether the
    line breaks before it arrives, or after it was carried out and before the answer comes. `cuts`: those made.
    """

    def __init__(self, server: PostgresServer, folder: Path, *, pooler: bool = False) -> None:
        self._server = server
        self._folder = folder
        self._pooler = pooler
        self._listener = socket.socket(socket.AF_UNIX)
        self._commits: Iterator[int] = count(1)
        self.cut_at: dict[int, Moment] = {}
        self.cuts: list[tuple[int, Moment]] = []

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self._folder}"

    def cut(self, cut_at: dict[int, Moment]) -> None:
        """Break at these COMMITs, the first from now on being 1."""
        self._commits, self.cut_at = count(1), cut_at

    @contextmanager
    def up(self) -> Iterator[Wire]:
        self._listener.bind(str(self._folder / ".s.PGSQL.5432"))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server.socket_folder / ".s.PGSQL.5432"))
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while asked := client.recv(65_536):
                moment = None
                if _COMMIT in asked:
                    number = next(self._commits)
                    moment = self.cut_at.get(number)
                    if moment is not None:
                        self.cuts.append((number, moment))
                if moment is not None:
                    client.shutdown(socket.SHUT_RDWR)
                if moment != "before":
                    server.sendall(asked)
                if moment is not None:
                    break
        # What was sent is carried out; an answer finds nobody.
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while answered := server.recv(65_536):
                at = answered.find(_GREETING) if self._pooler else -1
                if at >= 0:
                    answered = answered[: at + 5] + bytes(4) + answered[at + 9 :]
                with suppress(OSError):
                    client.sendall(answered)
        client.close()
        server.close()
