"""The evidence of the story: a contract, a photograph, a statement, an e-mail, a web page and a long recording."""

from __future__ import annotations

import io
import random
import wave
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import piexif
from docx import Document
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

RECORDING_MIB: Final = 300
MIB: Final = 1024 * 1024


def make_all(folder: Path) -> list[Path]:
    """Write every file into `folder`; returns them in the story's order."""
    makers = (
        ("contract.pdf", make_contract),
        ("Фото с места.jpg", make_photograph),
        ("statement.docx", make_statement),
        ("message.eml", make_message),
        ("listing.html", make_page),
        ("call.wav", make_recording),
    )
    for name, make in makers:
        make(folder / name)
    return [folder / name for name, _ in makers]


def make_contract(path: Path) -> None:
    """A PDF of two pages, with an author and a title."""
    page = canvas.Canvas(str(path), pagesize=A4)
    page.setTitle("Contract of lease No. 17")
    page.setAuthor("A. Tenant")
    for number in (1, 2):
        page.drawString(72, 770, f"Contract of lease No. 17, page {number}")
        page.drawString(72, 740, "The tenant pays 120,000 a month, by the fifth.")
        page.showPage()
    page.save()


def make_photograph(path: Path) -> None:
    """A JPEG with EXIF: when, with what, and where it was taken."""
    image = Image.effect_noise((1600, 1200), 60).convert("RGB")
    ImageDraw.Draw(image).ellipse((500, 300, 1100, 900), fill=(30, 90, 160))
    exif = {
        "0th": {piexif.ImageIFD.Make: b"Pinhole Works", piexif.ImageIFD.Model: b"P-1"},
        "Exif": {piexif.ExifIFD.DateTimeOriginal: b"2026:11:02 08:41:07"},
        "GPS": {
            piexif.GPSIFD.GPSLatitudeRef: b"N",
            piexif.GPSIFD.GPSLatitude: ((51, 1), (7, 1), (4400, 100)),
            piexif.GPSIFD.GPSLongitudeRef: b"E",
            piexif.GPSIFD.GPSLongitude: ((71, 1), (25, 1), (1200, 100)),
        },
    }
    image.save(path, quality=88, exif=piexif.dump(exif))


def make_statement(path: Path) -> None:
    """A DOCX with an author."""
    document = Document()
    document.core_properties.author = "A. Tenant"
    document.add_heading("Statement")
    document.add_paragraph("On 2 November the ceiling of the kitchen came down. The photograph shows it.")
    document.save(str(path))


def make_message(path: Path) -> None:
    """An e-mail with an attachment."""
    message = EmailMessage()
    message["From"] = "landlord@example.test"
    message["To"] = "tenant@example.test"
    message["Date"] = "Mon, 02 Nov 2026 10:12:00 +0500"
    message["Subject"] = "Re: the ceiling"
    message["Message-ID"] = "<17@example.test>"
    message.set_content("I knew about the ceiling since summer. The estimate is attached.\n")
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 60, 40)).save(picture, "PNG")
    message.add_attachment(picture.getvalue(), maintype="image", subtype="png", filename="estimate.png")
    path.write_bytes(message.as_bytes())


def make_page(path: Path) -> None:
    """A saved web page."""
    path.write_text(
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Flat for rent</title>\n'
        "<h1>Flat for rent</h1><p>Kitchen: new ceiling!</p></html>\n",
        encoding="utf-8",
    )


def make_recording(path: Path) -> None:
    """A valid WAV of RECORDING_MIB, written as a stream: half an hour of a noisy line."""
    second_of_noise = random.Random(17).randbytes(MIB)
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(2)
        recording.setsampwidth(2)
        recording.setframerate(44_100)
        for _ in range(RECORDING_MIB):
            recording.writeframesraw(second_of_noise)
