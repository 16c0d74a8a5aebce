"""TSTInfo, the statement that an authority signs (RFC 3161 §2.4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from verifier.certificate_facts import microseconds
from verifier.der import (
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    DerError,
    Fields,
    Node,
    boolean,
    integer,
    oid,
    read_der,
)
from verifier.signature_scheme import read_algorithm

ABSENT_ACCURACY_US: Final = 1_000_000
"""time.md: an accuracy that is absent is one second."""

_GENERALIZED_TIME: Final = re.compile(rb"([0-9]{14})(?:\.([0-9]*[1-9]))?Z")
_TIME_DIGITS: Final = 6  # microseconds
_MILLIS: Final = 0x80
_MICROS: Final = 0x81


@dataclass(frozen=True, slots=True)
class TstInfo:
    """The members of TSTInfo that the verifier judges; times in microseconds, `gen_time_us` since 1970.

    `gen_time_us` is genTime with what is finer than a microsecond cut off; `finer` says whether something was cut.
    `critical_extension` is the OID of an extension that must be understood, if there is one: none is.
    """

    policy: str
    imprint_algorithm: str
    imprint: bytes
    serial: int
    gen_time_us: int
    finer: bool
    accuracy_us: int
    critical_extension: str | None


def read_tst_info(data: bytes) -> TstInfo:
    """The TSTInfo that `data` encodes; raises DerError."""
    fields = Fields(read_der(data), "tstinfo")
    version = integer(fields.take(INTEGER), "tstinfo version")
    if version != 1:
        raise DerError(f"read tstinfo: expected version 1, got {version}")
    policy = oid(fields.take(OID), "tstinfo policy")
    imprint_fields = Fields(fields.take(SEQUENCE), "message imprint")
    imprint_algorithm = read_algorithm(imprint_fields.take(SEQUENCE), "imprint algorithm").oid
    imprint = imprint_fields.take(OCTET_STRING).content
    imprint_fields.end()
    serial = integer(fields.take(INTEGER), "tstinfo serial number")
    gen_time_us, finer = _gen_time(fields.take(GENERALIZED_TIME).content)
    accuracy_us = _accuracy(fields.optional(SEQUENCE))
    critical = _tail(fields)
    if finer:
        accuracy_us += 1
    _bounded(gen_time_us, accuracy_us)
    return TstInfo(policy, imprint_algorithm, imprint, serial, gen_time_us, finer, accuracy_us, critical)


def _gen_time(content: bytes) -> tuple[int, bool]:
    """Microseconds since 1970 and whether digits were cut off; RFC 3161 §2.4.2: UTC, seconds, no trailing zeros."""
    match = _GENERALIZED_TIME.fullmatch(content)
    if match is None:
        raise DerError("read gentime: expected YYYYMMDDhhmmss[.s…]Z without trailing zeros, got another form")
    whole, fraction = match[1].decode(), (match[2] or b"").decode()
    try:
        time = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise DerError(f"read gentime: expected a time of the calendar, got {whole}") from error
    parts = int(fraction[:_TIME_DIGITS].ljust(_TIME_DIGITS, "0"))
    return microseconds(time) + parts, len(fraction) > _TIME_DIGITS


def _accuracy(node: Node | None) -> int:
    """Accuracy in microseconds (RFC 3161 §2.4.2): seconds ≥ 0, millis and micros 1 to 999, an absent part is 0."""
    if node is None:
        return ABSENT_ACCURACY_US
    fields = Fields(node, "accuracy")
    seconds, millis, micros = fields.optional(INTEGER), fields.optional(_MILLIS), fields.optional(_MICROS)
    fields.end()
    total = 0
    if seconds is not None:
        total = integer(seconds, "accuracy seconds") * 1_000_000
    for part, tag, unit in ((millis, _MILLIS, 1000), (micros, _MICROS, 1)):
        if part is not None:
            value = integer(part, "accuracy", tag)
            if not 1 <= value <= 999:
                raise DerError(f"read accuracy: expected 1 to 999 thousandths, got {value}")
            total += value * unit
    if total < 0:
        raise DerError("read accuracy: expected no negative seconds, got some")
    return total


def _bounded(gen_time_us: int, accuracy_us: int) -> None:
    """Refuses a time whose bracket leaves the years 1 to 9999: it could not be written down, and says nothing."""
    try:
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=gen_time_us)
        margin = timedelta(microseconds=accuracy_us, seconds=1)  # the second: room for rounding
        _ = (time - margin, time + margin)
    except OverflowError as error:
        raise DerError("read accuracy: expected a time within the years 1 to 9999, got one beyond") from error


def _tail(fields: Fields) -> str | None:
    """Ordering, nonce, tsa (all without meaning here) and extensions; the OID of a critical extension, if any."""
    ordering = fields.optional(BOOLEAN)
    if ordering is not None:
        boolean(ordering, "ordering")
    nonce = fields.optional(INTEGER)
    if nonce is not None:
        integer(nonce, "nonce")
    fields.optional(0xA0)
    extensions = fields.optional(0xA1)
    fields.end()
    critical: str | None = None
    for extension in () if extensions is None else extensions.children():
        members = Fields(extension, "tstinfo extension")
        name = oid(members.take(OID), "tstinfo extension")
        flag = members.optional(BOOLEAN)
        members.take(OCTET_STRING)
        members.end()
        if flag is not None and boolean(flag, "tstinfo extension"):
            critical = name
    return critical
