"""Forms in pieces of any size, and forms that are none; the file goes to a real store of blobs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder

from api.wire.multipart import Submission
from ledger.blobs.directory_blobs import DirectoryBlobs
from ledger.errors import LedgerError
from ledger.submit.intake import Intake
from ledger.submit.limits import Limits
from ledger.submit.statement import Statement
from tests.api.service import BOUNDARY, FORM_TYPE, Part, form

LIMITS = Limits()


class Pieces(io.RawIOBase):
    """A body that arrives in pieces of the given sizes, again and again."""

    def __init__(self, body: bytes, sizes: list[int]) -> None:
        self._body = io.BytesIO(body)
        self._sizes = sizes
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._sizes[self._at % len(self._sizes)]
        self._at += 1
        return self._body.read(piece if size < 0 else min(size, piece))


def receive(body: bytes, sizes: list[int], blobs: Path) -> tuple[bytes, bytes | None, str | None]:
    """Statement, file and its name, out of a body in pieces."""
    intake = Intake(DirectoryBlobs(blobs), LIMITS)
    environ = {**EnvironBuilder(method="POST").get_environ(), "CONTENT_TYPE": FORM_TYPE}
    environ["wsgi.input"] = Pieces(body, sizes)
    environ["wsgi.input_terminated"] = True
    with Submission(Request(environ), intake.receive, LIMITS) as submission:
        submission.read()
        if submission.upload is None:
            return submission.statement, None, submission.file_name
        blob = submission.upload.keep(Statement(), file_name="x").blob
        with DirectoryBlobs(blobs).open(blob.sha256) as stored:
            return submission.statement, stored.read(), submission.file_name


# What could be taken for a boundary, or hide one, stands at the edges of what is sent.
EDGES = st.sampled_from([b"", b"\r", b"\n", b"\r\n", b"--", b"\r\n--", f"--{BOUNDARY}"[:-1].encode(),
                         f"\r\n--{BOUNDARY[:-1]}".encode(), b"\r\n\r\n", b"-" * 70])  # fmt: skip
CONTENT = st.tuples(EDGES, st.binary(max_size=300), EDGES).map(b"".join)
FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@FOLDER
@given(CONTENT, CONTENT, st.booleans(), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_a_form_says_the_same_in_pieces_of_any_size(
    tmp_path: Path, statement: bytes, data: bytes, file_first: bool, sizes: list[int]
) -> None:
    parts = [Part("statement", statement), Part("file", data, "a.bin")]
    body = form(parts[::-1] if file_first else parts)
    assert receive(body, sizes, tmp_path) == (statement, data, "a.bin")


@FOLDER
@given(st.data())
def test_a_form_that_was_damaged_is_refused_or_read_and_never_breaks(tmp_path: Path, data: st.DataObject) -> None:
    body = bytearray(form([Part("statement", b"{}"), Part("file", b"x" * 40, "a.bin")]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        action = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        if action == "flip":
            body[at] ^= data.draw(st.integers(1, 255))
        elif action == "cut":
            del body[at : at + data.draw(st.integers(1, 30))]
        else:
            body[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        if not body:
            break
    try:
        receive(bytes(body), [data.draw(st.integers(1, 400))], tmp_path)
    except (LedgerError, HTTPException):
        return


@FOLDER
@given(st.integers(0, 400), st.integers(1, 400))
def test_a_form_that_was_cut_off_is_always_refused(tmp_path: Path, kept: int, size: int) -> None:
    body = form([Part("file", b"x" * 100, "a.bin"), Part("statement", b"{}")])
    closing = body.rindex(b"--")
    if kept < closing + 2:
        with pytest.raises(LedgerError):
            receive(body[:kept], [size], tmp_path)


def test_nothing_stays_of_a_form_that_was_refused(tmp_path: Path) -> None:
    whole = form([Part("file", b"x" * 2_000_000, "a.bin"), Part("other", b"")])
    with pytest.raises(LedgerError):
        receive(whole, [65_536], tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_head_that_never_ends_is_refused_within_bounds(tmp_path: Path) -> None:
    endless = Pieces(f"--{BOUNDARY}\r\nA: ".encode() + b"x" * 50_000_000, [65_536])
    environ = {**EnvironBuilder(method="POST").get_environ(), "CONTENT_TYPE": FORM_TYPE}
    environ["wsgi.input"] = endless
    environ["wsgi.input_terminated"] = True
    intake = Intake(DirectoryBlobs(tmp_path), LIMITS)
    with Submission(Request(environ), intake.receive, LIMITS) as submission, pytest.raises(LedgerError):
        submission.read()
    assert endless._body.tell() < 1_000_000
