"""A process that has loaded the program and starts writers from itself: a start then takes milliseconds, not the second
that Python needs to read its modules, and a thousand of them fit into minutes. Each is a process of its own, with its
own locks, connections and files; nothing of the ledger is open in this one.

    {"data": …, …}   start a writer (tests.crashes.writer.Order); the answer is its pid
    "wait"           wait for its end; the answer is its wait status. Until then nobody else gets its pid
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cryptography.hazmat.backends.openssl.backend  # noqa: F401  (else a writer reads it at its first key)

from tests.crashes.writer import Order, work

ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """Starts writers, one at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, order: Order) -> int:
        """Start a writer; its pid."""
        return int(self._ask(asdict(order)))

    def wait(self) -> int:
        """The wait status of the last writer, once it has ended."""
        return int(self._ask("wait"))

    def run(self, order: Order) -> int:
        self.start(order)
        return self.wait()

    def kill_at(self, order: Order, moment: float, *, answered: bool) -> int:
        """Start a writer and kill it `moment` seconds after its start, or its first answer; the wait status."""
        pid = self.start(order)
        telling = Path(order.telling)
        deadline = time.monotonic() + 60
        while answered and not (telling.exists() and telling.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.003)
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)
        return self.wait()

    def _ask(self, what: Any) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


@contextmanager
def nursery() -> Iterator[Nursery]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crashes.nursery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield Nursery(process)
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.wait()
        process.stdout.close()


def main() -> None:
    writer = 0
    for line in sys.stdin:
        asked = json.loads(line)
        if asked == "wait":
            _, status = os.waitpid(writer, 0)
            writer = 0
            print(status, flush=True)
        else:
            writer = os.fork()
            if writer == 0:
                _be_writer(Order(**asked))
            print(writer, flush=True)
    if writer:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


def _be_writer(order: Order) -> None:
    """In the new process, and never back into this one's loop: stdin and stdout are the nursery's."""
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    try:
        work(order)
        sys.stderr.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
