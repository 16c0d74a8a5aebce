"""SHA-256 and SHA-512 of a large file at once, beside openssl doing SHA-512 alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from benchmarks.comparison import Contender, Figures, Outcome, compare
from benchmarks.scale import Scale
from ledger.blobs.double_digest import BLOCK_BYTES, DoubleDigest

MIB: Final = 2**20


def measure(scale: Scale, folder: Path) -> Outcome:
    """Of a file in the page cache. Without openssl hashlib's SHA-512 is the only peer, and the notes say so."""
    mib = scale.of(512, 64)
    path = folder / "evidence"
    _write(path, mib)
    contenders = [
        Contender("ledger, SHA-256 and SHA-512", lambda: _rate(lambda: _digest_both(path), mib)),
        Contender("hashlib, SHA-512 alone", lambda: _rate(lambda: _digest_sha512(path), mib), peer=True),
    ]
    notes = []
    openssl = shutil.which("openssl")
    if openssl is None:
        notes.append("openssl dgst -sha512: skipped, there is no openssl on the path")
    else:
        command = [openssl, "dgst", "-sha512", str(path)]
        contenders.append(Contender("openssl dgst -sha512", lambda: _rate(lambda: _run(command), mib), peer=True))
    return compare("digests", f"both digests of a file of {mib} MiB", contenders, scale.of(5, 2), notes)


def _write(path: Path, mib: int) -> None:
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(block)


def _rate(act: Callable[[], object], mib: int) -> Figures:
    begun = time.perf_counter()
    act()
    return {"MiB/s": mib / (time.perf_counter() - begun)}


def _digest_both(path: Path) -> None:
    with path.open("rb", buffering=0) as file, closing(DoubleDigest()) as digest:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
        digest.result()


def _digest_sha512(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        hashlib.file_digest(file, "sha512")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
