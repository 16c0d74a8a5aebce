from __future__ import annotations

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from ledger.attest.strict_der import MAX_DEPTH, check_der
from ledger.errors import MalformedError

SOUND = [
    "0500",
    "020100",
    "02020080",
    "0201ff",
    "0101ff",
    "3003020101",
    "3000",
    "a003020101",
    "040400010203",
    "048180" + "00" * 128,
    "30820100" + "0481fd" + "00" * 253,
]
FAULTS = {
    "nothing at all": "",
    "no length": "30",
    "indefinite length": "30800000",
    "long form of a short length": "0481020102",
    "leading zero in the length": "04820080" + "00" * 128,
    "five length octets": "0485000000008000",
    "body cut short": "04050102",
    "member longer than what holds it": "3003020201",
    "bytes after it": "050000",
    "tag of several bytes": "1f0101",
    "constructed octet string": "24020500",
    "primitive sequence": "1000",
    "boolean of 01": "010101",
    "null with a body": "050100",
    "empty integer": "0200",
    "idle zero before an integer": "02020001",
    "idle ff before an integer": "0202ffff",
    "fault inside a context tag": "a0020200",
}


@pytest.mark.parametrize("encoded", SOUND)
def test_der_is_taken(encoded: str) -> None:
    check_der(bytes.fromhex(encoded), "it")


@pytest.mark.parametrize("encoded", FAULTS.values(), ids=list(FAULTS))
def test_what_could_be_read_in_two_ways_is_refused(encoded: str) -> None:
    with pytest.raises(MalformedError, match="reading it: expected"):
        check_der(bytes.fromhex(encoded), "it")


def test_nesting_cannot_exhaust_the_stack() -> None:
    def nested(levels: int) -> bytes:
        value = b""
        for _ in range(levels):
            value = core.Sequence(contents=value).dump()
        return value

    check_der(nested(MAX_DEPTH + 1), "it")
    with pytest.raises(MalformedError, match="levels"):
        check_der(nested(MAX_DEPTH + 2), "it")
    with pytest.raises(MalformedError, match="levels"):
        check_der(nested(20_000), "it")


@given(st.binary(max_size=64))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    try:
        check_der(data, "it")
    except MalformedError:
        return
    assert core.load(data, strict=True).dump() == data
