"""The real program, `serve` and all, killed while clients anchor over HTTP and poll /checkpoint: the worker alone,
whose place another takes, or the whole server, which is started again. `make test-faults` kills it oftener.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from ledger.config import Settings
from ledger.entry.canonical_json import serialise
from ledger.upkeep.fsck import fsck
from tests.api.serve.process import Server, make_ledger, serving
from tests.api.service import FORM_TYPE, Part, form
from tests.crashes.submissions import leaf_hash, signed_note
from tests.crashes.told import Told, check_told
from tests.ledger.making import statement

KILLS = int(os.environ.get("EVIDENCE_FAULT_SERVERS", "1"))  # of servers and of workers, each on each database
CLIENTS = 4
FILE_EVERY = 5


@dataclass
class Clients:
    """They anchor, each key until it is answered, whatever server is there; one polls the checkpoint."""

    token: str
    case: str
    told: Told
    port: int = 0
    errors: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def anchor(self, client: int) -> None:
        for n in count():
            if not self._answered(client, n):
                return

    def _answered(self, client: int, n: int) -> bool:
        key = f"1-{client}-{n}"
        parts = [Part("statement", b"{}"), Part("file", key.encode(), "file.txt")]
        if n % FILE_EVERY:
            parts = [Part("statement", statement(client * 100_000 + n))]
        while not self.stopping.is_set():
            try:
                status, body = self._call("POST", f"/api/v1/cases/{self.case}/evidence", form(parts), key)
            except (OSError, http.client.HTTPException):  # it is being killed, or not there yet
                time.sleep(0.02)
                continue
            if status in (200, 201):
                answer = json.loads(body)
                with self.lock:
                    self._take(key, answer["number"], serialise(answer["receipt"]))
                return True
            if status != 503:
                self.errors.append(f"{key}: {status} {body[:200]!r}")
                return False
            time.sleep(0.05)
        return False

    def _take(self, key: str, number: str, receipt: bytes) -> None:
        told = (number, leaf_hash(receipt))
        assert self.told.answers.setdefault(key, told) == told
        self.told.served(signed_note(receipt))

    def poll(self) -> None:
        while not self.stopping.is_set():
            try:
                status, body = self._call("GET", "/checkpoint", None, None)
                if status == 200:
                    with self.lock:
                        self.told.served(body)
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.01)

    def _call(self, method: str, path: str, body: bytes | None, key: str | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": FORM_TYPE, "Authorization": f"Bearer {self.token}", "Idempotency-Key": key or ""}
        try:
            connection.request(method, path, body, headers if key else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.anchor, args=(n,)) for n in range(CLIENTS)]
        threads.append(threading.Thread(target=self.poll))
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self.stopping.set()
            for each in threads:
                each.join()

    def wait_for_more(self, answers: int) -> None:
        deadline, wanted = time.monotonic() + 60, len(self.told.answers) + answers
        while len(self.told.answers) < wanted and not self.errors:
            assert time.monotonic() < deadline, "nobody was answered any more"
            time.sleep(0.005)
        assert self.errors == []


def kill_all(server: Server) -> None:
    """Master and workers at once, as the machine's last moment would."""
    for pid in [server.process.pid, *server.workers()]:
        os.kill(pid, signal.SIGKILL)
    server.process.wait()


@pytest.mark.timeout(1_200)
def test_killed_servers_lose_and_double_nothing(tmp_path: Path, database_url: str) -> None:
    settings: Settings
    settings, token = make_ledger(tmp_path / "data", database=database_url, extract=False)
    with serving(settings.data) as server:
        case = str(server.call("POST", "/api/v1/cases", token, {"title": "Killed"})[1]["case"])
    clients, moments = Clients(token, case, Told.of(settings)), random.Random(5)
    with clients.at_work():
        for _ in range(KILLS):
            with serving(settings.data) as server:
                clients.port = server.port
                clients.wait_for_more(10)
                time.sleep(moments.uniform(0, 0.2))
                os.kill(server.workers()[0], signal.SIGKILL)
                clients.wait_for_more(10)
                time.sleep(moments.uniform(0, 0.2))
                kill_all(server)
        with serving(settings.data) as server:
            clients.port = server.port
            clients.wait_for_more(CLIENTS * 2)
            clients.stopping.set()
            time.sleep(0.5)
    held = check_told(settings, clients.told)
    # Who was waiting when they were told to stop was answered by nobody; everybody else's entry stands once.
    assert len(clients.told.answers) <= held.lengths[case] - 1 <= len(clients.told.answers) + CLIENTS
    assert list(fsck(settings)) == []
