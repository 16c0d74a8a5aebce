"""A line to PostgreSQL at whose other end somebody else answers than greets, as behind PgBouncer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.postgres import SUPERUSER, PostgresServer

_SOCKET = ".s.PGSQL.5432"
_GREETING = b"K\0\0\0"  # BackendKeyData: this and a byte more, then the session's pid


@contextmanager
def pooled(server: PostgresServer) -> Iterator[str]:
    """The address of a new database of `server`; sessions are told a pid that is not the server's."""
    with TemporaryDirectory(prefix="evidence-") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(Path(folder, _SOCKET)))  # not in tmp_path: a socket's path has at most 107 bytes
        listener.listen()
        threading.Thread(target=_accept, args=(listener, server), daemon=True).start()
        yield f"postgresql+psycopg://{SUPERUSER}@/{server.create_database()}?host={folder}"
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: PostgresServer) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(str(server.socket_folder / _SOCKET))
            for ends in ((client, upstream), (upstream, client)):
                threading.Thread(target=_pass, args=ends, daemon=True).start()


def _pass(source: socket.socket, to: socket.socket) -> None:
    greeted = False
    with suppress(OSError):
        while data := source.recv(65_536):
            at = -1 if greeted else data.find(_GREETING)
            if at >= 0:
                greeted, data = True, data[: at + 5] + bytes(4) + data[at + 9 :]
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
