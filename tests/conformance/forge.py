"""Bundles and receipts built from parts, of which any can be falsified consistently.

The forger has time, the formats, and a colluding operator's keys where a test says so; it recomputes bundle.json, CRCs,
roots and paths after every change, so that nothing is refused for a digest that an attacker would have mended.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.certificate_maker import ENDS, Identity, make_issuer, make_signer
from tests.fakes.token_maker import POLICY, make_response
from tests.verifier.log_forge import (
    CHAIN,
    ED25519,
    ML_DSA,
    SYSTEM_CHAIN,
    ForgedEntry,
    ForgedLog,
    Signer,
    anchored_fields,
    b64,
    consistency,
    hash_leaf,
    number,
    tree,
)
from tests.verifier.zip_forge import bundle
from verifier.bundle import read_bundle
from verifier.check import Outcome, failed
from verifier.errors import StepFailed
from verifier.receipt import read_receipt
from verifier.result import Result, Verdict
from verifier.rfc3161 import DEVELOPMENT_POLICY
from verifier.trust import Trust, parse_trust
from verifier.verify import verify

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILE = b"the evidence"
DAY = "20261121"
"""The day on which everything here happens, as RFC 3161 writes it."""


class Authority:
    """A timestamp authority with a certificate authority of its own, honest about nothing but its signature."""

    def __init__(self, name: str, *, development: bool = False, ends: datetime = ENDS) -> None:
        self.policy = DEVELOPMENT_POLICY if development else POLICY
        self.root = make_issuer(f"{name} root")
        self.signer: Identity = make_signer(
            self.root, common_name=name, policies=(DEVELOPMENT_POLICY,) if development else (), ends=ends
        )

    def stamp(self, text: bytes, clock: str, *, day: str = DAY, accuracy: int = 1, **faults: Any) -> bytes:
        """A response over a text at hh:mm:ss; `faults` are token_maker's."""
        time = f"{day}{clock.replace(':', '')}Z"
        return make_response(
            self.signer, text, **{"policy": self.policy, "gen_time": time, "accuracy": {"seconds": accuracy}, **faults}
        )


@dataclass
class Stamped:
    """A timestamp as it is handed over: the token, the text it is shown for, the consistency proof's hashes."""

    token: bytes
    text: bytes
    proof: list[bytes]


@dataclass
class Forgery:
    """What a bundle or receipt is made of. `about`: number=… or case=…"""

    log: ForgedLog
    entries: list[ForgedEntry]
    about: dict[str, str]
    stamps: list[Stamped] = field(default_factory=list)
    more: dict[str, bytes] = field(default_factory=dict)
    checkpoint: bytes | None = None

    def members(self) -> dict[str, bytes]:
        """The members without bundle.json."""
        members = self.log.members(*self.entries, checkpoint=self.checkpoint or self.log.checkpoint())
        for place, stamped in enumerate(self.stamps):
            members[f"timestamps/{place}/token.tsr"] = stamped.token
            members[f"timestamps/{place}/stamped"] = stamped.text
            members[f"timestamps/{place}/consistency"] = b"".join(
                b"%b\n" % each.hex().encode() for each in stamped.proof
            )
        return members | self.more

    def bundle(self, change: Callable[[dict[str, bytes]], object] | None = None) -> bytes:
        """The bundle; `change` gets the members before bundle.json is written over them."""
        members = self.members()
        if change is not None:
            change(members)
        return bundle(members, **self.about)

    def receipt(self, **changes: Any) -> bytes:
        """The receipt of the first entry, with members set otherwise, or left out where the value is None."""
        subject, *recorded = self.entries
        checkpoint = self.checkpoint or self.log.checkpoint()
        others = [
            {"index": each.index, "leaf": each.leaf.decode(), "proof": self.log.proof(each.index, checkpoint).decode()}
            for each in sorted(recorded, key=lambda each: each.index)
        ]
        stamps = [
            {"consistency": [h.hex() for h in each.proof], "stamped": each.text.decode(), "token": b64(each.token)}
            for each in self.stamps
        ]
        changes = {"proof": self.log.proof(subject.index, checkpoint).decode(), "entries": others} | changes
        return self.log.receipt(subject, **{"timestamps": stamps, **changes})


def stamped(log: ForgedLog, token: bytes, size: int) -> Stamped:
    """A token over the log's tree of `size`, proven against the log as it is now."""
    proof = [] if size == len(log.leaves) else consistency(size, log.hashes)
    return Stamped(token, log.text(size), proof)


def record(log: ForgedLog, authority: Authority, clock: str, **faults: Any) -> tuple[bytes, int, ForgedEntry]:
    """Stamp the log as it is and record the token: the token, the stamped size, the recording entry."""
    size = len(log.leaves)
    token = authority.stamp(log.text(), clock, **faults)
    return token, size, record_token(log, token, log.text())


def record_token(log: ForgedLog, token: bytes, text: bytes, chain: str = SYSTEM_CHAIN) -> ForgedEntry:
    """Append `timestamp.recorded`."""
    public = {"stamped": text.decode(), "token": b64(token)}
    entry: ForgedEntry = log.append("timestamp.recorded", chain, public=public)
    return entry


def honest(authority: Authority, *, file: bytes = FILE, **fields: Any) -> Forgery:
    """A bundle that verifies: a token recorded before the evidence, one that covers it, and the file inside."""
    log = ForgedLog()
    log.append("case.opened", fields={"case.title": "K"})
    before, size, recording = record(log, authority, "09:00:00")
    subject = log.append("evidence.anchored", time="2026-11-21T09:15:02.123Z", fields=anchored_fields(file, **fields))
    after = authority.stamp(log.text(), "09:20:00")
    stamps = [stamped(log, before, size), stamped(log, after, len(log.leaves))]
    more = {f"evidence/{subject.index}.jpeg": file}
    return Forgery(log, [subject, recording], {"number": number(subject.index)}, stamps, more)


def whole_case(authority: Authority, acts: int = 3) -> Forgery:
    """A case's bundle that verifies: every entry of the chain, the file, and a token over all of them."""
    log = ForgedLog()
    log.append("case.opened", "a" * 32, fields={"case.title": "another"})
    entries = [log.append("case.opened", fields={"case.title": "K"}, time="2026-11-21T09:00:00.000Z")]
    anchored = log.append("evidence.anchored", fields=anchored_fields(FILE), time="2026-11-21T09:00:01.000Z")
    entries.append(anchored)
    for place in range(acts):
        fields = {"relation.entry": anchored.index, "demand.grounds": f"{place}"}
        entries.append(log.append("metadata.demanded", fields=fields, time=f"2026-11-21T09:01:{place:02}.000Z"))
    after = authority.stamp(log.text(), "09:20:00")
    more = {f"evidence/{anchored.index}.jpeg": FILE}
    return Forgery(log, entries, {"case": CHAIN}, [stamped(log, after, len(log.leaves))], more)


def trust_files(
    *authorities: Authority,
    logs: Sequence[Signer] = (ED25519, ML_DSA),
    policy: str = "quorum none\n",
    quorum: int | None = None,
    operator: Sequence[Authority] = (),
    retired: str = "",
) -> dict[str, bytes]:
    """A reader's trust folder by relative name."""
    files = {"policy": ("".join(f"log {signer.vkey}\n" for signer in logs) + policy).encode()}
    files |= {f"tsa/{place}.pem": each.root.pem for place, each in enumerate(authorities)}
    files |= {f"tsa-operator/{place}.pem": each.root.pem for place, each in enumerate(operator)}
    if quorum is not None:
        files["tsa/quorum"] = b"%d\n" % quorum
    if retired:
        files["retired"] = retired.encode()
    return files


def trust(*authorities: Authority, **settings: Any) -> Trust:
    """The same, read."""
    return parse_trust(trust_files(*authorities, **settings))


def judge(data: bytes, brought: Trust | None, *, at: datetime = AT) -> Result:
    """What the verifier says of a bundle or receipt, without the detour over the disk."""
    try:
        file = io.BytesIO(data)
        evidence = read_receipt(file) if data.startswith(b"{") else read_bundle(file, len(data))
    except StepFailed as error:
        return Result(Verdict.NOT_VERIFIED, (failed(1, [error.detail]),), "")
    return verify(evidence, brought, at=at)


def failures(result: Result) -> set[int]:
    """The steps that failed."""
    return {check.step for check in result.checks if check.outcome is Outcome.FAILED}


def outcome(result: Result, step: int) -> Outcome:
    """The outcome of one step."""
    return next(check.outcome for check in result.checks if check.step == step)


def refuse(data: bytes, brought: Trust | None, *steps: int, at: datetime = AT) -> Result:
    """Assert that exactly these steps fail."""
    result = judge(data, brought, at=at)
    assert failures(result) == set(steps), [f"{c.step} {c.outcome}: {c.detail}" for c in result.checks]
    assert result.verdict is Verdict.NOT_VERIFIED
    return result


def accept(data: bytes, brought: Trust | None, *, at: datetime = AT) -> Result:
    """Assert that the verdict is verified: without this, a refusal proves nothing."""
    result = judge(data, brought, at=at)
    assert result.verdict is Verdict.VERIFIED, [f"{c.step} {c.outcome}: {c.detail}" for c in result.checks]
    return result


def commit_openings(log: ForgedLog, openings: Sequence[bytes], *, kind: str = "evidence.anchored") -> ForgedEntry:
    """Append an entry whose commitment is over these openings, whatever they are: what a colluding operator signs."""
    hashes = [hash_leaf(opening) for opening in openings]
    fields = {"count": len(hashes), "root": tree(hashes).hex()}
    entry: ForgedEntry = log.append(kind, time="2026-11-21T09:15:02.123Z", leaf={"fields": fields})
    entry.openings, entry.hashes = list(openings), hashes
    return entry


def json_of(data: bytes) -> Any:
    """The value of a JSON text, to be falsified."""
    return json.loads(data)


def started() -> ForgedLog:
    log = ForgedLog()
    log.append("case.opened", fields={"case.title": "K"})
    return log


def evidence_with(tokens_before: Sequence[bytes], log: ForgedLog, *, file: bytes = b"x") -> Forgery:
    """Record tokens over the log as it was, anchor, and hand over the subject with the recording entries."""
    size, text = len(log.leaves), log.text()
    recorded = [record_token(log, token, text) for token in tokens_before]
    subject = log.append("evidence.anchored", time="2026-11-21T09:15:00.000Z", fields=anchored_fields(file))
    stamps = [stamped(log, token, size) for token in tokens_before]
    return Forgery(
        log, [subject, *recorded], {"number": number(subject.index)}, stamps, {f"evidence/{subject.index}.jpeg": file}
    )


def unproven(result: Result) -> None:
    """Assert that no date is stated and nothing is claimed of step 8."""
    assert result.verdict is Verdict.INCOMPLETE
    assert outcome(result, 8) is Outcome.NOT_CHECKED
    assert result.not_before is None and result.not_after is None and not result.independent_time
