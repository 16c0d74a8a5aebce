"""Two thousand mutated files: no reader breaks its process, hangs, or gives what cannot be committed."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from ledger.entry.canonical_json import serialise
from ledger.entry.names import check_name
from ledger.extract.formats import FORMATS
from ledger.extract.sandbox import extract
from ledger.extract.values import DEPTH_MAX, VALUE_BYTES
from tests.ledger.extract import documents, pictures
from tests.ledger.extract.reading import media_type, read_here, sample
from tests.ledger.extract.test_archives_and_pages import PAGE, archive, tar
from tests.ledger.extract.test_chats import ANDROID, IPHONE
from tests.ledger.extract.test_mail import raw
from tests.ledger.extract.test_media import recording

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow's, about what is meant to be damaged

EACH = 100
ONE_S = 20.0  # for one file, on two busy cores; real ones take milliseconds
THROUGH_SANDBOX = 40


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("seeds")
    return {
        "photo.jpg": pictures.with_app11(pictures.jpeg(pictures.camera_exif(), pictures.XMP), pictures.store()),
        "screen.png": pictures.png(exif=pictures.camera_exif()),
        "scan.tiff": pictures.tiff(),
        "photo.heic": sample("photo.heic"),
        "contract.pdf": documents.updated(documents.pdf(), "new"),
        "signed.pdf": documents.signed_pdf(documents.signature()),
        "statement.docx": documents.docx(folder / "statement.docx"),
        "sheet.xlsx": documents.xlsx(),
        "statement.odt": sample("statement.odt"),
        "message.eml": raw(),
        "signed.eml": sample_message(),
        "android.txt": ANDROID.encode(),
        "iphone.txt": IPHONE.encode(),
        "page.html": PAGE.encode(),
        "clip.mov": sample("clip.mov"),
        "clip.mp4": sample("clip.mp4"),
        "call.wav": recording(),
        "call.mp3": sample("call.mp3"),
        "archive.zip": archive(),
        "archive.tar": tar(),
        "signed.cms": documents.signature(),
    }


def sample_message() -> bytes:
    from tests.ledger.extract.test_dkim import PLAIN

    return PLAIN


def mutated(data: bytes, random_source: random.Random) -> bytes:
    """A few bytes changed, a stretch doubled, cut out, or filled with one byte: lengths and counts above all suffer."""
    changed = bytearray(data)
    for _ in range(random_source.randint(1, 8)):
        at = random_source.randrange(len(changed))
        length = min(random_source.choice((1, 2, 4, 64, 1_024)), len(changed) - at)
        match random_source.randrange(5):
            case 0:
                changed[at] = random_source.randrange(256)
            case 1:
                changed[at : at + length] = bytes([random_source.choice((0, 0x7F, 0xFF))]) * length
            case 2:
                changed[at:at] = changed[at : at + length]
            case 3:
                del changed[at : at + length]
            case _:
                changed[at : at + length] = random_source.randbytes(length)
        if not changed:
            return data
    return bytes(changed)


def check(fields: dict[str, object], prefix: str) -> None:
    """The whole list, and nothing that a commitment refuses."""
    assert (
        tuple(sorted(prefix + name for name in fields))
        == FORMATS[str(fields[f"{'' if prefix else 'extracted.'}format"])].names
    )
    for name, value in fields.items():
        check_name(prefix + name)
        assert len(serialise(value, max_depth=DEPTH_MAX)) <= VALUE_BYTES  # type: ignore[arg-type]  # any JSON


def test_two_thousand_mutated_files(seeds: dict[str, bytes]) -> None:
    random_source = random.Random(17)
    read = Counter[str]()
    for name, data in seeds.items():
        kind = media_type(data)
        for _ in range(EACH):
            changed = mutated(data, random_source)
            begun = time.monotonic()
            # As its own type, so that the readers see it, not only the detector.
            found = read_here(changed, name, kind)
            assert time.monotonic() - begun < ONE_S, f"{name} took too long"
            check(found, "extracted.")
            read["failed" if found["failure"] else "read"] += 1
    assert read.total() >= 2_000
    assert read["failed"] > 100 and read["read"] > 100  # the mutations reach the readers, and do not only break them


def test_mutated_files_through_the_sandbox(seeds: dict[str, bytes], tmp_path: Path) -> None:
    random_source = random.Random(18)
    names = list(seeds)
    for number in range(THROUGH_SANDBOX):
        name = names[number % len(names)]
        changed = mutated(seeds[name], random_source)
        path = tmp_path / f"{number}"
        path.write_bytes(changed)
        found = extract(path, media_type(seeds[name]), name)
        check(dict(found.fields), "")
        assert path.read_bytes() == changed
    assert len(list(tmp_path.iterdir())) == THROUGH_SANDBOX
