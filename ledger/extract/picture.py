"""What all formats of pictures have in common: their list of names, and what follows from several sources together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ledger.extract.fields import EXIFTOOL, Field
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.values import listing

_EXIF: Final = "EXIF"

PICTURE: Final = (
    Field("created_at", "when the picture was taken", "EXIF DateTimeOriginal with offset, else XMP, else PNG text"),
    Field("modified_at", "when the picture was last changed", "EXIF DateTime, else XMP ModifyDate, else PNG tIME"),
    Field("digitized_at", "when it became digital: scans of paper and film", "EXIF DateTimeDigitized"),
    Field("author", "who took it", "EXIF Artist, XPAuthor, XMP dc:creator"),
    Field("version", "the version that its maker gave it", "XMP xmpMM:VersionID"),
    Field("copyright", "whose it is said to be", _EXIF),
    Field("description", "caption", "EXIF ImageDescription, XMP dc:description"),
    Field("user_comment", "comment; phones write here that it is a screenshot", "EXIF UserComment"),
    Field("make", "maker of the camera, phone or scanner", _EXIF),
    Field("model", "its model", _EXIF),
    Field("device_serial", "its serial number", "EXIF BodySerialNumber, XMP aux:SerialNumber, exiftool"),
    Field("device_owner", "the owner set in it", "EXIF CameraOwnerName"),
    Field("lens", "model of the lens", "EXIF LensModel, XMP aux:Lens, exiftool"),
    Field("lens_serial", "its serial number", "EXIF LensSerialNumber, exiftool"),
    Field("software", "program or firmware that wrote the file", "EXIF Software, XMP CreatorTool"),
    Field("host_computer", "device the picture was made or changed on", "EXIF HostComputer"),
    Field("image_unique_id", "identifier that the camera gave the picture", "EXIF ImageUniqueID"),
    Field("exposure", "time, aperture, sensitivity, focal length, flash", _EXIF),
    Field("gps", "where it was taken: decimal degrees, metres, UTC time", "EXIF GPS"),
    Field("orientation", "how it must be turned, 1 to 8", _EXIF),
    Field("width", "pixels across", "the image itself"),
    Field("height", "pixels down", "the image itself"),
    Field("resolution", "dots per inch or cm: tells scans", "EXIF, JFIF, PNG pHYs"),
    Field("colour", "kind of pixels, as Pillow names it", "the image itself"),
    Field("frames", "pictures or pages in the file", "the image itself"),
    Field("exif", "whether there is an EXIF block", _EXIF),
    Field("thumbnail", "the small picture inside: size and SHA-256", "EXIF"),
    Field("xmp", "identifiers, times, tool and the whole history of changes", "XMP"),
    Field("icc_profile", "bytes of the colour profile", "the image itself"),
    Field("c2pa", "whether Content Credentials are there, and who made them; not checked", "JUMBF"),
    Field("editing_hints", "what speaks for later editing; never a proof", "all of the above"),
    Field("bare_picture", "true: nothing tells where the picture comes from", "all of the above"),
    *EXIFTOOL,
)

FRAMES_MAX: Final = 100_000
"""Pages or frames that are reported; a TIFF of more is a bomb."""

# Names that editors, messengers' cameras excepted, write into Software, CreatorTool or a history. Lower case.
_EDITORS: Final = ("photoshop", "lightroom", "gimp", "snapseed", "picsart", "pixelmator", "affinity", "paint", "canva",
                   "facetune", "lightx", "vsco", "meitu", "photoscape", "acdsee", "irfanview", "imagemagick", "krita",
                   "capture one", "luminar", "darktable", "rawtherapee", "coreldraw", "photopea", "picasa", "faceapp",
                   "firefly", "midjourney", "dall-e", "stable diffusion", "comfyui", "ffmpeg", "pillow")  # fmt: skip


def measure(source: Source, plugins: tuple[str, ...], findings: Findings) -> None:
    """Fill size, kind of pixels and number of frames. Nothing is decoded, so a picture of any size costs the same."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # its warning is about decoding
    source.stream.seek(0)
    with Image.open(source.stream, formats=plugins) as image:
        findings.put("width", image.width)
        findings.put("height", image.height)
        findings.put("colour", image.mode)
        findings.put("frames", min(getattr(image, "n_frames", 1), FRAMES_MAX))
        profile = image.info.get("icc_profile")
        findings.put("icc_profile", len(profile) if isinstance(profile, bytes) else None)


def apply_xmp(data: bytes, findings: Findings) -> None:
    """Fill a picture's fields from an XMP packet, where EXIF left them empty."""
    from ledger.extract.xmp import Packet

    packet = Packet(data)
    findings.put("xmp", packet.summary())
    findings.put_first("created_at", packet.time("exif", "DateTimeOriginal"), packet.time("photoshop", "DateCreated"),
                       packet.time("xmp", "CreateDate"))  # fmt: skip
    findings.put_first("modified_at", packet.time("xmp", "ModifyDate"))
    findings.put_first("author", ", ".join(packet.values("dc", "creator")))
    findings.put_first("version", packet.value("mm", "VersionID"))
    findings.put_first("description", packet.value("dc", "description"))
    findings.put_first("software", packet.value("xmp", "CreatorTool"))
    findings.put_first("make", packet.value("tiff", "Make"))
    findings.put_first("model", packet.value("tiff", "Model"))
    findings.put_first("device_serial", packet.value("aux", "SerialNumber"))
    findings.put_first("lens", packet.value("aux", "Lens"))
    findings.put_first("user_comment", packet.value("exif", "UserComment"))


def conclude(findings: Findings, *extra_hints: Mapping[str, str | None]) -> None:
    """Fill what follows from all sources together. Last of a picture's reader; `extra_hints` are of its format."""
    with findings.attempt("conclusion"):
        findings.put("editing_hints", listing([*_hints(findings), *extra_hints]))
        origin = ("created_at", "digitized_at", "author", "make", "model", "device_serial", "gps", "xmp", "exposure")
        credentials = findings.get("c2pa")
        present = isinstance(credentials, dict) and credentials.get("present") is True
        findings.put("bare_picture", not present and all(findings.get(name) is None for name in origin))


def _hints(findings: Findings) -> list[dict[str, str | None]]:
    hints = []
    packet = findings.get("xmp")
    told: list[object] = [findings.get("software")]
    if isinstance(packet, dict):
        told.append(packet.get("creator_tool"))
        history = packet.get("history")
        steps = history.get("items") if isinstance(history, dict) else None
        if isinstance(steps, list) and steps:
            hints.append(hint("history", f"{len(steps)} steps"))
            told += [step.get("softwareagent") for step in steps if isinstance(step, dict)]
        if packet.get("derived_from"):
            hints.append(hint("derived_from_another"))
        if "AlgorithmicMedia" in str(packet.get("digital_source_type")):
            hints.append(hint("declared_algorithmic"))
    named = {name for name in _EDITORS for value in told if isinstance(value, str) and name in value.lower()}
    hints += [hint("written_by", name) for name in sorted(named)]
    created, modified = findings.get("created_at"), findings.get("modified_at")
    if isinstance(created, str) and isinstance(modified, str) and created[:19] != modified[:19]:
        hints.append(hint("times_differ"))
    return [*hints, hint("thumbnail_of_other_shape")] if _thumbnail_differs(findings) else hints


def hint(kind: str, detail: str | None = None) -> dict[str, str | None]:
    """One item of `editing_hints`: a word for programs and translations, and a particular."""
    return {"hint": kind, "detail": detail}


def _thumbnail_differs(findings: Findings) -> bool:
    """A thumbnail of other proportions than the picture: the picture was cut, the thumbnail was not."""
    small, width, height = findings.get("thumbnail"), findings.get("width"), findings.get("height")
    if not isinstance(small, dict) or not isinstance(width, int) or not isinstance(height, int):
        return False
    across, down = small.get("width"), small.get("height")
    if not isinstance(across, int) or not isinstance(down, int) or not (across and down and width and height):
        return False
    shapes = (max(across, down) / min(across, down), max(width, height) / min(width, height))
    return abs(shapes[0] / shapes[1] - 1) > 0.05  # 5 %: thumbnails are rounded to whole pixels
