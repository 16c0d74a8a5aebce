"""SIGTERM ends `serve` in ten seconds also when every thread is held by a client that has stopped sending."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path

from api.settings import THREADS
from ledger.upkeep.fsck import fsck
from tests.api.serve.process import STOP_SECONDS, Server, make_ledger, serving
from tests.api.serve.test_server import anchor, open_case
from tests.api.service import FORM_TYPE, Part, form
from tests.ledger.making import ALICE, opened

MIB = 1024 * 1024


def hold(stack: ExitStack, server: Server, *chunks: bytes) -> None:
    """A connection that sends so much, and then nothing more until the block ends."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
    for chunk in chunks:
        connection.sendall(chunk)


def test_clients_that_hold_every_thread_do_not_hold_the_stop(tmp_path: Path) -> None:
    settings, token = make_ledger(tmp_path)
    with serving(tmp_path) as server, ExitStack() as stack:
        case = open_case(server, token)
        number = anchor(server, token, case, b"acknowledged", "k")
        head = (
            f"POST /api/v1/cases/{case}/evidence HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: {FORM_TYPE}\r\nContent-Length: 50000000\r\n\r\n"
        ).encode()
        begun = form([Part("statement", b"{}"), Part("file", b"x" * MIB, "a.bin")], closed=False)
        for _ in range(THREADS):
            hold(stack, server, head, begun)  # in the middle of a file
        for sent in (b"", b"GET /heal", head, head + begun[:80]):  # idle, in a head, before a body, in a part's head
            hold(stack, server, sent)
        time.sleep(1.0)
        status, seconds = server.stop()
    assert (status, seconds < STOP_SECONDS) == (0, True), server.log.read_text()
    files = {path.name for path in settings.blobs.rglob("*") if path.is_file()}
    assert len(files) == 1  # the acknowledged one's: of the others not even a part is left
    with opened(settings) as ledger:
        assert ledger.evidence(ALICE, number).number == number
        assert ledger.status()["size"] == 3 + len(_tokens(ledger))
    assert list(fsck(settings)) == []


def _tokens(ledger: object) -> list[object]:
    """The tokens that the server recorded meanwhile are entries too."""
    store = ledger._store  # type: ignore[attr-defined]
    return [row for row, _ in store.scan() if row.kind == "timestamp.recorded"]
