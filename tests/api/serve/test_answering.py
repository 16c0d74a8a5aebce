"""A small answer is one write; one that breaks off in its middle is cut off, and not taken for whole."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from gunicorn.config import Config

from api.serve.answering import GatheringSocket, answer
from api.serve.connection import Connection
from api.serve.crew import Crew
from api.serve.lane import Lane
from tests.api.serve.test_crew import wait_for


class Recorder:
    """A socket that keeps what it is given, write by write."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.written.append(bytes(data))

    def send(self, data: bytes) -> int:
        self.written.append(bytes(data))
        return len(data)


def gathered(*pieces: bytes) -> list[bytes]:
    recorder = Recorder()
    sock = GatheringSocket(recorder)  # type: ignore[arg-type]  # as much of a socket as is asked for
    for piece in pieces:
        sock.sendall(piece)
    sock.flush()
    sock.flush()
    return recorder.written


def test_head_and_body_go_together() -> None:
    assert gathered(b"head") == [b"head"]
    assert gathered(b"head", b"body") == [b"headbody"]
    assert gathered(b"head", b"a", b"b") == [b"heada", b"b"]
    assert gathered(b"head", b"x" * 100_000) == [b"head", b"x" * 100_000]
    assert gathered(b"head", b"", b"b") == [b"head", b"b"]


def test_what_a_client_does_not_take_at_once_is_sent_elsewhere() -> None:
    """A lane's thread has others to answer: it waits for no client."""
    client, server = socket.socketpair()
    with client, server:
        lane, sent = Lane("lane", Crew("other", 1)), list[str]()
        sock = GatheringSocket(server, lane)

        def work() -> None:
            for _ in range(200):
                sock.sendall(b"x" * 50_000)
            sock.flush()
            sent.append("all")

        lane.submit(work)
        lane.submit(lambda: sent.append("another"))
        assert wait_for(lambda: sent == ["another"])
        received = 0
        while received < 10_000_000:
            received += len(client.recv(1_000_000))
        assert wait_for(lambda: sent == ["another", "all"])


def test_an_interim_answer_goes_at_once() -> None:
    recorder = Recorder()
    sock = GatheringSocket(recorder)  # type: ignore[arg-type]  # as above
    sock.send(b"100")
    sock.sendall(b"head")
    sock.sendall(b"body")
    assert recorder.written == [b"100", b"headbody"]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Connection]]:
    client, server = socket.socketpair()
    connection = Connection(Config(), server, ("127.0.0.1", 1), ("127.0.0.1", 2))
    connection.init()
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    yield client, connection
    client.close()
    server.close()


def ask(pair: tuple[socket.socket, Connection], chunks: Iterable[bytes], *, is_last: bool = False) -> bool:
    _, connection = pair

    def application(_environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "6")])
        return chunks

    request = next(connection.parser)
    return answer(application, request, connection, connection.cfg, is_last=is_last)  # type: ignore[arg-type]


def test_an_answer_and_whether_another_may_follow(pair: tuple[socket.socket, Connection]) -> None:
    assert ask(pair, [b"abc", b"def"]) is True
    received = pair[0].recv(1000)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n") and b"Connection: keep-alive" in received
    pair[0].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    pair[1].is_read_to_its_end()
    assert ask(pair, [b"abcdef"], is_last=True) is False
    assert b"Connection: close" in pair[0].recv(1000)


def breaking(pieces: int) -> Iterator[bytes]:
    for _ in range(pieces):
        yield b"abc"
    raise ValueError("broken")


def test_what_fails_before_anything_was_sent_can_still_be_told(pair: tuple[socket.socket, Connection]) -> None:
    with pytest.raises(ValueError, match="broken"):
        ask(pair, breaking(0))


def test_what_fails_later_is_cut_off(pair: tuple[socket.socket, Connection]) -> None:
    assert ask(pair, breaking(1)) is False
    received = b""
    while chunk := pair[0].recv(1000):
        received += chunk
    assert received.endswith(b"\r\n\r\nabc"), "three bytes of six, and then the end"
