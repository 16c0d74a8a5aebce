"""Films and recordings: times of the container, device, place; asserted exactly."""

from __future__ import annotations

import io
import wave

from tests.ledger.extract.pictures import store
from tests.ledger.extract.reading import items, read_here, sample


def test_a_phones_mov_tells_time_with_zone_device_and_place() -> None:
    found = read_here(sample("clip.mov"))
    assert found["failure"] is None
    expected = {
        "format": "iso_media",
        "created_at": "2026-11-02T08:41:07+05:00",
        "container_created_at": "2026-11-02T03:41:07Z",
        "modified_at": "2026-11-02T03:41:07Z",
        "make": "Apple",
        "model": "iPhone 15",
        "software": "17.6.1",
        "gps": {"latitude": "51.1289", "longitude": "71.42", "altitude_m": "347"},
        "duration_ms": 400,
        "fragmented": False,
        "c2pa": {"present": False},
    }
    assert {name: found[name] for name in expected} == expected
    [track] = items(found["tracks"])
    assert (track["kind"], track["codec"], track["width"], track["height"]) == ("vide", "mp4v", 64, 48)
    assert items(found["top_level"]) == ["ftyp", "wide", "mdat", "moov"]


def test_an_mp4_tells_title_author_and_place() -> None:
    found = read_here(sample("clip.mp4"))
    assert found["failure"] is None
    assert (found["title"], found["author"]) == ("Двор", "А. Серік")
    assert found["created_at"] == "2026-11-02T03:41:07Z"
    assert found["gps"]["latitude"].startswith("51.1288")
    assert [each["kind"] for each in items(found["tracks"])] == ["vide", "soun"]


def test_content_credentials_in_a_film() -> None:
    box = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + store()
    data = sample("clip.mp4") + (len(box) + 8).to_bytes(4, "big") + b"uuid" + box
    assert read_here(data)["c2pa"]["claim_generator"] == "Camera/1"


def recording(extra: bytes = b"") -> bytes:
    """A WAV by the standard library, with more chunks at its end."""
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(16_000))
    plain = data.getvalue() + extra
    return plain[:4] + (len(plain) - 8).to_bytes(4, "little") + plain[8:]


def chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "little") + payload + b"\x00" * (len(payload) % 2)


def test_a_recorders_wav_tells_recorder_and_time() -> None:
    broadcast = (b"Hearing, hall 3".ljust(256, b"\x00") + b"Court recorder 2".ljust(32, b"\x00")
                 + b"KZ17".ljust(32, b"\x00") + b"2026-11-02" + b"08-41-07" + (7).to_bytes(8, "little")
                 + (1).to_bytes(2, "little") + bytes(254) + b"A=PCM,F=8000\r\n")  # fmt: skip
    info = b"INFO" + chunk(b"ISFT", b"Recorder 2.1\x00") + chunk(b"ICMT", "зал 3".encode())
    found = read_here(recording(chunk(b"bext", broadcast) + chunk(b"LIST", info)) + b"tail")
    assert found["failure"] is None
    expected = {
        "format": "wave",
        "created_at": "2026-11-02T08:41:07",
        "author": "Court recorder 2",
        "description": "Hearing, hall 3",
        "originator_reference": "KZ17",
        "coding_history": "A=PCM,F=8000",
        "time_reference": 7,
        "version": "1",
        "software": "Recorder 2.1",
        "info": {"ISFT": "Recorder 2.1", "ICMT": "зал 3"},
        "codec": 1,
        "channels": 1,
        "sample_rate": 8_000,
        "bits": 16,
        "duration_ms": 1_000,
        "trailing_bytes": 4,
    }
    assert {name: found[name] for name in expected} == expected
    assert items(found["chunks"])[:4] == ["fmt", "data", "bext", "LIST"]


def test_a_plain_wav_tells_only_what_it_is() -> None:
    found = read_here(recording())
    assert (found["created_at"], found["author"], found["duration_ms"], found["trailing_bytes"]) == (
        None,
        None,
        1_000,
        0,
    )


def test_a_recording_cut_short_still_tells_its_beginning() -> None:
    found = read_here(recording()[:1_000])
    assert (found["failure"], found["sample_rate"]) == (None, 8_000)


def test_an_mp3_and_a_voice_message() -> None:
    found = read_here(sample("call.mp3"))
    assert found["failure"] is None
    assert (found["title"], found["author"], found["created_at"]) == ("Call", "D. Omarov", "2026-11-02")
    assert (found["sample_rate"], found["channels"], found["bitrate_kbps"]) == (16_000, 1, 16)
    found = read_here(sample("voice.ogg"))
    assert (found["failure"], found["title"], found["duration_ms"]) == (None, "Voice", 400)
