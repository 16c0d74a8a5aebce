"""Keys in the bucket, below the operator's prefix. No name that a client chose is ever in one.

blobs/2cf24dba…9824                           a blob, by its SHA-256
incoming/<front end>/<process>/<upload>       being received, nobody's yet
removals/2cf24dba…9824                        a removed blob whose bytes a lock still keeps, and until when
"""

import secrets
from typing import Final, NamedTuple

from ledger.blobs.contract import SHA256_BYTES

ID_BYTES: Final = 8


class Incoming(NamedTuple):
    """Who receives something: the front end (a data folder), its process, and the upload."""

    front_end: str
    process: str
    upload: str


class S3Names:
    """The keys below `prefix`, which is empty or ends in `/`."""

    def __init__(self, prefix: str) -> None:
        self.blobs = f"{prefix}blobs/"
        self.incoming = f"{prefix}incoming/"
        self.removals = f"{prefix}removals/"

    def blob(self, sha256: bytes) -> str:
        return self.blobs + _hex(sha256)

    def removal(self, sha256: bytes) -> str:
        return self.removals + _hex(sha256)

    def new_incoming(self, front_end: str, process: str) -> str:
        return f"{self.incoming}{front_end}/{process}/{new_id()}"

    def parse_incoming(self, key: str) -> Incoming | None:
        """Whose key this is; None for one that is no upload's of ours."""
        parts = key.removeprefix(self.incoming).split("/")
        ours = key.startswith(self.incoming) and len(parts) == 3 and all(is_id(each) for each in parts)
        return Incoming(*parts) if ours else None

    def sha256_of(self, key: str) -> bytes | None:
        """The SHA-256 that a blob's or a removal's key names; None for another key."""
        name = key.removeprefix(self.removals).removeprefix(self.blobs)
        try:
            sha256 = bytes.fromhex(name)
        except ValueError:
            return None
        return sha256 if len(sha256) == SHA256_BYTES and sha256.hex() == name else None


def new_id() -> str:
    return secrets.token_hex(ID_BYTES)


def is_id(text: str) -> bool:
    return len(text) == 2 * ID_BYTES and set(text) <= set("0123456789abcdef")


def _hex(sha256: bytes) -> str:
    if len(sha256) != SHA256_BYTES:
        raise ValueError(f"a blob's name: expected {SHA256_BYTES} bytes, got {len(sha256)}")
    return sha256.hex()
