"""The log's two signing keys and the development authority's, as files of mode 0600."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from ledger.blobs.durable_file import make_directory_durably, write_durably
from ledger.entry.text_encodings import decode_base64, encode_base64
from ledger.errors import ConfigError, LedgerError
from ledger.note.keys import SEED_SIZE, Ed25519Signer, MLDSA44Signer

ED25519_FILE: Final = "log-ed25519.seed"
MLDSA44_FILE: Final = "log-mldsa44.seed"
DEVELOPMENT_FILES: Final = ("development-tsa.key.pem", "development-tsa.pem", "development-root.pem")
_MAX_BYTES: Final = 64 * 1024  # a PEM chain at most; a larger file is not a key


class KeyFolder:
    """The folder `keys` of a data directory. What has signed anything is never replaced."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def create_log_keys(self) -> None:
        """Draw both seeds (32 random bytes each) where they are missing. Harmless to repeat after a crash."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_directory_durably(self._directory)
        for name in (ED25519_FILE, MLDSA44_FILE):
            if not (self._directory / name).exists():
                self.write(name, encode_base64(secrets.token_bytes(SEED_SIZE)).encode("ascii") + b"\n")

    def log_signers(self, origin: str) -> tuple[Ed25519Signer, MLDSA44Signer]:
        """The log's signers under its origin. Raises ConfigError where a file is missing or no seed."""
        return Ed25519Signer(origin, self._seed(ED25519_FILE)), MLDSA44Signer(origin, self._seed(MLDSA44_FILE))

    def write(self, name: str, data: bytes) -> None:
        """Write a new file of mode 0600, durably. Raises ConfigError if one of that name is there already."""
        path = self._directory / name
        if path.exists():
            raise ConfigError("write a key: a file of that name is there already", str(path))
        write_durably(path, data)

    def discard(self, name: str) -> None:
        """Delete a file that nothing was signed with yet, if it is there."""
        (self._directory / name).unlink(missing_ok=True)

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises ConfigError where it is missing, unreadable or too large."""
        path = self._directory / name
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"read a key: {error.strerror}", str(path)) from error
        if len(data) > _MAX_BYTES:
            raise ConfigError(f"read a key: expected at most {_MAX_BYTES} bytes", str(path))
        return data

    def has(self, name: str) -> bool:
        return (self._directory / name).exists()

    def _seed(self, name: str) -> bytes:
        try:
            return decode_base64(self.read(name).decode("ascii").strip("\n"), SEED_SIZE, name)
        except (LedgerError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"read a key: expected base64 of {SEED_SIZE} bytes", str(self._directory / name)
            ) from error
