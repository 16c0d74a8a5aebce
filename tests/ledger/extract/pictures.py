"""Pictures as programs write them."""

from __future__ import annotations

import io
from typing import Any

import piexif
from PIL import Image, PngImagePlugin, TiffImagePlugin

XMP = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
 xmlns:stRef="http://ns.adobe.com/xap/1.0/sType/ResourceRef#" xmp:CreatorTool="Adobe Photoshop 27.0 (Windows)"
 xmp:ModifyDate="2026-11-03T10:00:00+05:00" xmp:CreateDate="2026-11-02T08:41:07+05:00" xmpMM:VersionID="4"
 xmpMM:DocumentID="xmp.did:2" xmpMM:OriginalDocumentID="xmp.did:1">
<dc:creator><rdf:Seq><rdf:li>A. Tenant</rdf:li></rdf:Seq></dc:creator>
<xmpMM:DerivedFrom stRef:documentID="xmp.did:0"/>
<xmpMM:History><rdf:Seq>
<rdf:li stEvt:action="saved" stEvt:when="2026-11-03T09:59:00+05:00" stEvt:softwareAgent="Adobe Photoshop 27.0"
 stEvt:changed="/"/>
<rdf:li rdf:parseType="Resource"><stEvt:action>converted</stEvt:action>
<stEvt:parameters>from raw</stEvt:parameters></rdf:li>
</rdf:Seq></xmpMM:History></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """A picture of one colour."""
    return Image.new("RGB", (width, height), (200, 60, 40))


def camera_exif(thumbnail: tuple[int, int] | None = (32, 24)) -> bytes:
    """What a camera writes."""
    tags: dict[str, Any] = {
        "0th": {
            piexif.ImageIFD.Make: b"Pinhole Works",
            piexif.ImageIFD.Model: b"P-1",
            piexif.ImageIFD.Software: b"firmware 1.2",
            piexif.ImageIFD.Artist: "Ә. Серік".encode(),
            piexif.ImageIFD.Orientation: 6,
            piexif.ImageIFD.XResolution: (300, 1),
            piexif.ImageIFD.YResolution: (300, 1),
            piexif.ImageIFD.ResolutionUnit: 2,
            piexif.ImageIFD.DateTime: b"2026:11:02 08:41:07",
        },
        "Exif": {
            piexif.ExifIFD.DateTimeOriginal: b"2026:11:02 08:41:07",
            piexif.ExifIFD.OffsetTimeOriginal: b"+05:00",
            piexif.ExifIFD.SubSecTimeOriginal: b"123",
            piexif.ExifIFD.DateTimeDigitized: b"2026:11:02 08:41:08",
            piexif.ExifIFD.BodySerialNumber: b"SN-0042",
            piexif.ExifIFD.CameraOwnerName: b"Serik",
            piexif.ExifIFD.LensModel: b"Pinhole 28mm",
            piexif.ExifIFD.LensSerialNumber: b"L-7",
            piexif.ExifIFD.ExposureTime: (1, 60),
            piexif.ExifIFD.FNumber: (18, 10),
            piexif.ExifIFD.ISOSpeedRatings: 200,
            piexif.ExifIFD.UserComment: b"ASCII\x00\x00\x00the kitchen",
        },
        "GPS": {
            piexif.GPSIFD.GPSLatitudeRef: b"S",
            piexif.GPSIFD.GPSLatitude: ((51, 1), (7, 1), (4400, 100)),
            piexif.GPSIFD.GPSLongitudeRef: b"E",
            piexif.GPSIFD.GPSLongitude: ((71, 1), (25, 1), (1200, 100)),
            piexif.GPSIFD.GPSAltitudeRef: 1,
            piexif.GPSIFD.GPSAltitude: (125, 10),
            piexif.GPSIFD.GPSDateStamp: b"2026:11:02",
            piexif.GPSIFD.GPSTimeStamp: ((3, 1), (41, 1), (7, 1)),
        },
    }
    if thumbnail:
        small = io.BytesIO()
        picture(*thumbnail).save(small, "JPEG")
        tags |= {"1st": {piexif.ImageIFD.Compression: 6}, "thumbnail": small.getvalue()}
    return bytes(piexif.dump(tags))


def jpeg(exif: bytes = b"", xmp: bytes = b"", comment: bytes = b"") -> bytes:
    """A JPEG, as Pillow writes it."""
    data = io.BytesIO()
    options: dict[str, Any] = {"exif": exif, "xmp": xmp, "comment": comment}
    picture().save(data, "JPEG", **{name: value for name, value in options.items() if value})
    return data.getvalue()


def png(**options: Any) -> bytes:
    """A PNG with the text chunks of a screenshot program, and one that is packed."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Software", "gnome-screenshot")
    texts.add_text("Creation Time", "Mon, 02 Nov 2026 08:41:07 +0500")
    texts.add_itxt("Comment", "Скриншот", zip=True)
    data = io.BytesIO()
    picture().save(data, "PNG", pnginfo=texts, dpi=(96, 96), **options)
    return data.getvalue()


def tiff(pages: int = 3) -> bytes:
    """A scan of several pages."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[271], tags[272], tags[305] = "Scanner Works", "S-9", "ScanPro 3"
    tags[306], tags[269], tags[315] = "2026:11:02 08:41:07", "lease.tif", "clerk"
    data = io.BytesIO()
    picture().save(data, "TIFF", save_all=True, append_images=[picture()] * (pages - 1), tiffinfo=tags,
                   dpi=(300, 300), compression="tiff_deflate")  # fmt: skip
    return data.getvalue()


def store() -> bytes:
    """The beginning of a C2PA manifest store: a superbox, its description box, the words of a claim."""
    description = b"\x00\x00\x00\x21jumd" + b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71" + b"\x03c2pa\x00"
    claim = b"urn:uuid:2f6d1c9e-0000-4000-8000-000000000017\x00" + b"\xa1oclaim_generatorhCamera/1"
    body = description + claim
    return (len(body) + 8).to_bytes(4, "big") + b"jumb" + body


def with_app11(data: bytes, box: bytes) -> bytes:
    """A JPEG with a box in two APP11 segments, as the standard cuts them."""
    first, second = box[:60], box[60:]
    parts = [b"JP\x00\x01\x00\x00\x00\x01" + first, b"JP\x00\x01\x00\x00\x00\x02" + box[:8] + second]
    segments = b"".join(b"\xff\xeb" + (len(part) + 2).to_bytes(2, "big") + part for part in parts)
    return data[:2] + segments + data[2:]
