"""Files built to break their readers: each ends within bounds, with its format's whole list."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from ledger.extract import tar_format
from ledger.extract.errors import ExtractError
from ledger.extract.formats import FORMATS
from ledger.extract.strict_xml import parse_tree
from tests.ledger.extract import documents, pictures
from tests.ledger.extract.reading import read_here, sample

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (each, b"&%c;" % (each - 1) * 10) for each in range(ord("b"), ord("k")))
    + b"]><x>&j;</x>"
)
EXTERNAL = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


def package(parts: dict[str, bytes], base: str = "docx") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        for name, content in {"word/document.xml": b"<w/>", **parts}.items():
            packed.writestr(name, content)
    assert base == "docx"
    return data.getvalue()


def cyclic_pdf() -> bytes:
    """Cross-reference tables that name each other, a page tree and a name tree that hold themselves."""
    body = (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles 3 0 R>>"
        b"/AcroForm<</Fields[4 0 R]>>>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1000000/Kids[2 0 R]>>endobj\n3 0 obj<</Kids[3 0 R 3 0 R]>>endobj\n"
        b"4 0 obj<</FT/Tx/Kids[4 0 R 4 0 R]>>endobj\n"
    )
    offsets = [found.start() for found in re.finditer(rb"\d 0 obj", body)]
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return body + table + b"trailer<</Size 5/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF" % (len(body), len(body))


def cyclic_tiff() -> bytes:
    """A directory that names itself as the next page."""
    data = bytearray(pictures.tiff(1))
    start = int.from_bytes(data[4:8], "little")
    following = start + 2 + 12 * int.from_bytes(data[start : start + 2], "little")
    data[following : following + 4] = start.to_bytes(4, "little")
    return bytes(data)


def tar_bomb() -> bytes:
    """A packed archive of one file of zeros, and one behind it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", compresslevel=1) as packed:
        for name, size in (("zeros", 200_000_000), ("behind", 1)):
            member = tarfile.TarInfo(name)
            member.size = size
            packed.addfile(member, io.BytesIO(bytes(size)))
    return data.getvalue()


def quine() -> bytes:
    """A zip file whose member is the file itself, as far as its size."""
    inner = documents.rezipped(package({}), "self.zip", lambda _: b"")
    for _ in range(3):
        inner = documents.rezipped(package({}), "self.zip", lambda _, held=inner: held)
    return inner


def overlapping_zip() -> bytes:
    """A thousand members that share one kernel of zeros (the better zip bomb)."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("0", bytes(10_000_000))
        info = packed.infolist()[0]
        for number in range(1, 1_000):
            again = zipfile.ZipInfo(str(number))
            again.header_offset, again.CRC, again.compress_type = 0, info.CRC, info.compress_type
            again.file_size, again.compress_size = info.file_size, info.compress_size
            packed.filelist.append(again)
            packed.NameToInfo[again.filename] = again
    return data.getvalue()


def png_with_packed_text() -> bytes:
    payload = b"Comment\x00\x00" + zlib.compress(bytes(64 * 1024 * 1024), 9)
    chunk = len(payload).to_bytes(4, "big") + b"zTXt" + payload + bytes(4)
    data = pictures.png()
    return data[:33] + chunk + data[33:]


def nested_boxes(depth: int = 100_000) -> bytes:
    data = sample("clip.mp4")[:24]
    length = depth * 8
    return data + b"".join((length - 8 * n).to_bytes(4, "big") + b"moov" for n in range(depth))


pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow's, about files that are meant to be strange

HUGE_HEADER = b"From: a@b.test\r\nDate: x\r\nSubject: " + b"=?utf-8?Q?" * 200_000 + b"\r\n\r\nx\r\n"
NESTED_MIME = b"From: a@b.test\r\nDate: x\r\n" + b"".join(
    b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3_000)
)
SIGNED = b"\x30\x84\x7f\xff\xff\xff\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "billion laughs in core properties": (package({"docProps/core.xml": LAUGHS}), None),
    "external entity in core properties": (package({"docProps/core.xml": EXTERNAL}), None),
    "zip bomb as core properties": (package({"docProps/core.xml": b"<x>" + b" " * 50_000_000 + b"</x>"}), None),
    "zip bomb as the text": (package({"word/document.xml": b"<x>" + b"<y/>" * 10_000_000 + b"</x>"}), None),
    "elements without end": (package({"docProps/app.xml": b"<x>" * 300_000}), None),
    "zip quine": (quine(), None),
    "overlapping zip members": (overlapping_zip(), None),
    "gzip bomb": (gzip.compress(gzip.compress(bytes(200_000_000))), None),
    "gzip bomb of one layer": (gzip.compress(bytes(200_000_000), 1), None),
    "tar bomb": (tar_bomb(), None),
    "cyclic pdf": (cyclic_pdf(), None),
    "pdf of brackets": (b"%PDF-1.7\n1 0 obj" + b"[" * 500_000 + b"\nstartxref\n9\n%%EOF", None),
    "pdf of objects without end": (b"%PDF-1.4\n" + b"1 0 obj<</A 1 0 R" * 50_000, None),
    "cyclic tiff": (cyclic_tiff(), None),
    "jpeg of fill bytes": (b"\xff\xd8" + b"\xff" * 2_000_000, None),
    "jpeg of empty segments": (b"\xff\xd8" + b"\xff\xe1\x00\x02" * 500_000, None),
    "png of a bomb of text": (png_with_packed_text(), None),
    "png of empty chunks": (pictures.png()[:33] + b"\x00\x00\x00\x00tEXt\x00\x00\x00\x00" * 300_000, None),
    "boxes within boxes": (nested_boxes(), None),
    "boxes without length": (sample("clip.mp4")[:24] + b"\x00\x00\x00\x08free" * 200_000, None),
    "a subject of encoded words": (HUGE_HEADER, "message/rfc822"),
    "a message of headers": (b"From: a@b.test\r\nDate: x\r\n" + b"X-A: y\r\n" * 300_000 + b"\r\n", "message/rfc822"),
    "parts within parts": (NESTED_MIME, "message/rfc822"),
    "addresses without end": (b"From: " + b"(" * 100_000 + b"\r\nDate: x\r\n\r\n", "message/rfc822"),
    "a page of comments": (b"<html>" + b"<!--" * 100_000, "text/html"),
    "a page of attributes": (b"<html><a " + b"b='" * 50_000, "text/html"),
    "json of brackets": (b'{"chats": {"list": ' + b"[" * 200_000, "application/json"),
    "linked data of brackets": (b'<html><script type="application/ld+json">' + b"[" * 100_000 + b"</script>", None),
    "a chat of colons": (b"12.10.2026, 14:05 - " + b": " * 500_000, "text/plain"),
    "a chat of one letter": (b"12.10.2026, 14:05 - A: " + b"a" * 3_000_000, "text/plain"),
    "wav of empty chunks": (b"RIFF\xff\xff\xff\xffWAVE" + b"junk\x00\x00\x00\x00" * 100_000, None),
    "ole that names itself": (bytes.fromhex("d0cf11e0a1b11ae1").ljust(76, b"\x06") + bytes(436) + bytes(10_000), None),
    "signed data of lengths": (SIGNED + b"\xa0\x80" * 50_000, None),
}  # fmt: skip
# Five times what the slowest takes on two busy cores; the sandbox's own limit is 30 s.
SLOWEST_S = 25.0


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_within_bounds_and_with_every_name(name: str) -> None:
    data, kind = HOSTILE[name]
    begun = time.monotonic()
    found = read_here(data, kind=kind)
    assert time.monotonic() - begun < SLOWEST_S
    names = tuple(sorted(f"extracted.{each}" for each in found))
    assert names == FORMATS[str(found["format"])].names
    if found["failure"] is not None:
        assert len(found["failure"]) < 500


def test_what_breaks_one_part_costs_only_that_part() -> None:
    parts = read_here(HOSTILE["parts within parts"][0], kind="message/rfc822")
    assert (parts["author"], parts["attachments"]) == ("a@b.test", None)
    changed = HOSTILE["addresses without end"][0].replace(b"Date: x", b"Subject: kept")
    addresses = read_here(changed, kind="message/rfc822")
    assert (addresses["subject"], addresses["from"]) == ("kept", None)


@pytest.mark.parametrize("data", [LAUGHS, EXTERNAL])
def test_no_document_type_is_accepted(data: bytes) -> None:
    with pytest.raises(ExtractError, match="document type"):
        parse_tree(data)
    assert "xml with a document type" in str(read_here(package({"docProps/core.xml": data}))["failure"])


def test_bombs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_format, "UNPACKED_BYTES", 100_000_000)

    def failure(name: str) -> str:
        return str(read_here(HOSTILE[name][0])["failure"])

    assert "a part of more than" in failure("zip bomb as core properties")
    assert "unpacks to more than" in failure("tar bomb")
    assert "text of more than" in failure("png of a bomb of text")
    assert "too many elements" in failure("elements without end")


SOURCES: dict[str, Any] = {
    "jpeg": lambda _: pictures.jpeg(pictures.camera_exif(), pictures.XMP),
    "png": lambda _: pictures.png(),
    "tiff": lambda _: pictures.tiff(),
    "heic": lambda _: sample("photo.heic"),
    "pdf": lambda _: documents.pdf(),
    "docx": lambda folder: documents.docx(folder / "a.docx"),
    "mov": lambda _: sample("clip.mov"),
    "mp3": lambda _: sample("call.mp3"),
    "odt": lambda _: sample("statement.odt"),
    "telegram": lambda _: json.dumps({"type": "personal_chat", "messages": [{"id": 1, "from": "A"}]}).encode(),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_truncated_file_keeps_its_names(tmp_path: Path, name: str) -> None:
    data = SOURCES[name](tmp_path)
    for part in range(1, 12):
        found = read_here(data[: len(data) * part // 12])
        assert tuple(sorted(f"extracted.{each}" for each in found)) == FORMATS[str(found["format"])].names
