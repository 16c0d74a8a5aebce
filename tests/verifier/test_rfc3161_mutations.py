"""verifier.rfc3161 under damage: a changed token is bad, or does not count, or was changed where CMS signs nothing."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509

from tests.verifier import certificate_forge as certs
from tests.verifier import token_forge as forge
from tests.verifier.openssl_stamps import Stamps
from tests.verifier.token_regions import region_of, regions
from verifier.errors import BadTimestamp
from verifier.rfc3161 import authorities_of, check_token, parse_response, uncounted_reason

ROOT = certs.authority("root", own_key=certs.key("p256", 10))
MIDDLE = certs.authority("middle", ROOT, own_key=certs.key("p256", 11))
ANCHORS = {"a": [ROOT.certificate]}

# What a change may touch without being seen: nothing that the signature covers, nothing that is believed.
UNSIGNED = {
    "status": "0 or 1, texts and failInfo: RFC 3161 puts the status outside the signature",
    "version": "CMSVersion: no meaning hangs on it",
    "digest algorithms": "a hint for one-pass readers, RFC 5652 §5.1",
    "certificates": "other certificates than those of the path: believed for nothing",
    "signer version": "CMSVersion again",
    "signer id": "names compare without case and blanks; ESSCertIDv2 is what binds the signer",
}


def outcome(response: bytes, stamped: bytes, anchors: dict[str, list[x509.Certificate]]) -> str:
    """`bad`, `uncounted`, `pathless` or `counts`; anything but BadTimestamp escapes and fails the test."""
    try:
        token = parse_response(response)
        check_token(token, stamped)
        reason = uncounted_reason(token)
        names = authorities_of(token, anchors, [])
    except BadTimestamp:
        return "bad"
    return "uncounted" if reason else "counts" if names == ["a"] else "pathless"


@cache
def responses() -> dict[str, bytes]:
    made = {}
    for kind in ("p256", "rsa2048", "ed25519"):
        signer = certs.stamper(MIDDLE, own_key=certs.key(kind))
        recipe = forge.Recipe(signer, chain=(MIDDLE.der,), info_tail=forge.integer(77))
        made[kind] = forge.forge(recipe)
        if kind == "rsa2048":
            made["pss by key identifier"] = forge.forge(recipe.but(scheme="pss", by_key_identifier=True))
    return made


def survivors(response: bytes, stamped: bytes, anchors: dict[str, list[x509.Certificate]]) -> Counter[str]:
    """Flips each byte of a token in two ways; the regions in which a flipped token still counts."""
    found = regions(response)
    counted: Counter[str] = Counter()
    assert outcome(response, stamped, anchors) == "counts"
    for at, octet in enumerate(response):
        for flip in (0x01, 0xFF):
            changed = response[:at] + bytes((octet ^ flip,)) + response[at + 1 :]
            if outcome(changed, stamped, anchors) == "counts":
                counted[region_of(found, at)] += 1
    return counted


@pytest.mark.parametrize("kind", ["p256", "rsa2048", "ed25519", "pss by key identifier"])
def test_no_flipped_byte_counts_but_where_nothing_is_signed(kind: str) -> None:
    counted = survivors(responses()[kind], forge.STAMPED, ANCHORS)
    assert set(counted) <= set(UNSIGNED), counted
    assert counted["certificates"] == 0  # all of them are needed here, and each is signed by the one above


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not installed")
def test_no_flipped_byte_of_a_token_of_openssl_counts(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path, "p256").prepare()
    response = stamps.stamp(forge.STAMPED)
    counted = survivors(response, forge.STAMPED, {"a": [stamps.certificate("middle")]})
    assert set(counted) <= set(UNSIGNED), counted
    assert counted["certificates"] > 0  # the intermediate is not needed: its bytes may be anything


def test_the_middle_is_believed_only_as_it_is() -> None:
    """With the root alone as an anchor, each byte of the intermediate counts too."""
    response = responses()["p256"]
    start = response.index(MIDDLE.der)
    for at in range(start, start + len(MIDDLE.der)):
        changed = response[:at] + bytes((response[at] ^ 0xFF,)) + response[at + 1 :]
        assert outcome(changed, forge.STAMPED, ANCHORS) in ("bad", "pathless"), at


def mutated(response: bytes, draw: random.Random) -> bytes:
    data = bytearray(response)
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(data))
        match draw.randrange(6):
            case 0:
                data[at] = draw.randrange(256)
            case 1:
                del data[at : at + draw.randrange(1, 40)]
            case 2:
                data[at:at] = draw.randbytes(draw.randrange(1, 40))
            case 3:
                data[at] = draw.choice((0x00, 0x7F, 0x80, 0x84, 0xFF, 0x30, 0x31, 0xA0, 0x02, 0x06))
            case 4:
                other = draw.randrange(len(data))
                data[at:at] = data[other : other + draw.randrange(1, 200)]
            case _:
                del data[max(at, 1) :]
    return bytes(data)


def test_random_damage_raises_nothing_else_and_never_hangs() -> None:
    draw = random.Random(3161)
    seeds = list(responses().values())
    seen: Counter[str] = Counter()
    for _ in range(2_000):
        began = time.monotonic()
        seen[outcome(mutated(draw.choice(seeds), draw), forge.STAMPED, ANCHORS)] += 1
        assert time.monotonic() - began < 5
    assert seen["bad"] > 1_000, seen
    assert seen["counts"] < 100, seen


def test_damaged_certificates_with_right_signatures_raise_nothing_else() -> None:
    """Damage inside the signer's certificate alone, signed anew each time: extensions are parsed late."""
    draw = random.Random(5280)
    signer = certs.stamper(MIDDLE)
    seen: Counter[str] = Counter()
    for _ in range(1_000):
        der = bytearray(signer.der)
        for _ in range(draw.choice((1, 2, 3))):
            der[draw.randrange(4, len(der))] = draw.randrange(256)
        if bytes(der) == signer.der:
            continue
        named = (forge.ess_v2(forge.ess_cert_id(bytes(der))),)
        recipe = forge.Recipe(signer, with_signer=False, chain=(bytes(der), MIDDLE.der), ess=named)
        seen[outcome(forge.forge(recipe), forge.STAMPED, ANCHORS)] += 1
    assert seen["counts"] == 0 and seen["pathless"] > 100 and seen["uncounted"] > 50, seen
