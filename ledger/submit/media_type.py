"""The media type of a file, by its content.

The client's Content-Type and the file's name are claims of the submitter and are not looked at. Nor is libmagic: its
answers change from version to version and a bare machine has none, while `file.media_type` is committed for good, so
the same bytes must give the same type everywhere. Hence this table of our own. The type is a label for people; nothing
in the ledger decides on it what is safe to open.
"""

from collections.abc import Callable
from typing import BinaryIO, Final

from ledger.submit.media_containers import ole_type, zip_type
from ledger.submit.media_signatures import by_signature
from ledger.submit.media_text import by_text

# RFC 2046 §4.5.1: what is not known to be anything else. Also for a file that stayed at home: nobody here has seen it.
UNKNOWN: Final = "application/octet-stream"
EMPTY: Final = "application/x-empty"

# How much of a file `detect` wants as its head: past the headers of mail, and past the comments that open web pages.
HEAD_BYTES: Final = 64 * 1024

_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OLE_START: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def detect(head: bytes, opener: Callable[[], BinaryIO]) -> str:
    """The media type of the file that begins with `head`, its first HEAD_BYTES bytes or all of them.

    `opener` opens the whole file, seekable; it is called only for containers, whose names stand at other places. Any
    bytes have a type, so content never raises; what `opener` and its reads raise passes through.
    """
    if not head:
        return EMPTY
    if head.startswith(_ZIP_STARTS):
        with opener() as stream:
            return zip_type(head, stream)
    if head.startswith(_OLE_START):
        with opener() as stream:
            return ole_type(head, stream)
    head = head[:HEAD_BYTES]
    return by_signature(head) or by_text(head, whole=len(head) < HEAD_BYTES) or UNKNOWN
