"""A process that anchors from many threads until it is killed, and tells of each entry that was acknowledged.

    python -m tests.crashes.anchoring DATA CASE RUN THREADS COUNT

Each acknowledged entry is one line on stdout, written by one system call: what stands in a pipe outlives its writer.
COUNT is how many each thread anchors; 0: until the end. With a count it says "opened" first, and begins once its stdin
ends: so two begin together, whatever their starts take.
"""

from __future__ import annotations

import os
import sys
import threading
from itertools import islice
from pathlib import Path

from ledger.assembly import Ledger
from ledger.config import load_settings
from tests.crashes.submissions import anchor, keys, leaf_hash


def main(data: str, case: str, run: str, threads: str, per_thread: str) -> None:
    ledger = Ledger.open(load_settings(Path(data), {"extract": False}, {}))
    ledger.start()
    if int(per_thread):
        os.write(1, b"opened\n")
        sys.stdin.read()

    def work(thread: int) -> None:
        for key in islice(keys(int(run), thread), int(per_thread) or None):
            anchored = anchor(ledger, case, key)
            os.write(1, f"{key} {anchored.number} {leaf_hash(anchored.receipt)}\n".encode())

    workers = [threading.Thread(target=work, args=(n,)) for n in range(int(threads))]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
