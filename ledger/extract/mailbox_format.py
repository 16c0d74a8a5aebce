"""A mailbox in one file (RFC 4155, mbox): how many messages, over which time, from whom."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.mail_headers import decode
from ledger.extract.source import Source
from ledger.extract.times import mail_time
from ledger.extract.values import listing, text

MEDIA_TYPES: Final = ("application/mbox",)
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    Field("messages", "number of messages", "From lines"),
    Field("senders", "authors' lines, with the number of messages of each", "From"),
    Field("first_sent_at", "the message dated first, by date and clock as written", "Date"),
    Field("last_sent_at", "the message dated last", "Date"),
    Field("bytes_read", "how far the file was read", "this room"),
)
NAMES: Final = names_of(FIELDS)

READ_BYTES: Final = 512 * 1024 * 1024
"""Bytes of a mailbox that are looked through; beyond, the rest is counted as not read."""

LINE_BYTES: Final = 8_192
"""Bytes of one line that are looked at."""

SENDERS_MAX: Final = 5_000
"""Different authors that are kept apart."""

_START: Final = re.compile(rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ")


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    senders: Counter[str] = Counter()
    dates: list[str] = []
    count = position = 0
    in_header = False
    source.stream.seek(0)
    try:
        while position < READ_BYTES and (line := source.stream.readline(LINE_BYTES)):
            position += len(line)
            if _START.match(line):
                count, in_header = count + 1, True
            elif in_header and not line.strip():
                in_header = False
            elif in_header and line[:5].lower() == b"date:":
                _keep_extremes(dates, mail_time(line[5:].decode("latin-1").strip()))
            elif in_header and line[:5].lower() == b"from:" and len(senders) < SENDERS_MAX:
                senders[decode(line[5:].decode("utf-8", "surrogateescape"))] += 1
    finally:  # as far as it came, also when time runs out
        findings.put("messages", count)
        findings.put(
            "senders", listing({"name": text(name, 400), "messages": number} for name, number in senders.most_common())
        )
        findings.put("first_sent_at", dates[0] if dates else None)
        findings.put("last_sent_at", dates[-1] if dates else None)
        findings.put("bytes_read", position)
    if position < source.size:
        raise ExtractError(f"larger than {READ_BYTES} bytes: the rest was not read")


def _keep_extremes(dates: list[str], found: str | None) -> None:
    if found:
        ordered = sorted([*dates, found])
        dates[:] = [ordered[0], ordered[-1]]
