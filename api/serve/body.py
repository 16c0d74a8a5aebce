"""Faults in how a body is sent, told to the application in its own errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gunicorn.http.errors import NoMoreData, ParseException  # type: ignore[import-untyped]  # ships no types

from ledger.errors import MalformedError

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment


class CheckedBody:
    """A request's body. Reading raises MalformedError for broken chunks and for a client that went away."""

    def __init__(self, body: InputStream) -> None:
        self._body = body

    def read(self, size: int = -1, /) -> bytes:
        return self._checked(lambda: self._body.read(size))

    def readline(self, size: int = -1, /) -> bytes:
        return self._checked(lambda: self._body.readline(size))

    def readlines(self, hint: int = -1, /) -> list[bytes]:
        return list(self)

    def __iter__(self) -> CheckedBody:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def _checked(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except ParseException as error:
            raise MalformedError(f"read the body: {error}", "transfer-encoding") from error
        except (NoMoreData, OSError) as error:
            raise MalformedError("read the body: the client went away before its end", "body") from error


def check_bodies(application: WSGIApplication) -> WSGIApplication:
    """`application`, reading its bodies through CheckedBody."""

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"] = CheckedBody(environ["wsgi.input"])
        return application(environ, start_response)

    return call
