"""WhatsApp's export of a chat: a text, one line or more for each message, written differently by each phone.

    12.10.2026, 14:05 - Айгүл: Ақшаны жібердім         Android
    [12/10/2026, 2:05:33 PM] Daniyar: thanks           iPhone; narrow blanks and direction marks in between

Day and month stand as the phone's language has them, and nothing says which comes first. It is concluded from days
beyond the 12th, and from dots, which no language writes between month and day in that order; else no time is told but
the one as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.findings import Findings
from ledger.extract.participants import Participants
from ledger.extract.source import Source
from ledger.extract.times import wall_time
from ledger.extract.values import listing, text

READ_BYTES: Final = 256 * 1024 * 1024
"""Bytes of an export that are read; ten years of a busy group are some 20 MB."""

LINE_BYTES: Final = 64 * 1024
"""Bytes of one line that are looked at; WhatsApp's longest message is 65,536 characters, of which the head counts."""

_MARKS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BLANKS: Final = re.compile("[\u00a0\u202f\u2009]")
_LINE: Final = re.compile(
    r"(\[)?(\d{1,4})([./-])(\d{1,2})\3(\d{1,4})\.?,?\s{1,3}(\d{1,2})[:.](\d\d)(?:[:.](\d\d))?(?:\s?([AaPp])\.?\s?[Mm]\.?)?"
    r"(?(1)\]\s|\s[-–]\s)(.*)",
    re.DOTALL,
)
_AUTHOR: Final = re.compile(r"([^:\n]{1,200}): (.*)", re.DOTALL)
# What English, Russian and Kazakh phones write; others' marks are not counted.
_MISSING: Final = re.compile(
    r"<(?:Media omitted|Без медиафайлов|Медиафайл жоқ|Медиа жоқ)>"
    r"|(?:image|video|audio|sticker|document|GIF|Contact card) omitted"
    r"|(?:изображение|видео|аудиофайл|стикер|документ) отсутствует",
    re.IGNORECASE,
)
_ATTACHED: Final = re.compile(
    r"<(?:attached|прикреплено|вложение|тіркелді): ([^>]{1,250})>"
    r"|^(\S.{0,250}?\.\w{2,5}) \((?:file attached|файл добавлен|файл тіркелді)\)"
)
_EDITED: Final = re.compile(r"<(?:This message was edited|Сообщение изменено|Бұл хабар өзгертілді)\.?>")
_DELETED: Final = re.compile(
    r"(?:This message was deleted|You deleted this message|Данное сообщение удалено|Вы удалили данное сообщение"
    r"|Бұл хабар жойылды)\.?\s*"
)
_FILE_NAME: Final = re.compile(
    r"(?:WhatsApp Chat with|WhatsApp Chat -|Чат WhatsApp с контактом|Чат WhatsApp с|WhatsApp - )"
    r"\s*(.{1,200}?)\.(?:txt|zip)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Line:
    """The head line of a message: date as three numbers, clock, and what follows."""

    date: tuple[int, int, int]
    separator: str
    clock: tuple[int, int, int]
    written: str
    rest: str


def starts_chat(head: str) -> bool:
    """Whether the first line, or the second after a title, opens a WhatsApp message."""
    lines = [line for line in head.splitlines()[:3] if line.strip()]
    return bool(lines) and any(_parse(line) is not None for line in lines[:2])


def read_whatsapp(source: Source, findings: Findings) -> None:
    """Fill a chat's names. Times have no zone: the export is in the phone's own."""
    findings.put("application", "WhatsApp")
    named = _FILE_NAME.search(source.file_name)
    findings.put("chat_name", named[1] if named else None)
    order = _date_order(source)
    findings.put("date_order", order)
    tally = _Tally()
    try:
        for line in _messages(source):
            tally.take(line, _moment(line, order))
    finally:
        tally.fill(findings)  # as far as it came, also when time runs out
    if source.size > READ_BYTES:
        raise ExtractError(f"larger than {READ_BYTES} bytes: the rest was not read")


class _Tally:
    """What is counted, message by message."""

    def __init__(self) -> None:
        self._people = Participants()
        self._counts = dict.fromkeys(("service", "media", "missing", "edited", "deleted", "disorder"), 0)
        self._attachments: list[str] = []
        self._first: tuple[str | None, str] | None = None
        self._last: tuple[str | None, str] = (None, "")

    def take(self, line: _Line, moment: str | None) -> None:
        """One message, in the export's order."""
        before = self._last[0]
        self._counts["disorder"] += bool(moment and before and moment < before)
        self._last = (moment, line.written)
        self._first = self._first or self._last
        author = _AUTHOR.match(line.rest)
        if author is None:
            self._counts["service"] += 1
            return
        self._people.wrote(author[1].strip(), None, moment or line.written)
        self._count(author[2])

    def _count(self, body: str) -> None:
        attached, missing = _ATTACHED.search(body), _MISSING.search(body)
        self._counts["media"] += bool(attached or missing)
        self._counts["missing"] += bool(missing and not attached)
        self._counts["edited"] += bool(_EDITED.search(body))
        self._counts["deleted"] += bool(_DELETED.fullmatch(body.strip()))
        if attached:
            self._attachments.append(text(attached[1] or attached[2], 300))

    def fill(self, findings: Findings) -> None:
        """Fill what was counted."""
        findings.put("participants", self._people.listing())
        findings.put("messages", self._people.messages)
        findings.put("service_messages", self._counts["service"])
        findings.put("media_messages", self._counts["media"])
        findings.put("media_missing", self._counts["missing"])
        findings.put("edited_messages", self._counts["edited"])
        findings.put("deleted_messages", self._counts["deleted"])
        findings.put("out_of_order", self._counts["disorder"])
        findings.put("attachments", listing(self._attachments))
        if self._first:
            findings.put("created_at", self._first[0])
            findings.put("first_as_written", self._first[1])
            findings.put("modified_at", self._last[0])
            findings.put("last_as_written", self._last[1])


def _messages(source: Source) -> Iterator[_Line]:
    """The head line of each message; lines that go on with a message are passed over."""
    source.stream.seek(0)
    left = READ_BYTES
    while left > 0 and (raw := source.stream.readline(LINE_BYTES)):
        left -= len(raw)
        if (found := _parse(raw.decode("utf-8", "replace"))) is not None:
            yield found


def _parse(line: str) -> _Line | None:
    cleaned = _BLANKS.sub(" ", _MARKS.sub("", line.rstrip("\r\n")))
    found = _LINE.match(cleaned)
    if found is None:
        return None
    hour, half = int(found[6]), (found[9] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    date = (int(found[2]), int(found[4]), int(found[5]))
    written = cleaned[: found.start(10)].strip(" -–[]")
    return _Line(date, found[3], (hour, int(found[7]), int(found[8] or 0)), written, found[10])


def _date_order(source: Source) -> str:
    """`dmy`, `mdy`, `ymd`, by the first line that tells; `ambiguous` where none does. A line that then contradicts has
    a date that does not exist, and no time.
    """
    for line in _messages(source):
        if line.date[0] > 31:
            return "ymd"
        if line.separator == "." or line.date[0] > 12:
            return "dmy"
        if line.date[1] > 12:
            return "mdy"
    return "ambiguous"


def _moment(line: _Line, order: str) -> str | None:
    if order == "ambiguous":
        return None
    numbers = dict(zip(order, line.date, strict=True))
    year = numbers["y"] + 2000 if numbers["y"] < 100 else numbers["y"]
    return wall_time(year, numbers["m"], numbers["d"], *line.clock)
