"""A multipart form as a stream of parts (RFC 7578, RFC 2046 §5.1), read in one way only.

    --BOUNDARY CRLF  head CRLF CRLF  data  CRLF --BOUNDARY CRLF  head …  data  CRLF --BOUNDARY-- CRLF

A CRLF may stand before the first boundary, as some clients write it; the last one may be missing. Nothing else is
skipped or mended: lines end in CRLF, heads are not folded, nothing stands before the form or after it.

Werkzeug's decoder is not used. It takes CR or LF alone for an end of line, so a body whose pieces part between the two
puts a byte into the file that nobody sent, and another file than the client's would be anchored. (Tests send forms in
pieces of any size.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, Final

from api.settings import PART_HEAD_BYTES, READ_BYTES
from ledger.errors import MalformedError

_LINE: Final = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*)")


class PartHead:
    """The head of a part. Header names are lower case; each stands once."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers


def read_form(
    stream: IO[bytes], boundary: bytes, read_bytes: Callable[[], int] = lambda: READ_BYTES
) -> Iterator[PartHead | bytes]:
    """Each part's head, followed by its data in pieces of at most `read_bytes()` and a little, which is asked before
    each read; empty pieces are left out.

    Raises MalformedError, at the latest where the body ends without its closing boundary: what was yielded before
    must not be kept then.
    """
    source = _Source(stream, read_bytes)
    opening = b"--" + boundary
    if source.peek(2) == b"\r\n":
        source.take(2)
    if source.take(len(opening)) != opening:
        raise MalformedError("read the form: expected it to begin with its boundary", "multipart")
    while True:
        after = source.take(2)
        if after == b"--":
            break
        if after != b"\r\n":
            raise MalformedError("read the form: expected CRLF or -- after a boundary", "multipart")
        yield _parse_head(source.take_head())
        yield from source.take_data(b"\r\n" + opening)
    if source.take(3) not in (b"", b"\r\n"):
        raise MalformedError("read the form: expected nothing after the last boundary", "multipart")


class _Source:
    """The body, with what was read and not yet taken."""

    def __init__(self, stream: IO[bytes], read_bytes: Callable[[], int]) -> None:
        self._stream = stream
        self._read_bytes = read_bytes
        self._held = b""

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer only at the end."""
        while len(self._held) < size and self._fill():
            pass
        return self._held[:size]

    def take(self, size: int) -> bytes:
        taken = self.peek(size)
        self._held = self._held[size:]
        return taken

    def take_head(self) -> bytes:
        """All up to the empty line, which is taken too."""
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > PART_HEAD_BYTES:
                raise MalformedError(
                    f"read the form: expected a part's head of at most {PART_HEAD_BYTES} bytes", "multipart"
                )
            if not self._fill():
                raise _cut_off()
        head, self._held = self._held[:end], self._held[end + 4 :]
        return head

    def take_data(self, delimiter: bytes) -> Iterator[bytes]:
        """All up to the delimiter, which is taken too. What could be its beginning waits for the next piece."""
        while (end := self._held.find(delimiter)) < 0:
            safe = len(self._held) - len(delimiter) + 1
            if safe > 0:
                piece, self._held = self._held[:safe], self._held[safe:]
                yield piece
            if not self._fill():
                raise _cut_off()
        piece, self._held = self._held[:end], self._held[end + len(delimiter) :]
        if piece:
            yield piece

    def _fill(self) -> bool:
        chunk = self._stream.read(self._read_bytes())
        self._held += chunk
        return bool(chunk)


def _parse_head(head: bytes) -> PartHead:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("read the form: expected a part's head in utf-8", "multipart") from error
    headers: dict[str, str] = {}
    for line in text.split("\r\n"):
        match = _LINE.fullmatch(line)
        if match is None or match[1].lower() in headers:
            raise MalformedError("read the form: expected `Name: value` lines in a part's head, each once", "multipart")
        headers[match[1].lower()] = match[2].rstrip(" \t")
    return PartHead(headers)


def _cut_off() -> MalformedError:
    return MalformedError("read the form: expected its closing boundary, the body was cut off before", "multipart")
