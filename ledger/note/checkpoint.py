"""Signing checkpoints, and checking the log's own signatures on them.

The log signs with Ed25519 (type 0x01) and with ML-DSA-44 (type 0x06, a cosignature by the log itself): evidence must
still be believed when one of the two no longer is. The time in the second one is no evidence of time.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.errors import ConfigError, SignatureError
from ledger.note.checkpoint_text import Checkpoint, format_checkpoint, parse_checkpoint
from ledger.note.cosignature import check_cosignature, cosign
from ledger.note.keys import ED25519, MLDSA44, Ed25519Signer, MLDSA44Signer, VerifierKey
from ledger.note.signed_note import Signature, SignedNote, format_note, parse_note

__all__ = [
    "Checkpoint",
    "check_checkpoint",
    "format_checkpoint",
    "parse_checkpoint",
    "sign_checkpoint",
]


def sign_checkpoint(checkpoint: Checkpoint, ed25519: Ed25519Signer, mldsa: MLDSA44Signer, timestamp: int) -> bytes:
    """The signed note's bytes, the Ed25519 line first, the ML-DSA-44 line with `timestamp` (seconds since 1970, ≥ 1)
    second.

    Store these bytes: signing again gives another ML-DSA-44 line. Raises ConfigError unless both keys bear the
    origin's name and the first one is a log's (type 0x01).
    """
    for key in (ed25519.verifier_key, mldsa.verifier_key):
        if key.name != checkpoint.origin:
            raise ConfigError(f"sign a checkpoint: expected a key named {checkpoint.origin}, got {key.name}")
    first = ed25519.verifier_key
    if first.type != ED25519:
        raise ConfigError(f"sign a checkpoint: expected an Ed25519 key of type 1, got type {first.type}")
    text = format_checkpoint(checkpoint)
    own = Signature(first.name, first.key_id, ed25519.sign(text.encode("utf-8")))
    return format_note(SignedNote(text, (own, cosign(mldsa, text, timestamp))))


def check_checkpoint(note: SignedNote | bytes, vkeys: Iterable[VerifierKey]) -> Checkpoint:
    """Check the log's signatures (step 6 of the verification, without retired keys) and give what the checkpoint says.

    Of `vkeys`, each that bears the origin's name must have a line, and no line of any of them may be bad: so nobody
    can strip one of the log's two signatures unseen. Lines of other keys are ignored. Raises SignatureError where a
    line is missing or bad or no key has the origin's name; MalformedError or LimitError where the note cannot be
    read.
    """
    if isinstance(note, bytes):
        note = parse_note(note)
    checkpoint = parse_checkpoint(note.text)
    keys = [key for key in vkeys if key.name == checkpoint.origin]
    if not keys:
        raise SignatureError(f"check a checkpoint: no trusted key has the name {checkpoint.origin}")
    for key in keys:
        lines = [each for each in note.signatures if (each.name, each.key_id) == (key.name, key.key_id)]
        if not lines:
            raise SignatureError(
                f"check a checkpoint of {checkpoint.origin}: expected a line of key {key.key_id.hex()}, type {key.type}"
            )
        for line in lines:
            _check_line(note.text, line, key)
    return checkpoint


def _check_line(text: str, line: Signature, key: VerifierKey) -> None:
    if key.type == ED25519:
        key.verify(text.encode("utf-8"), line.raw)
    elif key.type == MLDSA44:
        check_cosignature(text, line, key)
    else:
        # A cosignature key that bears the log's name speaks as a witness; as the log's own word it would be counted
        # twice.
        raise SignatureError(f"check a checkpoint of {key.name}: expected log keys of type 1 or 6, got {key.type}")
