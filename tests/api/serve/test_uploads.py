"""Files that come in many at a time, slowly, in part, or onto a disk that is full: memory is bounded, nothing is lost,
and of what was not acknowledged nothing is left.

`make test-load` sends 500 files of 10 MB and one of 10 GiB; here both are smaller.
"""

from __future__ import annotations

import hashlib
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.settings import UPLOAD_THREADS
from ledger.config import Settings
from ledger.upkeep.fsck import fsck
from tests.api.serve.clients import allow_files, configure, connected, file_form, head, receive_answer
from tests.api.serve.process import Server, make_ledger, serving
from tests.api.serve.test_server import anchor, open_case
from tests.api.service import BOUNDARY, Part, form

MIB = 1024 * 1024
MANY = int(os.environ.get("EVIDENCE_LOAD_UPLOADS", "60"))
MANY_BYTES = int(os.environ.get("EVIDENCE_LOAD_UPLOAD_BYTES", str(2 * MIB)))
LARGE_BYTES = int(os.environ.get("EVIDENCE_LOAD_FILE_BYTES", str(256 * MIB)))
"""0: the largest file is left to `make test-load`."""

MEMORY_BYTES = 512 * MIB
"""The most that any number of uploads may add to a process (docs/operations.md)."""


def resident(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{name} is not in the status of {pid}")


def blobs_of(settings: Settings) -> list[Path]:
    return [path for path in settings.blobs.rglob("*") if path.is_file()]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, Settings, str, str]]:
    """A server, its settings, alice's token and a case of hers."""
    settings, token = make_ledger(tmp_path)
    configure(settings, "extract = false", "[limits]", f"file_bytes = {LARGE_BYTES}")
    with serving(tmp_path) as server:
        yield server, settings, token, open_case(server, token)


def upload(server: Server, case: str, token: str, data: bytes, key: str, *, pause: float = 0.0) -> tuple[int, str]:
    """Send a file, with a pause in its middle; status and number."""
    body = file_form(data)
    with connected(server, head(case, token, len(body), f"Idempotency-Key: {key}")) as connection:
        connection.settimeout(600)
        connection.sendall(body[: len(body) // 2])
        time.sleep(pause)
        connection.sendall(body[len(body) // 2 :])
        status, answer = receive_answer(connection)
        return status, str(answer.get("number"))


@pytest.mark.timeout(1800)
def test_many_files_at_once_all_arrive_in_bounded_memory(served: tuple[Server, Settings, str, str]) -> None:
    server, settings, token, case = served
    allow_files(MANY + 200)
    block = os.urandom(MANY_BYTES)
    found: dict[int, tuple[int, str]] = {}

    def send(n: int) -> None:
        found[n] = upload(server, case, token, n.to_bytes(8) + block[8:], f"k{n}", pause=1.0)

    anchor(server, token, case, b"warm", "warm")
    (worker,) = server.workers()
    before = resident(worker, "VmRSS")
    threads = [threading.Thread(target=send, args=(n,)) for n in range(MANY)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    grown = resident(worker, "VmHWM") - before
    print(f"{MANY} files of {MANY_BYTES:,} bytes at once: {seconds:.1f} s, {grown / MIB:.0f} MiB more at the peak")
    assert [status for status, _ in found.values()] == [201] * MANY
    assert len({number for _, number in found.values()}) == MANY
    assert grown < MEMORY_BYTES
    for n in (0, MANY // 2, MANY - 1):
        _, view = server.call("GET", f"/api/v1/evidence/{found[n][1]}", token)
        assert view["opened"]["file.sha256"] == hashlib.sha256(n.to_bytes(8) + block[8:]).hexdigest()
    server.stop()
    assert len(blobs_of(settings)) == MANY + 1
    assert list(fsck(settings)) == []


def test_slow_files_beyond_all_threads_wait_and_arrive(served: tuple[Server, Settings, str, str]) -> None:
    """They hold every thread for files while they pause; what comes meanwhile waits in line, and is answered."""
    server, _, token, case = served
    allow_files(UPLOAD_THREADS + 400)
    body = file_form(os.urandom(MIB))
    connections = []
    try:
        for n in range(UPLOAD_THREADS + 10):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=120)
            connection.sendall(head(case, token, len(body), f"Idempotency-Key: s{n}") + body[:1000])
            connections.append(connection)
        late = threading.Timer(0, lambda: None)
        status: list[int] = []
        late = threading.Thread(target=lambda: status.append(upload(server, case, token, b"z" * MIB, "late")[0]))
        late.start()
        time.sleep(1.0)
        assert status == []
        for connection in connections:
            connection.sendall(body[1000:])
        assert {receive_answer(connection)[0] for connection in connections} == {201}
        late.join()
        assert status == [201]
    finally:
        for connection in connections:
            connection.close()


def test_a_file_that_is_cut_off_leaves_nothing(served: tuple[Server, Settings, str, str]) -> None:
    server, settings, token, case = served
    body = file_form(os.urandom(MIB))
    for sent in (0, 300, 400_000, len(body) - 40, len(body) - 1):
        with connected(server, head(case, token, len(body)), body[:sent]) as connection:
            connection.shutdown(socket.SHUT_WR)
            status, problem = receive_answer(connection)
            assert (status, problem["title"]) == (400, "Malformed"), problem
        with connected(server, head(case, token, len(body)), body[:sent]):
            pass  # gone altogether
    time.sleep(0.5)
    items = server.call("GET", f"/api/v1/cases/{case}/timeline", token)[1]["items"]
    assert [item["kind"] for item in items] == ["case.opened"]
    server.stop()
    assert blobs_of(settings) == []


@pytest.mark.parametrize("announced", [True, False])
def test_one_byte_beyond_the_limit_is_too_large(tmp_path: Path, announced: bool) -> None:
    """Whether the client says how much it sends or not."""
    settings, token = make_ledger(tmp_path)
    configure(settings, "extract = false", "[limits]", f"file_bytes = {2 * MIB}")
    with serving(tmp_path) as server:
        case = open_case(server, token)
        for size, expected in ((2 * MIB, 201), (2 * MIB + 1, 413)):
            status, answer = _send(server, case, token, size, announced=announced)
            assert status == expected, answer
        assert answer["limit"] == 2 * MIB and answer["where"] == "file"
        assert len(server.call("GET", f"/api/v1/cases/{case}/timeline", token)[1]["items"]) == 2
    assert len(blobs_of(settings)) == 1


@pytest.mark.timeout(3600)
def test_the_largest_file_arrives_in_constant_memory_and_one_byte_more_does_not(
    served: tuple[Server, Settings, str, str],
) -> None:
    server, settings, token, case = served
    anchor(server, token, case, b"warm", "warm")
    (worker,) = server.workers()
    before, began = resident(worker, "VmRSS"), time.monotonic()
    status, answer = _send(server, case, token, LARGE_BYTES, announced=True)
    seconds, grown = time.monotonic() - began, resident(worker, "VmHWM") - before
    print(f"{LARGE_BYTES:,} bytes in {seconds:.0f} s, {grown / MIB:.0f} MiB more at the peak")
    assert status == 201, answer
    assert grown < 100 * MIB
    assert server.call("GET", f"/api/v1/evidence/{answer['number']}", token)[1]["opened"]["file.size"] == LARGE_BYTES
    before_refusal = set(blobs_of(settings))
    for announced in (True, False):
        status, answer = _send(server, case, token, LARGE_BYTES + 1, announced=announced)
        assert (status, answer["limit"]) == (413, LARGE_BYTES)
    assert set(blobs_of(settings)) == before_refusal


def _send(server: Server, case: str, token: str, size: int, *, announced: bool) -> tuple[int, dict[str, object]]:
    """A file of so many bytes, from no memory of ours: status and answer."""
    block = bytes(MIB)
    begin = form([Part("statement", b"{}"), Part("file", b"", "a.bin")], closed=False)[:-2]
    end = f"\r\n--{BOUNDARY}--\r\n".encode()

    def body() -> Iterator[bytes]:
        yield begin
        for _ in range(size // MIB):
            yield block
        yield block[: size % MIB]
        yield end

    lines = head(case, token, len(begin) + size + len(end))
    if not announced:
        lines = lines.replace(b"Content-Length: %d" % (len(begin) + size + len(end)), b"Transfer-Encoding: chunked")
    with connected(server, lines) as connection:
        connection.settimeout(600)
        try:
            for piece in filter(None, body()):
                connection.sendall(piece if announced else b"%x\r\n%b\r\n" % (len(piece), piece))
            if not announced:
                connection.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # refused while it was sending; what for stands in the answer
        return receive_answer(connection)


def test_a_disk_that_is_full_in_the_middle_of_a_file_is_said_to_be_and_leaves_nothing(
    served: tuple[Server, Settings, str, str],
) -> None:
    """Stood in for by a limit on how large the server's files may grow; tests.crashes fills a file system."""
    server, settings, token, case = served
    (worker,) = server.workers()
    unlimited = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (6 * MIB, unlimited[1]))
    data = os.urandom(16 * MIB)
    body = file_form(data)
    with connected(server, head(case, token, len(body), "Idempotency-Key: full"), body) as connection:
        status, problem = receive_answer(connection)
    assert (status, problem["title"]) == (503, "Full or down"), problem
    assert "file too large" in problem["detail"]
    assert blobs_of(settings) == []
    items = server.call("GET", f"/api/v1/cases/{case}/timeline", token)[1]["items"]
    assert [item["kind"] for item in items] == ["case.opened"]
    resource.prlimit(worker, resource.RLIMIT_FSIZE, unlimited)
    assert upload(server, case, token, data, "full")[0] == 201
