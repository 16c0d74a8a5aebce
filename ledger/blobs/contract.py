"""What every store of blobs promises. `tests/contracts/blob_store.py` holds each implementation to it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

SHA256_BYTES = 32
SHA512_BYTES = 64


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """What a blob's bytes are.

    sha256 -- 32 bytes, the blob's name
    sha512 -- 64 bytes: should SHA-256 fall in thirty years, the evidence is still bound
    size   -- in bytes, 0 is a blob like any other
    """

    sha256: bytes
    sha512: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Retained:
    """A blob that was removed, and whose bytes a lock of the store's service still keeps from being deleted.

    sha256 -- 32 bytes, the blob's name
    until  -- when that lock ends, in milliseconds since 1970 (UTC); None where its end is not known
    """

    sha256: bytes
    until: int | None


class BlobWriter(Protocol):
    """One blob on its way in. A context manager: left without `finish`, it leaves nothing behind.

    One thread uses a writer. Memory stays constant, whatever the size of the blob and of the chunks.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; the caller may reuse `chunk` at once.

        Raises UnavailableError (disk full, input/output error): the writer is then of no more use.
        """
        ...

    def measure(self) -> StoredBlob:
        """What the bytes taken so far are. No `write` may follow, and nothing is stored yet.

        Whoever compares the digests with what was declared does it here, before anything is kept.
        """
        ...

    def finish(self) -> StoredBlob:
        """Store the blob: durable, and to be found under its name, when this returns.

        A blob of the same bytes that is there already is read again, and left as it is.

        Raises UnavailableError when it cannot be made durable; at worst a whole blob that no entry names is left,
        never a part of one. Raises CorruptError when other bytes stand under this blob's name: they are evidence of
        damage, and are never overwritten. After either the writer is of no more use.
        """
        ...


class BlobStore(Protocol):
    """Immutable blobs, named by the 32 bytes of their SHA-256.

    Durability: what `finish` returned survives a crash of the process and of the machine. A crash before leaves
    nothing under the blob's name, never a part of it.

    Concurrency: any number of threads and processes may use one store. Writers of the same content all succeed, and
    one blob stays. Only `remove` does not go together with a writer of the same content: that writer may find the blob
    present, and lose it to the removal. So who writes an entry that needs a blob does it within `holding`, from before
    `finish` until the entry is committed; and who removes asks within `remove_unless` whether an entry needs it.

    Retry: every call may be repeated. `finish` of the same bytes and `remove` of what is gone succeed.

    Every call raises UnavailableError, with what and where, when the store's disk or service fails, and ValueError
    for a name that is not 32 bytes long.
    """

    def receive(self) -> BlobWriter:
        """A writer for one new blob."""
        ...

    def open(self, sha256: bytes) -> BinaryIO:
        """The blob's bytes, seekable, to be closed by the caller. Raises NotFoundError.

        The bytes are not digested again: whoever serves 10 GiB cannot wait for that. The reader's own verification
        (step 3), `check` and fsck do it.
        """
        ...

    def local(self, sha256: bytes) -> AbstractContextManager[Path]:
        """A path under which a program on this machine can read the blob, while this is held. Raises NotFoundError.

        The file may be the store's own: it is never written to.
        """
        ...

    def size(self, sha256: bytes) -> int:
        """The blob's size in bytes. Raises NotFoundError."""
        ...

    def exists(self, sha256: bytes) -> bool:
        """Whether a blob of this name is here; says nothing about its bytes."""
        ...

    def check(self, sha256: bytes) -> StoredBlob:
        """Read the whole blob again. Raises NotFoundError, CorruptError when its bytes are not those of the name."""
        ...

    def remove(self, sha256: bytes) -> None:
        """Take the blob away, durably; succeeds when it is not here. An erasure cut short is simply run again.

        Where a lock keeps its bytes, nobody finds it here any more, and `retained` names it until they are deleted.
        """
        ...

    def holding(self, sha256: bytes) -> AbstractContextManager[None]:
        """While this is held, no `remove_unless` of any thread or process takes this blob away. Many may hold it."""
        ...

    def remove_unless(self, sha256: bytes, needed: Callable[[], bool]) -> bool:
        """Once nobody holds the blob, ask whether it is `needed`, and if not, take it away. Returns whether it is gone.

        Nobody can begin to hold it between the question and the removal.
        """
        ...

    def retained(self, sha256: bytes | None = None) -> list[Retained]:
        """What was removed, and cannot be deleted yet; with `sha256` of that blob alone."""
        ...

    def tend(self) -> None:
        """Take away what dead writers left, and delete what was retained and need not be any longer. Done now and then,
        beside living writers, whose work is left alone.
        """
        ...

    def trouble(self) -> str | None:
        """What keeps this store from working, in words; answers within seconds, and raises nothing."""
        ...

    def close(self) -> None:
        """Let go of threads and connections. No call may follow."""
        ...
