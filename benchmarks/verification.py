"""Bundles verified in a second by the offline verifier, beside nothing but their signatures and digests."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from benchmarks.comparison import Contender, Figures, Outcome, SkippedError, compare
from benchmarks.logs import ACCOUNT, make_log
from benchmarks.scale import Scale
from benchmarks.statements import make_statement
from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.note.checkpoint import check_checkpoint
from ledger.note.keys import parse_vkey
from ledger.prove.bundle import BundleStream

FILE_BYTES: Final = 64 * 1024
_CASE_ENTRIES: Final = 200


def measure(scale: Scale, folder: Path) -> Outcome:
    """Of one entry with its file, and of a whole case. Raises SkippedError where the verifier cannot be imported."""
    try:
        from verifier.verify import verify
    except ImportError as error:
        raise SkippedError(f"the verifier cannot be imported: {error}") from error
    data = os.urandom(FILE_BYTES)
    with closing(Ledger.open(make_log(folder / "log"))) as ledger:
        entry, case, members = _make_bundles(ledger, folder, data)
        floor = _floor(ledger, data)
        _write_trust(ledger, folder / "trust")
    # The case's other entries are hash-only: that their files are not at hand leaves step 3 unchecked.
    for bundle, expected in ((entry, "verified"), (case, "incomplete")):
        verdict = verify(bundle, folder / "trust").verdict.value
        assert verdict == expected, f"{bundle.name}: expected {expected}, got {verdict}"
    number = scale.of(100, 10)
    contenders = [
        Contender("verify, one entry with its file", _repeated(lambda: verify(entry, folder / "trust"), number)),
        Contender(
            f"verify, a case, per entry of {members}",
            _repeated(lambda: verify(case, folder / "trust"), max(1, number // 25), members),
        ),
        Contender("both log signatures and both digests, bare", _repeated(floor, number), peer=True),
    ]
    notes = [f"the file has {FILE_BYTES // 1024} KiB; trust folder and bundle are read anew each time"]
    return compare("verification", "offline verification", contenders, scale.of(5, 2), notes)


def _make_bundles(ledger: Ledger, folder: Path, data: bytes) -> tuple[Path, Path, int]:
    actor = Actor(ACCOUNT, "party")
    case = ledger.open_case(actor, "Verification").case
    with ledger.receive_file() as upload:
        upload.write(data)
        anchored = ledger.anchor(actor, case, b"{}", upload, "evidence.bin", None)
    ledger.anchor_batch(actor, case, [make_statement(serial) for serial in range(_CASE_ENTRIES)], None)
    entry = _save(ledger.bundle(actor, anchored.number, with_file=True), folder / "entry.zip")
    whole = _save(ledger.case_bundle(actor, case), folder / "case.zip")
    return entry, whole, ledger.case(actor, case).length


def _save(bundle: BundleStream, path: Path) -> Path:
    with path.open("wb") as file:
        for chunk in bundle.chunks:
            file.write(chunk)
    return path


def _write_trust(ledger: Ledger, folder: Path) -> None:
    for name, content in ledger.trust_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _floor(ledger: Ledger, data: bytes) -> Callable[[], object]:
    note = ledger.checkpoint()
    assert note is not None
    vkeys = [parse_vkey(text) for text in ledger.log_vkeys()]

    def act() -> None:
        check_checkpoint(note, vkeys)
        hashlib.sha256(data).digest()
        hashlib.sha512(data).digest()

    return act


def _repeated(act: Callable[[], object], number: int, worth: int = 1) -> Callable[[], Figures]:
    def run() -> Figures:
        begun = time.perf_counter()
        for _ in range(number):
            act()
        return {"entries/s": number * worth / (time.perf_counter() - begun)}

    return run
