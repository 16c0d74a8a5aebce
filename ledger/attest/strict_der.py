"""DER, read in one way only (X.690 §10 and §11): what every RFC 3161 text of this room must be before it is parsed.

asn1crypto reads BER: lengths in long form where the short one would do, indefinite lengths, integers with idle leading
bytes. Two readers of such bytes may see two tokens, and a bundle's token must be DER for the verifier, so what is not
DER is refused before it is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ledger.errors import MalformedError

MAX_DEPTH = 32
"""A token nests about 15 deep (a certificate's names inside SignedData); deeper is made to exhaust the stack."""

MAX_LENGTH_OCTETS = 4
"""Lengths of up to 2^32 − 1; what we read is bounded far below."""

_BOOLEAN, _INTEGER, _NULL, _SEQUENCE, _SET = 1, 2, 5, 16, 17
_CONSTRUCTED = 0x20

# What asn1crypto and cryptography are known to raise on bytes that are DER but not what they should be.
_FOREIGN = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Convert what the ASN.1 libraries raise on hostile bytes into MalformedError("reading <what>: …")."""
    try:
        yield
    except _FOREIGN as error:
        raise MalformedError(f"reading {what}: expected its RFC 3161 form, got: {error}") from error


def check_der(data: bytes, what: str) -> None:
    """Raise MalformedError unless `data` is exactly one DER value with nothing after it.

    Checked: definite, minimal lengths; single-byte tags; structures constructed and strings primitive; BOOLEAN, INTEGER
    and NULL in their one form; nesting up to MAX_DEPTH. What an OCTET STRING or BIT STRING wraps is not looked into.
    """
    try:
        end = _check_value(data, 0, len(data), 0)
    except IndexError:
        raise MalformedError(f"reading {what}: expected DER, got bytes that end inside a value") from None
    except ValueError as error:
        raise MalformedError(f"reading {what}: expected DER, got {error}") from None
    if end != len(data):
        raise MalformedError(f"reading {what}: expected nothing after it, got {len(data) - end} more bytes")


def _check_value(data: bytes, start: int, limit: int, depth: int) -> int:
    """Check the value at `start`, which must end by `limit`; return where it ends."""
    if depth > MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} levels")
    tag = data[start]
    if tag & 0x1F == 0x1F:
        raise ValueError(f"a tag of several bytes at byte {start}")
    body, end = _read_length(data, start + 1)
    if end > limit:
        raise ValueError(f"a value at byte {start} that ends after what holds it")
    if tag & _CONSTRUCTED:
        position = body
        while position < end:
            position = _check_value(data, position, end, depth + 1)
    if tag & 0xC0 == 0:
        _check_universal(tag, data[body:end], start)
    return end


def _read_length(data: bytes, start: int) -> tuple[int, int]:
    """Return (where the body starts, where it ends)."""
    first = data[start]
    if first < 0x80:
        return start + 1, start + 1 + first
    count = first & 0x7F
    octets = data[start + 1 : start + 1 + count]
    length = int.from_bytes(octets, "big")
    if not 1 <= count <= MAX_LENGTH_OCTETS or len(octets) != count or octets[0] == 0 or length < 0x80:
        raise ValueError(f"a length that is not definite and minimal at byte {start}")
    return start + 1 + count, start + 1 + count + length


def _check_universal(tag: int, body: bytes, start: int) -> None:
    number, constructed = tag & 0x1F, bool(tag & _CONSTRUCTED)
    if constructed != (number in (_SEQUENCE, _SET)):
        raise ValueError(f"a constructed string or a primitive structure at byte {start}")
    if number == _BOOLEAN and body not in (b"\x00", b"\xff"):
        raise ValueError(f"a boolean that is neither 00 nor ff at byte {start}")
    if number == _NULL and body:
        raise ValueError(f"a null with a body at byte {start}")
    if number == _INTEGER:
        if not body:
            raise ValueError(f"an empty integer at byte {start}")
        if len(body) > 1 and (body[0], body[1] >> 7) in ((0x00, 0), (0xFF, 1)):
            raise ValueError(f"an integer with an idle leading byte at byte {start}")
