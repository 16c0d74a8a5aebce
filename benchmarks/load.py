"""The load generator, a process of its own: clients on 127.0.0.1 that keep their connections and wait for each answer.

Reads a `Job` as JSON on stdin, writes its `Figures` as JSON on stdout. One thread, and requests are bytes made
beforehand but for a serial number: beside the server it costs little.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Final

from benchmarks.comparison import Figures, percentile

MARK: Final = "serial-number-16"
"""Stands in a request where each one's own number belongs, as 16 hex digits."""

WARM_SHARE: Final = 0.2
"""Of the measured time, before it: connections made, caches warm."""

SILENCE_SECONDS: Final = 10.0
_READ_BYTES: Final = 256 * 1024
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Job:
    """What to send: a request with `MARK` in it, from so many clients at once, for so long. `expected`: the status."""

    port: int
    request: str
    clients: int
    seconds: float
    expected: int
    first_serial: int


def run_job(job: Job) -> Figures:
    """Run it in a process of its own. Raises RuntimeError for any answer but the expected one."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(job)), capture_output=True, text=True, check=False,
        timeout=4 * job.seconds + 2 * SILENCE_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"load the server: {done.stderr.strip()[-500:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


class Client:
    """One connection: a request under way, what has come of its answer, and when it was sent."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SILENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._answer = b""

    def send(self, request: bytes) -> None:
        self._answer = b""
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Take what has come; the status once the answer is whole."""
        data = self.socket.recv(_READ_BYTES)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = _LENGTH.search(head)
        if length is None and _CHUNKED.search(head) is None:
            raise ValueError("expected a length or chunks")
        whole = body.endswith(b"0\r\n\r\n") if length is None else len(body) >= int(length[1])
        return int(head[9:12]) if whole else None


class Load:
    """All clients of a job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        before, *after = job.request.encode().split(MARK.encode())
        self._before, self._after = before, after
        self._serial = job.first_serial
        self.taken: list[float] = []
        self.statuses: Counter[int] = Counter()

    def run(self) -> Figures:
        """First the warming, uncounted, then the measuring."""
        with selectors.DefaultSelector() as selector:
            clients = [Client(self._job.port) for _ in range(self._job.clients)]
            for client in clients:
                selector.register(client.socket, selectors.EVENT_READ, client)
                client.send(self._request())
            self._for(self._job.seconds * WARM_SHARE, selector)
            self.taken.clear()
            begun = time.perf_counter()
            self._for(self._job.seconds, selector)
            seconds = time.perf_counter() - begun
            for client in clients:
                client.socket.close()
        if self.statuses.keys() != {self._job.expected}:
            raise ValueError(f"expected {self._job.expected} for every request, got {dict(self.statuses)}")
        milliseconds = [each * 1000 for each in self.taken]
        return {
            "req/s": len(milliseconds) / seconds,
            "p50 ms": percentile(milliseconds, 0.5),
            "p99 ms": percentile(milliseconds, 0.99),
        }

    def _for(self, seconds: float, selector: selectors.BaseSelector) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or not self.taken:
            ready = selector.select(SILENCE_SECONDS)
            if not ready:
                raise TimeoutError(f"no answer within {SILENCE_SECONDS:.0f} s")
            for key, _ in ready:
                client: Client = key.data
                status = client.receive()
                if status is not None:
                    self.taken.append(time.perf_counter() - client.sent)
                    self.statuses[status] += 1
                    client.send(self._request())

    def _request(self) -> bytes:
        """The next request; a batch has one mark for each line and takes as many numbers."""
        parts = [self._before]
        for after in self._after:
            parts += [b"%016x" % self._serial, after]
            self._serial += 1
        return b"".join(parts)


if __name__ == "__main__":
    print(json.dumps(Load(Job(**json.load(sys.stdin))).run()))
