"""PDF, Office, OpenDocument, signed data: properties, saves, people and signatures, asserted exactly."""

from __future__ import annotations

from pathlib import Path

import olefile
import pytest

from tests.ledger.extract import documents
from tests.ledger.extract.reading import items, read_here, sample


def chosen(found: dict[str, object], expected: dict[str, object]) -> dict[str, object]:
    return {name: found[name] for name in expected}


def test_a_pdf_tells_author_program_and_pages() -> None:
    found = read_here(documents.pdf())
    assert found["failure"] is None
    expected = {
        "title": "Contract of lease No. 17",
        "author": "A. Tenant",
        "subject": "Flat",
        "keywords": "lease, flat",
        "creator_tool": "Writer 9",
        "created_at": "2000-01-01T00:00:00+00:00",
        "pages": 2,
        "encrypted": False,
        "incremental_updates": 0,
        "linearized": False,
        "changed_after_signing": None,
        "version": None,
        "xmp": None,
    }
    assert chosen(found, expected) == expected
    assert found["producer"].startswith("ReportLab")
    assert items(found["signatures"]) == items(found["attachments"]) == []
    assert found["scan"] == {"pages_looked_at": 2, "pages_without_font": 0, "pages_of_pictures_alone": 0}
    assert found["file_id"]["equal"] is True


def test_a_pdf_saved_onto_itself_keeps_where_the_first_state_ends() -> None:
    first = documents.pdf()
    found = read_here(documents.updated(first, "Contract of lease No. 18"))
    assert found["incremental_updates"] == 1
    ends = [each["ends_at"] for each in items(found["revisions"])]
    assert first[: ends[0]].endswith(b"%%EOF")
    assert read_here(first[: ends[0]])["title"] == "Contract of lease No. 17"
    assert found["title"] == "Contract of lease No. 18"
    assert found["modified_at"] == "2026-11-03T09:00:00+05:00"
    assert found["information"]["Checked"] == "yes"


def test_a_pdf_under_a_password_says_so_and_keeps_what_is_outside() -> None:
    found = read_here(documents.encrypted("17"))
    assert found["encrypted"] is True
    assert found["failure"] == "pdf: encrypted with a password"
    assert found["title"] is None
    assert found["incremental_updates"] == 0


def test_a_signed_pdf_names_its_signer_and_what_is_covered() -> None:
    cms_bytes = documents.signature()
    data = documents.signed_pdf(cms_bytes)
    found = read_here(data)
    assert found["failure"] is None
    [signature] = items(found["signatures"])
    assert (signature["field"], signature["name"], signature["reason"]) == ("Signature1", "A. Tenant", "agreed")
    assert signature["signed_at"] == "2026-11-02T08:41:07Z"
    assert (signature["covers_up_to"], signature["covers_all"]) == (len(data), True)
    assert signature["signer"]["subject"] == "Common Name: A. TENANT"
    assert signature["signer"]["serial"] == "1717"
    assert signature["signer"]["signing_time"] == documents.signing_time(cms_bytes)
    assert found["changed_after_signing"] is False
    longer = read_here(documents.signed_pdf(cms_bytes, b"\n% something else\n"))
    assert longer["changed_after_signing"] is True
    assert items(longer["signatures"])[0]["covers_all"] is False


def test_signed_data_names_its_signer() -> None:
    cms_bytes = documents.signature(b"the contract")
    found = read_here(cms_bytes)
    assert (found["format"], found["failure"]) == ("cms", None)
    assert found["author"] == "Common Name: A. TENANT"
    assert found["created_at"] == documents.signing_time(cms_bytes)
    assert found["content_bytes"] == len(b"the contract")
    [signer] = items(found["signers"])
    assert (signer["digest"], signer["timestamped"]) == ("sha256", False)


def test_a_docx_tells_authors_saves_changes_and_comments(tmp_path: Path) -> None:
    found = read_here(documents.docx(tmp_path / "statement.docx"))
    assert found["failure"] is None
    expected = {
        "format": "ooxml",
        "author": "A. Tenant",
        "last_modified_by": "B. Lawyer",
        "created_at": "2026-11-02T08:41:07Z",
        "modified_at": "2026-11-03T09:00:00Z",
        "printed_at": "2026-11-03T09:00:00Z",
        "revision": 4,
        "version": "2.1",
        "title": "Statement",
        "language": "kk",
        "macros": False,
        "signatures": 0,
        "sheets": None,
        "slides": None,
    }
    assert chosen(found, expected) == expected
    assert found["tracked_changes"] == {"count": 1, "first": "2026-11-03T08:00:00Z", "last": "2026-11-03T08:00:00Z"}
    assert found["comments"]["count"] == 1
    assert items(found["people"]) == [
        {"name": "B. Lawyer", "changes": 1, "comments": 0},
        {"name": "C. Judge", "changes": 0, "comments": 1},
    ]


def test_an_xlsx_tells_hidden_sheets() -> None:
    found = read_here(documents.xlsx())
    assert found["failure"] is None
    assert (found["author"], found["last_modified_by"]) == ("A. Tenant", "B. Lawyer")
    assert found["created_at"] == "2026-11-02T08:41:07Z"
    assert items(found["sheets"]) == [{"name": "Damage", "state": "visible"}, {"name": "Draft", "state": "hidden"}]


def test_a_pptx_counts_slides_and_its_version_is_the_number_of_saves() -> None:
    found = read_here(documents.pptx())
    assert found["failure"] is None
    assert (found["author"], found["slides"], found["revision"], found["version"]) == ("A. Tenant", 2, 7, "7")


def test_external_links_and_macros_are_told(tmp_path: Path) -> None:
    relation = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        b'Type="x" Target="https://tracker.example/t.png" TargetMode="External"/></Relationships>'
    )
    data = documents.rezipped(documents.docx(tmp_path / "a.docx"), "word/_rels/extra.xml.rels", lambda _: relation)
    data = documents.rezipped(data, "word/vbaProject.bin", lambda _: b"macros")
    found = read_here(data)
    assert items(found["external_links"]) == ["https://tracker.example/t.png"]
    assert found["macros"] is True
    assert found["format"] == "ooxml"


def test_an_odt_tells_authors_and_saves() -> None:
    found = read_here(sample("statement.odt"))
    assert found["failure"] is None
    expected = {
        "format": "odf",
        "author": "A. Tenant",
        "last_modified_by": "B. Lawyer",
        "created_at": "2026-11-02T08:41:07",
        "modified_at": "2026-11-03T09:00:00",
        "editing_cycles": 3,
        "version": "3",
        "title": "Statement",
        "language": "kk",
        "custom_properties": {"Case": "17"},
        "tracked_changes": 0,
        "comments": 0,
        "macros": False,
        "signatures": False,
    }
    assert chosen(found, expected) == expected


def test_an_odts_changes_and_comments_name_people() -> None:
    part = (
        b'<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        b'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        b"<text:changed-region><text:insertion><office:change-info><dc:creator>B. Lawyer</dc:creator>"
        b"</office:change-info></text:insertion></text:changed-region>"
        b"<office:annotation><dc:creator>C. Judge</dc:creator></office:annotation></office:document-content>"
    )
    found = read_here(documents.rezipped(sample("statement.odt"), "content.xml", lambda _: part))
    assert (found["tracked_changes"], found["comments"]) == (1, 1)
    assert items(found["people"]) == [{"name": "B. Lawyer", "acts": 1}, {"name": "C. Judge", "acts": 1}]


def property_set(author: bytes, title: bytes) -> bytes:
    """A summary information stream ([MS-OLEPS] §2.21) with code page 1251."""
    texts = {2: title, 4: author}
    values = {1: b"\x02\x00\x00\x00" + (1251).to_bytes(2, "little") + b"\x00\x00"}
    for number, content in texts.items():
        padded = content + b"\x00" * (4 - len(content) % 4)
        values[number] = b"\x1e\x00\x00\x00" + (len(padded)).to_bytes(4, "little") + padded
    ticks = 116_444_736_000_000_000 + 1_793_608_867 * 10_000_000  # 2026-11-02T08:41:07Z
    values[12] = b"\x40\x00\x00\x00" + ticks.to_bytes(8, "little")
    index, body = b"", b""
    for number, value in values.items():
        index += number.to_bytes(4, "little") + (8 + 8 * len(values) + len(body)).to_bytes(4, "little")
        body += value
    section = (8 + len(index) + len(body)).to_bytes(4, "little") + len(values).to_bytes(4, "little") + index + body
    identifier = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")
    head = b"\xfe\xff\x00\x00\x06\x00\x02\x00" + bytes(16) + (1).to_bytes(4, "little")
    return (head + identifier + (48).to_bytes(4, "little") + section).ljust(4_096, b"\x00")


def compound_file(streams: dict[str, bytes]) -> bytes:
    """A compound file ([MS-CFB]) of streams of 4,096 bytes or more, in sectors of 512."""
    free, end, special = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    table, sectors, entries = [special, end], b"", []
    for name, content in streams.items():
        start, count = len(table), -(-len(content) // 512)
        table += [*range(start + 1, start + count), end]
        sectors += content.ljust(count * 512, b"\x00")
        entries.append((name, 2, start, len(content)))
    directory = b""
    for number, (name, kind, start, length) in enumerate([("Root Entry", 5, end, 0), *entries]):
        encoded = name.encode("utf-16-le")
        right = number + 1 if 1 <= number < len(entries) else free
        directory += (encoded.ljust(64, b"\x00") + (len(encoded) + 2).to_bytes(2, "little") + bytes([kind, 1])
                      + free.to_bytes(4, "little") + right.to_bytes(4, "little")
                      + (1 if number == 0 else free).to_bytes(4, "little") + bytes(36)
                      + start.to_bytes(4, "little") + length.to_bytes(8, "little"))  # fmt: skip
    assert len(directory) <= 512
    header = (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + bytes.fromhex("3e000300feff09000600") + bytes(10)
              + (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4) + (4_096).to_bytes(4, "little")
              + end.to_bytes(4, "little") + bytes(4) + end.to_bytes(4, "little") + bytes(4)
              + bytes(4) + free.to_bytes(4, "little") * 108)  # fmt: skip
    fat = b"".join(each.to_bytes(4, "little") for each in table).ljust(512, b"\xff")
    return header + fat + directory.ljust(512, b"\x00") + sectors


def test_an_old_doc_tells_its_author_in_its_own_code_page() -> None:
    summary = property_set("А. Серік".replace("і", "i").encode("cp1251"), "Шарт".encode("cp1251"))
    data = compound_file({"WordDocument": bytes(4_096), "\x05SummaryInformation": summary})
    assert olefile.isOleFile(data)
    found = read_here(data)
    assert found["failure"] is None
    assert (found["format"], found["title"], found["author"]) == ("ole", "Шарт", "А. Серiк")
    assert (found["created_at"], found["codepage"], found["macros"]) == ("2026-11-02T08:41:07Z", 1251, False)


def test_an_outlook_message_tells_sender_time_and_header() -> None:
    properties = (
        bytes(32)
        + bytes.fromhex("4000390006000000")
        + (116_444_736_000_000_000 + 1_793_608_867 * 10**7).to_bytes(8, "little")
    )
    data = compound_file({
        "__properties_version1.0": properties.ljust(4_096, b"\x00"),
        "__substg1.0_0037001F": "Re: потолок".encode("utf-16-le").ljust(4_096, b"\x00"),
        "__substg1.0_0C1A001F": "Landlord".encode("utf-16-le").ljust(4_096, b"\x00"),
    })  # fmt: skip
    found = read_here(data)
    assert found["failure"] is None
    assert (found["subject"], found["author"], found["sent_at"]) == ("Re: потолок", "Landlord", "2026-11-02T08:41:07Z")


@pytest.mark.parametrize("name", ["docProps/core.xml", "docProps/app.xml", "word/document.xml"])
def test_one_damaged_part_leaves_the_others(tmp_path: Path, name: str) -> None:
    found = read_here(documents.rezipped(documents.docx(tmp_path / "a.docx"), name, lambda _: b"<broken"))
    assert found["failure"] is not None and "not well-formed xml" in found["failure"]
    assert found["member_times"]["earliest"] is not None
    assert (found["author"] is None) is (name == "docProps/core.xml")
