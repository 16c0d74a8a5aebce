"""What this ledger itself produces, stamped by OpenSSL's authority: a bundle, a receipt, a case, a trust folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.config import load_settings
from ledger.upkeep.initialise import initialise
from tests.fakes.openssl_authority import OpensslAuthority

ORIGIN = "ledger.example/court"
FILE = b"the evidence"
STATEMENT = b'{"metadata":{"author":"\xd0\x90\xd0\xb9\xd0\xb3\xd2\xaf\xd0\xbb"}}'
PATIENCE = 30.0
"""Seconds until a token must have been recorded; it takes one or two."""


@dataclass(frozen=True)
class Produced:
    """`number` and the bytes for it; `trust`: relative name to bytes; `root`: the authority's, as PEM."""

    number: str
    index: int
    bundle: bytes
    receipt: bytes
    case: bytes
    trust: Mapping[str, bytes]
    root: bytes
    leaves: tuple[bytes, ...]


def produce(folder: Path) -> Produced:
    """Make a log, stamp it, anchor a file, stamp it again; then close."""
    with OpensslAuthority(folder / "authority") as authority:
        data = folder / "data"
        data.joinpath("tsa").mkdir(parents=True)
        data.joinpath("tsa", "authority.pem").write_bytes(authority.root.pem)
        options = {"origin": ORIGIN, "tsa": (f"authority={authority.url}",), "tsa_interval": 1}
        settings = load_settings(data, options, {})
        initialise(settings)
        ledger = Ledger.open(settings)
        ledger.start()
        try:
            return _story(ledger, authority)
        finally:
            ledger.close()


def _story(ledger: Ledger, authority: OpensslAuthority) -> Produced:
    _wait(lambda: _stamped(ledger) >= 1)
    person = Actor("aigul", "party")
    case = ledger.open_case(person, "K").case
    with ledger.receive_file() as upload:
        upload.write(FILE)
        anchored = ledger.anchor(person, case, STATEMENT, upload, "photo.JPEG", "key")
    _wait(lambda: _stamped(ledger) > anchored.index)
    bundle = b"".join(ledger.bundle(person, anchored.number, True).chunks)
    whole = b"".join(ledger.case_bundle(person, case, True).chunks)
    receipt, trust = ledger.receipt(person, anchored.number), ledger.trust_files()
    size = ledger.status()["size"]
    width = size if isinstance(size, int) else 0
    tile = ledger.entry_tile(0, width)
    return Produced(
        anchored.number, anchored.index, bundle, receipt, whole, trust, authority.root.pem, tuple(_split(tile))
    )


def _stamped(ledger: Ledger) -> int:
    """The size of the tree over which the last token was recorded; 0 before the first."""
    standing = ledger.status()["timestamps"]
    first = standing[0] if isinstance(standing, list) else {}
    return int(first.get("stamped_size") or 0)


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > end:
            raise TimeoutError("no token was recorded")
        time.sleep(0.02)


def _split(tile: bytes) -> list[bytes]:
    """The leaves of an entry bundle (C2SP tlog-tiles): each behind its length, two bytes big-endian."""
    leaves: list[bytes] = []
    while tile:
        end = 2 + int.from_bytes(tile[:2], "big")
        leaves.append(tile[2:end])
        tile = tile[end:]
    return leaves
