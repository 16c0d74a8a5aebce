"""The real thing in every format, made by a ledger of our own: what is changed must begin as what is right."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ledger.assembly import Ledger
from ledger.attest.rfc3161_request import build_request
from ledger.casework.people import Actor
from ledger.config import load_settings
from ledger.upkeep.initialise import initialise

BOUNDARY: Final = b"evidence"
_STATEMENT: Final = '{"metadata":{"author":"Айгүл","pages":3},"policy":{"declared.author":"sealed"}}'.encode()
_FORM: Final = (
    b'--evidence\r\nContent-Disposition: form-data; name="statement"\r\nContent-Type: application/json\r\n\r\n'
    b'{"metadata":{}}\r\n--evidence\r\nContent-Disposition: form-data; name="file"; filename="a b.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF-1.7 \r\n--evidenc\r\n\r\n--evidence--\r\n"
)


@dataclass
class Seeds:
    """By format. `trust`: the trust folder of the log that made them, relative name to bytes."""

    trust: Mapping[str, bytes]
    bundles: list[bytes]
    receipts: list[bytes]
    tiles: list[bytes]
    leaves: list[bytes] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)
    proofs: list[bytes] = field(default_factory=list)
    tokens: list[bytes] = field(default_factory=list)
    policies: list[bytes] = field(default_factory=list)
    openings: list[bytes] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=lambda: [build_request(b"evidence", 7)])
    statements: list[bytes] = field(default_factory=lambda: [_STATEMENT, b'{"requisites":{}}'])
    forms: list[bytes] = field(default_factory=lambda: [_FORM])

    def of(self, name: str) -> list[bytes]:
        """The seeds of one format; raises LookupError where there is none, for then nothing would be tested."""
        found: list[bytes] = getattr(self, name)
        if not found:
            raise LookupError(f"seed the fuzzing: nothing was made for {name}")
        return found


def make_seeds(folder: Path) -> Seeds:
    """Make a log with the development authority, anchor a file, and take apart what people carry away."""
    settings = load_settings(folder / "data", {"origin": "ledger.example/fuzz"}, {})
    initialise(settings)
    ledger = Ledger.open(settings)
    try:
        person = Actor("aigul", "party")
        case = ledger.open_case(person, "K").case
        with ledger.receive_file() as upload:
            upload.write(b"the evidence")
            number = ledger.anchor(person, case, _STATEMENT, upload, "photo.txt", "key").number
        bundles = [b"".join(ledger.bundle(person, number, True).chunks)]
        bundles.append(b"".join(ledger.case_bundle(person, case, False).chunks))
        receipts = [ledger.receipt(person, number)]
        seeds = Seeds(ledger.trust_files(), bundles, receipts, [ledger.entry_tile(0, 2)])
        seeds.notes.append(ledger.checkpoint() or b"")
        seeds.tokens.append(ledger.timestamp_reply(build_request(b"evidence", 7)))
    finally:
        ledger.close()
    for bundle in seeds.bundles:
        _take_apart(bundle, seeds)
    return seeds


def _take_apart(bundle: bytes, seeds: Seeds) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            for mark, group in _MARKS.items():
                if mark in name:
                    getattr(seeds, group).append(data)


_MARKS: Final = {
    "/leaf": "leaves",
    "/fields/": "openings",
    ".tlog-proof": "proofs",
    "policy": "policies",
    ".tsr": "tokens",
}
