"""Many clients of one server at once, some of them slow, idle or gone."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256, sha512
from typing import Any

import pytest

from ledger.config import Settings
from tests.api.serve.process import Server
from tests.api.service import FORM_TYPE, Part, form


def allow_files(count: int) -> None:
    """Let this process open so many files, or skip the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        if hard < count:
            pytest.skip(f"may open {hard} files, {count} are needed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def configure(settings: Settings, *lines: str) -> None:
    """Add to what the server will read. Extraction starts a process for every file, and has tests of its own."""
    with (settings.data / "config.toml").open("a", encoding="utf-8") as config:
        config.writelines(f"{line}\n" for line in lines)


@contextmanager
def connected(server: Server, *chunks: bytes) -> Iterator[socket.socket]:
    """A connection that has sent so much."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        for chunk in chunks:
            connection.sendall(chunk)
        yield connection


def hold(stack: ExitStack, server: Server, *chunks: bytes) -> socket.socket:
    """The same, until the stack is left."""
    return stack.enter_context(connected(server, *chunks))


def head(case: str, token: str, length: int, *more: str) -> bytes:
    """The head of a submission whose form has this length."""
    lines = (
        f"POST /api/v1/cases/{case}/evidence HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {token}",
        f"Content-Type: {FORM_TYPE}",
        f"Content-Length: {length}",
        *more,
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def digests(data: bytes) -> bytes:
    """A submission of digests alone, as a form."""
    statement = {
        "name": "a.bin",
        "size": len(data),
        "sha256": sha256(data).hexdigest(),
        "sha512": sha512(data).hexdigest(),
    }
    return form([Part("statement", json.dumps(statement).encode())])


def file_form(data: bytes) -> bytes:
    """A submission of a file."""
    return form([Part("statement", b"{}"), Part("file", data, "a.bin")])


def anchor_digests(server: Server, token: str, case: str, data: bytes) -> dict[str, Any]:
    """Anchor what is only told about: the answer."""
    path = f"/api/v1/cases/{case}/evidence"
    status, body = server.call("POST", path, token, digests(data), Content_Type=FORM_TYPE)
    assert status == 201, body
    return body


def receive_answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Status and JSON of what a connection that sent a request gets."""
    received = b""
    while True:
        head, found, body = received.partition(b"\r\n\r\n")
        if found:
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            if len(body) >= length:
                return int(head.split()[1]), json.loads(body[:length] or b"{}")
        chunk = connection.recv(65_536)
        if not chunk:
            raise ConnectionError(f"the answer was cut off: {received[:200]!r}")
        received += chunk
