"""The HTTP client against servers that are huge, slow, redirecting, or speak something else."""

from __future__ import annotations

import gzip
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.verifier.fake_ledger import TOKEN, FakeLedger, Reply, json_reply, problem, serving
from tests.verifier.log_forge import ForgedEntry, number
from tests.verifier.programs import Program
from verifier import interface, server
from verifier.command.console import TOKEN_VARIABLE

AUTHOR = "extracted.author"


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


@pytest.fixture
def demand(ledger: FakeLedger) -> ForgedEntry:
    found = ledger.demand([AUTHOR])
    ledger.answer(found, "disclosed", [AUTHOR])
    return found


def about(part: str, change: Callable[[Reply], Reply]) -> Callable[[str, Reply], Reply]:
    return lambda path, reply: change(reply) if part in path else reply


STATEMENTS: dict[str, Callable[[Reply], Reply]] = {
    "html": lambda reply: Reply(b"<html>log in</html>", media="text/html"),
    "json that is called html": lambda reply: Reply(reply.body, media="text/html"),
    "no json": lambda reply: Reply(b"{'demand': 1}"),
    "a list": lambda reply: Reply(b"[]"),
    "a number": lambda reply: Reply(b"1"),
    "nothing": lambda reply: Reply(b""),
    "latin-1": lambda reply: Reply('{"demand":"é"}'.encode("latin-1")),
    "a name twice": lambda reply: Reply(b'{"number":"EL-0000000002-92",' + _bytes(reply)[1:]),
    "nan": lambda reply: Reply(b'{"demand":NaN}'),
    "a deep nest": lambda reply: Reply(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a long number": lambda reply: Reply(b'{"a":' + b"1" * 100_000 + b"}"),
    "no number": lambda reply: json_reply({"demand": "EL-0000000004-86"}),
    "a number of another type": lambda reply: json_reply({**json.loads(_bytes(reply)), "number": 2}),
    "gzip that was not asked for": lambda reply: Reply(
        gzip.compress(_bytes(reply)), headers={"Content-Encoding": "gzip"}
    ),
    "too long": lambda reply: json_reply({**json.loads(_bytes(reply)), "more": "x" * server.MAX_JSON}),
    "cut short": lambda reply: Reply(_bytes(reply)[:20], headers={"Content-Length": "200"}),
    "not found": lambda reply: problem(404, "there is no such demand"),
    "created": lambda reply: Reply(reply.body, 201),
    "a server's fault": lambda reply: Reply(b"<h1>500</h1>", 500, "text/html"),
    "a problem that is none": lambda reply: Reply(b"][", 500, "application/problem+json"),
    "a status that is none": lambda reply: Reply(reply.body, 999),
}


def _bytes(reply: Reply) -> bytes:
    assert isinstance(reply.body, bytes)
    return reply.body


@pytest.mark.parametrize("change", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_statement_that_cannot_be_read(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, change: Callable[[Reply], Reply]
) -> None:
    ledger.lie = about("/demands/", change)
    run = program.answer(ledger, demand)
    assert run.status == 2 and not run.out and "Traceback" not in run.err and run.err.startswith("evidence-verify: ")


BUNDLES: dict[str, Callable[[Reply], Reply]] = {
    "html": lambda reply: Reply(b"<html>log in</html>", media="text/html"),
    "a bundle that is called html": lambda reply: Reply(reply.body, media="text/html"),
    "a bundle that is called json": lambda reply: Reply(reply.body),
    "no bundle": lambda reply: Reply(b"x" * 1_000, media="application/zip"),
    "nothing": lambda reply: Reply(b"", media="application/zip"),
    "packed": lambda reply: Reply(
        gzip.compress(_bytes(reply)), media="application/zip", headers={"Content-Encoding": "gzip"}
    ),
    "cut short": lambda reply: Reply(
        _bytes(reply)[:500], media="application/zip", headers={"Content-Length": str(len(_bytes(reply)))}
    ),
    "not allowed": lambda reply: problem(403, "not for you"),
}


@pytest.mark.parametrize("change", BUNDLES.values(), ids=BUNDLES.keys())
def test_a_bundle_that_cannot_be_read(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, change: Callable[[Reply], Reply]
) -> None:
    ledger.lie = about("/bundle", change)
    run = program.answer(ledger, demand)
    assert run.status == 2 and not run.out and "Traceback" not in run.err


def test_a_problem_is_told_and_obeyed_by_no_terminal(ledger: FakeLedger, demand: ForgedEntry, program: Program) -> None:
    ledger.lie = about("/demands/", lambda reply: problem(403, "not \x1b[2J for \u202eyou"))
    run = program.answer(ledger, demand)
    assert "403" in run.err and "not \\u{1b}[2J for \\u{202e}you" in run.err


def endless(piece: bytes, pause: float = 0) -> Iterator[bytes]:
    while True:
        time.sleep(pause)
        yield piece


@pytest.mark.parametrize("part", ["/demands/", "/bundle"])
def test_an_answer_without_end(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(interface, "MAX_BUNDLE", 1_000_000)
    media = "application/zip" if part == "/bundle" else "application/json"
    ledger.lie = about(part, lambda reply: Reply(endless(b"x" * 65_536), media=media))
    run = program.answer(ledger, demand)
    assert run.status == 2 and "at most" in run.err


def test_an_announced_length_beyond_the_limit_is_not_waited_for(
    ledger: FakeLedger, demand: ForgedEntry, program: Program
) -> None:
    ledger.lie = about("/bundle", lambda reply: Reply(b"PK", 200, "application/zip", {"Content-Length": str(2**40)}))
    assert "at most" in program.answer(ledger, demand).err


@pytest.mark.parametrize("part", ["/demands/", "/bundle"])
def test_a_byte_at_a_time(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(server, "MAX_ANSWER_S", 0.3)
    monkeypatch.setattr(server, "MAX_DOWNLOAD_S", 0.3)
    media = "application/zip" if part == "/bundle" else "application/json"
    ledger.lie = about(part, lambda reply: Reply(endless(b" ", 0.02), media=media))
    start = time.monotonic()
    run = program.answer(ledger, demand)
    assert run.status == 2 and "took too long" in run.err and time.monotonic() - start < 5


def test_headers_without_end(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part of a header is in time; all of it never is."""
    monkeypatch.setattr(server, "MAX_ANSWER_S", 0.3)

    class Dripping(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self.request.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                for piece in endless(b"a", 0.02):
                    self.request.sendall(piece)
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dripping) as dripping:
        dripping.daemon_threads = True
        threading.Thread(target=dripping.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{dripping.server_address[1]}"
        start = time.monotonic()
        run = program("answer", number(4), "--server", url, "--token", TOKEN, "--trust", ledger.trust)
        dripping.shutdown()
    assert run.status == 2 and "took too long" in run.err and time.monotonic() - start < 5


def test_a_server_that_says_nothing(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "TIMEOUT_S", 0.2)
    ledger.lie = about("/bundle", lambda reply: Reply(endless(b"", 0.05), media="application/zip"))
    assert program.answer(ledger, demand).status == 2


def test_all_answers_together_have_a_limit(ledger: FakeLedger, demand: ForgedEntry) -> None:
    with serving(ledger) as url:
        spent = server.Server(url, TOKEN, budget_s=0)
        with pytest.raises(server.Unreachable, match="together"):
            spent.ask(f"api/v1/demands/{number(demand.index)}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("part", ["/demands/", "/bundle", "/tile/"])
def test_a_redirect_is_not_followed_and_the_token_goes_nowhere(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, status: int, part: str, tmp_path: Path
) -> None:
    held = tmp_path / "held.zip"
    held.write_bytes(ledger.bundle())
    ledger.log.append("evidence.read", "b" * 32, fields={"a": 1})
    elsewhere = FakeLedger(tmp_path)
    with serving(elsewhere) as other:
        ledger.lie = about(part, lambda reply: Reply(b"", status, headers={"Location": f"{other}/"}))
        run = program.answer(ledger, demand, "--bundle", held)
    assert run.status == (3 if part == "/tile/" else 2) and elsewhere.requests == []
    assert "redirect" in (run.detail(6) if run.out else run.err)


def test_no_proxy_of_the_environment_sees_the_token(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = FakeLedger(tmp_path)
    with serving(elsewhere) as other:
        for variable in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, other)
        assert program.answer(ledger, demand).status == 0
    assert elsewhere.requests == []


URLS = [
    "",
    "x",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "data:application/json,{}",
    "http://",
    "http://[",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:x/",
    "http://me:word@127.0.0.1/",
    "http://127.0.0.1/?a=b",
    "http://127.0.0.1/#a",
    "http://a b/",
    "http://127.0.0.1:9/",
    "https://127.0.0.1:9/",
    "http://127.0.0.1:9/\r\nX: y",
]


@pytest.mark.parametrize("url", URLS)
def test_urls_that_lead_nowhere(ledger: FakeLedger, program: Program, url: str) -> None:
    run = program("answer", number(4), "--server", url, "--token", TOKEN, "--trust", ledger.trust)
    assert run.status == 2 and not run.out and "Traceback" not in run.err


@pytest.mark.parametrize("token", ["a b", "a\r\nX-Admin: yes", "a\n", "", "ключ", "\x00"])
def test_a_token_that_no_header_can_carry(ledger: FakeLedger, program: Program, token: str) -> None:
    with serving(ledger) as url:
        run = program("answer", number(4), "--server", url, "--token", token, "--trust", ledger.trust)
    assert run.status == 2 and ledger.requests == [] and (not token.strip() or token not in run.err)


def test_the_token_from_the_environment(
    ledger: FakeLedger, demand: ForgedEntry, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["answer", number(demand.index), "--trust", str(ledger.trust), "--server"]
    with serving(ledger) as url:
        assert program(*arguments, url).status == 2 and ledger.requests == []
        monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
        assert program(*arguments, f"{url}/").status == 0


def test_a_token_over_http_to_elsewhere_is_warned_of(ledger: FakeLedger, program: Program) -> None:
    run = program("standing", number(2), "--code", "c", "--server", "http://ledger.invalid", "--token", TOKEN)
    assert run.status == 2 and "reads the token" in run.err
