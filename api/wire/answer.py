"""Successful answers: JSON in its canonical bytes, and bytes that are streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from flask import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.wsgi import FileWrapper, wrap_file

from api.wire.disposition import format_attachment
from api.wire.headers import FILE_POLICY
from ledger.entry.canonical_json import Value, serialise

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ledger.casework.handout import FileView
    from ledger.prove.bundle import BundleStream

JSON: Final = "application/json"
ZIP: Final = "application/zip"

# One read of a file on its way out, where the server cannot hand it to the kernel.
_FILE_READ_BYTES: Final = 256 * 1024


class _Ready(Response):
    """An answer with a body, whose headers are as they go out: Werkzeug would look through them, copy them, and parse
    the location, at each answer.
    """

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:  # Werkzeug's own name
        return self.headers


def json_answer(body: Value, status: int = 200, *, location: str | None = None) -> Response:
    """A JSON answer. Its bytes are canonical, so that the same state gives the same bytes."""
    return json_bytes(serialise(body), status, location=location)


def json_bytes(body: bytes, status: int = 200, *, location: str | None = None) -> Response:
    """The same, of JSON that is serialised already. `location`: a path of ours, in ASCII."""
    response = _Ready(body, status=status, content_type=JSON)
    response.headers["Content-Length"] = str(len(body))
    if location is not None:
        response.headers["Location"] = location
    return response


def save_as(response: Response, file_name: str) -> Response:
    """Let browsers save the answer under this name, and never show it."""
    response.headers["Content-Disposition"] = format_attachment(file_name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


def bundle_answer(bundle: BundleStream) -> Response:
    """A bundle, as it is made. Cut off in the middle it is shorter than announced: no client takes it for whole."""
    response = Response(_closing(bundle.chunks), content_type=ZIP)
    response.headers["Content-Length"] = str(bundle.length)
    return save_as(response, bundle.filename)


def file_answer(request: Request, view: FileView) -> Response:
    """A file, or the range of it that was asked for (RFC 9110 §14): a download of 10 GiB can be resumed."""
    # The server's own wrapper lets the kernel send a whole file; only Werkzeug's can begin in the middle of one.
    ranged = "Range" in request.headers
    chunks = FileWrapper(view.stream, _FILE_READ_BYTES) if ranged else wrap_file(request.environ, view.stream)
    response = Response(chunks, content_type=view.media_type, direct_passthrough=True)
    response.headers["Content-Length"] = str(view.size)
    save_as(response, view.name)
    response.make_conditional(request.environ, accept_ranges=True, complete_length=view.size)
    return response


def text_answer(body: bytes | str, content_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """Any other bytes."""
    return Response(body, content_type=content_type, headers=headers)


def _closing(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A generator, so that whoever stops reading in the middle closes the files that the bundle is made from."""
    try:
        yield from chunks
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
