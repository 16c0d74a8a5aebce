"""Clients that do nothing, or little, or not in turn, do not keep others from anchoring."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from api.settings import THREADS
from tests.api.serve.clients import (
    allow_files,
    anchor_digests,
    configure,
    connected,
    digests,
    file_form,
    head,
    hold,
    receive_answer,
)
from tests.api.serve.process import IDLE_SECONDS, Server, make_ledger, serving
from tests.api.serve.test_server import anchor, open_case

MIB = 1024 * 1024
IDLE = 2_000
SLOW = 200
ANSWER_SECONDS = 5.0  # with everybody else on the connections; alone it takes milliseconds


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str, str]]:
    """A server, alice's token and a case of hers."""
    data = tmp_path_factory.mktemp("served")
    settings, token = make_ledger(data)
    configure(settings, "extract = false")
    with serving(data) as server:
        yield server, token, open_case(server, token)


def test_two_thousand_idle_and_two_hundred_slow_connections_do_not_stop_anchoring(
    served: tuple[Server, str, str],
) -> None:
    server, token, case = served
    allow_files(IDLE + SLOW + 200)
    body = digests(b"slow")
    small, large = head(case, token, len(body)), head(case, token, 50 * MIB)
    slow = (
        (small[:40],),  # in its head
        (small, body[:100]),  # in a small body
        (large, file_form(b"x" * 1000)[:600]),  # in the middle of a file
        (small.replace(b"Content-Length", b"Expect: 100-continue\r\nContent-Length"),),  # told to go on, and does not
    )
    stopped = threading.Event()
    with ExitStack() as stack:
        asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        for n in range(IDLE):
            hold(stack, server, *((asked,) if n % 4 == 0 else ()))
        dripping = [hold(stack, server, *slow[n % len(slow)]) for n in range(SLOW)]

        def drip() -> None:
            while not stopped.wait(0.5):
                for connection in dripping:
                    with suppress(OSError):  # refused by now
                        connection.send(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            taken = []
            for n in range(20):
                began = time.monotonic()
                anchor_digests(server, token, case, b"digests %d" % n)
                anchor(server, token, case, b"file %d" % n, f"f{n}")
                taken.append(time.monotonic() - began)
        finally:
            stopped.set()
            thread.join()
    print(f"two anchors beside {IDLE} idle and {SLOW} slow connections: at most {max(taken) * 1000:.0f} ms")
    assert max(taken) < ANSWER_SECONDS


def test_clients_that_do_not_take_their_answers_do_not_stop_anchoring(served: tuple[Server, str, str]) -> None:
    """Each holds a thread while the kernel keeps no more of its answer; others are started instead."""
    server, token, case = served
    number = anchor(server, token, case, os.urandom(8 * MIB), "large")
    ask = f"GET /api/v1/evidence/{number}/file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(THREADS + 8):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(ask)
        time.sleep(1.0)
        began = time.monotonic()
        anchor_digests(server, token, case, b"beside")
        assert time.monotonic() - began < ANSWER_SECONDS
    anchor_digests(server, token, case, b"after")


def test_who_anchors_on_and_on_and_takes_no_answer_does_not_stop_the_others(served: tuple[Server, str, str]) -> None:
    """All of them are answered by one thread: it must not be the one that waits for this client."""
    server, token, case = served
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(("127.0.0.1", server.port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        connection.settimeout(1.0)
        sent = 0
        with suppress(TimeoutError):
            for sent in range(100_000):
                body = digests(b"greedy %d" % sent)
                connection.sendall(head(case, token, len(body)) + body)
                time.sleep(0.002)  # one at a time, as far as that goes: several at once go another way
        assert sent < 50_000, "it was to be held up"
        began = time.monotonic()
        for n in range(5):
            anchor_digests(server, token, case, b"beside the greedy %d" % n)
        assert time.monotonic() - began < ANSWER_SECONDS


def test_a_length_that_only_the_parser_reads_does_not_stop_anchoring(served: tuple[Server, str, str]) -> None:
    """Nobody knows these clients: their requests are refused, and what is left of their bodies is waited for."""
    server, token, case = served
    zeros = head(case, "nobody", 500).replace(b"Length: ", b"Length: " + b"0" * 20)
    longest, is_over = [0.0], threading.Event()

    def anchor_on_and_on() -> None:
        while not is_over.is_set():
            began = time.monotonic()
            try:
                anchor_digests(server, token, case, b"beside zeros")
            finally:
                longest[0] = max(longest[0], time.monotonic() - began)

    others = [threading.Thread(target=anchor_on_and_on) for _ in range(4)]
    for each in others:
        each.start()
    with ExitStack() as stack:
        for _ in range(3):
            hold(stack, server, zeros + digests(b"the beginning")[:200])
            time.sleep(0.3)
        is_over.set()
        for each in others:
            each.join()
    assert 0 < longest[0] < ANSWER_SECONDS


def test_requests_in_a_row_without_waiting_are_answered_in_turn(served: tuple[Server, str, str]) -> None:
    server, token, case = served
    bodies = [digests(b"row %d" % n) for n in range(5)]
    with connected(server, b"".join(head(case, token, len(body)) + body for body in bodies)) as connection:
        stream = connection.makefile("rb")
        indexes = []
        for _ in bodies:
            assert stream.readline().startswith(b"HTTP/1.1 201 ")
            length = 0
            while line := stream.readline().rstrip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line[15:])
            answer = stream.read(length)
            indexes.append(int(answer.split(b'"index":')[1].split(b",")[0]))
    assert indexes == sorted(indexes) and len(set(indexes)) == 5


def test_a_request_byte_by_byte_is_answered(served: tuple[Server, str, str]) -> None:
    server, token, case = served
    body = digests(b"bytes")
    with connected(server) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(case, token, len(body)) + body:
            connection.send(bytes([byte]))
        assert receive_answer(connection)[0] == 201


def test_who_asks_whether_to_go_on_is_told_so(served: tuple[Server, str, str]) -> None:
    server, token, case = served
    for body in (digests(b"continue"), file_form(os.urandom(MIB))):
        with connected(server, head(case, token, len(body), "Expect: 100-continue")) as connection:
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body)
            assert receive_answer(connection)[0] == 201


def test_a_client_that_does_not_leave_holds_nobody(served: tuple[Server, str, str]) -> None:
    """Its last answer given, it neither reads nor closes: the loop must not wait for it."""
    server, token, case = served
    with ExitStack() as stack:
        for _ in range(20):
            hold(stack, server, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        began = time.monotonic()
        anchor_digests(server, token, case, b"meanwhile")
        assert time.monotonic() - began < 2.0  # twenty times two seconds it would be


def test_an_idle_connection_is_closed_in_the_end(tmp_path: Path) -> None:
    make_ledger(tmp_path)
    with (
        serving(tmp_path, main="tests.api.serve.process:main_that_soon_closes") as server,
        connected(server) as fresh,
        connected(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") as used,
    ):
        assert receive_answer(used)[0] == 200
        began = time.monotonic()
        for connection in (fresh, used):
            connection.settimeout(IDLE_SECONDS + 10)
            assert connection.recv(1) == b""
        assert time.monotonic() - began > IDLE_SECONDS / 2
