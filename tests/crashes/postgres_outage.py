"""A PostgreSQL server that goes away while it is used, and comes back on the same files."""

from __future__ import annotations

import os
import pwd
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg

from tests.postgres import UNPRIVILEGED_ACCOUNT, PostgresServer, running_postgres

WAIT_SECONDS = 60


@dataclass
class Outage:
    """Stops and starts a server. It was started by `running_postgres`, which ends it if it is still that one."""

    server: PostgresServer
    again: subprocess.Popen[bytes] | None = None

    def stop(self, how: signal.Signals) -> None:
        """SIGINT: ends connections and shuts down; SIGQUIT: as a crash, files as they are; SIGKILL: a crash."""
        pid = int((self.server.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, how)
        if self.again is not None:
            self.again.wait(WAIT_SECONDS)
        _until(lambda: not _alive(pid))
        if how == signal.SIGKILL:
            _until(lambda: not self._served())  # its children notice by themselves

    def start(self) -> None:
        """Start it again as it was started, and wait until it answers."""
        command = shlex.split((self.server.data / "postmaster.opts").read_text())
        account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT) if os.geteuid() == 0 else None
        as_account = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with (self.server.data.parent / "log").open("ab") as log:
                self.again = subprocess.Popen(
                    command, cwd="/", env={"LC_ALL": "C"}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    **as_account,
                )  # fmt: skip
            while self.again.poll() is None:
                if self._served():
                    return
                time.sleep(0.05)
            # Children of a killed one may still hold its memory for a moment.
            assert time.monotonic() < deadline, (self.server.data.parent / "log").read_text()
            time.sleep(0.1)

    def _served(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.server.dsn("postgres"), connect_timeout=5):
            return True
        return False


@contextmanager
def outage() -> Iterator[Outage]:
    """A server of this test's own."""
    with running_postgres() as server:
        made = Outage(server)
        try:
            yield made
        finally:
            if made.again is not None and made.again.poll() is None:
                made.again.send_signal(signal.SIGINT)
                made.again.wait(WAIT_SECONDS)


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for yet does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()
