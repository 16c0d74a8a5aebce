"""Archives, packed files, web pages, plain texts; asserted exactly."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile
from email.message import EmailMessage

import pytest

from tests.ledger.extract.reading import items, read_here


def archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.comment = "дело 17".encode()
        for name, day in (("фото/1.jpg", 2), ("note.txt", 3)):
            packed.writestr(zipfile.ZipInfo(name, (2026, 11, day, 8, 41, 6)), b"content of " + name.encode())
    return data.getvalue()


def test_a_zip_is_listed() -> None:
    found = read_here(archive())
    assert found["failure"] is None
    expected = {"format": "archive", "created_at": "2026-11-02T08:41:06", "modified_at": "2026-11-03T08:41:06",
                "files": 2, "encrypted_members": 0, "made_on": {"unix": 2}, "comment": "дело 17"}  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    first, _ = items(found["members"])
    assert (first["name"], first["bytes"], first["encrypted"]) == ("фото/1.jpg", 25, False)
    assert items(found["doubled_names"]) == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_told() -> None:
    data = io.BytesIO(archive())
    with zipfile.ZipFile(data, "a") as packed:
        packed.writestr("note.txt", b"another")
    assert items(read_here(data.getvalue())["doubled_names"]) == ["note.txt"]


def tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as packed:
        for name, moment in (("a/photo.jpg", 1_793_608_867), ("b.txt", 1_793_608_900)):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uname = 5, moment, "aigul"
            packed.addfile(member, io.BytesIO(b"12345"))
    return data.getvalue()


@pytest.mark.parametrize(
    ("pack", "packing"), [(bytes, None), (gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")]
)
def test_a_tar_is_listed_whatever_it_is_packed_with(pack: object, packing: str | None) -> None:
    assert callable(pack)
    found = read_here(pack(tar()))
    assert found["failure"] is None
    assert (found["format"], found["packing"], found["is_tar"], found["files"]) == ("tar", packing, True, 2)
    assert (found["created_at"], found["author"], found["unpacked_bytes"]) == ("2026-11-02T08:41:07Z", "aigul", 10)
    assert items(found["members"])[1]["modified_at"] == "2026-11-02T08:41:40Z"


def test_one_packed_file_tells_its_name_and_time() -> None:
    data = io.BytesIO()
    with gzip.GzipFile("notes.txt", "wb", fileobj=data, mtime=1_793_608_867) as packed:
        packed.write(b"not a tar archive")
    found = read_here(data.getvalue())
    assert (found["failure"], found["is_tar"], found["packed_name"]) == (None, False, "notes.txt")
    assert found["packed_at"] == found["modified_at"] == "2026-11-02T08:41:07Z"


def test_7z_and_rar_tell_what_stands_in_clear() -> None:
    seven = b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(12) + (99).to_bytes(8, "little") + bytes(12)
    found = read_here(seven)
    assert (found["failure"], found["packing"], found["version"], found["header_bytes"]) == (None, "7z", "0.4", 99)
    five = b"Rar!\x1a\x07\x01\x00" + bytes(4) + bytes([10, 1, 5, 6, 4]) + bytes(20)
    found = read_here(five)
    assert (found["packing"], found["version"], found["solid"], found["header_encrypted"]) == ("rar", "5", True, False)
    four = b"Rar!\x1a\x07\x00" + b"\x00\x00\x73" + (0x80).to_bytes(2, "little") + bytes(30)
    assert read_here(four)["header_encrypted"] is True


PAGE = """<!DOCTYPE html>
<!-- saved from url=(0031)https://market.example/flats/17 -->
<html lang="kk"><head><meta charset="utf-8"><title>Пәтер жалға</title>
<meta name="author" content="Agency"><meta property="article:modified_time" content="2026-11-03T09:00:00+05:00">
<link rel="canonical" href="https://market.example/flats/17?x=1">
<script type="application/ld+json">{"@type": "Offer", "datePublished": "2026-11-02", "version": "3"}</script></head>
<body><a href="//cdn.example/x">a</a><img src="https://pictures.example/1.jpg"><a href="/local">b</a></body></html>
"""


def test_a_saved_page_tells_its_address_author_and_times() -> None:
    found = read_here(PAGE.encode(), "page.html")
    assert found["failure"] is None
    expected = {
        "format": "html",
        "address": "https://market.example/flats/17",
        "canonical": "https://market.example/flats/17?x=1",
        "saved_with": "a browser",
        "saved_at": None,
        "title": "Пәтер жалға",
        "author": "Agency",
        "language": "kk",
        "charset": "utf-8",
        "created_at": "2026-11-02",
        "modified_at": "2026-11-03T09:00:00+05:00",
        "version": "3",
        "counts": {"links": 2, "pictures": 1, "scripts": 1, "frames": 0, "forms": 0},
    }
    assert {name: found[name] for name in expected} == expected
    assert items(found["hosts"]) == ["cdn.example", "market.example", "pictures.example"]


def test_a_page_of_singlefile_tells_when_it_was_saved() -> None:
    comment = (
        "<!--\n Page saved with SingleFile \n url: https://market.example/flats/17 \n"
        " saved date: Mon Nov 02 2026 08:41:07 GMT+0500 (Qyzylorda) \n-->"
    )
    found = read_here(PAGE.replace("<!-- saved from url=(0031)https://market.example/flats/17 -->", comment).encode())
    assert (found["saved_with"], found["saved_at"]) == ("SingleFile", "2026-11-02T08:41:07+05:00")
    assert found["address"] == "https://market.example/flats/17"


def test_a_page_saved_as_one_file_lists_its_resources() -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "<Saved by Blink>", "Flat"
    mail["Snapshot-Content-Location"], mail["Date"] = "https://market.example/17", "Mon, 02 Nov 2026 03:41:07 +0000"
    mail.set_content(PAGE, subtype="html")
    mail.add_related(
        b"\x89PNG", maintype="image", subtype="png", headers=["Content-Location: https://pictures.example/1"]
    )
    found = read_here(mail.as_bytes(), kind="multipart/related")
    assert found["failure"] is None
    assert (found["format"], found["saved_by"]) == ("mhtml", "<Saved by Blink>")
    assert (found["address"], found["saved_at"]) == ("https://market.example/17", "2026-11-02T03:41:07+00:00")
    assert found["title"] == "Пәтер жалға"
    picture = items(found["resources"])[1]
    assert picture["sha256"] == hashlib.sha256(b"\x89PNG").hexdigest()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"one\ntwo\n", ("utf-8", False, 2, "lf")),
        ("\ufeffбір\r\nекі".encode(), ("utf-8", True, 2, "crlf")),
        ("шарт\n".encode("cp1251"), (None, False, 1, "lf")),
        (b"a\rb\nc", ("utf-8", False, 3, "mixed")),
        ("x\n".encode("utf-16"), ("utf-16", True, 1, "lf")),
    ],
)
def test_a_text_tells_how_it_is_written(data: bytes, expected: tuple[object, ...]) -> None:
    found = read_here(data, kind="text/plain")
    assert tuple(found[name] for name in ("encoding", "byte_order_mark", "lines", "line_ends")) == expected
