"""Attacks on a case's chain, on receipts, and on the file that a reader brings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.forge import (
    AT,
    CHAIN,
    FILE,
    Authority,
    Forgery,
    accept,
    honest,
    judge,
    outcome,
    refuse,
    stamped,
    whole_case,
)
from tests.verifier.log_forge import SECRET, ForgedEntry, ForgedLog, anchored_fields, b64, hash_leaf, jcs, number
from verifier.check import Outcome
from verifier.trust import Trust
from verifier.verify import Verdict, verify

# --- a case's chain -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_an_entry_withheld_from_a_case(authority: Authority, believed: Trust, missing: int) -> None:
    forged = whole_case(authority)
    accept(forged.bundle(), believed)
    gone = forged.entries.pop(missing)
    forged.more = {name: data for name, data in forged.more.items() if str(gone.index) not in name}
    refuse(forged.bundle(), believed, 9)


def test_the_last_entry_withheld_is_not_seen_and_not_claimed(authority: Authority, believed: Trust) -> None:
    """A truncated chain is consistent; the answer must not say that it is complete."""
    forged = whole_case(authority)
    forged.entries.pop()
    result = accept(forged.bundle(), believed)
    assert result.complete is None
    assert any("not proven" in check.detail for check in result.checks if check.step == 9)


def rewritten(authority: Authority, **leaf: Any) -> Forgery:
    """A case whose last entry the operator wrote otherwise, and signed."""
    forged = whole_case(authority)
    log = forged.log
    log.leaves.pop()
    last = forged.entries[-1]
    again: ForgedEntry = log.append("metadata.demanded", fields={"demand.grounds": "x"}, leaf=leaf)
    forged.entries[-1] = again
    token = authority.stamp(log.text(), "09:20:00")
    forged.stamps = [stamped(log, token, len(log.leaves))]
    assert again.index == last.index
    return forged


def test_links_rewritten_by_the_operator(authority: Authority, believed: Trust) -> None:
    forged = whole_case(authority)
    right = {"seq": 4, "prev": hash_leaf(forged.entries[3].leaf).hex()}
    accept(rewritten(authority, **right).bundle(), believed)
    for wrong in (
        {"prev": hash_leaf(forged.entries[2].leaf).hex()},  # the one before the one before
        {"prev": "0" * 64},
        {"seq": 3},  # twice the same place
        {"seq": 5},  # a gap
        {"seq": 0, "prev": None},  # a second beginning
        {"chain": "a" * 32},  # another case's
    ):
        refuse(rewritten(authority, **{**right, **wrong}).bundle(), believed, 1 if "chain" in wrong else 9)


def test_two_entries_swapped_in_the_log(authority: Authority, believed: Trust) -> None:
    """The log's order contradicts the chain's."""
    forged = whole_case(authority)
    one, two = forged.entries[2], forged.entries[3]
    leaves = forged.log.leaves
    leaves[one.index], leaves[two.index] = two.leaf, one.leaf
    one.index, two.index = two.index, one.index
    token = authority.stamp(forged.log.text(), "09:20:00")
    forged.stamps = [stamped(forged.log, token, len(leaves))]
    refuse(forged.bundle(), believed, 9)


def test_entries_of_another_case_in_a_case(authority: Authority, believed: Trust) -> None:
    forged = whole_case(authority)
    foreign = ForgedLog()
    forged.entries.append(foreign.append("case.opened", "a" * 32, fields={"case.title": "another"}))
    forged.entries[-1].index = 1
    refuse(forged.bundle(), believed, 1)


def test_a_case_with_no_entry(authority: Authority, believed: Trust) -> None:
    forged = whole_case(authority)
    forged.entries, forged.stamps, forged.more = [], [], {}
    result = judge(forged.bundle(), believed)
    assert result.verdict is Verdict.NOT_VERIFIED
    forged = whole_case(authority)
    forged.about = {"case": "9" * 32}
    assert judge(forged.bundle(), believed).verdict is Verdict.NOT_VERIFIED


def test_a_case_with_a_file_missing_or_swapped(authority: Authority, believed: Trust) -> None:
    forged = whole_case(authority)
    name = next(iter(forged.more))
    forged.more = {}
    result = judge(forged.bundle(), believed)
    assert result.verdict is Verdict.INCOMPLETE and outcome(result, 3) is Outcome.NOT_CHECKED
    forged.more = {name: b"another"}
    refuse(forged.bundle(), believed, 3)


def test_neighbours_in_an_entrys_bundle_that_disagree(authority: Authority, believed: Trust) -> None:
    """The operator answers for the system chain too: two recorded tokens with one seq are a fork of it."""
    forged = honest(authority)
    log = forged.log
    token = authority.stamp(log.text(), "09:30:00")
    public = {"stamped": log.text().decode(), "token": b64(token)}
    prev = hash_leaf(log.leaves[0]).hex()
    text, size = log.text(), len(log.leaves)
    twin = log.append("timestamp.recorded", "f" * 32, public=public, leaf={"seq": 1, "prev": prev})
    forged.entries.append(twin)
    forged.stamps = [
        stamped(log, forged.stamps[0].token, 2),
        stamped(log, forged.stamps[1].token, 4),
        stamped(log, token, size),
    ]
    assert text == log.text(size)
    refuse(forged.bundle(), believed, 9)


# --- receipts -------------------------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]


def with_file(tmp_path: Path, data: bytes, believed: Trust, file: bytes = FILE) -> Any:
    receipt, evidence = tmp_path / "r.receipt.json", tmp_path / "file"
    receipt.write_bytes(data)
    evidence.write_bytes(file)
    return verify(receipt, believed, file=evidence, at=AT)


def test_a_receipt_with_the_right_file_and_with_another(tmp_path: Path, authority: Authority, believed: Trust) -> None:
    data = honest(authority).receipt(secret=b64(SECRET))
    assert with_file(tmp_path, data, believed).verdict is Verdict.VERIFIED
    wrong = with_file(tmp_path, data, believed, FILE + b"\0")
    assert wrong.verdict is Verdict.NOT_VERIFIED and outcome(wrong, 3) is Outcome.FAILED
    assert judge(data, believed).verdict is Verdict.INCOMPLETE  # no file, no word about it


def test_a_second_file_beside_the_one_inside(tmp_path: Path, authority: Authority, believed: Trust) -> None:
    """The bundle's own file is right, the one that the reader asks about is another."""
    bundle = tmp_path / "b.evidence.zip"
    bundle.write_bytes(honest(authority).bundle())
    for data, verdict in ((FILE, Verdict.VERIFIED), (b"forged", Verdict.NOT_VERIFIED)):
        (tmp_path / "file").write_bytes(data)
        assert verify(bundle, believed, file=tmp_path / "file", at=AT).verdict is verdict


@pytest.mark.parametrize("closed", ["file.size", "file.sha256", "file.sha512"])
def test_a_digest_kept_closed(authority: Authority, believed: Trust, closed: str) -> None:
    """Required is decided from the names: withholding an opening does not make the step go away."""
    forged = honest(authority)
    position = 1 + sorted(anchored_fields()).index(closed)

    def withhold(members: dict[str, bytes]) -> None:
        del members[f"entries/3/fields/{position}.json"]

    result = judge(forged.bundle(withhold), believed)
    assert result.verdict is Verdict.INCOMPLETE and outcome(result, 3) is Outcome.NOT_CHECKED
    assert closed in result.contents.closed and closed not in result.contents.fields
    forged.more = {"evidence/3.jpeg": b"another"}
    refuse(forged.bundle(withhold), believed, 3)  # what is open is compared nevertheless


def test_a_signature_that_nobody_can_check_yet(authority: Authority, believed: Trust) -> None:
    result = judge(honest(authority, signature__cms="x").bundle(), believed)
    assert result.verdict is Verdict.INCOMPLETE and outcome(result, 10) is Outcome.NOT_CHECKED


@pytest.mark.parametrize(
    ("change", "step"),
    [
        pytest.param(lambda r: r.update(number=number(2)), 5, id="a recorded entry's number"),
        pytest.param(lambda r: r.update(number=number(1)), 5, id="another entry's number"),
        pytest.param(lambda r: r.update(number="EL-0000000003-01"), 5, id="wrong check digits"),
        pytest.param(lambda r: r["opened"].reverse(), 4, id="openings out of order"),
        pytest.param(lambda r: r["opened"].pop(0), 4, id="the names withheld"),
        pytest.param(lambda r: r["opened"].append(r["opened"][-1]), 4, id="an opening twice"),
        pytest.param(lambda r: r["hashes"].pop(), 4, id="a hash fewer"),
        pytest.param(lambda r: r["hashes"].__setitem__(0, r["hashes"][0].upper()), 4, id="a hash in capitals"),
        pytest.param(lambda r: r.update(secret=b64(bytes(32))), 4, id="another secret"),
        pytest.param(lambda r: r.update(secret=b64(bytes(31))), 1, id="a short secret"),
        pytest.param(lambda r: r.update(secret=None), 1, id="a secret that is null"),
        pytest.param(lambda r: r.update(v=True), 1, id="true for 1"),
        pytest.param(lambda r: r.update(verdict="verified"), 1, id="a verdict that it brings along"),
        pytest.param(lambda r: r.pop("certs"), 1, id="a member missing"),
        pytest.param(lambda r: r.update(certs=["x"]), 1, id="a certificate that is none"),
        pytest.param(lambda r: r["entries"].append(r["entries"][0]), 1, id="an entry twice"),
        pytest.param(lambda r: r["entries"][0].update(index=True), 1, id="true for an index"),
        pytest.param(lambda r: r["entries"][0].update(hashes=[]), 1, id="hashes beside a token's entry"),
        pytest.param(lambda r: r["timestamps"].pop(0), 1, id="a recorded token without its timestamp"),
        pytest.param(lambda r: r["timestamps"][0].update(token="AA=A"), 1, id="a token that is no base64"),
        pytest.param(lambda r: r["timestamps"][1].update(consistency=["0" * 64]), 8, id="a proof too many"),
        pytest.param(lambda r: r.update(retired=[{"size": 0, "consistency": []}]), 1, id="a retired tree of nothing"),
        pytest.param(lambda r: r.update(leaf=r["leaf"].replace('"seq":1', '"seq": 1')), 2, id="a leaf with a blank"),
    ],
)
def test_receipts_tampered_with(authority: Authority, believed: Trust, change: Change, step: int) -> None:
    receipt = json.loads(honest(authority).receipt())
    assert judge(jcs(receipt), believed).verdict is Verdict.INCOMPLETE
    change(receipt)
    result = judge(jcs(receipt), believed)
    assert outcome(result, step) is Outcome.FAILED, [f"{c.step} {c.outcome}: {c.detail}" for c in result.checks]


@pytest.mark.parametrize(
    "loosen",
    [
        pytest.param(lambda data: data.replace(b'"v":1', b'"v": 1'), id="a blank"),
        pytest.param(lambda data: data.replace(b'"v":1', b'"v":1.0'), id="a fraction"),
        pytest.param(lambda data: data.replace(b'"v":1', b'"v":1e0'), id="an exponent"),
        pytest.param(lambda data: data.replace(b'{"certs":[]', b'{"certs":[],"certs":[]'), id="a name twice"),
        pytest.param(lambda data: data.replace(b"EL-", b"\\u0045L-"), id="an escape that is not needed"),
        pytest.param(lambda data: data + b"\n", id="a line feed"),
        pytest.param(lambda data: data[:-1], id="the end missing"),
        pytest.param(lambda data: data + data, id="a second value"),
    ],
)
def test_receipts_that_are_not_canonical(
    authority: Authority, believed: Trust, loosen: Callable[[bytes], bytes]
) -> None:
    refuse(loosen(honest(authority).receipt()), believed, 1)


def test_the_case_is_named_as_it_stands(authority: Authority, believed: Trust) -> None:
    assert accept(whole_case(authority).bundle(), believed).case == CHAIN
