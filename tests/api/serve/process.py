"""A server in a process of its own, on a ledger of its own. `python -m tests.api.serve.process DATA WORKERS` is it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from api.auth.accounts import AccountStore
from api.serve import serve, server, worker
from ledger.config import Settings, load_settings
from ledger.errors import LedgerError
from ledger.upkeep.initialise import initialise
from tests import warm
from tests.api.service import ORIGIN

START_SECONDS = 30.0
IDLE_SECONDS = 2
STOP_SECONDS = 10.0  # CONTRACT: SIGTERM ends `serve` within 10 s
ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Server:
    """A running server. `log`: the file that its stderr goes to."""

    process: warm.Child
    port: int
    log: Path

    def connect(self, seconds: float = 30.0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)

    def call(
        self, method: str, path: str, token: str | None = None, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of one call."""
        connection = self.connect()
        try:
            sent = {"Content-Type": "application/json"} if isinstance(body, dict) else {}
            sent |= {name.replace("_", "-"): value for name, value in headers.items()}
            if token is not None:
                sent["Authorization"] = f"Bearer {token}"
            data = json.dumps(body) if isinstance(body, dict) else body
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """The processes that answer."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Exit status, and the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(how)
        status = self.process.wait(timeout=STOP_SECONDS + 5)
        return status, time.monotonic() - started


def make_ledger(data: Path, **options: object) -> tuple[Settings, str]:
    """A ledger in `data`, and the token of its account `alice`."""
    settings = load_settings(data, {"origin": ORIGIN, **options}, {})
    initialise(settings)
    accounts = AccountStore.open(settings.database)
    try:
        return settings, accounts.add("alice", "party").token
    finally:
        accounts.close()


@contextmanager
def serving(data: Path, workers: int = 1, main: str = "tests.api.serve.process:main") -> Iterator[Server]:
    """A server on the ledger in `data`, at a port of its own choice; stopped at the end, whatever happened."""
    log = data / "server.log"
    with log.open("a") as errors:
        reader, writer = os.pipe()
        process = warm.start(main, [data, str(workers)], env=os.environ, stdout=writer, stderr=errors, cwd=ROOT)
        os.close(writer)
    try:
        with open(reader) as stdout:
            yield Server(process, _read_port(stdout, log), log)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS + 5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _read_port(stdout: TextIO, log: Path) -> int:
    line = stdout.readline()
    prefix = "listening on http://127.0.0.1:"
    assert line.startswith(prefix), f"{line!r}\n{log.read_text()}"
    return int(line.removeprefix(prefix))


def main_that_soon_closes() -> int:
    """The same, with less time for idle connections than the real quarter of a minute."""
    for module in (server, worker):
        module.KEEPALIVE_SECONDS = IDLE_SECONDS  # type: ignore[misc]  # final, for all but this
    return main()


def main() -> int:
    """Serve the ledger in argv[1]; a refusal is one line on stderr, as the command line's would be."""
    data, workers = Path(sys.argv[1]), int(sys.argv[2])
    try:
        return serve(load_settings(data, {}, {}), "127.0.0.1", 0, workers)
    except LedgerError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
