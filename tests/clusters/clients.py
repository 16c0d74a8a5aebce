"""Clients of several front ends: they anchor, singly and by batches, repeat what is refused under the same key, and
keep every checkpoint that anybody is shown.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

from tests.api.service import FORM_TYPE, Part, form
from tests.crashes.told import Told
from tests.ledger.making import statement

BATCH_EVERY = 4  # requests
LINES = 40  # of a batch
GROUP = BATCH_EVERY - 1 + LINES  # entries of so many requests
REPEAT_SECONDS = 0.05
POLL_SECONDS = 0.02
NDJSON = "application/x-ndjson"


@dataclass
class Clients:
    """`acknowledged`: the moments (monotonic seconds) at which answers came. `refusals`: how often what was refused,
    or cut off, and repeated. `notes`: checkpoints seen, by their text. `published`: the sizes that `/checkpoint` had.
    """

    ports: Sequence[int]
    token: str
    case: str
    told: Told
    acknowledged: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    notes: dict[bytes, bytes] = field(default_factory=dict)
    published: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    serials: Iterator[int] = field(default_factory=count)

    @contextmanager
    def anchoring(self, clients: int, entries: int) -> Iterator[None]:
        """So many clients anchor at least so many entries, while the block runs and until they are done."""
        requests = -(-entries // GROUP) * BATCH_EVERY
        done = threading.Event()
        threads = [threading.Thread(target=self._anchor, args=(n, requests)) for n in range(clients)]
        poller = threading.Thread(target=self._poll, args=(done,))
        for each in (poller, *threads):
            each.start()
        try:
            yield
        finally:
            for each in threads:
                each.join()
            done.set()
            poller.join()
            for note in self.notes.values():
                self.told.served(note)
        assert not self.failures, self.failures[:3]
        assert all(before <= after for before, after in pairwise(self.published)), "what is published moved backwards"

    def wait_for(self, answers: int) -> None:
        """Until so many requests have been answered."""
        while len(self.acknowledged) < answers and not self.failures:
            time.sleep(0.01)

    def longest_silence(self) -> float:
        """The longest time in which nobody was answered, in seconds."""
        return max(after - before for before, after in pairwise(sorted(self.acknowledged)))

    def _anchor(self, client: int, requests: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[client % len(self.ports)], timeout=120)
        try:
            while (serial := next(self.serials)) < requests:
                while not self._request(connection, serial):
                    time.sleep(REPEAT_SECONDS)
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            connection.close()

    def _request(self, connection: http.client.HTTPConnection, serial: int) -> bool:
        """Whether it was acknowledged."""
        batch = serial % BATCH_EVERY == 0
        said = [statement(serial * LINES + n) for n in range(LINES if batch else 1)]
        body = b"\n".join(said) if batch else form([Part("statement", said[0])])
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": NDJSON if batch else FORM_TYPE,
            "Idempotency-Key": f"k-{serial}",
        }
        try:
            connection.request("POST", f"/api/v1/cases/{self.case}/evidence{':batch' * batch}", body, headers)
            answer = connection.getresponse()
            answered = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.refusals[type(error).__name__] += 1
            return False
        if answer.status == 503:
            self.refusals[json.loads(answered)["detail"]] += 1
            return False
        assert answer.status in (200, 201), answered
        came = time.monotonic()
        entries = [json.loads(line) for line in answered.splitlines()]
        assert len(entries) == (LINES if batch else 1)
        self._take(serial, entries, came)
        return True

    def _take(self, serial: int, entries: list[dict[str, Any]], came: float) -> None:
        with self.lock:
            self.acknowledged.append(came)
            for line, entry in enumerate(entries):
                leaf = hashlib.sha256(b"\0" + entry["receipt"]["leaf"].encode()).hexdigest()
                self.told.take(f"A k-{serial}.{line} {entry['number']} {leaf}")
                self._see(entry["receipt"]["proof"].partition("\n\n")[2].encode())

    def _see(self, note: bytes) -> None:
        self.notes.setdefault(note.partition(b"\n\n")[0], note)

    def _poll(self, done: threading.Event) -> None:
        for turn in count():
            if done.wait(POLL_SECONDS):
                return
            connection = http.client.HTTPConnection("127.0.0.1", self.ports[turn % len(self.ports)], timeout=120)
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/checkpoint")
                answer = connection.getresponse()
                note = answer.read()
                if answer.status == 200:
                    with self.lock:
                        self._see(note)
                    self.published.append(int(note.split(b"\n")[1]))
            connection.close()
