"""Cosignatures: the two messages byte by byte, and domains that never meet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LimitError, MalformedError, SignatureError
from ledger.note.checkpoint import Checkpoint, format_checkpoint
from ledger.note.cosignature import check_cosignature, cosign, ed25519_message, mldsa44_message
from ledger.note.keys import ED25519_COSIGNATURE, Ed25519Signer, MLDSA44Signer
from ledger.note.signed_note import Signature, parse_note

SPECIFIED = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LOG_LINE = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
WITNESS_LINE = (
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)
ED25519 = Ed25519Signer("witness.example/w1", bytes(range(32)), ED25519_COSIGNATURE)
MLDSA = MLDSA44Signer("witness.example/w2", bytes(range(32)))
SIGNERS: list[Ed25519Signer | MLDSA44Signer] = [ED25519, MLDSA]
TEXT = format_checkpoint(Checkpoint("ledger.example/court", 7, bytes(range(32))))
TIMES = st.integers(1, 2**63 - 1)


def test_the_ed25519_message_of_the_specification() -> None:
    assert ed25519_message(1679315147, SPECIFIED) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_the_mldsa44_message_field_by_field() -> None:
    message = mldsa44_message("w.example", 0x0102030405060708, "ж/log", 0x1112, b"\xab" * 32)
    assert message == (
        b"subtree/v1\n\x00"
        b"\x09w.example"
        b"\x01\x02\x03\x04\x05\x06\x07\x08"
        b"\x06\xd0\xb6/log"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x11\x12" + b"\xab" * 32
    )
    assert mldsa44_message("w", 0, "o", 9, bytes(32), start=8)[24:32] == (8).to_bytes(8, "big")


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": -1}, {"timestamp": 2**63}, {"end": -1}, {"end": 2**63}, {"root": bytes(31)}, {"start": 3},
        {"name": ""},
        {"name": "a b"}, {"origin": ""}, {"start": 10, "timestamp": 0}, {"start": -1, "timestamp": 0},
    ],
)  # fmt: skip
def test_what_the_structure_cannot_hold_is_refused(change: dict[str, object]) -> None:
    good = {"name": "w.example", "timestamp": 1, "origin": "o.example", "end": 9, "root": bytes(32)}
    mldsa44_message(**good)  # type: ignore[arg-type]  # a table of arguments
    with pytest.raises(MalformedError):
        mldsa44_message(**{**good, **change})  # type: ignore[arg-type]  # a table of arguments


def test_a_name_over_255_bytes_has_no_length_byte() -> None:
    for names in (("n" * 256, "o"), ("n", "o" * 256)):
        with pytest.raises(LimitError):
            mldsa44_message(names[0], 1, names[1], 9, bytes(32))
    assert mldsa44_message("n" * 255, 1, "o" * 255, 9, bytes(32))[12] == 255


@pytest.mark.parametrize("signer", SIGNERS)
@given(timestamp=TIMES)
def test_cosignatures_carry_their_time(signer: Ed25519Signer | MLDSA44Signer, timestamp: int) -> None:
    line = cosign(signer, TEXT, timestamp)
    assert check_cosignature(TEXT, line, signer.verifier_key) == timestamp
    assert line.raw[:8] == timestamp.to_bytes(8, "big")
    moved = replace(line, raw=(timestamp ^ 1 or 2).to_bytes(8, "big") + line.raw[8:])
    with pytest.raises(SignatureError):
        check_cosignature(TEXT, moved, signer.verifier_key)


@pytest.mark.parametrize("signer", SIGNERS)
@given(data=st.data())
def test_a_flipped_bit_is_refused(signer: Ed25519Signer | MLDSA44Signer, data: st.DataObject) -> None:
    line = cosign(signer, TEXT, 1_700_000_000)
    check_cosignature(TEXT, line, signer.verifier_key)
    raw = bytearray(line.raw)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SignatureError):
        check_cosignature(TEXT, replace(line, raw=bytes(raw)), signer.verifier_key)


@pytest.mark.parametrize("signer", SIGNERS)
def test_another_checkpoint_line_or_key_is_refused(signer: Ed25519Signer | MLDSA44Signer) -> None:
    key = signer.verifier_key
    line = cosign(signer, TEXT, 5)
    others = [
        Checkpoint("ledger.example/other", 7, bytes(range(32))),
        Checkpoint("ledger.example/court", 8, bytes(range(32))),
        Checkpoint("ledger.example/court", 7, bytes(32)),
    ]
    for other in others:
        with pytest.raises(SignatureError):
            check_cosignature(format_checkpoint(other), line, key)
    stranger = type(signer)("witness.example/w3", bytes(32))
    for bad_line, bad_key in (
        (replace(line, name="witness.example/w9"), key),
        (replace(line, key_id=b"abcd"), key),
        (line, stranger.verifier_key),
        (replace(line, raw=line.raw[:-1]), key),
        (replace(line, raw=line.raw + b"\x00"), key),
        (replace(line, raw=b""), key),
        (replace(line, raw=bytes(8) + line.raw[8:]), key),
        (replace(line, raw=b"\xff" * 8 + line.raw[8:]), key),
    ):
        with pytest.raises(SignatureError):
            check_cosignature(TEXT, bad_line, bad_key)


def test_a_time_of_zero_says_nothing_and_counts_nothing() -> None:
    key = MLDSA.verifier_key
    message = mldsa44_message(key.name, 0, "ledger.example/court", 7, bytes(range(32)))
    line = Signature(key.name, key.key_id, bytes(8) + MLDSA.sign(message))
    with pytest.raises(SignatureError):
        check_cosignature(TEXT, line, key)
    for signer in SIGNERS:
        for timestamp in (0, -1, 2**63):
            with pytest.raises(MalformedError):
                cosign(signer, TEXT, timestamp)


def test_a_log_key_does_not_cosign_and_its_signature_is_no_cosignature() -> None:
    log = Ed25519Signer("witness.example/w1", bytes(range(32)))
    with pytest.raises(MalformedError):
        cosign(log, TEXT, 5)
    # The same private key as the witness's: a signature over the bare text does not pass for a cosignature.
    assert log.verifier_key.public == ED25519.verifier_key.public
    key = ED25519.verifier_key
    line = Signature(key.name, key.key_id, (5).to_bytes(8, "big") + log.sign(TEXT.encode()))
    with pytest.raises(SignatureError):
        check_cosignature(TEXT, line, key)


def test_the_mldsa44_message_names_its_signer() -> None:
    # One private key under two names: what was signed as one is refused as the other, unlike with type 0x04.
    alias = MLDSA44Signer("witness.example/alias", bytes(range(32)))
    line = cosign(alias, TEXT, 5)
    key = MLDSA.verifier_key
    with pytest.raises(SignatureError):
        check_cosignature(TEXT, replace(line, name=key.name, key_id=key.key_id), key)


@pytest.mark.parametrize("text", ["", "no checkpoint\n", TEXT + "extension\n", TEXT[:-1]])
def test_only_checkpoints_are_cosigned(text: str) -> None:
    for signer in SIGNERS:
        with pytest.raises(MalformedError):
            cosign(signer, text, 5)
        with pytest.raises(MalformedError):
            check_cosignature(text, cosign(signer, TEXT, 5), signer.verifier_key)


def test_the_specifications_checkpoint_with_a_cosignature_parses() -> None:
    data = f"{SPECIFIED}\n— example.com/behind-the-sofa {LOG_LINE}\n— witness.example.com/w1 {WITNESS_LINE}\n"
    log, witness = parse_note(data.encode()).signatures
    assert (log.name, len(log.raw)) == ("example.com/behind-the-sofa", 64)
    assert int.from_bytes(witness.raw[:8], "big") == 1679315147
    assert len(witness.raw) == 8 + 64
