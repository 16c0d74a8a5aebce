"""Files and folders that a command leaves for its user: there whole, or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from api.cli.failures import CommandError

PRIVATE: Final = 0o600
"""For what holds a secret: a submitter's receipt opens every field."""

ORDINARY: Final = 0o666
"""Less the user's umask."""

PUBLIC: Final = 0o644
"""For what is made to be handed to others, whatever the umask."""


@contextmanager
def replaced_file(path: Path, mode: int = ORDINARY) -> Iterator[BinaryIO]:
    """A file to write; at the end it takes `path`'s place in one step. After a failure the old one stands.

    Folders above are created. A symbolic link keeps pointing where it did. What is no regular file (a pipe, a device)
    is written to as it is: replacing /dev/null would harm the whole machine.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        raise CommandError(f"{path}: expected a file, found a folder")
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        with target.open("wb") as existing:
            yield existing
        return
    partial = target.parent / f".{target.name[:100]}.{secrets.token_hex(8)}"
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            if mode == PUBLIC:
                os.fchmod(descriptor, mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def replace_file(path: Path, data: bytes, mode: int = ORDINARY) -> None:
    """Make `data` the content of `path`, in one step."""
    with replaced_file(path, mode) as file:
        file.write(data)


def in_folder(path: Path | None, name: str) -> Path:
    """Where a result goes: `path`; inside it under `name` where it is a folder; or `name` here where it is None."""
    if path is None:
        return Path(name)
    # Path() drops the slash that says "a folder", so only one that exists can be told.
    return path / name if path.is_dir() else path
