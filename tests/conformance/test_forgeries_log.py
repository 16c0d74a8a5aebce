"""Attacks on inclusion, on the log's two signatures, on policies, retired keys and witnesses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.forge import Authority, Forgery, accept, honest, judge, outcome, refuse, stamped, trust
from tests.verifier.log_forge import (
    ED25519,
    ML_DSA,
    ORIGIN,
    RETIRED_ED25519,
    RETIRED_ML_DSA,
    STRANGER,
    WITNESS,
    WITNESS_ML_DSA,
    ForgedLog,
    Signer,
    anchored_fields,
    b64,
    consistency,
    number,
    path,
    tree,
)
from verifier.check import Outcome
from verifier.trust import BadTrust, Trust
from verifier.verify import Verdict

BOTH = (ED25519, ML_DSA)
OTHER_LOG = Signer("other.test/log", 1, 11), Signer("other.test/log", 6, 12)
SECOND_ED25519 = Signer(ORIGIN, 1, 13)
WITNESSES = [Signer(f"witness.test/{place}", kind, 20 + place) for place, kind in enumerate((4, 6, 4, 6))]


def subject_of(members: dict[str, bytes]) -> str:
    """The folder of the anchored subject: the highest entry."""
    folders = {name.split("/")[1] for name in members if name.startswith("entries/")}
    return f"entries/{max(folders, key=int)}"


def with_lines(forged: Forgery, *signers: Signer, more: bytes = b"") -> bytes:
    """The bundle with another set of signature lines under the same text."""
    text = forged.log.text()
    forged.checkpoint = text + b"\n" + b"".join(signer.line(text) for signer in signers) + more
    return forged.bundle()


def test_another_leaf_of_the_same_log(authority: Authority, believed: Trust) -> None:
    """Everything genuine, but the proof is that of the neighbour."""
    forged = honest(authority)
    folder = f"entries/{forged.entries[0].index}"
    neighbour = forged.log.proof(1, forged.log.checkpoint())
    refuse(forged.bundle(lambda m: m.update({f"{folder}/proof.tlog-proof": neighbour})), believed, 5)


@pytest.mark.parametrize("index", [0, 1, 2, 4, 2**63, -1])
def test_the_right_path_at_another_index(authority: Authority, believed: Trust, index: int) -> None:
    forged = honest(authority)
    right = b"index %d\n" % forged.entries[0].index

    def change(members: dict[str, bytes]) -> None:
        name = f"{subject_of(members)}/proof.tlog-proof"
        members[name] = members[name].replace(right, b"index %d\n" % index)

    refuse(forged.bundle(change), believed, 5)


def renamed(members: dict[str, bytes], index: int) -> None:
    folder = subject_of(members)
    for name in [name for name in members if name.startswith(f"{folder}/")]:
        members[name.replace(folder, f"entries/{index}")] = members.pop(name)


def test_an_entry_under_another_index(authority: Authority, believed: Trust) -> None:
    """Folder, index line and number all say 7: the path still leads elsewhere."""
    forged = honest(authority)
    forged.about, forged.more = {"number": number(7)}, {"evidence/7.jpeg": b"the evidence"}

    def change(members: dict[str, bytes]) -> None:
        renamed(members, 7)
        proof = members["entries/7/proof.tlog-proof"]
        members["entries/7/proof.tlog-proof"] = proof.replace(b"index 3\n", b"index 7\n")

    refuse(forged.bundle(change), believed, 5)


def test_a_leaf_of_another_log_of_the_same_keys(authority: Authority, believed: Trust) -> None:
    """The operator's second log has the same origin and keys; its leaf is not in this one's tree."""
    second = ForgedLog()
    second.append("case.opened", fields={"case.title": "K"})
    second.append("case.opened", "c" * 32, fields={"case.title": "L"})
    stolen = second.append("evidence.anchored", fields=anchored_fields(b"forged"))
    forged = honest(authority)
    forged.more = {"evidence/3.jpeg": b"forged"}
    forged.entries[0] = stolen
    refuse(forged.bundle(), believed, 5)


def test_two_checkpoints_in_one_bundle(authority: Authority, believed: Trust) -> None:
    """Both genuine and signed; which of them would the timestamps lean on?"""
    forged = honest(authority)
    again = forged.log.checkpoint(signers=(ML_DSA, ED25519))
    recording = f"entries/{forged.entries[1].index}/proof.tlog-proof"
    refuse(forged.bundle(lambda m: m.update({recording: forged.log.proof(2, again)})), believed, 5)


@pytest.mark.parametrize("hashes", [lambda p: p[:-1], lambda p: [*p, bytes(32)], lambda p: p[::-1], lambda _: []])
def test_paths_too_short_too_long_turned(
    authority: Authority, believed: Trust, hashes: Callable[[list[bytes]], list[bytes]]
) -> None:
    forged = honest(authority)
    log, index = forged.log, forged.entries[0].index
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *map(b64, hashes(path(index, log.hashes)))]
    forged.checkpoint = log.checkpoint()  # one signing for all: signatures of ML-DSA-44 differ at each

    def change(members: dict[str, bytes]) -> None:
        members[f"entries/{index}/proof.tlog-proof"] = "\n".join(lines).encode() + b"\n\n" + (forged.checkpoint or b"")

    refuse(forged.bundle(change), believed, 5)


@pytest.mark.parametrize("extra", [b"extra AAAA\n", b"\n", b"# note\n"])
def test_an_extra_line_that_nobody_signed(authority: Authority, believed: Trust, extra: bytes) -> None:
    forged = honest(authority)

    def change(members: dict[str, bytes]) -> None:
        for name in members:
            if name.endswith("tlog-proof"):
                members[name] = members[name].replace(b"index ", extra + b"index ")

    refuse(forged.bundle(change), believed, 5)


@pytest.mark.parametrize("signers", [(ML_DSA,), (ED25519,), (STRANGER,), (RETIRED_ED25519, RETIRED_ML_DSA)])
def test_a_stripped_signature(authority: Authority, believed: Trust, signers: tuple[Signer, ...]) -> None:
    """Whoever broke one of the two algorithms strips the line of the other."""
    accept(with_lines(honest(authority), *BOTH, STRANGER), believed)
    refuse(with_lines(honest(authority), *signers), believed, 6)


def test_lines_that_do_not_verify(authority: Authority, believed: Trust) -> None:
    forged = honest(authority)
    foreign = ED25519.line(b"other.test\n1\n" + b64(bytes(32)).encode() + b"\n")
    refuse(with_lines(forged, *BOTH, more=foreign), believed, 6)  # a second line of a listed key, and bad
    as_witness = Signer(ORIGIN, 4, 1)  # the same secret key under the type of witnesses is another key
    refuse(with_lines(forged, ML_DSA, as_witness), believed, 6)
    accept(with_lines(forged, ML_DSA, ED25519), believed)  # the order does not matter
    accept(with_lines(forged, *[ED25519] * 50, *[ML_DSA] * 2, *[STRANGER] * 48), believed)
    refuse(with_lines(forged, *[ED25519] * 51, *[ML_DSA] * 2, *[STRANGER] * 48), believed, 6)  # 101 lines
    refuse(with_lines(forged), believed, 6)  # none at all


def test_policies_the_reader_may_have(authority: Authority) -> None:
    """Who believes one algorithm only says so by the policy, and then the other line is not needed."""
    forged = honest(authority)
    accept(with_lines(forged, *BOTH), trust(authority, logs=(ED25519,)))
    accept(with_lines(forged, ED25519), trust(authority, logs=(ED25519,)))
    accept(with_lines(forged, ML_DSA), trust(authority, logs=(ML_DSA,)))
    refuse(with_lines(forged, ED25519), trust(authority, logs=(ML_DSA,)), 6)
    refuse(with_lines(forged, *BOTH), trust(authority, logs=OTHER_LOG), 6)
    refuse(with_lines(forged, *BOTH), trust(authority, logs=()), 6)
    accept(with_lines(forged, *BOTH), trust(authority, logs=(*OTHER_LOG, *BOTH)))
    two_keys = trust(authority, logs=(*BOTH, SECOND_ED25519))
    refuse(with_lines(forged, *BOTH), two_keys, 6)  # every key of a type, not one of them
    accept(with_lines(forged, *BOTH, SECOND_ED25519), two_keys)
    witness_type = Signer(ORIGIN, 4, 14)  # a type that signs no checkpoint is kept and never satisfied
    refuse(with_lines(forged, witness_type), trust(authority, logs=(witness_type,)), 6)


def retired_line(signer: Signer, log: ForgedLog, size: int) -> str:
    return f"{signer.vkey} {size} {b64(tree(log.hashes[:size]))}\n"


def hex_lines(hashes: list[bytes]) -> bytes:
    return b"".join(b"%b\n" % each.hex().encode() for each in hashes)


def test_a_stolen_retired_key(authority: Authority) -> None:
    """A retired key counts for prefixes of the last tree it is believed for, and for nothing else."""
    forged = honest(authority)
    grown = ForgedLog(leaves=[], signers=BOTH)
    grown.leaves = [*forged.log.leaves, b"more", b"leaves"]
    old = with_lines(forged, RETIRED_ED25519, ML_DSA)
    names = {"logs": (ML_DSA, SECOND_ED25519), "retired": retired_line(RETIRED_ED25519, grown, 6)}
    refuse(old, trust(authority, **names), 6)  # no proof brought
    forged.more["retired/6"] = hex_lines(consistency(len(forged.log.leaves), grown.hashes))
    accept(forged.bundle(), trust(authority, **names))
    # the thief's own tree, signed after the theft with the stolen key alone: another root, or beyond the last tree
    elsewhere = {"logs": (ML_DSA, SECOND_ED25519), "retired": retired_line(RETIRED_ED25519, honest(authority).log, 3)}
    forged.more["retired/3"] = b""
    refuse(forged.bundle(), trust(authority, **elsewhere), 6)
    fork = {"logs": (ML_DSA, SECOND_ED25519), "retired": f"{RETIRED_ED25519.vkey} 6 {b64(bytes(32))}\n"}
    refuse(forged.bundle(), trust(authority, **fork), 6)
    # a retired key of one type does not stand in for the other
    swapped = {"logs": (SECOND_ED25519, ML_DSA), "retired": retired_line(RETIRED_ML_DSA, grown, 6)}
    refuse(with_lines(forged, RETIRED_ML_DSA, ML_DSA), trust(authority, **swapped), 6)
    # nobody but retired keys: the types that are retired for the origin are the ones to satisfy
    alone = retired_line(RETIRED_ED25519, grown, 6) + retired_line(RETIRED_ML_DSA, grown, 6)
    accept(with_lines(forged, RETIRED_ED25519, RETIRED_ML_DSA), trust(authority, logs=(), retired=alone))
    refuse(with_lines(forged, RETIRED_ED25519), trust(authority, logs=(), retired=alone), 6)


def test_a_bad_line_of_a_retired_key(authority: Authority) -> None:
    forged = honest(authority)
    brought = trust(authority, retired=retired_line(RETIRED_ED25519, forged.log, len(forged.log.leaves)))
    accept(with_lines(forged, *BOTH), brought)
    bad = RETIRED_ED25519.line(b"x\n1\n" + b64(bytes(32)).encode() + b"\n")
    refuse(with_lines(forged, *BOTH, more=bad), brought, 6)


def witness_policy(*groups: str, quorum: str) -> str:
    lines = [f"witness w{place} {signer.vkey}\n" for place, signer in enumerate(WITNESSES)]
    return "".join([*lines, *(f"group {group}\n" for group in groups), f"quorum {quorum}\n"])


@pytest.mark.parametrize(
    ("groups", "quorum", "signing", "met"),
    [
        ((), "w0", (0,), True),
        ((), "w0", (1, 2, 3), False),
        (("g all w0 w1",), "g", (0,), False),
        (("g all w0 w1",), "g", (0, 1), True),
        (("g 2 w0 w1 w2",), "g", (2, 2, 2), False),
        (("g 2 w0 w1 w2",), "g", (0, 2), True),
        (("a any w0 w1", "b any w2 w3", "c all a b"), "c", (0, 1), False),
        (("a any w0 w1", "b any w2 w3", "c all a b"), "c", (1, 3), True),
    ],
)
def test_quorum_groups(
    authority: Authority, groups: tuple[str, ...], quorum: str, signing: tuple[int, ...], met: bool
) -> None:
    brought = trust(authority, policy=witness_policy(*groups, quorum=quorum))
    data = with_lines(honest(authority), *BOTH, *(WITNESSES[place] for place in signing))
    result = judge(data, brought)
    assert result.verdict is (Verdict.VERIFIED if met else Verdict.INCOMPLETE)
    assert outcome(result, 7) is (Outcome.PASSED if met else Outcome.NOT_CHECKED)
    assert result.independent_witnesses is met


@pytest.mark.parametrize("witness", [WITNESS, WITNESS_ML_DSA])
def test_a_cosignature_moved_from_elsewhere(authority: Authority, witness: Signer) -> None:
    """Of another size, another time, another log, another witness's name: each is bad, none is merely missing."""
    forged = honest(authority)
    brought = trust(authority, policy=f"witness w {witness.vkey}\nquorum w\n")
    text = forged.log.text()
    accept(with_lines(forged, *BOTH, witness), brought)
    for moved in (forged.log.text(2), text.replace(ORIGIN.encode(), b"other.test/log")):
        refuse(with_lines(forged, *BOTH, more=witness.line(moved)), brought, 7)
    later = b64(witness.key_id + (1_800_000_000).to_bytes(8, "big") + witness.signature(text, 1_700_000_000)[8:])
    refuse(with_lines(forged, *BOTH, more=f"— {witness.name} {later}\n".encode()), brought, 7)
    beyond = b64(witness.key_id + (2**63).to_bytes(8, "big") + witness.signature(text, 2**63)[8:])
    refuse(with_lines(forged, *BOTH, more=f"— {witness.name} {beyond}\n".encode()), brought, 7)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(lambda t: t + b"extension\n", id="a fourth line that ML-DSA does not cover"),
        pytest.param(lambda t: t.replace(b"\n4\n", b"\n04\n"), id="a leading zero"),
        pytest.param(lambda t: t.replace(b"\n4\n", b"\n+4\n"), id="a sign"),
        pytest.param(lambda t: t.replace(b"\n4\n", "\n٤\n".encode()), id="a digit of another script"),
        pytest.param(lambda t: t.replace(b"log.test", b"log test"), id="a space in the origin"),
        pytest.param(lambda t: t.replace(b"log.test", b"\xff"), id="an origin that is no utf-8"),
        pytest.param(lambda t: t.replace(b"\n4\n", b"\r\n4\n"), id="a carriage return"),
    ],
)
def test_a_checkpoint_that_is_none(authority: Authority, believed: Trust, text: Callable[[bytes], bytes]) -> None:
    """Signed by the log itself: the operator colludes."""
    forged = honest(authority)
    bad = text(forged.log.text())
    forged.checkpoint = bad + b"\n" + ED25519.line(bad) + ML_DSA.line(forged.log.text())
    refuse(forged.bundle(), believed, 6)


def test_a_fork_signed_by_the_log(authority: Authority, believed: Trust) -> None:
    """The operator stamps one tree, and proves an entry in another: the timestamps and the proofs disagree."""
    forged = honest(authority)
    fork = ForgedLog()
    fork.append("case.opened", fields={"case.title": "K"})
    fork.append("case.opened", "d" * 32, fields={"case.title": "L"})
    fork.append("evidence.anchored", fields=anchored_fields(b"other"))
    token = authority.stamp(fork.text(), "09:20:00")
    for proof in ([], consistency(2, fork.hashes), [bytes(32)]):
        forged.entries, forged.stamps = forged.entries[:1], [stamped(fork, token, 4)]
        forged.stamps[0].proof = proof
        refuse(forged.bundle(), believed, 8)


def test_trust_that_contradicts_itself() -> None:
    for policy in (
        f"log {ED25519.vkey}\nlog {ED25519.vkey}\nquorum none\n",
        f"witness w {WITNESS.vkey}\nwitness w {WITNESS_ML_DSA.vkey}\nquorum w\n",
        f"witness w {WITNESS.vkey}\nwitness v {WITNESS.vkey}\nquorum w\n",
        f"witness w {WITNESS.vkey}\ngroup g 2 w w\nquorum g\n",
        f"witness w {WITNESS.vkey}\ngroup g 1 w\ngroup h 1 w\nquorum h\n",
        "group g any g\nquorum g\n",
        "quorum none\nquorum none\n",
        "quorum w\n",
        "",
    ):
        with pytest.raises(BadTrust):
            trust(logs=(), policy=policy)


@pytest.mark.parametrize("wrong", [number(9), "EL-0000000003-88", "EL-3", "", "EL-0000000003-00", number(3) + "\n"])
def test_numbers_that_name_no_entry(authority: Authority, believed: Trust, wrong: str) -> None:
    forged = honest(authority)
    forged.about = {"number": wrong}
    refuse(forged.bundle(), believed, 5)


def test_a_number_that_names_the_recorded_token(authority: Authority, believed: Trust) -> None:
    forged = honest(authority)
    forged.about = {"number": number(forged.entries[1].index)}
    refuse(forged.bundle(), believed, 1)  # a subject has fields, and nothing admits the evidence to it
