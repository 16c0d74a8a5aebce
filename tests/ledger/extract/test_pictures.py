"""Pictures: what cameras, editors, scanners and messengers write, asserted exactly."""

from __future__ import annotations

import hashlib
import io
import zlib

import piexif
from PIL import Image

from tests.ledger.extract import pictures
from tests.ledger.extract.reading import items, read_here, sample


def hints(found: dict[str, object]) -> set[str]:
    return {each["hint"] for each in items(found["editing_hints"])}


def test_a_photograph_tells_device_time_and_place() -> None:
    exif = pictures.camera_exif()
    found = read_here(pictures.jpeg(exif, comment=b"kept"))
    assert found["failure"] is None
    assert found["format"] == "jpeg"
    expected = {
        "created_at": "2026-11-02T08:41:07.123+05:00",
        "digitized_at": "2026-11-02T08:41:08",
        "modified_at": "2026-11-02T08:41:07",
        "author": "Ә. Серік",
        "make": "Pinhole Works",
        "model": "P-1",
        "device_serial": "SN-0042",
        "device_owner": "Serik",
        "lens": "Pinhole 28mm",
        "lens_serial": "L-7",
        "software": "firmware 1.2",
        "user_comment": "the kitchen",
        "orientation": 6,
        "resolution": "300x300 per inch",
        "width": 64,
        "height": 48,
        "colour": "RGB",
        "frames": 1,
        "exif": True,
        "comment": "kept",
        "trailing_bytes": 0,
        "bare_picture": False,
        "xmp": None,
        "c2pa": {"present": False},
        "version": None,
    }
    assert {name: found[name] for name in expected} == expected
    assert found["gps"] == {
        "latitude": "-51.128889",
        "longitude": "71.42",
        "altitude_m": "-12.5",
        "time": "2026-11-02T03:41:07Z",
        "direction": None,
        "speed": None,
        "error_m": None,
        "datum": None,
        "method": None,
    }
    assert found["exposure"] == {
        "time_s": "0.016667",
        "f_number": "1.8",
        "iso": "200",
        "focal_length_mm": None,
        "flash": None,
    }
    small = piexif.load(exif)["thumbnail"]
    assert found["thumbnail"] == {
        "bytes": len(small),
        "sha256": hashlib.sha256(small).hexdigest(),
        "width": 32,
        "height": 24,
    }
    assert items(found["segments"])[0].startswith("APP")
    assert hints(found) == set()


def test_a_picture_without_any_source_is_bare_and_says_so() -> None:
    data = pictures.jpeg()
    found = read_here(data)
    assert (found["bare_picture"], found["exif"], found["gps"], found["device_serial"]) == (True, False, None, None)
    assert read_here(pictures.with_app11(data, pictures.store()))["bare_picture"] is False


def test_names_are_the_same_with_and_without_metadata() -> None:
    assert read_here(pictures.jpeg()).keys() == read_here(pictures.jpeg(pictures.camera_exif())).keys()


def test_the_history_of_an_editor_stands_in_xmp() -> None:
    found = read_here(pictures.jpeg(xmp=pictures.XMP))
    assert found["failure"] is None
    assert found["created_at"] == "2026-11-02T08:41:07+05:00"
    assert found["modified_at"] == "2026-11-03T10:00:00+05:00"
    assert (found["author"], found["version"]) == ("A. Tenant", "4")
    assert found["software"] == "Adobe Photoshop 27.0 (Windows)"
    packet = found["xmp"]
    assert (packet["document_id"], packet["original_document_id"]) == ("xmp.did:2", "xmp.did:1")
    assert packet["derived_from"] == "xmp.did:0"
    assert items(packet["history"]) == [
        {
            "action": "saved",
            "when": "2026-11-03T09:59:00+05:00",
            "softwareagent": "Adobe Photoshop 27.0",
            "changed": "/",
            "parameters": None,
            "instanceid": None,
        },
        {
            "action": "converted",
            "when": None,
            "softwareagent": None,
            "changed": None,
            "parameters": "from raw",
            "instanceid": None,
        },
    ]
    assert hints(found) == {"history", "written_by", "derived_from_another", "times_differ"}


def test_a_thumbnail_that_still_shows_the_uncut_picture() -> None:
    assert "thumbnail_of_other_shape" in hints(read_here(pictures.jpeg(pictures.camera_exif((40, 40)))))


def test_content_credentials_are_found_over_two_segments() -> None:
    found = read_here(pictures.with_app11(pictures.jpeg(), pictures.store()))
    assert found["c2pa"] == {
        "present": True,
        "where": "APP11",
        "bytes": len(pictures.store()),
        "manifests": ["urn:uuid:2f6d1c9e-0000-4000-8000-000000000017"],
        "claim_generator": "Camera/1",
        "signature_checked": False,
    }
    other = pictures.store().replace(b"c2pa\x00", b"abcd\x00")
    assert read_here(pictures.with_app11(pictures.jpeg(), other))["c2pa"] == {"present": False}


def test_what_follows_the_image_is_counted() -> None:
    assert read_here(pictures.jpeg() + b"hidden")["trailing_bytes"] == 6


def test_a_screenshot_tells_program_and_time() -> None:
    found = read_here(pictures.png())
    assert found["failure"] is None
    assert found["created_at"] == "2026-11-02T08:41:07+05:00"
    assert found["software"] == "gnome-screenshot"
    assert found["user_comment"] == "Скриншот"
    assert found["resolution"] == "96x96 per inch"
    assert (found["width"], found["height"], found["colour"], found["frames"]) == (64, 48, "RGB", 1)
    assert found["texts"]["Software"] == "gnome-screenshot"
    assert items(found["chunks"])[0] == "IHDR"
    assert found["trailing_bytes"] == 0


def test_a_png_with_exif_xmp_time_and_credentials() -> None:
    data = pictures.png(exif=pictures.camera_exif())

    def chunk(kind: bytes, payload: bytes) -> bytes:
        return len(payload).to_bytes(4, "big") + kind + payload + zlib.crc32(kind + payload).to_bytes(4, "big")

    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + pictures.XMP)
    time = chunk(b"tIME", (2026).to_bytes(2, "big") + bytes([11, 4, 1, 2, 3]))
    found = read_here(data[:33] + time + chunk(b"caBX", pictures.store()) + xmp + data[33:] + b"tail")
    assert found["failure"] is None
    assert found["device_serial"] == "SN-0042"
    assert found["modified_at"] == "2026-11-04T01:02:03Z"
    assert found["xmp"]["version"] == "4"
    assert found["c2pa"]["present"] is True
    assert found["trailing_bytes"] == 4


def test_a_scan_tells_scanner_pages_and_resolution() -> None:
    found = read_here(pictures.tiff())
    assert found["failure"] is None
    assert found["format"] == "tiff"
    expected = {"make": "Scanner Works", "model": "S-9", "software": "ScanPro 3", "author": "clerk", "frames": 3,
                "document_name": "lease.tif", "resolution": "300x300 per inch", "modified_at": "2026-11-02T08:41:07",
                "compression": "tiff_adobe_deflate", "exif": False, "bare_picture": False}  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_a_phones_heic() -> None:
    found = read_here(sample("photo.heic"))
    assert found["failure"] is None
    assert found["format"] == "heif"
    expected = {"created_at": "2026-11-02T08:41:07+05:00", "make": "Pinhole Works", "device_serial": "SN-0042",
                "width": 64, "height": 48, "items": {"hvc1": 1, "Exif": 1, "mime": 1}}  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert (found["gps"]["latitude"], found["gps"]["longitude"]) == ("51.128889", "71.42")
    assert found["xmp"]["creator_tool"] == "17.6.1"
    assert items(found["brands"])[0] == "heic"


def test_a_messengers_webp_and_a_gif() -> None:
    data = io.BytesIO()
    pictures.picture().save(data, "WEBP", exif=pictures.camera_exif(), xmp=pictures.XMP)
    found = read_here(data.getvalue())
    assert (found["failure"], found["format"], found["device_serial"]) == (None, "webp", "SN-0042")
    assert found["xmp"]["version"] == "4"
    data = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(data, "GIF", save_all=True, append_images=frames[1:], comment=b"made here")
    found = read_here(data.getvalue())
    assert (found["failure"], found["frames"], found["comment"]) == (None, 2, "made here")


def test_nonsense_in_exif_is_null_and_never_a_guess() -> None:
    tags = {
        "0th": {piexif.ImageIFD.DateTime: b"0000:00:00 00:00:00"},
        "Exif": {piexif.ExifIFD.DateTimeOriginal: b"2026:13:45 99:99:99", piexif.ExifIFD.ExposureTime: (0, 0)},
        "GPS": {
            piexif.GPSIFD.GPSLatitudeRef: b"N",
            piexif.GPSIFD.GPSLatitude: ((900, 1), (0, 1), (0, 1)),
            piexif.GPSIFD.GPSLongitude: ((71, 0), (0, 1), (0, 1)),
        },
    }
    found = read_here(pictures.jpeg(bytes(piexif.dump(tags))))
    assert (found["created_at"], found["modified_at"], found["exposure"]) == (None, None, None)
    assert (found["gps"]["latitude"], found["gps"]["longitude"]) == (None, None)
