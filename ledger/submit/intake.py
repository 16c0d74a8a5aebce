"""Receiving a file: streamed into the store of blobs in constant memory, compared with its statement, then kept.

    with intake.receive() as receiving:
        receiving.write(chunk) …
        received = receiving.keep(statement, file_name="contract.pdf")

Nothing is stored until `keep` has found that the file is the one that the statement declares. Left in any other way,
nothing stays behind.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self, runtime_checkable

from ledger.blobs.contract import BlobStore, BlobWriter, StoredBlob
from ledger.errors import LimitError, MalformedError, UnavailableError
from ledger.submit.draft import FileFacts
from ledger.submit.errors import UnacceptableError
from ledger.submit.file_name import check_file_name
from ledger.submit.limits import Limits
from ledger.submit.media_type import HEAD_BYTES, UNKNOWN, detect
from ledger.submit.statement import Statement

# One read from a file-like source: large, for the digests' sake.
READ_BYTES: Final = 1024 * 1024


@runtime_checkable
class Readable(Protocol):
    """A source of bytes: an open file, a request's body."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that is durable: what is committed of it, and the blob that it is."""

    facts: FileFacts
    blob: StoredBlob


class Intake:
    """Receives files into `blobs` within `limits`."""

    def __init__(self, blobs: BlobStore, limits: Limits) -> None:
        self._blobs = blobs
        self._limits = limits

    def receive(self, declared_size: int | None = None) -> "Receiving":
        """One file on its way in. `declared_size`, in bytes: what the client announced, if it did.

        Raises LimitError at once for a declared size above the limit: no byte need be sent.
        """
        _check_size(declared_size or 0, self._limits.file_bytes)
        return Receiving(self._blobs, self._limits.file_bytes, declared_size)

    def receive_file(
        self,
        source: Readable | Iterable[bytes],
        statement: Statement,
        *,
        file_name: str | None = None,
        declared_size: int | None = None,
    ) -> ReceivedFile:
        """Receive a whole file from `source` and keep it; see `Receiving` for what is raised.

        What `source` raises passes through, and nothing is stored.
        """
        with self.receive(declared_size) as receiving:
            for chunk in _chunks(source):
                receiving.write(chunk)
            return receiving.keep(statement, file_name=file_name)


class Receiving:
    """One file being received. A context manager: left without `keep`, nothing is stored. For one thread."""

    def __init__(self, blobs: BlobStore, file_bytes: int, declared_size: int | None) -> None:
        self._blobs = blobs
        self._writer: BlobWriter = blobs.receive()
        self._file_bytes = file_bytes
        self._declared_size = declared_size
        self._head = bytearray()
        self._size = 0

    def __enter__(self) -> Self:
        self._writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, trace)

    @property
    def size(self) -> int:
        """Bytes received so far."""
        return self._size

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes. Raises LimitError above the limit for files, UnavailableError from the store."""
        _check_size(self._size + len(chunk), self._file_bytes)
        self._size += len(chunk)
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._writer.write(chunk)

    def measure(self) -> StoredBlob:
        """What was received, before anything is kept: a repeated submission is recognised, or refused, by it."""
        return self._writer.measure()

    def holding(self) -> AbstractContextManager[None]:
        """While held, no erasure elsewhere takes these bytes away: from before `keep` until the entry is committed."""
        return self._blobs.holding(self._writer.measure().sha256)

    def keep(self, statement: Statement, *, file_name: str | None = None) -> ReceivedFile:
        """Compare the file with `statement`, and make it durable. An empty file is a file.

        `file_name` is the name it was sent under; without one the statement's counts.

        Raises MalformedError (the file has not the announced size: it was cut off), UnacceptableError naming what does
        not match the statement, or the lack of a name, UnavailableError and CorruptError from the store.
        """
        measured = self._writer.measure()
        if self._declared_size is not None and measured.size != self._declared_size:
            raise MalformedError(
                f"receiving a file: expected the announced {self._declared_size} bytes, got {measured.size}", "file"
            )
        name = file_name if file_name is not None else statement.name
        if name is None:
            raise UnacceptableError("receiving a file: expected its name, got none", "file")
        check_file_name(name, where="file.name")
        _check_statement(statement, name, measured)
        blob = self._writer.finish()
        return ReceivedFile(
            FileFacts(name, blob.size, blob.sha256, blob.sha512, self._media_type(blob), received=True), blob
        )

    def _media_type(self, blob: StoredBlob) -> str:
        try:
            return detect(bytes(self._head), lambda: self._blobs.open(blob.sha256))
        except OSError as error:
            # Only the store's disk can fail here: content never raises. The blob stays, and no entry names it.
            raise UnavailableError(
                f"telling a file's media type: {(error.strerror or str(error)).lower()}", "file"
            ) from error


def facts_without_file(statement: Statement, *, where: str = "statement") -> FileFacts:
    """The facts of a file that stays at home: the statement's word, which must then hold all four members.

    Its media type is unknown: it is told by content, and nobody here has seen the content. No size is too large: the
    limit for files is one for files that are sent. Raises UnacceptableError naming what is missing.
    """
    name, size, sha256, sha512 = statement.name, statement.size, statement.sha256, statement.sha512
    if name is None or size is None or sha256 is None or sha512 is None:
        members = {"name": name, "size": size, "sha256": sha256, "sha512": sha512}
        missing = ", ".join(member for member, value in members.items() if value is None)
        raise UnacceptableError(f"reading a statement without a file: expected {missing} too", where)
    return FileFacts(name, size, sha256, sha512, UNKNOWN)


def _chunks(source: Readable | Iterable[bytes]) -> Iterator[bytes]:
    if isinstance(source, Readable):
        while chunk := source.read(READ_BYTES):
            yield chunk
    else:
        yield from source


def _check_size(size: int, file_bytes: int) -> None:
    if size > file_bytes:
        raise LimitError(f"receiving a file: expected at most {file_bytes} bytes, got more", "file", file_bytes, size)


def _check_statement(statement: Statement, name: str, measured: StoredBlob) -> None:
    """Size first: it says most about what went wrong, and a file of another size has other digests too."""
    compared: tuple[tuple[str, object, object], ...] = (
        ("size", statement.size, measured.size),
        ("sha256", statement.sha256, measured.sha256),
        ("sha512", statement.sha512, measured.sha512),
        ("name", statement.name, name),
    )
    for member, declared, received in compared:
        if declared is not None and declared != received:
            raise UnacceptableError(
                f"comparing the file with its statement: expected {member} {_shown(declared)}, "
                f"received {_shown(received)}",
                f"statement.{member}",
            )


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
