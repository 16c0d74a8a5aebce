"""A real `evidence-ledger serve` with a case to submit to, and the requests that clients send it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.load import MARK
from benchmarks.logs import ACCOUNT, ORIGIN
from benchmarks.serving import serving
from benchmarks.statements import make_statement_template

PROGRAM: Final = Path(sys.executable).with_name("evidence-ledger")
_STATEMENT: Final = make_statement_template(MARK).decode()
_BOUNDARY: Final = "evidence-boundary"


@dataclass(frozen=True, slots=True)
class LedgerServer:
    """Where it listens, and whom it knows. Requests hold `MARK` where each one's own number belongs."""

    port: int
    case: str
    token: str

    def batch(self, lines: int) -> str:
        """`evidence:batch` with so many hash-only statements, six fields each."""
        return self._post("evidence:batch", "application/x-ndjson", f"{_STATEMENT}\n" * lines)

    def anchor(self) -> str:
        """One hash-only statement; the answer is its receipt with the complete proof."""
        part = 'Content-Disposition: form-data; name="statement"\r\nContent-Type: application/json'
        body = f"--{_BOUNDARY}\r\n{part}\r\n\r\n{_STATEMENT}\r\n--{_BOUNDARY}--\r\n"
        return self._post("evidence", f"multipart/form-data; boundary={_BOUNDARY}", body)

    def _post(self, resource: str, media_type: str, body: str) -> str:
        lines = (
            f"POST /api/v1/cases/{self.case}/{resource} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.token}",
            f"Idempotency-Key: {MARK}",  # a key for each submission, as the command line's client sends
            f"Content-Type: {media_type}",
            f"Content-Length: {len(body.encode())}",
        )
        return "\r\n".join(lines) + "\r\n\r\n" + body


@contextmanager
def ledger_server(folder: Path) -> Iterator[LedgerServer]:
    """Made and started as an operator does, on SQLite, with no option but the port."""
    data = folder / "data"
    _command("init", "--data", data, "--origin", ORIGIN)
    token = _command("user", "add", ACCOUNT, "--role", "party", "--data", data)
    with serving([PROGRAM, "serve", "--data", data, "--port", "0"], folder / "ledger.log") as port:
        answer = httpx.post(
            f"http://127.0.0.1:{port}/api/v1/cases",
            json={"title": "Load"},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )
        yield LedgerServer(port, answer.raise_for_status().json()["case"], token)


def _command(*words: str | Path) -> str:
    return subprocess.run([PROGRAM, *words], check=True, capture_output=True, text=True).stdout.strip()
