"""Policies and vkeys (C2SP tlog-policy, signed-note)."""

from __future__ import annotations

import hashlib

import pytest

from tests.verifier.log_forge import ED25519, ML_DSA, WITNESS, WITNESS_ML_DSA, Signer, b64
from verifier.policy import BadPolicy, parse_policy
from verifier.signed_note import BadKey, is_name, parse_vkey

W, M = WITNESS.vkey, WITNESS_ML_DSA.vkey
TWO = f"witness w {W}\nwitness m {M}\n"


def vkey(name: str, kind: int, material: bytes) -> str:
    key_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + material).hexdigest()[:8]
    return f"{name}+{key_id}+{b64(bytes([kind]) + material)}"


GOOD = [
    "quorum none\n",
    "\n# comment\n \t# another\n\t\nquorum\tnone \n",
    f"log {ED25519.vkey}\nlog {ML_DSA.vkey} https://log.test/\nquorum none\n",
    TWO + "quorum w\n",
    TWO + "group g all w m\nquorum g\n",
    TWO + "group g 2 w m\nquorum g\n",
    TWO + "group g any w\ngroup h all g m\nquorum h\n",
    TWO + "group g any w m\nquorum w\n",
    TWO + "quorum w\ngroup g any w m\n",
    f"witness \u0435 {W}\nquorum \u0435\n",
    f"log {vkey('other.test', 2, b'x' * 65)}\nwitness o {vkey('o', 0xFF, b'y')}\nquorum o\n",
    f"log {Signer('l', 4, 9).vkey}\nquorum none\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_policies(text: str) -> None:
    parse_policy(text.encode())


BAD = [
    "",
    "log\nquorum none\n",
    "quorum none",
    "quorum none\nquorum none\n",
    "quorum w\n",
    "Quorum none\n",
    "quorum none x\n",
    "quorum none\r\n",
    "quorum none\x00\n",
    f"log {ED25519.vkey}\n",
    f"log {ED25519.vkey}\nlog {ED25519.vkey}\nquorum none\n",
    f"log {ED25519.vkey} u v\nquorum none\n",
    f"log {ED25519.vkey}\nlog {vkey('other', 1, ED25519.material)}\nquorum none\n",
    f"log {ED25519.vkey}\nlog {vkey('log.test/court', 4, ED25519.material)}\nquorum none\n",
    f"witness w {W}\nwitness v {W}\nquorum none\n",
    f"witness w {W}\nwitness w {M}\nquorum none\n",
    f"witness none {W}\nquorum none\n",
    f"witness w\nquorum none\n",  # noqa: F541 - beside its likes
    TWO + "group g all\nquorum g\n",
    TWO + "group g 0 w m\nquorum g\n",
    TWO + "group g 3 w m\nquorum g\n",
    TWO + "group g 01 w m\nquorum g\n",
    TWO + "group g +1 w m\nquorum g\n",
    TWO + "group g some w m\nquorum g\n",
    TWO + "group g all w w\nquorum g\n",
    TWO + "group g all w x\nquorum g\n",
    TWO + "group g all w none\nquorum g\n",
    TWO + "group g all g\nquorum g\n",
    TWO + "group w all m\nquorum w\n",
    TWO + "group none all m\nquorum none\n",
    TWO + "group g any w\ngroup h any w m\nquorum h\n",
    TWO + "quorum g\ngroup g any w m\n",
    f"log\u00a0{ED25519.vkey}\nquorum none\n",
]


@pytest.mark.parametrize("text", BAD)
def test_bad_policies(text: str) -> None:
    with pytest.raises(BadPolicy):
        parse_policy(text.encode())


def test_quorum() -> None:
    policy = parse_policy((TWO + "group g any w\ngroup h all g m\nquorum h\n").encode())
    assert policy.asks_witnesses
    assert policy.is_met({b"w", b"m"})
    assert not policy.is_met({b"w"}) and not policy.is_met({b"m"}) and not policy.is_met(())
    assert parse_policy(b"quorum none\n").is_met(())


def test_a_cosigner_cannot_claim_to_be_a_group() -> None:
    policy = parse_policy((TWO + "group g 2 w m\nquorum g\n").encode())
    assert not policy.is_met({b"w"})


def test_vkeys() -> None:
    name, key_id, material = ED25519.vkey.split("+", 2)
    assert parse_vkey(ED25519.vkey).material == ED25519.material
    for text in (
        f"{name}+{key_id.upper()}+{material}",
        f"{name}+00000000+{material}",
        f"other+{key_id}+{material}",
        f"+{key_id}+{material}",
        f"{name}+{key_id}",
        f"{name}+{key_id}+{material}=",
        f"{name}+{key_id}+AQ==",
        vkey("a", 1, bytes(31)),
        vkey("a", 4, bytes(33)),
        vkey("a", 6, bytes(1_311)),
        vkey("a b", 1, bytes(32)),
        vkey("a\u2003b", 1, bytes(32)),
        vkey("a\x7fb", 1, bytes(32)),
        vkey("a" * 256, 1, bytes(32)),
    ):
        with pytest.raises(BadKey):
            parse_vkey(text)
    assert is_name("é" * 127) and not is_name("é" * 128)
