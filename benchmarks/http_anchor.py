"""Hash-only anchoring over HTTP, against a real `evidence-ledger serve`, beside a bare Flask JSON echo."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import httpx

from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.load import MARK, Job, run_job
from benchmarks.logs import ORIGIN
from benchmarks.scale import Scale
from benchmarks.serving import serving
from benchmarks.statements import make_statement_template

PROGRAM: Final = Path(sys.executable).with_name("evidence-ledger")
MANY: Final = 32

# Numbers of one round never meet those of another: a job sends fewer requests than this.
_SERIALS: Final = count(1 << 40, 1 << 32)
_BOUNDARY: Final = "evidence-boundary"
_STATEMENT: Final = make_statement_template(MARK).decode()
_NOTES: Final = (
    "anchoring: multipart with a statement alone and an Idempotency-Key, answered with the receipt, durably",
    "the echo parses and returns the same statement as JSON, on the same gunicorn setup; the load comes from a process "
    "of its own",
)


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, running, and what anchoring needs."""

    ledger: int
    echo: int
    case: str
    token: str


def measure_one_client(scale: Scale, folder: Path) -> Outcome:
    """A statement a request, from one client."""
    return _measure_single("http-1", "1 client", 1, scale, folder)


def measure_many_clients(scale: Scale, folder: Path) -> Outcome:
    """A statement a request, from as many clients as the server has threads."""
    return _measure_single("http-32", f"{MANY} clients", MANY, scale, folder)


def _measure_single(name: str, words: str, clients: int, scale: Scale, folder: Path) -> Outcome:
    seconds = scale.of(2.5, 0.4)
    with _servers(folder) as servers:
        anchor, echo = _anchor_request(servers), _post(servers.echo, "/echo", "application/json", _STATEMENT)
        contenders = [
            Contender("anchoring", _loading(servers.ledger, anchor, clients, seconds)),
            Contender("Flask echo", _loading(servers.echo, echo, clients, seconds), peer=True),
        ]
        title = f"hash-only anchoring over HTTP, {words}, on SQLite"
        return compare(name, title, contenders, scale.of(3, 2), _NOTES, warm_up=False)


def measure_batch(scale: Scale, folder: Path) -> Outcome:
    """Many statements a request, from one client; figures in entries."""
    seconds, lines = scale.of(2.5, 0.4), scale.of(1_000, 50)
    with _servers(folder) as servers:
        batch = _batch_request(servers, f"{_STATEMENT}\n" * lines)
        echo = _post(servers.echo, "/echo", "application/json", f"[{','.join([_STATEMENT] * lines)}]")
        contenders = [
            Contender("evidence:batch", _in_entries(_loading(servers.ledger, batch, 1, seconds), lines)),
            Contender("Flask echo", _in_entries(_loading(servers.echo, echo, 1, seconds), lines), peer=True),
        ]
        title = f"hash-only anchoring over HTTP, {lines:,} statements a request, 1 client, on SQLite"
        return compare("http-batch", title, contenders, scale.of(3, 2), warm_up=False)


@contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    data = folder / "data"
    _command("init", "--data", data, "--origin", ORIGIN)
    token = _command("user", "add", "aigul", "--role", "party", "--data", data)
    echo: list[str | Path] = [sys.executable, "-m", "benchmarks.echo_server", folder / "echo"]
    with (
        serving([PROGRAM, "serve", "--data", data, "--port", "0"], folder / "ledger.log") as ledger_port,
        serving(echo, folder / "echo.log") as echo_port,
    ):
        answer = httpx.post(
            f"http://127.0.0.1:{ledger_port}/api/v1/cases",
            json={"title": "Load"},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )
        yield Servers(ledger_port, echo_port, answer.raise_for_status().json()["case"], token)


def _command(*words: str | Path) -> str:
    return subprocess.run([PROGRAM, *words], check=True, capture_output=True, text=True).stdout.strip()


def _anchor_request(servers: Servers) -> str:
    body = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="statement"\r\n'
        f"Content-Type: application/json\r\n\r\n{_STATEMENT}\r\n--{_BOUNDARY}--\r\n"
    )
    path = f"/api/v1/cases/{servers.case}/evidence"
    return _post(servers.ledger, path, f"multipart/form-data; boundary={_BOUNDARY}", body, *_owner(servers))


def _batch_request(servers: Servers, lines: str) -> str:
    path = f"/api/v1/cases/{servers.case}/evidence:batch"
    return _post(servers.ledger, path, "application/x-ndjson", lines, *_owner(servers))


def _owner(servers: Servers) -> tuple[str, ...]:
    # As the command line's client does: a key for each submission.
    return f"Authorization: Bearer {servers.token}", f"Idempotency-Key: {MARK}"


def _post(port: int, path: str, media_type: str, body: str, *headers: str) -> str:
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body.encode())}",
        *headers,
    )
    return "\r\n".join(lines) + "\r\n\r\n" + body


def _loading(port: int, request: str, clients: int, seconds: float) -> Callable[[], Figures]:
    return lambda: run_job(Job(port, request, clients, seconds, 201, next(_SERIALS)))


def _in_entries(run: Callable[[], Figures], lines: int) -> Callable[[], Figures]:
    def counted() -> Figures:
        figures = run()
        return {"entries/s": figures["req/s"] * lines, "p50 ms": figures["p50 ms"]}

    return counted
