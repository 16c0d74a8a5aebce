"""A file's name out of a form and into a download."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

from api.wire.disposition import PartName, format_attachment, parse_part
from ledger.errors import MalformedError

NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=60)


@given(NAMES)
def test_another_program_reads_the_name_that_was_meant(name: str) -> None:
    header = format_attachment(name)
    assert header.isascii()
    assert not set("\r\n\0") & set(header)
    kind, parameters = parse_options_header(header)
    assert kind == "attachment"
    assert parameters["filename"] == name


@pytest.mark.parametrize("name", ['a"; filename="b', "a\r\nSet-Cookie: x=1", "a\\", "%41", "\ud800", "", "a;b", "\x7f"])
def test_no_name_breaks_out_of_the_header(name: str) -> None:
    header = format_attachment(name)
    Headers([("Content-Disposition", header)])
    assert header.isascii() and header.isprintable()
    plain = header.removeprefix('attachment; filename="').partition('"')
    assert not set('"\\%') & set(plain[0])
    assert plain[2] == "" or plain[2].startswith("; filename*=UTF-8''")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('form-data; name="file"', PartName("file", None)),
        ('form-data; name="file"; filename="a b.pdf"', PartName("file", "a b.pdf")),
        ('Form-Data;name=file;filename=a.pdf', PartName("file", "a.pdf")),
        ('form-data; name="file"; filename="Фото.png"', PartName("file", "Фото.png")),
        ('form-data; name="file"; filename="say %22hi%22.txt"', PartName("file", 'say "hi".txt')),
        ('form-data; name="file"; filename="say \\"hi\\".txt"', PartName("file", 'say "hi".txt')),
        ('form-data; name="file"; filename="100%25.txt"', PartName("file", "100%25.txt")),
        ('form-data; name="file"; filename="C:\\dir\\x.txt"', PartName("file", "C:\\dir\\x.txt")),
        ('form-data; name="file"; filename="../../x"', PartName("file", "../../x")),
        ('form-data; name="file"; filename="a;b=c"', PartName("file", "a;b=c")),
        ("form-data; name=\"file\"; filename*=UTF-8''%D0%A4.png", PartName("file", "Ф.png")),
        ("form-data; name=\"file\"; filename=\"_.png\"; filename*=utf-8'kk'%D0%A4.png", PartName("file", "Ф.png")),
    ],
)  # fmt: skip
def test_a_part_s_name_is_read_as_it_was_meant(header: str, expected: PartName) -> None:
    assert parse_part(header) == expected


@pytest.mark.parametrize(
    "header",
    ["", "form-data", "attachment; name=file", 'form-data; filename="a"', 'form-data; name="file"; name="statement"',
     'form-data; name="file', 'form-data; name="file"x', "form-data; name=", "form-data; name",
     'form-data name="file"',
     "form-data; name=file; filename*=latin-1''a", "form-data; name=file; filename*=UTF-8''%FF",
     "form-data; name=file; filename*=UTF-8''%zz", 'form-data; name="file"; filename="a\r\nb"',
     "form-data;; name=file"],
)  # fmt: skip
def test_a_disposition_that_can_be_read_in_two_ways_is_refused(header: str) -> None:
    with pytest.raises(MalformedError):
        parse_part(header)


@given(st.text(max_size=120))
def test_any_text_is_read_or_refused(header: str) -> None:
    try:
        parse_part(header)
        parse_part('form-data; name="a"' + header)
    except MalformedError:
        return
