"""Old Office (DOC, XLS, PPT) and Outlook messages (MSG): compound files with property sets ([MS-CFB], [MS-OLEPS])."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source
from ledger.extract.values import decoded, listing, text

if TYPE_CHECKING:
    from olefile import OleFileIO

MEDIA_TYPES: Final = (
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.visio",
    "application/vnd.ms-outlook",
    "application/x-ole-storage",
)
VERSION: Final = 1
LIBRARIES: Final = ("olefile",)
_SUMMARY: Final = "summary information"
FIELDS: Final = (
    Field("created_at", "when the document was made, UTC", _SUMMARY),
    Field("modified_at", "when it was last saved, UTC", _SUMMARY),
    Field("author", "who made it; of a message: who sent it", f"{_SUMMARY}, MSG sender"),
    Field("sent_at", "when the message was sent, UTC", "MSG client submit time"),
    Field("version", "the number of saves", f"{_SUMMARY} revision"),
    Field("last_modified_by", "who saved it last", _SUMMARY),
    Field("title", "title", _SUMMARY),
    Field("subject", "subject", f"{_SUMMARY}, MSG subject"),
    Field("keywords", "keywords", _SUMMARY),
    Field("description", "comments on the document", _SUMMARY),
    Field("software", "the program", _SUMMARY),
    Field("template", "the template it was made from", _SUMMARY),
    Field("company", "the company set in the program", "document summary information"),
    Field("manager", "the manager set in the program", "document summary information"),
    Field("printed_at", "when it was last printed, UTC", _SUMMARY),
    Field("editing_seconds", "how long it was open for editing", _SUMMARY),
    Field("statistics", "pages, words, characters as the program counted", _SUMMARY),
    Field("codepage", "character set of the properties", _SUMMARY),
    Field("macros", "whether there is a macro project", "streams"),
    Field("streams", "number of streams inside", "directory"),
    Field("message_id", "the message's identifier", "MSG"),
    Field("to", "recipients as displayed", "MSG"),
    Field("transport_headers", "the header as it came over the network", "MSG"),
    Field("attachments", "each: name, size, SHA-256", "MSG"),
)
NAMES: Final = names_of(FIELDS)

STREAM_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one stream that is read; attachments are streams."""

ATTACHMENTS_MAX: Final = 500
"""Attachments of one message that are hashed."""

_MSG_TEXTS: Final = {
    "subject": "0037",
    "author": "0C1A",
    "to": "0E04",
    "message_id": "1035",
    "transport_headers": "007D",
}
_SUBMIT_TIME: Final = bytes.fromhex("40003900")  # property type and number, as they stand in the properties stream
_FILETIME_1970: Final = 116_444_736_000_000_000


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    import olefile

    source.stream.seek(0)
    with olefile.OleFileIO(source.stream) as container:
        paths = container.listdir()
        findings.put("streams", len(paths))
        findings.put(
            "macros", any(part.upper() in ("VBA", "_VBA_PROJECT_CUR", "MACROS") for path in paths for part in path)
        )
        with findings.attempt("properties"):
            _read_summary(container.get_metadata(), findings)
        if container.exists("__properties_version1.0"):
            with findings.attempt("message"):
                _read_message(container, paths, findings)


def _read_summary(found: Any, findings: Findings) -> None:
    texts = {"author": found.author, "last_modified_by": found.last_saved_by, "title": found.title,
             "subject": found.subject, "keywords": found.keywords, "description": found.comments,
             "software": found.creating_application, "template": found.template, "company": found.company,
             "manager": found.manager, "version": found.revision_number}  # fmt: skip
    charset = (
        f"cp{found.codepage}" if isinstance(found.codepage, int) and found.codepage not in (65001, 1200) else "utf-8"
    )
    for name, value in texts.items():
        findings.put(name, _text(value, charset))
    for name, moment in (("created_at", found.create_time), ("modified_at", found.last_saved_time),
                         ("printed_at", found.last_printed)):  # fmt: skip
        # 1601 is the property's zero: no time was written.
        told = isinstance(moment, datetime) and moment.year > 1601
        findings.put(name, moment.strftime("%Y-%m-%dT%H:%M:%SZ") if told else None)
    spent = found.total_edit_time
    findings.put("editing_seconds", int(spent) if isinstance(spent, int | float) and 0 <= spent < 10**12 else None)
    counted = {
        "pages": found.num_pages,
        "words": found.num_words,
        "characters": found.num_chars,
        "slides": found.slides,
    }
    statistics = {name: number for name, number in counted.items() if isinstance(number, int) and number}
    findings.put("statistics", statistics or None)
    findings.put("codepage", found.codepage if isinstance(found.codepage, int) else None)


def _text(value: object, charset: str) -> str | None:
    if isinstance(value, str):
        return text(value.split("\x00", 1)[0].strip()) or None
    if not isinstance(value, bytes):
        return None
    data = value.split(b"\x00", 1)[0]
    try:
        return text(data.decode(charset).strip()) or None
    except (LookupError, UnicodeDecodeError):
        return decoded(data)


def _stream(container: OleFileIO, path: str | list[str]) -> bytes:
    if container.get_size(path) > STREAM_BYTES:
        raise ExtractError(f"a stream of more than {STREAM_BYTES} bytes")
    return bytes(container.openstream(path).read())


def _property(container: OleFileIO, folder: list[str], number: str) -> str | None:
    """A text property ([MS-OXMSG] §2.4): UTF-16 in `001F`, else bytes in `001E`."""
    for kind, charset in (("001F", "utf-16-le"), ("001E", "latin-1")):
        path = [*folder, f"__substg1.0_{number}{kind}"]
        if container.exists(path):
            return text(_stream(container, path).decode(charset, "replace").rstrip("\x00").strip()) or None
    return None


def _read_message(container: OleFileIO, paths: list[list[str]], findings: Findings) -> None:
    for name, number in _MSG_TEXTS.items():
        value = _property(container, [], number)
        if value is not None:
            findings.put(name, value)
    properties = _stream(container, "__properties_version1.0")
    at = properties.find(_SUBMIT_TIME, 32)
    if at >= 0 and (at - 32) % 16 == 0:
        findings.put("sent_at", _file_time(int.from_bytes(properties[at + 8 : at + 16], "little")))
    folders = sorted({path[0] for path in paths if path[0].startswith("__attach_version1.0_")})
    findings.put(
        "attachments", listing((_attachment(container, folder) for folder in folders[:ATTACHMENTS_MAX]), len(folders))
    )


def _file_time(ticks: int) -> str | None:
    from ledger.extract.times import since_1970

    return since_1970((ticks - _FILETIME_1970) // 10_000_000)


def _attachment(container: OleFileIO, folder: str) -> dict[str, object]:
    path = [folder, "__substg1.0_37010102"]
    data = _stream(container, path) if container.exists(path) else None  # an attached message is a folder instead
    name = _property(container, [folder], "3707") or _property(container, [folder], "3704")
    return {"name": name, "bytes": len(data) if data is not None else None,
            "sha256": hashlib.sha256(data).hexdigest() if data is not None else None}  # fmt: skip
