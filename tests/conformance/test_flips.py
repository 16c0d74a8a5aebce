"""Every byte of every member of a bundle that this ledger made, flipped one at a time, and every byte of its receipt.

bundle.json is made to agree with each change. What still verifies must be exactly what nobody signs, proves or reads;
each such region is named here.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from asn1crypto import cms, tsp

from tests.conformance.forge import accept, judge
from tests.conformance.own_ledger import FILE, Produced
from tests.flips import places
from tests.verifier.log_forge import STRANGER
from tests.verifier.zip_forge import again
from verifier.bundle import read_bundle
from verifier.check import Check, Outcome
from verifier.checkpoint import parse_proof
from verifier.container import Archive, Digest
from verifier.encoding import datetime_us
from verifier.errors import StepFailed
from verifier.evidence import Evidence
from verifier.examination import Examination
from verifier.receipt import read_receipt
from verifier.result import Verdict
from verifier.signed_note import text_of
from verifier.trust import Trust, parse_trust
from verifier.verify import _STEPS, _guarded, required_steps, verdict_of

PURE = {
    "verifier.bundle": ("_statement",),
    "verifier.certificate_path": ("_signed",),
    "verifier.commitment": ("parse_opening",),
    "verifier.step_container": ("parse_proof",),
    "verifier.step_inclusion": ("check_inclusion", "parse_checkpoint", "parse_proof"),
    "verifier.step_leaves": ("parse_leaf",),
    "verifier.step_signatures": ("check_line", "lines_of", "parse_checkpoint"),
    "verifier.step_time": ("_check_timestamp",),
}
"""Functions of values alone, remembered for equal arguments, so that a flip costs what it changes. What raises is
asked again each time."""


@pytest.fixture
def remembering(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, functions in PURE.items():
        module = importlib.import_module(name)
        for function in functions:
            monkeypatch.setattr(module, function, functools.lru_cache(512)(getattr(module, function)))
    yield


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def verifies(evidence: Evidence, trust: Trust, file: Digest | None = None) -> bool:
    """What `verify` decides, without the steps after the first that fails."""
    examination = Examination(evidence, trust, True, datetime_us(datetime.now(UTC)), file)
    checks: list[Check] = []
    for step, function in _STEPS:
        checks.append(_guarded(step, function, examination))
        if checks[-1].outcome is Outcome.FAILED:
            return False
    return verdict_of(checks, required_steps(examination)) is Verdict.VERIFIED


class Unpacked:
    """A bundle's members as the container's reader leaves them, with digests that bundle.json agrees with."""

    def __init__(self, members: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
        data = again(members)
        read = importlib.import_module("verifier.bundle")
        self._archive: Archive = read.read_archive(io.BytesIO(data), len(data))
        monkeypatch.setattr(read, "read_archive", lambda _file, _length: self._archive)

    def verdict(self, name: str, data: bytes, trust: Trust) -> bool:
        """Whether the bundle verifies with this content of a member outside evidence/."""
        contents = self._archive.contents
        before = contents[name]
        contents[name] = data
        try:
            return verifies(read_bundle(io.BytesIO(), 0), trust)
        except StepFailed:
            return False
        finally:
            contents[name] = before

    def flips(self, name: str, trust: Trust, bit: int = 1) -> set[int]:
        """Places at which a flipped byte changes no verdict."""
        data = self._archive.contents[name]
        return {at for at in places(data) if self.verdict(name, flipped(data, at, bit), trust)}


def flipped(data: bytes, at: int, bit: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


@pytest.mark.usefixtures("remembering")
def test_every_byte_of_a_bundle(produced: Produced, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing survives but what is never read: README.txt, and with a trust folder brought the operator's copy."""
    trust, members = parse_trust(produced.trust), members_of(produced.bundle)
    assert again(members) == produced.bundle  # the one deterministic form
    accept(produced.bundle, trust, at=datetime.now(UTC))
    bundle = Unpacked(members, monkeypatch)
    for name, data in members.items():
        if name.startswith("evidence/") or name == "bundle.json":
            continue
        unread = name == "README.txt" or name.startswith("trust/")
        assert bundle.flips(name, trust) == (set(places(data)) if unread else set()), name


def test_every_byte_of_the_evidence_and_of_bundle_json(produced: Produced) -> None:
    trust, members = parse_trust(produced.trust), members_of(produced.bundle)
    name = f"evidence/{produced.index}.jpeg"
    for at in range(len(FILE)):
        assert (
            judge(again({**members, name: flipped(FILE, at)}), trust, at=datetime.now(UTC)).verdict
            is Verdict.NOT_VERIFIED
        )
    statement = members["bundle.json"]
    start = produced.bundle.index(statement)
    for at in range(start, start + len(statement)):
        assert judge(flipped(produced.bundle, at), trust, at=datetime.now(UTC)).verdict is Verdict.NOT_VERIFIED


def test_every_byte_of_the_zip_itself(produced: Produced) -> None:
    """Headers, directory, end record: what survives is what the profile says is not read, versions and attributes."""
    trust, data = parse_trust(produced.trust), produced.bundle
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        local = [info.header_offset for info in archive.infolist()]
        names = [len(info.filename) for info in archive.infolist()]
        sizes = [info.file_size for info in archive.infolist()]
        central = archive.start_dir
    headers = {at for start, name in zip(local, names, strict=True) for at in range(start, start + 30 + name)}
    unread = {at for start in local for at in (start + 4, start + 5)}  # version needed
    start = central
    for name in names:
        unread |= {*range(start + 4, start + 8), *range(start + 36, start + 42)}  # versions, attributes
        start += 46 + name
    assert sum(sizes) + len(headers) == central
    outside = headers | set(range(central, len(data)))
    survivors = {
        at for at in outside if judge(flipped(data, at), trust, at=datetime.now(UTC)).verdict is Verdict.VERIFIED
    }
    assert survivors == unread


def positions(whole: bytes, part: bytes) -> set[int]:
    assert whole.count(part) == 1
    start = whole.index(part)
    return set(range(start, start + len(part)))


def unsigned_of(token: bytes) -> dict[str, set[int]]:
    """Where CMS and RFC 3161 leave a token's bytes unsigned (RFC 5652 §5.1, §5.3), by OpenSSL's layout of them."""
    response = tsp.TimeStampResp.load(token)
    signed: cms.SignedData = response["time_stamp_token"]["content"]
    status = response["status"].dump()
    own = signed["signer_infos"][0]["sid"].native["serial_number"]
    signer = signed["signer_infos"][0]["version"].dump() + signed["signer_infos"][0]["sid"].dump()
    others = [c.dump() for c in signed["certificates"] if c.chosen.serial_number != own]
    version = signed["version"].dump() + signed["digest_algorithms"].dump()
    return {
        "the response's status": positions(token, token[: token.index(status) + len(status)]),
        "SignedData's version and list of digests": positions(token, version),
        "SignerInfo's version, and the case of letters in the issuer's name": positions(token, signer),
        "certificates that no path uses": {at for each in others for at in positions(token, each)},
    }


@pytest.mark.usefixtures("remembering")
def test_every_byte_of_a_token_that_no_entry_records(produced: Produced, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the entry that records it, a token has its own signature: what that leaves out may change, no more."""
    trust, members = parse_trust(produced.trust), members_of(produced.bundle)
    recording = max(int(name.split("/")[1]) for name in members if name.startswith("entries/"))
    assert recording > produced.index
    kept = {name: data for name, data in members.items() if not name.startswith(f"entries/{recording}/")}
    accept(again(kept), trust, at=datetime.now(UTC))
    bundle = Unpacked(kept, monkeypatch)
    name = "timestamps/1/token.tsr"
    regions = unsigned_of(kept[name])
    survivors = set().union(*(bundle.flips(name, trust, bit) for bit in (0x01, 0x02, 0x20)))
    assert survivors <= set().union(*regions.values()), sorted(survivors)
    for what, region in regions.items():
        assert survivors & region or not region, f"nothing survives in {what}: it need not be listed"


@pytest.mark.usefixtures("remembering")
def test_every_byte_of_a_strangers_line(produced: Produced) -> None:
    """A line of a key that nobody listed is ignored, whatever it says; its frame is not."""
    trust, members = parse_trust(produced.trust), members_of(produced.bundle)
    proofs = [name for name in members if name.endswith(".tlog-proof")]
    line = STRANGER.line(text_of(parse_proof(members[proofs[0]]).checkpoint))
    frame = len("— ".encode())
    survivors = set()
    for at in range(len(line)):
        changed = {name: members[name] + flipped(line, at) for name in proofs}
        if judge(again({**members, **changed}), trust, at=datetime.now(UTC)).verdict is Verdict.VERIFIED:
            survivors.add(at)
    gap = line.index(b" ", frame)
    free = set(range(frame, len(line) - 1)) - {gap}
    assert survivors <= free  # all but what makes it a line
    assert len(survivors) > len(free) * 3 // 4  # the rest is no base64 when flipped


@pytest.mark.usefixtures("remembering")
def test_every_byte_of_a_receipt(produced: Produced) -> None:
    """Nothing survives at all: every byte is signed, proven, or has to be what it is."""
    trust = parse_trust(produced.trust)
    assert "secret" in json.loads(produced.receipt)
    file = Digest(len(FILE), hashlib.sha256(FILE).hexdigest(), hashlib.sha512(FILE).hexdigest())
    assert _receipt_verifies(produced.receipt, trust, file)
    survivors = {at for at in places(produced.receipt) if _receipt_verifies(flipped(produced.receipt, at), trust, file)}
    assert not survivors, [produced.receipt[max(0, at - 40) : at + 10] for at in sorted(survivors)]


def _receipt_verifies(data: bytes, trust: Trust, file: Digest) -> bool:
    try:
        return verifies(read_receipt(io.BytesIO(data)), trust, file)
    except StepFailed:
        return False
