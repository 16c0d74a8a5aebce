"""Media types that a file's first bytes give away: fixed signatures, and formats of a few variants.

A signature of few bytes also stands at the beginning of honest text ("BMW sale.txt", "ID3 …"), so those are believed
only together with what must follow them.
"""

from collections.abc import Callable
from typing import Final

SIGNATURES: Final[tuple[tuple[int, bytes, str], ...]] = (
    # offset, bytes, media type
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"II+\x00", "image/tiff"),
    (0, b"MM\x00+", "image/tiff"),
    (0, b"8BPS\x00", "image/vnd.adobe.photoshop"),
    (0, b"AT&TFORM", "image/vnd.djvu"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (4, b"1AY&SY", "application/x-bzip2"),
    (257, b"ustar", "application/x-tar"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"%!PS", "application/postscript"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"!BDN", "application/vnd.ms-outlook-pst"),
    (0, b"WARC/1.", "application/warc"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap"),
    (0, b"\x0a\x0d\x0d\x0a", "application/x-pcapng"),
    (0, b"fLaC\x00", "audio/flac"),
    (0, b"#!AMR\n", "audio/AMR"),
    (0, b"#!AMR-WB\n", "audio/AMR-WB"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
)

# ISO/IEC 14496-12 §4.3 and the registrations at mp4ra.org. Any other brand is a video until shown otherwise.
_BRANDS: Final = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic-sequence",
    b"hevx": "image/heic-sequence",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"mif1": "image/heif",
    b"msf1": "image/heif-sequence",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"crx ": "image/x-canon-cr3",
}
# Brands that say only "an image", and leave it to the compatible brands to say which.
_GENERAL_BRANDS: Final = frozenset({b"mif1", b"msf1"})
# A file type box lists some ten brands; this bounds what a hostile one makes us read.
_FILE_TYPE_BOX_BYTES: Final = 256
_BITMAP_HEADER_SIZES: Final = frozenset({12, 40, 52, 56, 64, 108, 124})
# Readers of PDF accept the header within the first 1,024 bytes; we, after blanks and a byte order mark only.
_PDF_LOOK_BYTES: Final = 1024
_TRANSPORT_PACKET_BYTES: Final = 188
# The object identifier 1.2.840.113549.1.7.2, signedData (RFC 5652 §5.1), as DER.
_SIGNED_DATA: Final = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"


def by_signature(head: bytes) -> str | None:
    """The media type that `head`, a file's first bytes, gives away; None when it gives away none."""
    for offset, signature, media_type in SIGNATURES:
        if head.startswith(signature, offset):
            return media_type
    for recognise in _RECOGNISERS:
        found = recognise(head)
        if found is not None:
            return found
    return None


def _pdf(head: bytes) -> str | None:
    start = head[:_PDF_LOOK_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x00")
    return "application/pdf" if start.startswith(b"%PDF-") else None


def _iso_media(head: bytes) -> str | None:
    kind = head[4:8]
    if kind in (b"moov", b"wide", b"mdat") and head[:4] < b"\x10":
        return "video/quicktime"  # older than the file type box
    if kind != b"ftyp":
        return None
    box = head[8 : min(int.from_bytes(head[:4], "big"), _FILE_TYPE_BOX_BYTES)]
    major, compatible = box[:4], [box[at : at + 4] for at in range(8, len(box), 4)]
    if major in _GENERAL_BRANDS:
        for brand in compatible:
            if brand in _BRANDS and brand not in _GENERAL_BRANDS:
                return _BRANDS[brand]
    if major.startswith(b"3gp"):
        return "video/3gpp"
    if major.startswith(b"3g2"):
        return "video/3gpp2"
    return _BRANDS.get(major, "video/mp4")


def _riff(head: bytes) -> str | None:
    if head[:4] != b"RIFF":
        return None
    return {b"WEBP": "image/webp", b"WAVE": "audio/x-wav", b"AVI ": "video/x-msvideo"}.get(head[8:12])


def _aiff(head: bytes) -> str | None:
    return "audio/aiff" if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC") else None


def _matroska(head: bytes) -> str | None:
    if head[:4] != b"\x1aE\xdf\xa3":
        return None
    # The DocType stands in the EBML header, within its first bytes (RFC 8794 §11.2.6).
    return "video/webm" if b"webm" in head[:64] else "video/x-matroska"


def _ogg(head: bytes) -> str | None:
    if head[:5] != b"OggS\x00":
        return None
    first_packet = head[28:48]
    if first_packet.startswith((b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC")):
        return "audio/ogg"
    return "video/ogg" if first_packet.startswith(b"\x80theora") else "application/ogg"


def _mpeg_audio(head: bytes) -> str | None:
    if head[:3] == b"ID3" and len(head) > 9 and head[3] < 16 and all(byte < 128 for byte in head[6:10]):
        return "audio/mpeg"
    if len(head) < 4 or head[0] != 0xFF:
        return None
    second, third = head[1], head[2]
    if second & 0xF6 == 0xF0:
        return "audio/aac"  # ADTS: sync word, layer 0
    layer_3 = second & 0xE6 == 0xE2 and second & 0x18 != 0x08
    possible = third >> 4 not in (0, 15) and third & 0x0C != 0x0C
    return "audio/mpeg" if layer_3 and possible else None


def _transport_stream(head: bytes) -> str | None:
    packets = head[: 4 * _TRANSPORT_PACKET_BYTES : _TRANSPORT_PACKET_BYTES]
    return "video/mp2t" if packets == b"GGGG" else None


def _bitmap(head: bytes) -> str | None:
    plausible = head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BITMAP_HEADER_SIZES
    return "image/bmp" if head[:2] == b"BM" and plausible else None


def _windows_program(head: bytes) -> str | None:
    if head[:2] != b"MZ" or b"\x00" not in head[:64]:
        return None
    at = int.from_bytes(head[60:64], "little")
    new = head[at : at + 4] == b"PE\x00\x00"
    return "application/vnd.microsoft.portable-executable" if new else "application/x-dosexec"


def _signed_data(head: bytes) -> str | None:
    # SEQUENCE, a length in 1 to 5 bytes (or 0x80, indefinite), then the content type.
    if head[:1] != b"\x30" or len(head) < 2:
        return None
    length_bytes = 1 + (head[1] & 0x7F if head[1] & 0x80 else 0)
    found = length_bytes <= 5 and head.startswith(_SIGNED_DATA, 1 + length_bytes)
    return "application/cms" if found else None


_RECOGNISERS: Final[tuple[Callable[[bytes], str | None], ...]] = (
    _pdf,
    _iso_media,
    _riff,
    _aiff,
    _matroska,
    _ogg,
    _mpeg_audio,
    _transport_stream,
    _bitmap,
    _windows_program,
    _signed_data,
)
