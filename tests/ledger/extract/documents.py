"""Documents as programs write them."""

from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from docx import Document
from openpyxl import Workbook
from pptx import Presentation
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

MADE = datetime.datetime(2026, 11, 2, 8, 41, 7, tzinfo=datetime.UTC)
SAVED = datetime.datetime(2026, 11, 3, 9, 0, 0, tzinfo=datetime.UTC)


def pdf() -> bytes:
    """A contract of two pages."""
    data = io.BytesIO()
    page = canvas.Canvas(data, pagesize=A4, invariant=True)
    page.setTitle("Contract of lease No. 17")
    page.setAuthor("A. Tenant")
    page.setSubject("Flat")
    page.setKeywords("lease, flat")
    page.setCreator("Writer 9")
    for number in (1, 2):
        page.drawString(72, 770, f"Page {number}")
        page.showPage()
    page.save()
    return data.getvalue()


def updated(data: bytes, title: str) -> bytes:
    """The same, saved onto itself by another program."""
    out = io.BytesIO()
    writer = PdfWriter(io.BytesIO(data), incremental=True)
    writer.add_metadata({"/Title": title, "/ModDate": "D:20261103090000+05'00'", "/Checked": "yes"})
    writer.write(out)
    return out.getvalue()


def encrypted(password: str) -> bytes:
    """The contract under a password."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def signature(content: bytes = b"contract") -> bytes:
    """CMS signed data with a certificate and a signing time."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A. TENANT")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(0x1717)
        .not_valid_before(MADE).not_valid_after(MADE + datetime.timedelta(days=365)).sign(key, hashes.SHA256())
    )  # fmt: skip
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def signing_time(data: bytes) -> str:
    """What the signature says of its time, by another path than the reader's."""
    signer = cms.ContentInfo.load(data)["content"]["signer_infos"][0]
    found = {each["type"].native: each["values"].native[0] for each in signer["signed_attrs"]}
    return str(found["signing_time"].strftime("%Y-%m-%dT%H:%M:%SZ"))


def signed_pdf(cms_bytes: bytes, tail: bytes = b"") -> bytes:
    """A contract with a signature field whose byte range covers all but the signature, and `tail` after it."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    ranges = ArrayObject(NumberObject(n) for n in (0, 1_000_000_001, 1_000_000_002, 1_000_000_003))
    value = DictionaryObject({
        NameObject("/Type"): NameObject("/Sig"), NameObject("/Filter"): NameObject("/Adobe.PPKLite"),
        NameObject("/SubFilter"): NameObject("/adbe.pkcs7.detached"),
        NameObject("/Name"): TextStringObject("A. Tenant"),
        NameObject("/Reason"): TextStringObject("agreed"),
        NameObject("/M"): TextStringObject("D:20261102084107Z"),
        NameObject("/ByteRange"): ranges, NameObject("/Contents"): ByteStringObject(cms_bytes + bytes(64)),
    })  # fmt: skip
    field = DictionaryObject({
        NameObject("/FT"): NameObject("/Sig"), NameObject("/T"): TextStringObject("Signature1"),
        NameObject("/V"): writer._add_object(value),
    })  # fmt: skip
    form = DictionaryObject({NameObject("/Fields"): ArrayObject([writer._add_object(field)])})
    writer.root_object[NameObject("/AcroForm")] = writer._add_object(form)
    out = io.BytesIO()
    writer.write(out)
    data = out.getvalue()
    start = data.index(b"/Contents <") + len(b"/Contents ")
    end = data.index(b">", start) + 1
    for placeholder, number in ((1_000_000_001, start), (1_000_000_002, end), (1_000_000_003, len(data) - end)):
        data = data.replace(str(placeholder).encode(), str(number).rjust(10).encode())
    return data + tail


def docx(path: Path) -> bytes:
    """A statement with an author, a comment and a tracked insertion."""
    document = Document()
    core = document.core_properties
    core.author, core.last_modified_by, core.revision = "A. Tenant", "B. Lawyer", 4
    core.title, core.version, core.language = "Statement", "2.1", "kk"
    core.created, core.modified, core.last_printed = MADE, SAVED, SAVED
    paragraph = document.add_paragraph("The ceiling came down.")
    document.add_comment(paragraph.runs, text="When exactly?", author="C. Judge")
    document.save(str(path))
    tracked = (
        b'<w:ins w:id="9" w:author="B. Lawyer" w:date="2026-11-03T08:00:00Z"><w:r><w:t>twice</w:t></w:r></w:ins></w:p>'
    )
    return rezipped(path.read_bytes(), "word/document.xml", lambda part: part.replace(b"</w:p>", tracked, 1))


def xlsx() -> bytes:
    """A calculation with a hidden sheet."""
    book = Workbook()
    book.properties.creator, book.properties.lastModifiedBy = "A. Tenant", "B. Lawyer"
    book.properties.created, book.properties.modified = MADE.replace(tzinfo=None), SAVED.replace(tzinfo=None)
    book.active.title = "Damage"
    book.create_sheet("Draft").sheet_state = "hidden"
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def pptx() -> bytes:
    """Two slides."""
    slides = Presentation()
    slides.core_properties.author, slides.core_properties.revision = "A. Tenant", 7
    slides.core_properties.created = MADE
    for _ in range(2):
        slides.slides.add_slide(slides.slide_layouts[6])
    data = io.BytesIO()
    slides.save(data)
    return data.getvalue()


def rezipped(data: bytes, name: str, change: object) -> bytes:
    """A package with one member changed, or added where it was not."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            content = old.read(member)
            new.writestr(member, change(content) if member.filename == name and callable(change) else content)
        if name not in old.namelist() and callable(change):
            new.writestr(name, change(b""))
    return out.getvalue()
