"""Every bit-flipped byte of a bundle and of a receipt, one at a time: what still verifies is exactly what may.

bundle.json is made to agree with each change, so that nothing is refused merely for its digest.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterable, Mapping

import pytest

from tests.flips import places
from tests.verifier.log_forge import STRANGER, jcs
from tests.verifier.vectors import case, needs_vectors
from tests.verifier.zip_forge import again, records_of, write
from verifier.bundle import read_bundle
from verifier.checkpoint import parse_proof
from verifier.errors import StepFailed
from verifier.receipt import read_receipt
from verifier.rfc3161 import parse_response
from verifier.signed_note import text_of
from verifier.trust import Trust, read_trust
from verifier.verify import verify

pytestmark = needs_vectors

BASE = "good/log-of-2.zip"
ENTRY = "entries/1"
TOKEN = "timestamps/0/token.tsr"
PROOF = f"{ENTRY}/proof.tlog-proof"
CERTIFICATE = "certs/0.pem"

# What CMS leaves unsigned in the token (RFC 3161 §2.4.2, RFC 5652 §5.1): the status of the response, granted (0) or
# granted with changes (1), and of the SignedData its version and the list of digest algorithms before the content.
STATUS = {8}
SIGNED_DATA_VERSION = {34}
DIGEST_ALGORITHM = set(range(41, 51))
UNSIGNED_OF_TOKEN = STATUS | SIGNED_DATA_VERSION | DIGEST_ALGORITHM

# Other bits than the lowest: the version of the SignerInfo, and the tag of the digest algorithm before the content.
SIGNER_VERSION = {617}
DIGEST_ALGORITHM_TAG = {40}


def base_members() -> dict[str, bytes]:
    """A small bundle with everything in it that nobody is to believe: a stranger's line, a certificate of no chain,
    the operator's trust folder, a README."""
    with zipfile.ZipFile(case(BASE).path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = text_of(parse_proof(members[PROOF]).checkpoint)
    members[PROOF] += STRANGER.line(text)
    members[CERTIFICATE] = (case(BASE).trust / "tsa-operator" / "development.pem").read_bytes()
    members["trust/policy"] = b"quorum none\n"
    return members


def signer_name(token: bytes) -> set[int]:
    """Where the SignerInfo repeats the issuer's name, unsigned: names are compared without regard to case."""
    certificate = parse_response(token).signer
    assert certificate is not None
    name = certificate.issuer.public_bytes()
    return set(range(token.rindex(name), token.rindex(name) + len(name)))


def stranger_line(proof: bytes) -> set[int]:
    """Where the stranger's line is, less its frame: what is no line at all spoils the note for everybody."""
    start = proof.index("— stranger.test ".encode())
    return set(range(start + len("— ".encode()), len(proof) - 1))


def bundle_verdict(members: Mapping[str, bytes], trust: Trust) -> str:
    data = again(members)
    try:
        evidence = read_bundle(io.BytesIO(data), len(data))
    except StepFailed:
        return "not verified"
    return verify(evidence, trust, at=case(BASE).at).verdict


def receipt_verdict(data: bytes, trust: Trust) -> str:
    try:
        evidence = read_receipt(io.BytesIO(data))
    except StepFailed:
        return "not verified"
    return verify(evidence, trust, at=case(BASE).at).verdict


def flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


def test_every_byte_of_every_member() -> None:
    trust, members = read_trust(case(BASE).trust), base_members()
    assert bundle_verdict(members, trust) == "verified"
    survivors: dict[str, set[int]] = {}
    for name in members:
        if name in ("bundle.json", "README.txt", "trust/policy"):
            continue
        if found := surviving(members, name, 0x01, trust):
            survivors[name] = found
    assert survivors.keys() == {PROOF, TOKEN, CERTIFICATE}
    assert survivors[PROOF] <= stranger_line(members[PROOF])
    assert survivors[TOKEN] == UNSIGNED_OF_TOKEN
    body = members[CERTIFICATE].index(b"\n") + 1, members[CERTIFICATE].rindex(b"\n-----END")
    assert survivors[CERTIFICATE] <= set(range(*body)) and len(survivors[CERTIFICATE]) > 100


@pytest.mark.parametrize("bit", [0x02, 0x20])
def test_other_bits_of_the_token_and_the_leaf(bit: int) -> None:
    trust, members = read_trust(case(BASE).trust), base_members()
    unsigned = UNSIGNED_OF_TOKEN | SIGNER_VERSION | DIGEST_ALGORITHM_TAG | signer_name(members[TOKEN])
    assert surviving(members, TOKEN, bit, trust) <= unsigned
    for name in (f"{ENTRY}/leaf.json", f"{ENTRY}/fields/0.json", "timestamps/0/stamped"):
        assert not surviving(members, name, bit, trust)


def surviving(members: Mapping[str, bytes], name: str, bit: int, trust: Trust) -> set[int]:
    data = members[name]
    changed = ((at, {**members, name: flipped(data, at, bit)}) for at in places(data))
    return {at for at, forged in changed if bundle_verdict(forged, trust) == "verified"}


def test_every_byte_of_bundle_json() -> None:
    trust, members = read_trust(case(BASE).trust), base_members()
    data = again(members)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        statement = archive.read("bundle.json")
    for at in range(len(statement)):
        assert _with_statement(members, flipped(statement, at, 0x01), trust) == "not verified", at


def _with_statement(members: Mapping[str, bytes], statement: bytes, trust: Trust) -> str:
    data = write(records_of({**members, "bundle.json": statement}))
    try:
        evidence = read_bundle(io.BytesIO(data), len(data))
    except StepFailed:
        return "not verified"
    return verify(evidence, trust, at=case(BASE).at).verdict


@pytest.mark.parametrize("name", ["README.txt", "trust/policy"])
def test_what_nobody_reads_may_change(name: str) -> None:
    trust, members = read_trust(case(BASE).trust), base_members()
    for at in range(0, len(members[name]), 7):
        assert bundle_verdict({**members, name: flipped(members[name], at, 0x01)}, trust) == "verified"


def receipt_of(members: Mapping[str, bytes]) -> bytes:
    """The receipt that holds the same parts as the bundle."""
    positions = sorted(int(name.split("/")[3][:-5]) for name in members if name.startswith(f"{ENTRY}/fields/"))
    receipt = {
        "v": 1,
        "number": json.loads(members["bundle.json"])["number"],
        "leaf": members[f"{ENTRY}/leaf.json"].decode(),
        "proof": members[PROOF].decode(),
        "hashes": members[f"{ENTRY}/hashes"].decode().split(),
        "opened": [members[f"{ENTRY}/fields/{position}.json"].decode() for position in positions],
        "timestamps": [
            {
                "consistency": members["timestamps/0/consistency"].decode().split(),
                "stamped": members["timestamps/0/stamped"].decode(),
                "token": base64.b64encode(members[TOKEN]).decode(),
            }
        ],
        "entries": [],
        "certs": [members[CERTIFICATE].decode()],
    }
    return jcs(receipt)


def spans(data: bytes, *parts: bytes) -> set[int]:
    """Where parts stand in the receipt."""
    return {at for part in parts for at in range(data.index(part), data.index(part) + len(part))}


def base64_span(encoded: bytes, offsets: Iterable[int]) -> set[int]:
    """The characters of a base64 text that hold any bit of the bytes at these offsets."""
    return {at for offset in offsets for at in range(offset * 8 // 6, (offset * 8 + 7) // 6 + 1) if at < len(encoded)}


def test_every_byte_of_a_receipt() -> None:
    trust, members = read_trust(case(BASE).trust), base_members()
    receipt = receipt_of(members)
    assert receipt_verdict(receipt, trust) == "verified"
    survivors = {at for at in places(receipt) if receipt_verdict(flipped(receipt, at, 0x01), trust) == "verified"}
    proof = members[PROOF]
    line = proof[min(stranger_line(proof)) : max(stranger_line(proof)) + 1]
    certificate = jcs(members[CERTIFICATE].decode())[1:-1]
    encoded = base64.b64encode(members[TOKEN])
    start = receipt.index(encoded)
    unsigned = {start + at for at in base64_span(encoded, UNSIGNED_OF_TOKEN | signer_name(members[TOKEN]))}
    assert survivors <= spans(receipt, line, certificate) | unsigned
    assert survivors & unsigned and survivors & spans(receipt, line) and survivors & spans(receipt, certificate)
