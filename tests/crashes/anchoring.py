"""A process that anchors from many threads until it is killed, and tells of each entry that was acknowledged.

    python -m tests.crashes.anchoring DATA CASE RUN THREADS COUNT

Each acknowledged entry is one line on stdout, written by one system call: what stands in a pipe outlives its writer.
COUNT is how many each thread anchors; 0: until the end.
"""

from __future__ import annotations

import os
import sys
import threading
from hashlib import sha256
from itertools import count
from pathlib import Path

from ledger.assembly import Ledger
from ledger.config import load_settings
from ledger.entry.canonical_json import parse
from ledger.submit.anchor_flow import Anchored
from tests.ledger.making import ALICE, statement

FILE_EVERY = 8  # each so many submissions brings a file, the others digests alone


def anchor(ledger: Ledger, case: str, key: str) -> Anchored:
    """Anchor what this key stands for: the same bytes each time it is called."""
    run, thread, n = map(int, key.split("-"))
    if n % FILE_EVERY:
        return ledger.anchor(ALICE, case, statement((run * 100 + thread) * 100_000 + n), None, None, key)
    with ledger.receive_file() as upload:
        upload.write(f"the file of {key}".encode())
        return ledger.anchor(ALICE, case, b"{}", upload, "file.txt", key)


def leaf_hash(anchored: Anchored) -> str:
    """SHA-256(0x00 || leaf) of the receipt's leaf, in hex."""
    receipt = parse(anchored.receipt, where="receipt")
    assert isinstance(receipt, dict)
    return sha256(b"\0" + str(receipt["leaf"]).encode()).hexdigest()


def main(data: str, case: str, run: str, threads: str, per_thread: str) -> None:
    ledger = Ledger.open(load_settings(Path(data), {"extract": False}, {}))
    ledger.start()

    def work(thread: int) -> None:
        for n in count() if per_thread == "0" else range(int(per_thread)):
            key = f"{run}-{thread}-{n}"
            anchored = anchor(ledger, case, key)
            os.write(1, f"{key} {anchored.number} {leaf_hash(anchored)}\n".encode())

    workers = [threading.Thread(target=work, args=(n,)) for n in range(int(threads))]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
