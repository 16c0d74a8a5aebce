"""Verifier keys (C2SP signed-note, "Verifier keys") and the two kinds of signers behind them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from ledger.entry.text_encodings import decode_base64, encode_base64
from ledger.errors import LimitError, MalformedError, SignatureError

ED25519: Final = 0x01
"""Ed25519 over the note's text (C2SP signed-note)."""

ED25519_COSIGNATURE: Final = 0x04
"""Ed25519 with a time, over a checkpoint (C2SP tlog-cosignature)."""

MLDSA44: Final = 0x06
"""ML-DSA-44 with a time, over a checkpoint's meaning and the signer's name (C2SP tlog-cosignature)."""

PUBLIC_SIZES: Final = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44: 1312}
"""Bytes of a public key of each type that is read here."""

SIGNATURE_SIZES: Final = {ED25519: 64, ED25519_COSIGNATURE: 64, MLDSA44: 2420}
"""Bytes of a bare signature of each type, without the cosignature's time."""

SEED_SIZE: Final = 32
"""Bytes of a private key: an Ed25519 key (RFC 8032) or the seed of an ML-DSA key (FIPS 204)."""

KEY_ID_SIZE: Final = 4
"""Bytes of a key ID: an identifier, never a proof of which key it is."""

KEY_NAME_MAX: Final = 255
"""Bytes of the longest key name: the length byte in the message of type 0x06 holds no more."""

_VKEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


@lru_cache(maxsize=256)  # a log meets few names, over and over; what is refused is not remembered
def check_key_name(name: str, where: str | None = None) -> None:
    """Refuse what cannot be an origin or key name: empty, over 255 bytes of UTF-8 (LimitError), or with a Unicode
    space, a `+` or a control character (MalformedError).
    """
    if not name or any(char == "+" or char.isspace() or unicodedata.category(char) in ("Cc", "Cs") for char in name):
        raise MalformedError(
            f"name a key: expected a word without space, + or control characters, got {name[:80]!r}", where
        )
    size = len(name.encode("utf-8"))
    if size > KEY_NAME_MAX:
        raise LimitError(f"name a key: expected at most {KEY_NAME_MAX} bytes, got {size}", where, KEY_NAME_MAX, size)


def derive_key_id(name: str, key_type: int, public: bytes) -> bytes:
    """The key ID (4 bytes): `SHA-256(name || 0x0A || type || public key)[:4]`."""
    return sha256(name.encode("utf-8") + b"\n" + bytes((key_type,)) + public).digest()[:KEY_ID_SIZE]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name: `key_id` 4 bytes, `type` 0x01, 0x04 or 0x06, `public` 32 or 1,312 bytes.

    Raises MalformedError for another type, another length, or a key ID that is not this key's.
    """

    name: str
    key_id: bytes
    type: int
    public: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, "vkey")
        size = PUBLIC_SIZES.get(self.type)
        if size is None:
            raise MalformedError(f"read a vkey of {self.name}: expected type 1, 4 or 6, got {self.type}")
        if len(self.public) != size:
            raise MalformedError(f"read a vkey of {self.name}: expected a key of {size} bytes, got {len(self.public)}")
        expected = derive_key_id(self.name, self.type, self.public)
        if self.key_id != expected:
            raise MalformedError(
                f"read a vkey of {self.name}: expected key id {expected.hex()}, got {self.key_id.hex()[:16]}"
            )

    @classmethod
    def of(cls, name: str, key_type: int, public: bytes) -> VerifierKey:
        """The verifier key of a public key, its key ID computed."""
        return cls(name, derive_key_id(name, key_type, public), key_type, public)

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check a bare signature (64 or 2,420 bytes) over a message's bytes. Raises SignatureError."""
        verify_signature(self.type, self.public, message, signature)


def format_vkey(key: VerifierKey) -> str:
    """`<name>+<key id in hex>+<base64 of type and public key>`."""
    return f"{key.name}+{key.key_id.hex()}+{encode_base64(bytes((key.type,)) + key.public)}"


def parse_vkey(text: str) -> VerifierKey:
    """The inverse of `format_vkey`. Raises MalformedError for any other form, an unknown type, or a wrong key ID."""
    match = _VKEY.fullmatch(text)
    if match is None:
        raise MalformedError(f"read a vkey: expected <name>+<8 hex digits>+<base64>, got {text[:80]!r}")
    name, key_id, encoded = match.groups()
    material = decode_base64(encoded, None, f"vkey of {name[:80]}")
    if not material:
        raise MalformedError(f"read a vkey of {name[:80]}: expected a type and a key, got nothing")
    return VerifierKey(name, bytes.fromhex(key_id), material[0], material[1:])


def verify_signature(key_type: int, public: bytes, message: bytes, signature: bytes) -> None:
    """Check a bare signature of a type 0x01, 0x04 (Ed25519, RFC 8032) or 0x06 (ML-DSA-44, FIPS 204, empty context).

    Raises SignatureError if it is not right, or if signature or public key have the wrong length.
    """
    sizes = PUBLIC_SIZES.get(key_type), SIGNATURE_SIZES.get(key_type)
    if sizes != (len(public), len(signature)):
        raise SignatureError(
            f"verify a signature of type {key_type}: expected key and signature of {sizes} bytes, "
            f"got {len(public), len(signature)}"
        )
    try:
        _load_public(key_type, public).verify(signature, message)
    except InvalidSignature as error:
        raise SignatureError(f"verify a signature of type {key_type}: it is not the key's over this message") from error
    except ValueError as error:
        raise SignatureError(f"verify a signature of type {key_type}: the public key cannot be read") from error


@lru_cache(maxsize=256)
def _load_public(key_type: int, public: bytes) -> Ed25519PublicKey | MLDSA44PublicKey:
    if key_type == MLDSA44:
        return MLDSA44PublicKey.from_public_bytes(public)
    return Ed25519PublicKey.from_public_bytes(public)


class Ed25519Signer:
    """Signs with Ed25519 (RFC 8032) under a name, as a log (type 0x01) or as a witness (type 0x04), never as both.

    The message of type 0x04 does not name its signer, so the key of one witness must never serve another.
    """

    __slots__ = ("_private", "verifier_key")

    def __init__(self, name: str, private: bytes, key_type: int = ED25519) -> None:
        if key_type not in (ED25519, ED25519_COSIGNATURE):
            raise MalformedError(f"build an Ed25519 signer: expected type 1 or 4, got {key_type}")
        _check_seed(private)
        self._private = Ed25519PrivateKey.from_private_bytes(private)
        self.verifier_key = VerifierKey.of(name, key_type, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The bare signature, 64 bytes; the same message always gives the same."""
        return self._private.sign(message)


class MLDSA44Signer:
    """Signs with ML-DSA-44 (FIPS 204) under a name (type 0x06), from a seed of 32 bytes."""

    __slots__ = ("_private", "verifier_key")

    def __init__(self, name: str, private: bytes) -> None:
        _check_seed(private)
        self._private = MLDSA44PrivateKey.from_seed_bytes(private)
        self.verifier_key = VerifierKey.of(name, MLDSA44, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The bare signature, 2,420 bytes; hedged, so it differs at each signing."""
        return self._private.sign(message)


def _check_seed(private: bytes) -> None:
    if len(private) != SEED_SIZE:
        raise MalformedError(f"build a signer: expected a private key of {SEED_SIZE} bytes, got {len(private)}")
