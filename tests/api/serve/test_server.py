"""A real server process: what it prints, how it stops, what it survives, and how much memory an upload takes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.serve import serve
from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.config import load_settings
from ledger.errors import ConfigError
from ledger.upkeep.fsck import fsck
from tests.api.serve.process import ROOT, STOP_SECONDS, Server, make_ledger, serving
from tests.api.service import BOUNDARY, FORM_TYPE, Part, form

MIB = 1024 * 1024
UPLOAD_BYTES = 1024 * MIB
MEMORY_BYTES = 100 * MIB  # the most that an upload may add to the process


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server for many tests, and alice's token."""
    data = tmp_path_factory.mktemp("shared")
    _, token = make_ledger(data)
    with serving(data) as server:
        yield server, token


def anchor(server: Server, token: str, case: str, data: bytes, key: str) -> str:
    """Anchor `data`; returns the number."""
    status, body = server.call(
        "POST",
        f"/api/v1/cases/{case}/evidence",
        token,
        form([Part("statement", b"{}"), Part("file", data, "a.bin")]),
        Content_Type=FORM_TYPE,
        Idempotency_Key=key,
    )
    assert status == 201, body
    return str(body["number"])


def open_case(server: Server, token: str) -> str:
    return str(server.call("POST", "/api/v1/cases", token, {"title": "a case"})[1]["case"])


def exchange(server: Server, sent: bytes, *, half_close: bool = False) -> tuple[int, dict[str, object]]:
    """Status and problem that raw bytes get."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(sent)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
            if received.endswith(b"}\n"):
                break
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, received
    return int(head.split()[1]), json.loads(body)


def test_it_says_where_it_listens_stops_when_told_and_starts_again(tmp_path: Path) -> None:
    _, token = make_ledger(tmp_path)
    for opened, how in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)):
        with serving(tmp_path) as server:
            assert len(server.call("GET", "/api/v1/cases", token)[1]["items"]) == opened
            open_case(server, token)
            status, seconds = server.stop(how)
        assert (status, seconds < STOP_SECONDS) == (0, True)


def test_stopping_under_load_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    settings, token = make_ledger(tmp_path)
    acknowledged: dict[str, str] = {}
    stopping = threading.Event()

    def submit(worker: int) -> None:
        for at in range(10_000):
            data = f"{worker}-{at}".encode()
            try:
                number = anchor(server, token, case, data, f"k-{worker}-{at}")
            except (OSError, AssertionError, ValueError):
                assert stopping.is_set()
                return
            acknowledged[number] = hashlib.sha256(data).hexdigest()

    with serving(tmp_path) as server:
        case = open_case(server, token)
        threads = [threading.Thread(target=submit, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        stopping.set()
        status, seconds = server.stop()
        for thread in threads:
            thread.join()
    assert (status, seconds < STOP_SECONDS) == (0, True)
    assert len(acknowledged) > 4  # it served under load until it was told to stop; how fast is no matter here
    assert list(fsck(settings)) == []
    ledger = Ledger.open(settings)
    try:
        for number, digest in acknowledged.items():
            assert ledger.evidence(Actor("alice", "party"), number).opened["file.sha256"] == digest
    finally:
        ledger.close()


def test_an_upload_that_hangs_neither_stops_the_stopping_nor_leaves_anything(tmp_path: Path) -> None:
    settings, token = make_ledger(tmp_path)
    with serving(tmp_path) as server:
        case = open_case(server, token)
        head = (
            f"POST /api/v1/cases/{case}/evidence HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: {FORM_TYPE}\r\nContent-Length: 50000000\r\n\r\n"
        )
        begun = form([Part("statement", b"{}"), Part("file", b"x" * 5 * MIB, "a.bin")], closed=False)
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.encode() + begun)
            time.sleep(0.5)
            status, seconds = server.stop()
    assert (status, seconds < STOP_SECONDS) == (0, True)
    assert [path for path in settings.blobs.rglob("*") if path.is_file()] == []
    assert list(fsck(settings)) == []


def test_a_gibibyte_is_received_in_constant_memory(tmp_path: Path) -> None:
    _, token = make_ledger(tmp_path)
    block = os.urandom(MIB)
    head = form([Part("statement", b"{}"), Part("file", b"", "film.bin")], closed=False)[:-2]
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    digest = hashlib.sha256()
    for _ in range(UPLOAD_BYTES // MIB):
        digest.update(block)

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(UPLOAD_BYTES // MIB):
            yield block
        yield tail

    with serving(tmp_path) as server:
        case = open_case(server, token)
        anchor(server, token, case, b"warm", "warm")
        (worker,) = server.workers()
        before = _resident(worker)
        connection = server.connect(120.0)
        length = len(head) + UPLOAD_BYTES + len(tail)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": FORM_TYPE, "Content-Length": str(length)}
        started = time.monotonic()
        connection.request("POST", f"/api/v1/cases/{case}/evidence", body(), headers)
        answer = connection.getresponse()
        number = json.loads(answer.read())["number"]
        seconds = time.monotonic() - started
        connection.close()
        assert answer.status == 201
        grown = _resident(worker, "VmHWM") - before
        opened = server.call("GET", f"/api/v1/evidence/{number}", token)[1]["opened"]
    assert (opened["file.size"], opened["file.sha256"]) == (UPLOAD_BYTES, digest.hexdigest())
    print(f"1 GiB in {seconds:.1f} s, {grown / MIB:.0f} MiB more at the peak")
    assert grown < MEMORY_BYTES, f"grew by {grown / MIB:.0f} MiB"


def _resident(pid: int, name: str = "VmRSS") -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{name} is not in the status of {pid}")


def test_a_file_goes_in_without_a_length_and_comes_back_whole_and_in_ranges(shared: tuple[Server, str]) -> None:
    server, token = shared
    case = open_case(server, token)
    data = os.urandom(3 * MIB + 17)
    body = form([Part("file", data, "a.bin"), Part("statement", b"{}")])
    connection = server.connect()
    pieces = (body[at : at + 70_001] for at in range(0, len(body), 70_001))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": FORM_TYPE}
    connection.request("POST", f"/api/v1/cases/{case}/evidence", pieces, headers, encode_chunked=True)
    number = json.loads(connection.getresponse().read())["number"]
    for asked, expected in (
        (None, data),
        ("bytes=5-9", data[5:10]),
        (f"bytes={MIB}-", data[MIB:]),
        ("bytes=-3", data[-3:]),
    ):
        extra = {} if asked is None else {"Range": asked}
        connection.request("GET", f"/api/v1/evidence/{number}/file", headers={**headers, **extra})
        answer = connection.getresponse()
        assert answer.status == (200 if asked is None else 206)
        assert answer.read() == expected
    connection.request("HEAD", f"/api/v1/evidence/{number}/file", headers=headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, str(len(data)), b"")
    connection.close()


@pytest.mark.parametrize(
    ("token_sent", "case_sent", "size", "status"),
    [("elt_none", None, 24 * MIB, 401), (None, "0" * 32, 24 * MIB, 404), (None, None, 12 * 1024 * MIB, 413)],
)
def test_who_is_refused_early_lives_to_read_why(
    shared: tuple[Server, str], token_sent: str | None, case_sent: str | None, size: int, status: int
) -> None:
    """The client sends on after its refusal was clear, as all do; a server that just closed would break its pipe."""
    server, token = shared
    case = open_case(server, token)
    connection = server.connect()
    connection.putrequest("POST", f"/api/v1/cases/{case_sent or case}/evidence")
    connection.putheader("Authorization", f"Bearer {token_sent or token}")
    connection.putheader("Content-Type", FORM_TYPE)
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    for _ in range(24):
        connection.send(b"x" * MIB)
    if size > 24 * MIB:
        assert connection.sock is not None
        connection.sock.shutdown(socket.SHUT_WR)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(answer.read())["status"] == status
    connection.close()
    assert server.call("GET", "/healthz")[0] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\x00: 1\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_gets_a_problem_too(shared: tuple[Server, str], sent: bytes, status: int) -> None:
    got, problem = exchange(shared[0], sent)
    assert (got, problem["status"], problem["where"]) == (status, status, "request")


POST = b"POST /timestamp HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n",
        POST + b"Content-Length: 10\r\n\r\nab",
    ],
)
def test_a_body_that_is_broken_or_cut_off_is_malformed(shared: tuple[Server, str], sent: bytes) -> None:
    got, problem = exchange(shared[0], sent, half_close=True)
    assert (got, problem["title"]) == (400, "Malformed")


def test_half_a_batch_is_no_batch(shared: tuple[Server, str]) -> None:
    """A batch has no closing mark: only its announced length shows that the client went away in the middle."""
    server, token = shared
    line = json.dumps({"name": "a", "size": 1, "sha256": "0" * 64, "sha512": "0" * 128}).encode() + b"\n"
    case = open_case(server, token)
    head = (
        f"POST /api/v1/cases/{case}/evidence:batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/x-ndjson\r\nContent-Length: {len(line) * 5}\r\n\r\n"
    ).encode()
    assert exchange(server, head + line * 3, half_close=True)[0] == 400
    items = server.call("GET", f"/api/v1/cases/{case}/timeline", token)[1]["items"]
    assert [item["kind"] for item in items] == ["case.opened"]


def test_the_log_holds_no_secret_and_nothing_of_what_was_sent(shared: tuple[Server, str]) -> None:
    server, token = shared
    case = open_case(server, token)
    said = json.dumps({"metadata": {"author": "Qasym-Secret"}}).encode()
    body = form([Part("statement", said), Part("file", b"inner-secret", "name-secret.bin")])
    path = f"/api/v1/cases/{case}/evidence"
    receipt = server.call("POST", path, token, body, Content_Type=FORM_TYPE, Idempotency_Key="key-secret")[1]
    assert server.call("POST", path, token, body[:-9], Content_Type=FORM_TYPE)[0] == 400
    server.call("GET", f"/api/v1/evidence/{receipt['number']}/receipt", token)
    server.call("GET", "/no-secret-address?query-secret=1", token)
    server.call("GET", "/api/v1/cases?query-secret=1", token)
    server.call("GET", "/api/v1/cases", "elt_wrong-secret")
    exchange(server, b"GET /line-secret\r\n\r\n")
    log = server.log.read_text()
    assert f"POST {path} 201" in log
    assert "ecret" not in log and "inner" not in log
    assert token not in log and receipt["receipt"]["secret"] not in log and receipt["access"] not in log


def test_a_killed_worker_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    settings, token = make_ledger(tmp_path)
    with serving(tmp_path) as server:
        case = open_case(server, token)
        first = anchor(server, token, case, b"one", "k1")
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while True:
            try:
                assert server.call("GET", f"/api/v1/evidence/{first}", token)[0] == 200
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert anchor(server, token, case, b"two", "k2") > first
    assert list(fsck(settings)) == []


def test_a_second_server_on_one_sqlite_ledger_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    make_ledger(tmp_path)
    with serving(tmp_path) as server:
        second = subprocess.run(
            [sys.executable, "-m", "tests.api.serve.process", str(tmp_path), "1"],
            capture_output=True, text=True, cwd=ROOT, timeout=30,
        )  # fmt: skip
        assert second.returncode == 2
        assert second.stdout == ""
        assert second.stderr.startswith("ConfigError: ") and second.stderr.count("\n") == 1, second.stderr
        assert server.call("GET", "/readyz")[0] == 200


def test_an_address_that_is_taken_or_not_ours_is_said_so(tmp_path: Path) -> None:
    settings, _ = make_ledger(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: address already in use"):
            serve(settings, "127.0.0.1", port)
    for host, port in (("192.0.2.1", 0), ("127.0.0.1", 70_000), ("no.such.host.invalid", 0)):
        with pytest.raises(ConfigError, match="cannot listen"):
            serve(settings, host, port)


def test_several_workers_need_postgresql(tmp_path: Path) -> None:
    make_ledger(tmp_path)
    with pytest.raises(ConfigError):
        serve(load_settings(tmp_path, {}, {}), "127.0.0.1", 0, 2)


def test_several_workers_share_one_log_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    settings, token = make_ledger(tmp_path, database=postgres_url)
    numbers: list[str] = []
    with serving(tmp_path, workers=2) as server:
        assert len(server.workers()) == 2
        case = open_case(server, token)

        def submit(worker: int) -> None:
            numbers.extend(anchor(server, token, case, b"%d %d" % (worker, at), f"{worker}-{at}") for at in range(15))

        threads = [threading.Thread(target=submit, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        status, seconds = server.stop()
    assert (status, seconds < STOP_SECONDS) == (0, True)
    assert len(set(numbers)) == 60
    assert list(fsck(settings)) == []
