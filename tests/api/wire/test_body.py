"""Bodies that are read whole, and what is taken of those that are not."""

from __future__ import annotations

import io

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

import api.wire.body as reading
from api.wire.body import check_media_type, drain, read_body, read_object
from api.wire.ndjson import split_lines
from api.wire.refusals import MediaTypeError
from ledger.errors import LedgerError, LimitError, MalformedError


def request(
    body: bytes, content_type: str = "application/json", announced: int | None = None, **headers: str
) -> Request:
    environ = EnvironBuilder(method="POST", content_type=content_type, headers=headers).get_environ()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["wsgi.input_terminated"] = True
    environ["CONTENT_LENGTH"] = str(len(body) if announced is None else announced)
    return Request(environ)


def test_a_body_up_to_the_limit_is_read_and_one_byte_more_is_not() -> None:
    assert read_body(request(b"x" * 100), 100) == b"x" * 100
    assert read_body(request(b""), 100) == b""
    with pytest.raises(LimitError):
        read_body(request(b"x" * 101), 100)


def test_a_body_without_an_announced_length_is_bounded_all_the_same() -> None:
    for size, fits in ((100, True), (101, False)):
        asked = request(b"x" * size)
        del asked.environ["CONTENT_LENGTH"]
        if fits:
            assert len(read_body(asked, 100)) == size
        else:
            with pytest.raises(LimitError):
                read_body(asked, 100)


def test_a_body_shorter_than_announced_is_no_body() -> None:
    with pytest.raises(MalformedError):
        read_body(request(b"x" * 99, announced=100), 1000)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/jsonx", "multipart/form-data", "application"])
def test_another_media_type_is_refused(content_type: str) -> None:
    with pytest.raises(MediaTypeError):
        check_media_type(request(b"{}", content_type), ("application/json",))


def test_a_media_type_with_parameters_is_the_same() -> None:
    check_media_type(request(b"{}", "Application/JSON; charset=utf-8"), ("application/json",))
    with pytest.raises(MediaTypeError):
        check_media_type(request(b"{}", **{"Content-Encoding": "deflate"}), ("application/json",))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    try:
        found = read_object(request(body), {"title": str}, {"at": int})
    except LedgerError:
        return
    assert isinstance(found["title"], str)


@pytest.mark.parametrize(
    "body", [b'{"title":"a","at":true}', b'{"title":"a","at":1.0}', b'{"title":null}', b'{"at":1}']
)
def test_a_member_of_another_type_is_refused(body: bytes) -> None:
    with pytest.raises(LedgerError):
        read_object(request(body), {"title": str}, {"at": int})


def test_draining_takes_what_is_there_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "DRAIN_BYTES", 1000)
    short, long = request(b"x" * 999), request(b"x" * 5000)
    assert drain(short)
    assert not drain(long)
    assert len(long.stream.read()) == 4000
    monkeypatch.setattr(reading, "DRAIN_SECONDS", 0.0)
    assert not drain(request(b"x" * 10))


@pytest.mark.parametrize(
    ("body", "lines"),
    [(b"a", [b"a"]), (b"a\n", [b"a"]), (b"a\nb", [b"a", b"b"]), (b"a\n\nb\n", [b"a", b"", b"b"]), (b"\n", [b""])],
)
def test_lines_are_split_at_lf(body: bytes, lines: list[bytes]) -> None:
    assert split_lines(body, 10) == lines


def test_too_many_lines_are_refused_before_they_are_made() -> None:
    assert len(split_lines(b"a\n" * 10, 10)) == 10
    for body in (b"a\n" * 11, b"a\n" * 10 + b"a", b"\n" * 1_000_000):
        with pytest.raises(LimitError):
            split_lines(body, 10)
    with pytest.raises(MalformedError):
        split_lines(b"", 10)
