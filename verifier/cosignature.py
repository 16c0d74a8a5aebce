"""What a signature line signs, by the type of its key (docs/spec/log.md; C2SP tlog-cosignature)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from verifier.checkpoint import Checkpoint
from verifier.errors import VerifierError
from verifier.signed_note import ED25519, ML_DSA_44, WITNESS_ED25519, Key, SignatureLine

ED25519_SIGNATURE = 64
ML_DSA_44_SIGNATURE = 2_420
TIMESTAMP_SIZE = 8
MAX_TIMESTAMP = 2**63 - 1
_SUBTREE_LABEL = b"subtree/v1\n\x00"

LOG_KINDS = (ED25519, ML_DSA_44)
WITNESS_KINDS = (WITNESS_ED25519, ML_DSA_44)


class BadSignature(VerifierError):
    """A signature line of a key does not verify with it."""


def check_line(line: SignatureLine, key: Key, checkpoint: Checkpoint) -> None:
    """That a line is that key's signature on a checkpoint; raises BadSignature, also for a type that signs none."""
    try:
        if key.kind == ED25519:
            _check_size(line.signature, ED25519_SIGNATURE)
            Ed25519PublicKey.from_public_bytes(key.material).verify(line.signature, checkpoint.text)
        elif key.kind == WITNESS_ED25519:
            timestamp, signature = _timestamped(line.signature, ED25519_SIGNATURE)
            message = b"cosignature/v1\ntime %d\n" % timestamp + checkpoint.text
            Ed25519PublicKey.from_public_bytes(key.material).verify(signature, message)
        elif key.kind == ML_DSA_44:
            timestamp, signature = _timestamped(line.signature, ML_DSA_44_SIGNATURE)
            message = _subtree_message(key.name, timestamp, checkpoint)
            MLDSA44PublicKey.from_public_bytes(key.material).verify(signature, message)
        else:
            raise BadSignature(f"a key of type {key.kind:#04x} signs no checkpoint")
    except InvalidSignature:
        raise BadSignature("the signature is not the key's on this checkpoint") from None
    except ValueError as error:  # a public key or signature the library cannot take
        raise BadSignature(f"the signature cannot be checked: {error}") from None


def _subtree_message(name: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    cosigner, origin = name.encode("utf-8"), checkpoint.origin.encode("utf-8")
    return b"".join(
        (
            _SUBTREE_LABEL,
            bytes([len(cosigner)]),
            cosigner,
            timestamp.to_bytes(8, "big"),
            bytes([len(origin)]),
            origin,
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _timestamped(data: bytes, size: int) -> tuple[int, bytes]:
    _check_size(data, TIMESTAMP_SIZE + size)
    timestamp = int.from_bytes(data[:TIMESTAMP_SIZE], "big")
    if timestamp > MAX_TIMESTAMP:
        raise BadSignature("the timestamp is beyond 2^63-1")
    return timestamp, data[TIMESTAMP_SIZE:]


def _check_size(data: bytes, size: int) -> None:
    if len(data) != size:
        raise BadSignature(f"the signature should have {size} bytes and has {len(data)}")
