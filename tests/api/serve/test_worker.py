"""How long a worker waits for a client, and that it never writes where it should not."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import NoMoreData

import api.serve.connection as connection_module
import api.serve.worker as worker
from api.serve.body import CheckedBody
from api.serve.connection import Connection
from ledger.errors import MalformedError

Pair = tuple[socket.socket, Connection]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A client's end, and the server's connection with it."""
    client, server = socket.socketpair()
    connection = Connection(Config(), server, ("127.0.0.1", 1), ("127.0.0.1", 2))
    connection.init()
    yield client, connection
    client.close()
    server.close()


def test_a_client_in_time_is_read_as_ever(pair: Pair) -> None:
    client, connection = pair
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert next(connection.parser).uri == "/"
    connection.init()
    client.sendall(b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert next(connection.parser).uri == "/2"


def test_a_silent_client_is_gone_after_its_time(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "PATIENCE_SECONDS", 0.2)
    client, connection = pair
    client.sendall(b"GET / HTTP/1.1\r\nHo")
    started = time.monotonic()
    with pytest.raises((NoMoreData, StopIteration)):
        next(connection.parser)
    assert time.monotonic() - started < 2
    assert client.recv(1) == b"", "the connection is shut: what comes later is no new request"


def test_a_head_dripped_byte_by_byte_does_not_hold_a_thread(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "PATIENCE_SECONDS", 0.3)
    client, connection = pair
    stopped = threading.Event()

    def drip() -> None:
        while not stopped.wait(0.02):
            try:
                client.sendall(b"a")
            except OSError:
                return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises((NoMoreData, StopIteration)):
            next(connection.parser)
    finally:
        stopped.set()
        thread.join()


def test_bytes_that_come_earn_time(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body over a slow line takes longer than the patience with silence, and arrives."""
    monkeypatch.setattr(connection_module, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(connection_module, "BYTES_PER_SECOND_MIN", 10_000)
    client, connection = pair

    def send() -> None:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n")
        for _ in range(10):
            client.sendall(b"x" * 5_000)
            time.sleep(0.05)

    thread = threading.Thread(target=send)
    thread.start()
    body = next(connection.parser).body
    assert len(body.read(50_000)) == 50_000
    thread.join()


def test_a_client_gone_in_the_middle_of_its_body_is_malformed(pair: Pair) -> None:
    client, connection = pair
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
    client.shutdown(socket.SHUT_WR)
    body = CheckedBody(next(connection.parser).body)
    with pytest.raises(MalformedError):
        while body.read(10):
            pass


def test_a_late_answer_writes_into_no_file_of_ours(tmp_path: Path) -> None:
    """gunicorn wakes its loop through a pipe; a request that ends after the pipe was closed must not write a byte into
    whatever file has got its number since."""
    queue = worker._MethodQueue()
    queue.init()
    queue.close()
    kept = tmp_path / "kept-checkpoint"
    numbers = [os.open(kept, os.O_RDWR | os.O_CREAT) for _ in range(8)]
    try:
        queue.defer(lambda: None)
        assert kept.read_bytes() == b""
    finally:
        for number in numbers:
            os.close(number)
