"""Cosignatures (C2SP tlog-cosignature): "at this time, this was the largest consistent tree that I have seen".

Type 0x04, Ed25519, signs two lines and the checkpoint's text:

    cosignature/v1
    time 1679315147
    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

Type 0x06, ML-DSA-44, signs a structure that also names the cosigner. Both begin with words of their own, so neither
is ever a signature over a note's text or over the other.
"""

from __future__ import annotations

from typing import Final

from ledger.entry.text_encodings import DECIMAL_MAX
from ledger.errors import MalformedError, SignatureError
from ledger.merkle.hashing import HASH_SIZE
from ledger.note.checkpoint_text import parse_checkpoint
from ledger.note.keys import (
    ED25519_COSIGNATURE,
    MLDSA44,
    SIGNATURE_SIZES,
    Ed25519Signer,
    MLDSA44Signer,
    VerifierKey,
    check_key_name,
)
from ledger.note.signed_note import Signature

TIMESTAMP_SIZE: Final = 8
"""Bytes of a cosignature's time: seconds since 1970, unsigned, big-endian."""

TIMESTAMP_MAX: Final = DECIMAL_MAX
"""Largest time that a cosignature may carry: 2^63 − 1."""

SUBTREE_LABEL: Final = b"subtree/v1\n\x00"
"""Domain of the ML-DSA-44 message, 12 bytes."""


def ed25519_message(timestamp: int, text: str) -> bytes:
    """What a cosignature of type 0x04 signs: header line, time line, and the checkpoint's note text."""
    _check_timestamp(timestamp)
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def mldsa44_message(name: str, timestamp: int, origin: str, end: int, root: bytes, *, start: int = 0) -> bytes:
    """What a cosignature of type 0x06 signs: the structure `cosigned_message`.

    `name`: the cosigner's; `start`, `end`: the leaves covered, for a checkpoint 0 and its size; `root`: 32 bytes.
    Raises MalformedError or LimitError for what the structure cannot hold.
    """
    _check_timestamp(timestamp)
    if start and timestamp:
        raise MalformedError("cosign a subtree: expected no time where it does not start at 0")
    if not 0 <= start <= end <= DECIMAL_MAX:
        raise MalformedError(f"cosign a subtree: expected 0 <= start <= end, got {start} and {end}")
    if len(root) != HASH_SIZE:
        raise MalformedError(f"cosign a subtree: expected a root of {HASH_SIZE} bytes, got {len(root)}")
    return b"".join(
        (
            SUBTREE_LABEL,
            _with_length(name),
            timestamp.to_bytes(TIMESTAMP_SIZE, "big"),
            _with_length(origin),
            start.to_bytes(8, "big"),
            end.to_bytes(8, "big"),
            root,
        )
    )


def cosign(signer: Ed25519Signer | MLDSA44Signer, text: str, timestamp: int) -> Signature:
    """Cosign a checkpoint's note text at a time (seconds since 1970, 1 to 2^63 − 1).

    Raises MalformedError if the text is no checkpoint's, or if the signer's key is a log's (type 0x01).
    """
    key = signer.verifier_key
    if timestamp == 0:
        raise MalformedError("cosign a checkpoint: expected a time, got 0")
    signature = signer.sign(_message(key, text, timestamp))
    return Signature(key.name, key.key_id, timestamp.to_bytes(TIMESTAMP_SIZE, "big") + signature)


def check_cosignature(text: str, signature: Signature, key: VerifierKey) -> int:
    """Check one cosignature line over a checkpoint's note text; gives its time, in seconds since 1970.

    The time is the cosigner's word. 0, "no statement about the largest tree", is refused: C2SP tlog-witness demands a
    time. Raises SignatureError if the line is not this key's or not right, MalformedError if the text is no
    checkpoint's.
    """
    act = f"check the cosignature of {key.name}"
    if (signature.name, signature.key_id) != (key.name, key.key_id):
        raise SignatureError(f"{act}: the line is of {signature.name[:80]}, key {signature.key_id.hex()}")
    expected = TIMESTAMP_SIZE + SIGNATURE_SIZES[key.type]
    if len(signature.raw) != expected:
        raise SignatureError(f"{act}: expected {expected} bytes, got {len(signature.raw)}")
    timestamp = int.from_bytes(signature.raw[:TIMESTAMP_SIZE], "big")
    if not 1 <= timestamp <= TIMESTAMP_MAX:
        raise SignatureError(f"{act}: expected a time of 1 to 2^63 - 1, got {timestamp}")
    key.verify(_message(key, text, timestamp), signature.raw[TIMESTAMP_SIZE:])
    return timestamp


def _message(key: VerifierKey, text: str, timestamp: int) -> bytes:
    checkpoint = parse_checkpoint(text)
    if key.type == ED25519_COSIGNATURE:
        return ed25519_message(timestamp, text)
    if key.type == MLDSA44:
        return mldsa44_message(key.name, timestamp, checkpoint.origin, checkpoint.size, checkpoint.root)
    raise MalformedError(f"cosign with {key.name}: expected a key of type 4 or 6, got {key.type}")


def _check_timestamp(timestamp: int) -> None:
    if not 0 <= timestamp <= TIMESTAMP_MAX:
        raise MalformedError(f"cosign: expected a time of 0 to 2^63 - 1, got {timestamp}")


def _with_length(name: str) -> bytes:
    check_key_name(name)
    data = name.encode("utf-8")
    return bytes((len(data),)) + data
