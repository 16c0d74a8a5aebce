"""Media types: by content alone, the same everywhere, and no content breaks the detection."""

import io
import json
import struct
import time
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from typing import BinaryIO

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from ledger.submit.media_type import HEAD_BYTES, detect


def media_type(data: bytes) -> str:
    return detect(data[:HEAD_BYTES], lambda: io.BytesIO(data))


def never_opened() -> BinaryIO:
    raise AssertionError("opened a file that is no container")


def zipped(*names: str, mimetype: str | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if mimetype is not None:
            archive.writestr(zipfile.ZipInfo("mimetype"), mimetype, compress_type=method)
        for name in names:
            archive.writestr(name, "content of " + name, compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def ole(*names: str, storages: tuple[str, ...] = (), sector_shift: int = 9) -> bytes:
    """A compound file: header, one sector of allocation table, one directory of root, `names`, and `storages`, whose
    own children would be named like streams of a document.
    """
    sector = 1 << sector_shift
    free, end, none = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF

    def entry(name: str, kind: int, right: int, child: int) -> bytes:
        raw = name.encode("utf-16-le") + b"\x00\x00"
        return raw.ljust(64, b"\x00") + struct.pack("<HBBIII", len(raw), kind, 1, none, right, child) + bytes(48)

    everything = [*names, *storages]
    entries = [entry("Root Entry", 5, none, 1)]
    inside = len(everything) + 1
    for number, name in enumerate(everything, 1):
        right = number + 1 if number < len(everything) else none
        entries.append(entry(name, 2 if name in names else 1, right, none if name in names else inside))
    if storages:
        entries.append(entry("WordDocument", 2, none, none))
    directory = b"".join(entries)
    directory_sectors = -(-len(directory) // sector)
    table = [0xFFFFFFFD] + [number + 2 for number in range(directory_sectors - 1)] + [end]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, sector_shift, 6)
    header += bytes(6) + struct.pack("<III", 0, 1, 1) + bytes(8) + struct.pack("<IIII", 0x1000, end, 0, end)
    header = header[:76].ljust(76, b"\x00") + struct.pack("<109I", 0, *[free] * 108)
    body = struct.pack(f"<{sector // 4}I", *table, *[free] * (sector // 4 - len(table)))
    return header.ljust(sector, b"\x00") + body + directory.ljust(directory_sectors * sector, b"\x00")


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(buffer, kind)
    return buffer.getvalue()


def pdf() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 72, "contract")
    canvas.save()
    return buffer.getvalue()


def word() -> bytes:
    document, buffer = docx.Document(), io.BytesIO()
    document.add_paragraph("шарт")
    document.save(buffer)
    return buffer.getvalue()


def mail() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.kz", "b@example.kz", "Шарт"
    message["Date"] = "Sat, 21 Nov 2026 09:15:02 +0500"
    message.set_content("Сәлем")
    message.add_attachment(pdf(), maintype="application", subtype="pdf", filename="a.pdf")
    return message.as_bytes()


def box(brand: bytes, *compatible: bytes) -> bytes:
    content = brand + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(content)) + b"ftyp" + content + b"\x00\x00\x00\x08free"


OPEN_XML = "application/vnd.openxmlformats-officedocument."
OPEN_DOCUMENT = "application/vnd.oasis.opendocument."

MADE: dict[str, Callable[[], bytes]] = {
    "application/pdf": pdf,
    "image/jpeg": lambda: picture("JPEG"),
    "image/png": lambda: picture("PNG"),
    "image/gif": lambda: picture("GIF"),
    "image/bmp": lambda: picture("BMP"),
    "image/tiff": lambda: picture("TIFF"),
    "image/webp": lambda: picture("WEBP"),
    OPEN_XML + "wordprocessingml.document": word,
    "message/rfc822": mail,
}


@pytest.mark.parametrize("expected", MADE)
def test_files_that_real_programs_made_are_recognised(expected: str) -> None:
    assert media_type(MADE[expected]()) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "application/x-empty"),
        (b"\xef\xbb\xbf\r\n%PDF-1.4\n", "application/pdf"),
        (b"\n" * 2000 + b"%PDF-1.4\n", "text/plain"),
        (box(b"heic", b"mif1"), "image/heic"),
        (box(b"mif1", b"mif1", b"heic"), "image/heic"),
        (box(b"mif1", b"avif"), "image/avif"),
        (box(b"mif1"), "image/heif"),
        (box(b"avif"), "image/avif"),
        (box(b"qt  "), "video/quicktime"),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "video/quicktime"),
        (box(b"isom", b"mp41"), "video/mp4"),
        (box(b"mp42", b"M4A "), "video/mp4"),
        (box(b"M4A "), "audio/mp4"),
        (box(b"3gp4"), "video/3gpp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio/x-wav"),
        (b"RIFF\x10\x00\x00\x00AVI LIST", "video/x-msvideo"),
        (b"RIFF\x10\x00\x00\x00\x00\x01\x02\x03", "application/octet-stream"),
        (b"FORM\x00\x00\x00\x10AIFFCOMM", "audio/aiff"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x15", "audio/mpeg"),
        (b"\xff\xfb\x90\x64\x00", "audio/mpeg"),
        (b"\xff\xfb\xf0\x64\x00", "application/octet-stream"),
        (b"\xff\xf1\x50\x80\x00", "audio/aac"),
        (b"OggS\x00" + bytes(23) + b"OpusHead\x01", "audio/ogg"),
        (b"OggS\x00" + bytes(23) + b"\x80theora\x03", "video/ogg"),
        (b"OggS\x00" + bytes(40), "application/ogg"),
        (b"fLaC\x00\x00\x00\x22", "audio/flac"),
        (b"#!AMR\n\x04", "audio/AMR"),
        (b"\x1aE\xdf\xa3\x9f\x42\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\xa3\x42\x82\x88matroska", "video/x-matroska"),
        ((b"G" + bytes(187)) * 4, "video/mp2t"),
        (b"\x1f\x8b\x08\x00", "application/gzip"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "application/x-7z-compressed"),
        (b"Rar!\x1a\x07\x01\x00", "application/vnd.rar"),
        (b"BZh91AY&SY", "application/x-bzip2"),
        (b"\xfd7zXZ\x00", "application/x-xz"),
        (b"name".ljust(257, b"\x00") + b"ustar\x0000", "application/x-tar"),
        (b"SQLite format 3\x00\x10\x00", "application/vnd.sqlite3"),
        (b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00", "application/vnd.microsoft.portable-executable"),
        (b"MZ" + bytes(62), "application/x-dosexec"),
        (b"\x7fELF\x02\x01", "application/x-elf"),
        (b"WARC/1.0\r\nWARC-Type: warcinfo\r\n", "application/warc"),
        (b"{\\rtf1\\ansi}", "application/rtf"),
        (b"%!PS-Adobe-3.0\n", "application/postscript"),
        (bytes.fromhex("3082040006092a864886f70d010702a0"), "application/cms"),
        (bytes.fromhex("308006092a864886f70d010702a080"), "application/cms"),
        (bytes.fromhex("3081ff06092a864886f70d010702a0"), "application/cms"),
        (bytes.fromhex("3082040006092a864886f70d010701a0"), "application/octet-stream"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "application/pem-certificate-chain"),
        (b"-----BEGIN CMS-----\nMIIB\n", "application/x-pem-file"),
        (b"-----BEGIN PGP SIGNATURE-----\n", "application/pgp-signature"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "text/vcard"),
        (b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        (b"<!DOCTYPE html>\n<html>", "text/html"),
        (b"\r\n  <HTML lang=kk>", "text/html"),
        (b"<!-- saved from url=(0014)about:internet -->\n<html>", "text/html"),
        ("<html><title>Шарт</title>".encode("cp1251"), "text/html"),
        (b'<?xml version="1.0"?><!-- <html> --><root/>', "application/xml"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg xmlns="http://www.w3.org/2000/svg">', "image/svg+xml"),
        (b'<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg">', "image/svg+xml"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/svg+xml"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "application/xhtml+xml"),
        (b'<?xml version="1.0"?><!-- never closed', "application/xml"),
        (b"Received: from a\r\n by b\r\nFrom: a@example.kz\r\n\r\n\xff\xfe", "message/rfc822"),
        (b"From: me\nTo: you\n\nA letter, no mail\n", "text/plain"),
        (b"Date: today\nSubject: none\n\nNo author\n", "text/plain"),
        (b"From a@example.kz Sat Nov 21 09:15:02 2026\nFrom: a\n", "application/mbox"),
        (
            b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://a/\r\nMIME-Version: 1.0\r\n",
            "multipart/related",
        ),
        (b'{"a": [1, 2.5, "x"]}', "application/json"),
        (b"\xef\xbb\xbf[]", "application/json"),
        (b' [ {"a" : 1} ]\n', "application/json"),
        (b'{"a": 1}\n{"b": 2}\n', "text/plain"),
        (b"{not json}", "text/plain"),
        (b"[" * 60_000, "text/plain"),
        (b"42", "text/plain"),
        (b"Hello\n", "text/plain"),
        ("Сәлем, әлем! ҚаҢүұқөһі".encode(), "text/plain"),
        ("Сәлем".encode("utf-16"), "text/plain"),
        ("Привет, это текст".encode("cp1251"), "application/octet-stream"),
        (b"BMW sold in 2026", "text/plain"),
        (b"MZ is my name", "text/plain"),
        (b"ID3 is a tag", "text/plain"),
        (b"GGGG", "text/plain"),
        (b"From the desk of A. Serikova", "text/plain"),
        (b"\x1b[31mred\x1b[0m\n", "text/plain"),
        (b"text with a nul\x00", "application/octet-stream"),
        (b"text with a bell\x07", "application/octet-stream"),
        (b"\x00", "application/octet-stream"),
        (b"\xff", "application/octet-stream"),
        (b"0\x84", "application/octet-stream"),
    ],
)
def test_a_type_is_told_by_content(data: bytes, expected: str) -> None:
    assert detect(data, never_opened) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (zipped("a.txt"), "application/zip"),
        (zipped(), "application/zip"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), OPEN_XML + "spreadsheetml.sheet"),
        (zipped("_rels/.rels", "ppt/a.xml", "[Content_Types].xml"), OPEN_XML + "presentationml.presentation"),
        (zipped("[Content_Types].xml", "word/document2.xml"), OPEN_XML + "wordprocessingml.document"),
        (
            zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
            "application/vnd.ms-word.document.macroEnabled.12",
        ),
        (
            zipped("[Content_Types].xml", "xl/a", "xl/vbaProject.bin"),
            "application/vnd.ms-excel.sheet.macroEnabled.12",
        ),
        (zipped("word/document.xml"), "application/zip"),
        (zipped("[Content_Types].xml", "words/document.xml"), "application/zip"),
        (zipped("content.xml", mimetype=OPEN_DOCUMENT + "text"), OPEN_DOCUMENT + "text"),
        (zipped("content.xml", mimetype=OPEN_DOCUMENT + "spreadsheet"), OPEN_DOCUMENT + "spreadsheet"),
        (zipped("content.xml", mimetype=OPEN_DOCUMENT + "presentation"), OPEN_DOCUMENT + "presentation"),
        (zipped("OEBPS/a.xhtml", mimetype="application/epub+zip"), "application/epub+zip"),
        (zipped("a.pdf", mimetype="application/vnd.etsi.asic-e+zip"), "application/vnd.etsi.asic-e+zip"),
        (zipped("a", mimetype="text/html"), "application/zip"),
        (zipped("a", mimetype="application/pdf"), "application/zip"),
        (zipped("a", mimetype="application/epub+zip" + "x" * 10_000), "application/zip"),
        (zipped("a", mimetype="application/epub+zip", method=zipfile.ZIP_DEFLATED), "application/zip"),
        (zipped("META-INF/MANIFEST.MF", "a.class"), "application/java-archive"),
        (zipped("AndroidManifest.xml", "META-INF/MANIFEST.MF"), "application/vnd.android.package-archive"),
        (b"PK\x03\x04", "application/zip"),
        (b"PK\x03\x04" + b"\xff" * 1000, "application/zip"),
        (b"PK\x05\x06" + bytes(18), "application/zip"),
        (b"PK\x05\x06" + b"\xff" * 18, "application/zip"),
        (zipped("[Content_Types].xml", "word/a")[:-1], "application/zip"),
        (ole("WordDocument", "1Table"), "application/msword"),
        (ole("Data", "Other", "Third", "Fourth", "Fifth", "Workbook"), "application/vnd.ms-excel"),
        (ole("Workbook", sector_shift=12), "application/vnd.ms-excel"),
        (ole("Book"), "application/vnd.ms-excel"),
        (ole("PowerPoint Document"), "application/vnd.ms-powerpoint"),
        (ole("__properties_version1.0", storages=("__attach_version1.0_#00000000",)), "application/vnd.ms-outlook"),
        (ole("Other", storages=("ObjectPool",)), "application/x-ole-storage"),
        (ole("Other"), "application/x-ole-storage"),
        (ole("Workbook")[:30] + b"\x1f" + ole("Workbook")[31:], "application/x-ole-storage"),
        (ole("Workbook")[:600], "application/x-ole-storage"),
        (ole("Workbook")[:9], "application/x-ole-storage"),
    ],
)
def test_a_container_is_told_by_the_names_in_it(data: bytes, expected: str) -> None:
    assert media_type(data) == expected


def test_a_zip_with_a_comment_is_still_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("word/document.xml", "")
        archive.comment = b"c" * 65_535
    assert media_type(buffer.getvalue()) == OPEN_XML + "wordprocessingml.document"


def test_what_is_cut_at_the_head_is_told_by_the_head() -> None:
    letters = "я" * HEAD_BYTES  # a character stands across the border
    assert media_type(b"x" + letters.encode()) == "text/plain"
    assert media_type(b"x" * (HEAD_BYTES - 1) + b"\xff") == "application/octet-stream"
    assert media_type(b"x" * (HEAD_BYTES // 2) + b"\xd1" + b"x" * HEAD_BYTES) == "application/octet-stream"
    assert media_type(json.dumps({"messages": ["x" * 50] * 10_000}).encode()) == "application/json"
    assert media_type((json.dumps({"a": "x" * 50}) + "\n").encode() * 10_000) == "text/plain"


class Counting(io.BytesIO):
    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        Counting.taken += len(data)
        return data


@pytest.mark.parametrize("kind", ["names", "length", "ole circle", "ole siblings"])
def test_a_hostile_container_is_read_within_bounds(kind: str) -> None:
    if kind == "names":  # a directory of 30,000 entries
        data = zipped(*(f"{'n' * 100}{number}" for number in range(30_000)))
    elif kind == "length":  # an end record that claims a directory of 20 MiB
        data = b"PK\x03\x04" + b"PK\x01\x02" * (5 * 2**20)
        data += struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, 20 * 2**20, 4, 0)
    elif kind == "ole siblings":  # the tree's only node is its own sibling
        siblings = bytearray(ole("Other"))
        siblings[1024 + 128 + 68 : 1024 + 128 + 76] = struct.pack("<2I", 1, 1)
        data = bytes(siblings)
    else:  # the directory's only sector follows itself
        good = bytearray(ole("Other"))
        good[512 + 4 : 512 + 8] = struct.pack("<I", 1)
        good[48:52] = struct.pack("<I", 1)
        data = bytes(good)
    Counting.taken = 0
    expected = "application/x-ole-storage" if kind.startswith("ole") else "application/zip"
    assert detect(data[:HEAD_BYTES], lambda: Counting(data)) == expected
    assert Counting.taken < 2 * 2**20


BASES = [
    zipped("[Content_Types].xml", "word/document.xml"),
    zipped("a", mimetype=OPEN_DOCUMENT + "text"),
    ole("WordDocument", "1Table", storages=("ObjectPool",)),
    box(b"mif1", b"heic"),
    b'<?xml version="1.0"?><!-- x --><svg/>',
    b"Received: a\r\nFrom: b\r\n\r\n",
    b"OggS\x00" + bytes(23) + b"OpusHead",
    b"RIFF\x10\x00\x00\x00WAVE",
    b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00",
]


@given(st.sampled_from(BASES), st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=4)), max_size=6))
def test_a_damaged_file_has_a_type_too(base: bytes, changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(base)
    for place, change in changes:
        at = place % len(data)
        data[at : at + len(change)] = change
    found = media_type(bytes(data))
    assert found.count("/") == 1
    assert found == media_type(bytes(data))


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_have_a_type(data: bytes) -> None:
    found = media_type(data)
    assert found.isascii()
    assert (found == "application/x-empty") == (data == b"")


@pytest.mark.parametrize(
    "unit",
    [
        b"<!--",
        b"<?",
        b"<a:",
        b'{"\\',
        b"a:",
        b"a: b\r\n ",
        b"-----BEGIN A",
        b"[{",
        b'{"a":',
        b"<!DOCTYPE [<",
        b"From x ",
    ],
)
def test_no_damaged_text_takes_long(unit: bytes) -> None:
    """Patterns that backtrack would let one small file hold a server's thread."""
    begin = time.process_time()
    for start in (b"", b"<?xml?>", b'["', b"a: b\n"):
        media_type(start + unit * (HEAD_BYTES // len(unit)))
    assert time.process_time() - begin < 1
