"""Receipts on the client's side: looked at before they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from api.cli.client.reading import Digests
from api.cli.failures import CommandError
from api.cli.replacing import PRIVATE, replace_file
from ledger.entry.canonical_json import Value, parse_strict, serialise
from ledger.entry.receipt_number import parse_number
from ledger.errors import MalformedError

SUFFIX: Final = ".receipt.json"


def receipt_of_answer(body: bytes) -> tuple[str, bytes]:
    """Number and exact bytes (RFC 8785) of the receipt in the answer to an anchoring. Raises LedgerError."""
    answer = parse_strict(body, where="the server's answer")
    receipt = answer.get("receipt") if isinstance(answer, dict) else None
    number = answer.get("number") if isinstance(answer, dict) else None
    if not isinstance(receipt, dict) or not isinstance(number, str) or receipt.get("number") != number:
        raise MalformedError("reading the server's answer: expected a receipt and its number")
    parse_number(number)  # also: what names a file here is never a path
    return number, serialise(receipt)


def check_describes(receipt: bytes, digests: Digests) -> None:
    """Refuse a receipt for something else than the file that was read.

    A party that learns of it years later has nothing. The openings' salts and places are checked by `evidence-verify`.
    Raises CommandError, LedgerError.
    """
    opened = _opened(receipt)
    expected: Mapping[str, Value] = {
        "file.size": digests.size,
        "file.sha256": digests.sha256,
        "file.sha512": digests.sha512,
    }
    for name, value in expected.items():
        if opened.get(name) != value:
            raise CommandError(
                f"checking the receipt: expected {name} {value}, the receipt says {opened.get(name)}; "
                "the server received or recorded another file"
            )


def keep_receipt(folder: Path, number: str, receipt: bytes) -> Path:
    """Write NUMBER.receipt.json into `folder`. Private: its secret opens every field of the entry. Raises OSError."""
    path = folder / f"{number}{SUFFIX}"
    replace_file(path, receipt, PRIVATE)
    return path


def _opened(receipt: bytes) -> dict[str, Value]:
    value = parse_strict(receipt, where="the receipt")
    lines = value.get("opened") if isinstance(value, dict) else None
    if not isinstance(lines, list):
        raise MalformedError("reading the receipt: expected a list of openings")
    found: dict[str, Value] = {}
    for line in lines:
        opening = parse_strict(line.encode("utf-8"), where="an opening") if isinstance(line, str) else None
        if not (isinstance(opening, list) and len(opening) == 3 and isinstance(opening[0], str)):
            raise MalformedError("reading the receipt: expected openings of name, salt and value")
        found[opening[0]] = opening[2]
    return found
