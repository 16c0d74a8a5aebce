"""Which kind of input a file is, and the evidence it holds."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from verifier.bundle import read_bundle
from verifier.container import Digest, digest_of
from verifier.errors import Unreadable
from verifier.evidence import Evidence
from verifier.receipt import read_receipt
from verifier.zip_record import END_SIGNATURE, LOCAL_SIGNATURE

# A zip's end record and the longest comment that can follow it.
END_REACH = 65_557


def open_plain(path: Path) -> tuple[BinaryIO, int]:
    """An open regular file and its length in bytes; raises Unreadable. A pipe or device could keep a reader forever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable(f"{path} is not a regular file")
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise Unreadable(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return file, os.fstat(file.fileno()).st_size


def read_evidence(path: Path) -> Evidence:
    """The evidence in a bundle or receipt.

    Raises Unreadable for what is neither, StepFailed(1) for what is one and too broken to go on.
    """
    file, length = open_plain(path)
    with file:
        try:
            return read_opened(file, length, str(path))
        except OSError as error:
            raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from None


def file_digest(path: Path) -> Digest:
    """The digest of the evidence file at hand; raises Unreadable."""
    file, _ = open_plain(path)
    with file:
        try:
            return digest_of(file)
        except OSError as error:
            raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from None


def read_opened(file: BinaryIO, length: int, name: str) -> Evidence:
    """The evidence in an open file of `length` bytes that is called `name`; raises as read_evidence does."""
    start = file.read(len(LOCAL_SIGNATURE))
    if start.startswith(b"{"):
        file.seek(0)
        return read_receipt(file)
    if start != LOCAL_SIGNATURE:
        file.seek(max(0, length - END_REACH))
        if END_SIGNATURE not in file.read(END_REACH):
            raise Unreadable(f"{name} is neither a bundle nor a receipt")
    return read_bundle(file, length)
