"""Runs `evidence-ledger` as a user does, and serves a ledger for it: as a process of its own, forked where that is the
same (tests.warm).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx

from tests import warm

PROGRAM = Path(sys.executable).with_name("evidence-ledger")
START_S = 60.0
STOP_S = 10.0  # CONTRACT: SIGTERM ends `serve` within 10 s


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without settings of a ledger that the developer may use."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVIDENCE_LEDGER_")}
    return {**kept, **(extra or {})}


def run(
    *words: str | Path | bytes,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    if warm.fits(environment(env)):
        return warm.run(warm.LEDGER, words, env=environment(env), cwd=cwd, timeout=timeout, errors="surrogateescape")
    return subprocess.run(
        [PROGRAM, *words],
        env=environment(env),
        cwd=cwd,
        timeout=timeout,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        stdin=subprocess.DEVNULL,
        check=False,
    )


def succeed(*words: str | Path | bytes, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Stdout of a command that must exit with 0, without its last newline."""
    done = run(*words, env=env, cwd=cwd)
    assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout.removesuffix("\n")


def fail(code: int, *words: str | Path | bytes, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Stderr of a command that must exit with `code`, print no result, and show no traceback."""
    done = run(*words, env=env, cwd=cwd)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    assert done.stdout == ""
    return done.stderr


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServedLedger:
    """A ledger in `data` and `serve` on it. A context manager: the server is stopped at the end, whatever happens."""

    def __init__(self, data: Path, options: Sequence[str] = (), main: str = warm.LEDGER) -> None:
        self.data = data
        self._main = main
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = list(options)
        self._process: warm.Child | None = None
        # One for all: each of its own reads the machine's certificates. A server that stops waits for one kept open.
        self._client = httpx.Client(timeout=5, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    @classmethod
    def make(cls, data: Path, options: Sequence[str] = (), main: str = warm.LEDGER) -> Self:
        """With a new log of its own."""
        succeed("init", "--data", data, "--origin", "ledger.test/evidence")
        return cls(data, options, main)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        log = self.data / "serve.log"
        with log.open("ab") as output:
            words = ["serve", "--data", self.data, "--port", str(self.port), *self._options]
            self._process = warm.start(
                self._main, words, env=environment(), stdout=output, stderr=output, new_session=True
            )
        deadline = time.monotonic() + START_S
        while not self.ready():
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def ready(self) -> bool:
        """Whether `/readyz` says so."""
        try:
            return self._client.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> float:
        """SIGTERM; how many seconds the server took to end."""
        assert self._process is not None
        begun = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S + 5)
        finally:
            self._end()
        return time.monotonic() - begun

    def kill(self) -> None:
        """SIGKILL to the server and all that it started: the machine's power cut, as far as the ledger can tell."""
        assert self._process is not None
        self._end()

    def token(self, name: str, role: str = "party") -> str:
        """A new account's token."""
        return succeed("user", "add", name, "--role", role, "--data", self.data)

    def access(self, token: str) -> dict[str, str]:
        """The environment in which the client's commands need no further options."""
        return {"EVIDENCE_LEDGER_SERVER": self.url, "EVIDENCE_LEDGER_TOKEN": token}

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
