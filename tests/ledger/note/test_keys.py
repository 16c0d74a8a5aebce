"""Keys: Wycheproof through our verify path, vkeys with one spelling, names that cannot deceive."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.text_encodings import encode_base64
from ledger.errors import LimitError, MalformedError, SignatureError
from ledger.note.keys import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44,
    PUBLIC_SIZES,
    Ed25519Signer,
    MLDSA44Signer,
    VerifierKey,
    check_key_name,
    derive_key_id,
    format_vkey,
    parse_vkey,
    verify_signature,
)

NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1, max_size=40
)
EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"


def wycheproof(vectors: Path, name: str) -> list[tuple[bytes, dict[str, str]]]:
    file = json.loads((vectors / "wycheproof" / "testvectors_v1" / name).read_bytes())
    cases = []
    for group in file["testGroups"]:
        key = group["publicKey"]
        public = bytes.fromhex(key["pk"] if isinstance(key, dict) else key)
        cases += [(public, test) for test in group["tests"]]
    assert len(cases) == file["numberOfTests"]
    return cases


@pytest.mark.parametrize(("name", "key_type"), [("ed25519_test.json", ED25519), ("mldsa_44_verify_test.json", MLDSA44)])
def test_wycheproof(vectors: Path, name: str, key_type: int) -> None:
    outcomes = []
    for public, case in wycheproof(vectors, name):
        message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
        # Our formats use the empty context: a signature valid under another one must be refused here.
        valid = case["result"] == "valid" and not case.get("ctx")
        outcomes.append(valid)
        if valid:
            verify_signature(key_type, public, message, signature)
        else:
            with pytest.raises(SignatureError):
                verify_signature(key_type, public, message, signature)
    assert {True, False} <= set(outcomes)
    assert len(outcomes) > 100


def test_the_vkey_of_the_specification() -> None:
    key = parse_vkey(EXAMPLE)
    assert (key.name, key.key_id.hex(), key.type) == ("example.com/foo", "530d903a", ED25519)
    assert format_vkey(key) == EXAMPLE


@given(NAMES, st.sampled_from(sorted(PUBLIC_SIZES)), st.data())
def test_vkeys_round_trip(name: str, key_type: int, data: st.DataObject) -> None:
    public = data.draw(st.binary(min_size=PUBLIC_SIZES[key_type], max_size=PUBLIC_SIZES[key_type]))
    key = VerifierKey.of(name, key_type, public)
    assert parse_vkey(format_vkey(key)) == key
    assert key.key_id == derive_key_id(name, key_type, public)


@given(st.integers(0, len(EXAMPLE) - 1), st.characters(min_codepoint=0x21, max_codepoint=0x7E))
def test_a_vkey_with_one_other_character_is_refused(at: int, char: str) -> None:
    changed = EXAMPLE[:at] + char + EXAMPLE[at + 1 :]
    if changed != EXAMPLE:
        with pytest.raises(MalformedError):
            parse_vkey(changed)


def spelled(key_type: int, public: bytes, name: str = "example.com/foo") -> str:
    material = bytes((key_type,)) + public
    return f"{name}+{derive_key_id(name, key_type, public).hex()}+{encode_base64(material)}"


@pytest.mark.parametrize(
    "text",
    [
        "", "+", "++", EXAMPLE + "\n", " " + EXAMPLE, EXAMPLE + "=", EXAMPLE.upper(), EXAMPLE.replace("530d903a",
        "530D903A"),
        EXAMPLE.replace("530d903a", "530d903"), "example.com/foo+530d903a+", "example.com/foo+530d903a", EXAMPLE + "+x",
        EXAMPLE.replace("example.com", "example com"), spelled(0x02, bytes(32)), spelled(0x00, bytes(32)),
        spelled(0xFF, bytes(32)),
        spelled(ED25519, bytes(31)), spelled(ED25519, bytes(33)), spelled(ED25519, b""), spelled(MLDSA44, bytes(32)),
        spelled(MLDSA44, bytes(1313)), spelled(ED25519_COSIGNATURE, bytes(1312)), spelled(ED25519, bytes(32), ""),
    ],
)  # fmt: skip
def test_another_spelling_of_a_vkey_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_vkey(text)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a\tb",
        "a\u00a0b",
        "a\u2003b",
        "a\u2028b",
        "a\u3000b",
        "a+b",
        "a\x00",
        "a\n",
        "a\x7f",
        "a\u0085",
        "a\x1c",
        "\ud800",
    ],
)
def test_a_name_with_a_space_a_plus_or_a_control_character_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        check_key_name(name)
    with pytest.raises(MalformedError):
        VerifierKey(name, bytes(4), ED25519, bytes(32))


def test_a_name_has_at_most_255_bytes_not_characters() -> None:
    check_key_name("a" * 255)
    check_key_name("ж" * 127)
    for name in ("a" * 256, "ж" * 128):
        with pytest.raises(LimitError):
            check_key_name(name)


@pytest.mark.parametrize("make", [Ed25519Signer, MLDSA44Signer])
def test_signers_sign_what_their_key_verifies(make: type[Ed25519Signer] | type[MLDSA44Signer]) -> None:
    signer, other = make("log.example/a", bytes(range(32))), make("log.example/a", bytes(32))
    signature = signer.sign(b"message")
    signer.verifier_key.verify(b"message", signature)
    assert make("log.example/a", bytes(range(32))).verifier_key == signer.verifier_key
    for message, bad in (
        (b"messagf", signature),
        (b"message\n", signature),
        (b"message", signature[:-1]),
        (b"message", signature + b"\x00"),
        (b"message", b""),
        (b"message", bytes((signature[0] ^ 1,)) + signature[1:]),
        (b"message", other.sign(b"message")),
    ):
        with pytest.raises(SignatureError):
            signer.verifier_key.verify(message, bad)
    for size in (0, 31, 33, 64):
        with pytest.raises(MalformedError):
            make("log.example/a", bytes(size))


def test_the_same_key_has_another_id_for_each_type_and_name() -> None:
    signers = [
        Ed25519Signer("a.example", bytes(32)),
        Ed25519Signer("a.example", bytes(32), ED25519_COSIGNATURE),
        Ed25519Signer("b.example", bytes(32)),
    ]
    assert len({signer.verifier_key.public for signer in signers}) == 1
    assert len({signer.verifier_key.key_id for signer in signers}) == 3
    for bad in (0x00, 0x02, MLDSA44):
        with pytest.raises(MalformedError):
            Ed25519Signer("a.example", bytes(32), bad)


def test_a_signer_shows_no_private_key() -> None:
    for signer in (Ed25519Signer("a.example", b"\x01" * 32), MLDSA44Signer("a.example", b"\x01" * 32)):
        assert "01" * 8 not in repr(signer)
        assert not hasattr(signer, "__dict__")


def test_an_unknown_type_or_length_verifies_nothing() -> None:
    signer = Ed25519Signer("a.example", bytes(32))
    public, signature = signer.verifier_key.public, signer.sign(b"m")
    verify_signature(ED25519, public, b"m", signature)
    for key_type, key, bad in ((0x02, public, signature), (MLDSA44, public, signature), (ED25519, b"", signature)):
        with pytest.raises(SignatureError):
            verify_signature(key_type, key, b"m", bad)
