"""More than the writer can take: what is beyond the pool's bound is told to come again, and comes in."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.api.cli.running import PROGRAM, ServedLedger, environment, succeed
from tests.api.cli.small_pool import ENTRIES

WAITING = "entries are waiting already"


def anchor(served: ServedLedger, party: Mapping[str, str], case: str, n: int) -> httpx.Response:
    """Send one line of digests."""
    return httpx.post(
        f"{served.url}/api/v1/cases/{case}/evidence:batch",
        content=json.dumps({"name": "a", "size": 1, "sha256": f"{n:064x}", "sha512": f"{n:0128x}"}),
        headers={
            "Authorization": f"Bearer {party['EVIDENCE_LEDGER_TOKEN']}",
            "Content-Type": "application/x-ndjson",
            "Idempotency-Key": f"k{n}",
        },
        timeout=60,
        trust_env=False,
    )


def test_a_full_pool_says_when_to_come_again_and_the_command_line_does(tmp_path: Path, work: Path) -> None:
    (work / "a.txt").write_bytes(b"patient")
    data = tmp_path / "data"
    with ServedLedger.make(data, main="tests.api.cli.small_pool:main") as served:
        party = served.access(served.token("aigul"))
        case = succeed("case", "open", "title", env=party)
        answers: list[httpx.Response] = []
        # Somebody else writes: our writer waits with what it has in hand, and the pool fills behind it.
        writer = sqlite3.connect(data / "ledger.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        try:
            threads = [
                threading.Thread(target=lambda n=n: answers.append(anchor(served, party, case, n)))  # type: ignore[misc]
                for n in range(ENTRIES + 3)
            ]
            for thread in threads:
                thread.start()
                time.sleep(0.1)
            deadline = time.monotonic() + 5
            while not answers and time.monotonic() < deadline:
                time.sleep(0.02)
            refused = answers[0]
            assert (refused.status_code, refused.headers["Content-Type"]) == (503, "application/problem+json")
            assert WAITING in refused.json()["detail"]
            assert int(refused.headers["Retry-After"]) > 0
            client = subprocess.Popen(
                [PROGRAM, "anchor", "a.txt", "--case", case, "--hash-only"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(party), cwd=work,
            )  # fmt: skip
            assert client.stderr is not None
            first = client.stderr.readline()
            assert "trying again" in first, first
        finally:
            writer.execute("ROLLBACK")
            writer.close()
        number, words = client.communicate(timeout=60)
        assert client.returncode == 0, words
        assert number.startswith("EL-")
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers].count(201) >= ENTRIES
        for answer in answers:  # who was refused was not taken all the same
            if answer.status_code == 503:
                again = anchor(served, party, case, int(str(answer.request.headers["Idempotency-Key"])[1:]))
                assert again.status_code == 201, again.text
