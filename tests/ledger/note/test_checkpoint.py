"""Checkpoints: signed twice, and no way to strip, swap or add a line of the log's own unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ConfigError, LedgerError, LimitError, MalformedError, SignatureError
from ledger.merkle.hashing import EMPTY_ROOT
from ledger.note.checkpoint import Checkpoint, check_checkpoint, format_checkpoint, parse_checkpoint, sign_checkpoint
from ledger.note.cosignature import cosign
from ledger.note.keys import ED25519_COSIGNATURE, Ed25519Signer, MLDSA44Signer, VerifierKey
from ledger.note.signed_note import Signature, SignedNote, format_note, parse_note
from tests.ledger.note.test_keys import NAMES

ORIGIN = "ledger.example/court"
ED25519 = Ed25519Signer(ORIGIN, bytes(range(32)))
MLDSA = MLDSA44Signer(ORIGIN, bytes(range(32)))
VKEYS = [ED25519.verifier_key, MLDSA.verifier_key]
CHECKPOINT = Checkpoint(ORIGIN, 2, bytes(range(32)))
NOTE = parse_note(sign_checkpoint(CHECKPOINT, ED25519, MLDSA, 1_795_250_102))
TEXT = format_checkpoint(CHECKPOINT)

CHECKPOINTS = st.builds(
    Checkpoint, NAMES, st.integers(1, 2**63 - 1) | st.integers(1, 300), st.binary(min_size=32, max_size=32)
)


@given(CHECKPOINTS)
def test_checkpoints_round_trip(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


@given(CHECKPOINTS, st.data())
def test_another_text_is_another_checkpoint_or_none(checkpoint: Checkpoint, data: st.DataObject) -> None:
    text = format_checkpoint(checkpoint)
    at = data.draw(st.integers(0, len(text)))
    for changed in (text[:at] + data.draw(st.characters()) + text[at:], text[:at] + text[at + 1 :]):
        if changed == text:
            continue
        try:
            other = parse_checkpoint(changed)
        except LedgerError:
            continue
        assert other != checkpoint
        assert format_checkpoint(other) == changed


ROOT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\n\n\n", f"{ORIGIN}\n2\n", f"{ORIGIN}\n2\n{ROOT}", f"{ORIGIN}\n2\n{ROOT}\n\n",
        f"{ORIGIN}\n2\n{ROOT}\nextension\n",
        f"\n2\n{ROOT}\n", f"{ORIGIN}\n02\n{ROOT}\n", f"{ORIGIN}\n+2\n{ROOT}\n", f"{ORIGIN}\n-2\n{ROOT}\n",
        f"{ORIGIN}\n 2\n{ROOT}\n",
        f"{ORIGIN}\n2_0\n{ROOT}\n", f"{ORIGIN}\n\n{ROOT}\n", f"{ORIGIN}\n{2**63}\n{ROOT}\n", f"{ORIGIN}\n٢\n{ROOT}\n",
        f"{ORIGIN}\n2\n{ROOT[:-1]}\n", f"{ORIGIN}\n2\n{ROOT} \n", f"{ORIGIN}\n2\nAAAA\n",
        f"{ORIGIN}\n2\n{ROOT[:-2]}9=\n",
        f"{ORIGIN}\r\n2\r\n{ROOT}\r\n", f"a b\n2\n{ROOT}\n", f"a+b\n2\n{ROOT}\n", f"a\u00a0b\n2\n{ROOT}\n",
        f"a\x7f\n2\n{ROOT}\n",
        f"{ORIGIN}\n0\n{ROOT}\n",
    ],
)  # fmt: skip
def test_another_form_is_no_checkpoint(text: str) -> None:
    assert parse_checkpoint(f"{ORIGIN}\n2\n{ROOT}\n") == CHECKPOINT
    with pytest.raises(MalformedError):
        parse_checkpoint(text)


def test_the_empty_log_and_the_longest_origin() -> None:
    assert parse_checkpoint(format_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT))).size == 0
    with pytest.raises(MalformedError):
        Checkpoint(ORIGIN, 0, bytes(32))
    assert parse_checkpoint(f"{'o' * 255}\n2\n{ROOT}\n").origin == "o" * 255
    with pytest.raises(LimitError):
        parse_checkpoint(f"{'o' * 256}\n2\n{ROOT}\n")
    for bad in ({"size": -1}, {"size": 2**63}, {"root": bytes(31)}, {"root": b""}):
        with pytest.raises(MalformedError):
            replace(CHECKPOINT, **bad)


def test_a_signed_checkpoint_is_accepted_with_its_ed25519_line_first() -> None:
    assert check_checkpoint(NOTE, VKEYS) == CHECKPOINT
    assert check_checkpoint(format_note(NOTE), VKEYS[::-1]) == CHECKPOINT
    assert [(line.name, line.key_id) for line in NOTE.signatures] == [(key.name, key.key_id) for key in VKEYS]
    assert [len(line.raw) for line in NOTE.signatures] == [64, 8 + 2420]
    assert int.from_bytes(NOTE.signatures[1].raw[:8], "big") == 1_795_250_102
    assert len(format_note(NOTE)) < 5000


def test_the_order_of_lines_is_free_and_lines_of_strangers_are_ignored() -> None:
    stranger = Signature("stranger.example", b"abcd", b"anything")
    namesake = Signature(ORIGIN, b"abcd", b"anything")
    same_id = Signature("stranger.example", VKEYS[0].key_id, b"anything")
    note = SignedNote(TEXT, (stranger, *NOTE.signatures[::-1], namesake, same_id))
    assert check_checkpoint(note, VKEYS) == CHECKPOINT


@given(st.integers(0, 1), st.data())
def test_a_flipped_bit_in_a_line_of_the_log_is_refused(which: int, data: st.DataObject) -> None:
    raw = bytearray(NOTE.signatures[which].raw)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    bad = replace(NOTE.signatures[which], raw=bytes(raw))
    signatures = list(NOTE.signatures)
    signatures[which] = bad
    for lines in (signatures, [*NOTE.signatures, bad], [bad, *NOTE.signatures]):
        with pytest.raises(SignatureError):
            check_checkpoint(SignedNote(TEXT, tuple(lines)), VKEYS)


@pytest.mark.parametrize("which", [0, 1])
def test_neither_of_the_two_signatures_can_be_stripped(which: int) -> None:
    stripped = SignedNote(TEXT, (NOTE.signatures[which],))
    with pytest.raises(SignatureError):
        check_checkpoint(stripped, VKEYS)
    # A reader who no longer believes the other algorithm takes its key out of the policy, and goes on.
    assert check_checkpoint(stripped, [VKEYS[which]]) == CHECKPOINT


def test_signatures_of_another_text_key_or_type_are_refused() -> None:
    other = Checkpoint(ORIGIN, 3, bytes(32))
    swapped = SignedNote(format_checkpoint(other), NOTE.signatures)
    over_cosignature_text = ED25519.sign(f"cosignature/v1\ntime 1\n{TEXT}".encode())
    first, second = NOTE.signatures
    crossed = (replace(first, raw=second.raw), replace(second, raw=first.raw))
    wrong_key = Ed25519Signer(ORIGIN, bytes(32)).sign(TEXT.encode())
    for note in (
        swapped,
        SignedNote(TEXT, (replace(first, raw=over_cosignature_text), second)),
        SignedNote(TEXT, crossed),
        SignedNote(TEXT, (replace(first, raw=wrong_key), second)),
        SignedNote(TEXT, (first, replace(second, raw=second.raw[8:]))),
        SignedNote(TEXT, (first, replace(second, raw=bytes(8) + second.raw[8:]))),
    ):
        with pytest.raises(SignatureError):
            check_checkpoint(note, VKEYS)


def test_no_key_of_the_origin_is_no_trust_at_all() -> None:
    elsewhere = [Ed25519Signer("other.example", bytes(range(32))).verifier_key]
    for vkeys in ([], elsewhere):
        with pytest.raises(SignatureError):
            check_checkpoint(NOTE, vkeys)
    assert check_checkpoint(NOTE, [*elsewhere, *VKEYS]) == CHECKPOINT


def test_a_cosignature_key_with_the_logs_name_is_not_the_log() -> None:
    witness = Ed25519Signer(ORIGIN, bytes(range(32)), ED25519_COSIGNATURE)
    note = SignedNote(TEXT, (*NOTE.signatures, cosign(witness, TEXT, 1)))
    assert check_checkpoint(note, VKEYS) == CHECKPOINT
    with pytest.raises(SignatureError):
        check_checkpoint(note, [*VKEYS, witness.verifier_key])


@pytest.mark.parametrize("text", ["no checkpoint\n", f"{ORIGIN}\n2\n{ROOT}\nextension\n"])
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    own = Signature(ORIGIN, VKEYS[0].key_id, ED25519.sign(text.encode()))
    with pytest.raises(MalformedError):
        check_checkpoint(SignedNote(text, (own,)), VKEYS[:1])


def test_only_the_logs_own_two_keys_sign() -> None:
    for keys in (
        (Ed25519Signer("other.example", bytes(32)), MLDSA),
        (ED25519, MLDSA44Signer("other.example", bytes(32))),
        (Ed25519Signer(ORIGIN, bytes(32), ED25519_COSIGNATURE), MLDSA),
    ):
        with pytest.raises(ConfigError):
            sign_checkpoint(CHECKPOINT, *keys, 1)
    for timestamp in (0, -1, 2**63):
        with pytest.raises(MalformedError):
            sign_checkpoint(CHECKPOINT, ED25519, MLDSA, timestamp)


def test_two_keys_of_one_type_must_both_sign() -> None:
    second = Ed25519Signer(ORIGIN, bytes(32))
    keys: list[VerifierKey] = [*VKEYS, second.verifier_key]
    with pytest.raises(SignatureError):
        check_checkpoint(NOTE, keys)
    both = SignedNote(
        TEXT, (*NOTE.signatures, Signature(ORIGIN, second.verifier_key.key_id, second.sign(TEXT.encode())))
    )
    assert check_checkpoint(both, keys) == CHECKPOINT
