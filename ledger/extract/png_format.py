"""PNG (ISO/IEC 15948): its chunks, the image data passed over."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from ledger.extract import c2pa
from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.picture import PICTURE, apply_xmp, conclude
from ledger.extract.source import Source
from ledger.extract.times import exif_time, iso_time, mail_time, wall_time
from ledger.extract.values import decimal, decoded, listing, text

MEDIA_TYPES: Final = ("image/png",)
VERSION: Final = 1
LIBRARIES: Final = ("pillow",)
FIELDS: Final = (
    *PICTURE,
    Field("texts", "every text chunk, by keyword", "PNG tEXt, zTXt, iTXt"),
    Field("chunks", "the kinds of chunks, in order, repetitions once", "PNG chunks"),
    Field("trailing_bytes", "bytes after the end of the image", "PNG IEND"),
)
NAMES: Final = names_of(FIELDS)

CHUNKS_MAX: Final = 200_000
"""Chunks walked: a picture of 10 GiB in chunks of 64 KiB, the largest that common writers make."""

TEXTS_MAX: Final = 200
"""Text chunks that are read."""

TEXT_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one chunk that is read, and of what it unpacks to."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD: Final = "XML:com.adobe.xmp"
_COLOURS: Final = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
_READ: Final = frozenset({b"IHDR", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf", b"caBX", b"pHYs", b"iCCP", b"acTL"})


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    findings.put("exif", False)
    findings.put("c2pa", c2pa.absent())
    texts: dict[str, str] = {}
    kinds: list[str] = []
    with findings.attempt("chunks"):
        for kind, payload, end in _chunks(source):
            name = kind.decode("ascii")
            if not kinds or kinds[-1] != name:
                kinds.append(name)
            if payload is not None:
                with findings.attempt(name):
                    _take(kind, payload, texts, findings)
            if kind == b"IEND":
                findings.put("trailing_bytes", source.size - end)
    findings.put("chunks", listing(kinds))
    findings.put("texts", texts or None)
    _from_texts(texts, findings)
    conclude(findings)


def _chunks(source: Source) -> Iterator[tuple[bytes, bytes | None, int]]:
    """Type, payload (None for those passed over) and end offset of each chunk. Raises ExtractError where they break."""
    if source.at(0, 8) != _SIGNATURE:
        raise ExtractError("no signature")
    offset = 8
    for _ in range(CHUNKS_MAX):
        head = source.exactly(offset, 8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        end = offset + 12 + length
        if not kind.isalpha() or not kind.isascii() or end > source.size:
            raise ExtractError("a chunk breaks off")
        wanted = kind in _READ and length <= (c2pa.STORE_BYTES if kind == b"caBX" else TEXT_BYTES)
        yield kind, source.exactly(offset + 8, length) if wanted else None, end
        if kind == b"IEND":
            return
        offset = end
    raise ExtractError("too many chunks")


def _take(kind: bytes, payload: bytes, texts: dict[str, str], findings: Findings) -> None:
    if kind == b"IHDR" and len(payload) == 13:
        findings.put("width", int.from_bytes(payload[:4], "big"))
        findings.put("height", int.from_bytes(payload[4:8], "big"))
        findings.put("colour", _COLOURS.get(payload[9]))
        findings.put("frames", 1)
    elif kind == b"acTL" and len(payload) == 8:
        findings.put("frames", int.from_bytes(payload[:4], "big"))
    elif kind == b"tIME" and len(payload) == 7:
        moment = wall_time(int.from_bytes(payload[:2], "big"), *payload[2:7])
        findings.put("modified_at", f"{moment}Z" if moment else None)  # §11.3.5: UTC
    elif kind == b"eXIf":
        from ledger.extract.exif import read_exif

        read_exif(payload, findings)
    elif kind == b"caBX" and c2pa.is_store(payload):
        findings.put("c2pa", c2pa.describe(payload, "caBX"))
    elif kind == b"pHYs" and len(payload) == 9 and payload[8] == 1:
        across, down = (int.from_bytes(payload[at : at + 4], "big") for at in (0, 4))
        findings.put_first("resolution", f"{_per_inch(across)}x{_per_inch(down)} per inch")
    elif kind == b"iCCP":
        findings.put("icc_profile", len(payload))
    elif kind in (b"tEXt", b"zTXt", b"iTXt") and len(texts) < TEXTS_MAX:
        _take_text(kind, payload, texts, findings)


def _per_inch(per_metre: int) -> str:
    from fractions import Fraction

    return decimal(Fraction(per_metre * 254, 10_000), 0)


def _take_text(kind: bytes, payload: bytes, texts: dict[str, str], findings: Findings) -> None:
    keyword, _, rest = payload.partition(b"\x00")
    name = decoded(keyword, 79) or ""
    if kind == b"zTXt":
        data = _unpacked(rest[1:])
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\x01", rest[2:]
        _, _, rest = rest.partition(b"\x00")  # language
        _, _, data = rest.partition(b"\x00")  # translated keyword
        data = _unpacked(data) if packed else data
    else:
        data = rest
    if name == _XMP_KEYWORD:
        apply_xmp(data, findings)
    elif (found := decoded(data)) is not None:
        texts.setdefault(name, text(found))


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(data, TEXT_BYTES)
    if unpacker.unconsumed_tail:
        raise ExtractError(f"a text of more than {TEXT_BYTES} bytes")
    return found


def _from_texts(texts: dict[str, str], findings: Findings) -> None:
    """§11.3.3.2: the keywords that the standard names."""
    created = texts.get("Creation Time") or texts.get("date:create")
    findings.put_first("created_at", mail_time(created), iso_time(created), exif_time(created))
    findings.put_first("modified_at", iso_time(texts.get("date:modify")))
    findings.put_first("author", texts.get("Author"))
    findings.put_first("software", texts.get("Software"))
    findings.put_first("description", texts.get("Description") or texts.get("Title"))
    findings.put_first("copyright", texts.get("Copyright"))
    findings.put_first("make", texts.get("Source"))
    findings.put_first("user_comment", texts.get("Comment"))
