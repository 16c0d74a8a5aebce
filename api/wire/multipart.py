"""One file and its statement out of a multipart body, while it is being received (RFC 7578).

Werkzeug would put every upload into a temporary file before a view runs. Here each piece goes straight to where it is
digested and stored: memory stays constant, and a file is written once. The parts may come in either order.

Anything else than the two parts, a part that stands twice, or a body that stops early is refused, and what was received
is dropped.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Final, Self

from flask import Request

from api.settings import MULTIPART_OVERHEAD_BYTES, READ_BYTES, READ_BYTES_MANY, UPLOADS_FAST
from api.wire.body import check_media_type
from api.wire.disposition import parse_part
from api.wire.form_reader import PartHead, read_form
from ledger.errors import LimitError, MalformedError
from ledger.submit.intake import Receiving
from ledger.submit.limits import Limits

MEDIA_TYPE: Final = "multipart/form-data"
STATEMENT: Final = "statement"
FILE: Final = "file"

# RFC 2046 §5.1.1; the quotes are already off.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_PLAIN_ENCODINGS: Final = ("7bit", "8bit", "binary")


class _UnderWay:
    """How many files are being received in this process."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        with self._lock:
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1

    def read_bytes(self) -> int:
        """How much each of them reads at once: what all take together is bounded."""
        return READ_BYTES if self._count <= UPLOADS_FAST else READ_BYTES_MANY


_under_way: Final = _UnderWay()


class Submission:
    """What a form brought. A context manager: left without the upload having been finished, nothing is stored.

    statement -- the exact bytes of that part
    upload    -- the file, received but not yet stored; None where no file was sent
    file_name -- the name the file came under, if it had one
    """

    def __init__(self, request: Request, receive_file: Callable[[], Receiving], limits: Limits) -> None:
        """Nothing is read before `read`. `receive_file` is called when a file begins."""
        self.upload: Receiving | None = None
        self.file_name: str | None = None
        self._statement: bytearray | None = None
        self._request = request
        self._receive_file = receive_file
        self._limits = limits
        self._opened = ExitStack()
        self._file_size = 0
        self._take: Callable[[bytes], None] | None = None

    def __enter__(self) -> Self:
        self._opened.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    @property
    def statement(self) -> bytes:
        return bytes(self._statement or b"")

    def read(self) -> None:
        """Receive the body to its end.

        Raises MediaTypeError, LimitError, MalformedError; UnavailableError from the store.
        """
        check_media_type(self._request, (MEDIA_TYPE,))
        self._check_announced()
        for piece in read_form(self._request.stream, _boundary(self._request), _under_way.read_bytes):
            if isinstance(piece, PartHead):
                self._begin(piece)
            elif self._take is not None:
                self._take(piece)
        if self._statement is None:
            raise MalformedError("read the form: expected a part named statement", "multipart")

    def _check_announced(self) -> None:
        announced = self._request.content_length
        limit = self._limits.file_bytes + self._limits.statement_bytes + MULTIPART_OVERHEAD_BYTES
        if announced is not None and announced > limit:
            allowed = self._limits.file_bytes
            raise LimitError(
                f"receive a file: expected at most {allowed} bytes, got a body of {announced}", FILE, allowed, announced
            )

    def _begin(self, head: PartHead) -> None:
        part = parse_part(head.headers.get("content-disposition", ""))
        if head.headers.get("content-transfer-encoding", "binary").lower() not in _PLAIN_ENCODINGS:
            raise MalformedError("read the form: expected no Content-Transfer-Encoding (RFC 7578 §4.7)", part.name[:80])
        if part.name == STATEMENT and self._statement is None:
            self._statement = bytearray()
            self._take = self._take_statement
        elif part.name == FILE and self.upload is None:
            self._opened.enter_context(_under_way.one_more())
            self.upload = self._opened.enter_context(self._receive_file())
            self.file_name = part.file_name
            self._take = self._take_file
        elif part.name in (STATEMENT, FILE):
            raise MalformedError(f"read the form: the part {part.name} stands twice", part.name)
        else:
            raise MalformedError("read the form: unknown part; expected file, statement", f"multipart.{part.name[:80]}")

    def _take_statement(self, data: bytes) -> None:
        if self._statement is None:
            raise AssertionError("a statement's bytes came before its head")
        self._statement += data
        limit, size = self._limits.statement_bytes, len(self._statement)
        if size > limit:
            raise LimitError(f"read the statement: expected at most {limit} bytes, got more", STATEMENT, limit, size)

    def _take_file(self, data: bytes) -> None:
        if self.upload is None:
            raise AssertionError("a file's bytes came before its head")
        self._file_size += len(data)
        limit = self._limits.file_bytes
        if self._file_size > limit:
            raise LimitError(f"receive a file: expected at most {limit} bytes, got more", FILE, limit, self._file_size)
        self.upload.write(data)


def _boundary(request: Request) -> bytes:
    boundary = request.mimetype_params.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedError("read the form: expected a boundary of 1 to 70 characters (RFC 2046)", "content-type")
    return boundary.encode("ascii")
