"""Hash-only statements as a client sends them: the file stays at home, its name, size and digests are anchored."""

from __future__ import annotations

import json


def make_statement(serial: int) -> bytes:
    """A statement of fixed length, other evidence for each serial number (below 2^64)."""
    return _statement(f"{serial:016x}")


def make_statement_template(mark: str) -> bytes:
    """A statement with `mark`, 16 characters, where a serial number in hex belongs."""
    return _statement(mark)


def _statement(serial: str) -> bytes:
    members = {
        "metadata": {"author": "A. Seitkali"},
        "name": "contract.pdf",
        "sha256": serial.rjust(64, "0"),
        "sha512": serial.rjust(128, "0"),
        "size": 48_211,
    }
    return json.dumps(members).encode()
