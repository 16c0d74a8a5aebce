"""When a request is handed to a thread, and to which."""

from __future__ import annotations

import pytest

from api.serve.arrival import Arrival, Readiness
from api.settings import COLLECTED_BYTES

HEAD = b"POST /x HTTP/1.1\r\nHost: h\r\n"
MORE, WHOLE, LONG = Readiness.MORE, Readiness.WHOLE, Readiness.LONG


def length(count: int, name: bytes = b"Content-Length") -> bytes:
    return HEAD + name + b": %d\r\n\r\n" % count


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", WHOLE),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r", MORE),
        (b"G", MORE),
        (b"\x00\xff" * 10, MORE),
        (b"a" * 2_000_000, WHOLE),  # no head: the parser refuses it
        (length(0), WHOLE),
        (length(3), MORE),
        (length(3) + b"ab", MORE),
        (length(3) + b"abc", WHOLE),
        (length(3, b"CONTENT-length") + b"abc", WHOLE),
        (length(3) + b"abcGET / HTTP/1.1", WHOLE),  # what follows is the next one's
        (length(COLLECTED_BYTES - 200), MORE),
        (length(COLLECTED_BYTES), LONG),
        (length(10 * 1024**3), LONG),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", LONG),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", LONG),  # it waits to be told to go on
        (HEAD + b"X-Content-Length: 9\r\n\r\n", WHOLE),
        (HEAD + b"Content-Length: nine\r\n\r\n", WHOLE),  # refused by the parser
    ],
)
def test_what_has_come_is(sent: bytes, expected: Readiness) -> None:
    arrival = Arrival()
    assert arrival.take(sent) is expected
    assert arrival.size == len(sent)
    assert arrival.give() == sent
    assert arrival.size == 0 and arrival.give() == b""


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50])
def test_pieces_are_as_good_as_one(step: int) -> None:
    whole = length(30) + b"x" * 30
    arrival = Arrival()
    for at in range(0, len(whole), step):
        found = arrival.take(whole[at : at + step])
        assert (found is WHOLE) == (at + step >= len(whole)), at
    assert arrival.give() == whole


def test_a_connection_s_next_request_is_looked_at_anew() -> None:
    arrival = Arrival()
    for _ in range(3):
        assert arrival.take(length(2)) is MORE
        assert arrival.take(b"ab") is WHOLE
        assert arrival.give() == length(2) + b"ab"


ANCHOR = b"POST /api/v1/cases/" + b"0a" * 16 + b"/evidence HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"
STATEMENT = b'--b\r\nContent-Disposition: form-data; name="statement"\r\n\r\n{}\r\n--b--\r\n'
FILE = b'--b\r\nCONTENT-disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'


@pytest.mark.parametrize(
    ("request_line", "body", "expected"),
    [
        (ANCHOR, STATEMENT, True),
        (ANCHOR, STATEMENT.replace(b"Content-Disposition", b"content-DISPOSITION"), True),
        (ANCHOR, FILE + STATEMENT, False),
        (ANCHOR, STATEMENT.replace(b"{}", b"{}" + b" " * 40_000), False),  # long to look at
        (ANCHOR, STATEMENT.replace(b"{}", b'{"relations":{}}'), False),  # each is looked up in the database
        (ANCHOR, STATEMENT.replace(b"{}", b'{"rel\\u0061tions":{}}'), False),
        (ANCHOR, STATEMENT.replace(b"{}", b'{"name":"\\u00e9\\u044f.pdf"}'), True),
        (ANCHOR.replace(b"POST", b"GET"), STATEMENT, False),
        (ANCHOR.replace(b"/evidence", b"/evidence:batch"), STATEMENT, False),
        (ANCHOR.replace(b"/evidence", b"/evidence?x"), STATEMENT, False),
        (ANCHOR.replace(b"/cases/", b"/demands/"), STATEMENT, False),
        (ANCHOR, b"", False),
    ],
)
def test_a_statement_without_a_file_is_told_from_everything_else(
    request_line: bytes, body: bytes, expected: bool
) -> None:
    arrival = Arrival()
    assert arrival.take(request_line % len(body) + body) is WHOLE
    assert arrival.is_anchoring is expected


@pytest.mark.parametrize(
    "told",
    [b"Content-Length: %d", b"Content-Length: " + b"0" * 20 + b"%d", b"Content-Length: %d;", b"X-Length: %d"],
)
def test_what_may_not_be_all_there_is_no_such_statement(told: bytes) -> None:
    """The parser takes zeros without end before a number, and would wait for the rest where nobody may wait."""
    started = ANCHOR.replace(b"Content-Length: %d", told) % 500 + STATEMENT
    arrival = Arrival()
    assert arrival.take(started) is (WHOLE if told != b"Content-Length: %d" else MORE)
    assert not arrival.is_anchoring
    assert arrival.give() == started
    assert arrival.take(ANCHOR % len(STATEMENT) + STATEMENT) is WHOLE and arrival.is_anchoring
    arrival.give()
    assert arrival.take(ANCHOR.replace(b"Content-Length: %d\r\n", b"") + STATEMENT) is WHOLE
    assert not arrival.is_anchoring, "the length is another request's"
