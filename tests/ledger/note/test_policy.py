"""Policies: the whole grammar of C2SP tlog-policy, and quorums that nobody meets alone."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LimitError, MalformedError
from ledger.note.keys import ED25519, ED25519_COSIGNATURE, MLDSA44, PUBLIC_SIZES, VerifierKey, format_vkey
from ledger.note.policy import (
    POLICY_MAX,
    Policy,
    PolicyGroup,
    PolicyLog,
    PolicyWitness,
    format_policy,
    parse_policy,
)


def vkey(number: int, key_type: int = ED25519_COSIGNATURE, name: str = "w.example") -> VerifierKey:
    """A verifier key whose public bytes are only a number: a policy verifies nothing."""
    return VerifierKey.of(name, key_type, number.to_bytes(PUBLIC_SIZES[key_type], "big"))


def spelled(number: int, key_type: int = ED25519_COSIGNATURE) -> str:
    return format_vkey(vkey(number, key_type))


LOG = f"log {spelled(0, ED25519)}\n"
X1, X2, X3, Y1, Y2 = (
    f"witness {name} {spelled(n)}\n" for n, name in enumerate(("X1", "X2", "X3", "Y1", "Y2"), start=1)
)
SPECIFIED = (
    LOG
    + X1
    + X2
    + X3
    + "group X-witnesses 2 X1 X2 X3\n\n"
    + Y1
    + Y2
    + "group Y-witnesses any Y1 Y2\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
)


def test_the_two_level_example_of_the_specification() -> None:
    policy = parse_policy(SPECIFIED.encode())
    assert [group.threshold for group in policy.groups] == [2, 1, 2]
    names = {"X1", "X2", "X3", "Y1", "Y2"}
    for count in range(6):
        for chosen in combinations(sorted(names), count):
            xs, ys = (sum(name.startswith(letter) for name in chosen) for letter in "XY")
            assert policy.quorum_met(set(chosen)) == (xs >= 2 and ys >= 1), chosen
    # Only witnesses cosign: the name of a group, or of nobody, counts nothing.
    assert not policy.quorum_met({"X-and-Y", "X-witnesses", "Y-witnesses", "none", ""})
    assert parse_policy(format_policy(policy)) == policy


def test_none_asks_for_nothing_and_a_witness_for_itself() -> None:
    nothing = parse_policy(b"quorum none\n")
    assert nothing == Policy()
    assert nothing.quorum_met(set())
    alone = parse_policy((X1 + X2 + "quorum X1\n").encode())
    assert [alone.quorum_met(names) for names in (set(), {"X1"}, {"X2"}, {"X1", "X2"})] == [False, True, False, True]


def test_blanks_comments_urls_and_order() -> None:
    text = (
        "# a comment\n\n \t \n\t# another\nquorum\tnone \n"
        f"  witness   ж\t{spelled(1, MLDSA44)}  https://w.example/ \t\n"
        f"log {spelled(2, MLDSA44)} https://log.example/\n"
    )
    policy = parse_policy(text.encode())
    assert policy.witnesses == (PolicyWitness("ж", vkey(1, MLDSA44), "https://w.example/"),)
    assert policy.logs == (PolicyLog(vkey(2, MLDSA44), "https://log.example/"),)
    assert policy.log_keys("w.example") == (vkey(2, MLDSA44),)
    assert policy.log_keys("other.example") == ()
    assert parse_policy(format_policy(policy)) == policy


def test_names_are_opaque_octets() -> None:
    kelvin, letter, junk = "\u212a".encode(), b"K", b"\xff\xfe"
    text = b"".join(b"witness %b %b\n" % (name, spelled(n).encode()) for n, name in enumerate((kelvin, letter, junk)))
    policy = parse_policy(text + b"group all 3 K \xff\xfe \xe2\x84\xaa\nquorum all\n")
    assert len({witness.name for witness in policy.witnesses}) == 3
    assert not policy.quorum_met({"K"})
    assert policy.quorum_met({witness.name for witness in policy.witnesses})
    again = format_policy(policy)
    assert parse_policy(again) == policy
    for name in (kelvin, letter, junk):
        assert b"witness " + name + b" " in again


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None), ("# nothing\n", None), (LOG, None), ("quorum none\nquorum none\n", 2), ("quorum\n", 1),
        ("quorum none none\n", 1),
        ("quorum X1\n" + X1, 1), ("quorum nobody\n", 1), ("Quorum none\n", 1), ("surprise\nquorum none\n", 1),
        ("log\nquorum none\n", 1),
        ("log junk\nquorum none\n", 1), (LOG[:-1] + " url more\nquorum none\n", 1), (LOG + LOG + "quorum none\n", None),
        (X1 + X1 + "quorum none\n", 2), (X1 + X2.replace("X2", "X1") + "quorum none\n", 2),
        (X1.replace("X1", "none") + "quorum none\n", 1), (X1 + X1.replace("X1", "X9") + "quorum none\n", None),
        (f"witness W {spelled(1, ED25519)}\nquorum none\n", None), (f"log {spelled(1)}\nquorum none\n", None),
        ("witness W\nquorum none\n", 1), (X1[:-1] + " url more\nquorum none\n", 1),
        (X1 + "group g any\nquorum g\n", 2), (X1 + "group g\nquorum g\n", 2), (X1 + "group g some X1\nquorum g\n", 2),
        (X1 + "group g 0 X1\nquorum g\n", 2), (X1 + "group g 2 X1\nquorum g\n", None),
        (X1 + "group g 01 X1\nquorum g\n", 2),
        (X1 + "group g +1 X1\nquorum g\n", 2), (X1 + "group g -1 X1\nquorum g\n", 2),
        (X1 + "group g 1.0 X1\nquorum g\n", 2),
        (X1 + "group g 9999999 X1\nquorum g\n", 2), (X1 + "group g all X1 X1\nquorum g\n", None),
        (X1 + "group g any g\nquorum g\n", 2), ("group g any X1\n" + X1 + "quorum g\n", 1),
        (X1 + "group X1 any X1\nquorum X1\n", 2),
        (X1 + "group none any X1\nquorum none\n", 2), (X1 + "group g any none\nquorum g\n", 2),
        (X1 + "group g any X1\ngroup h any X1\nquorum h\n", None),
        (X1 + "group g any X1\ngroup g any X1\nquorum g\n", 3),
        ("quorum none", None), ("quorum none\r\n", None), ("quorum none\n\x00\n", None), ("quorum\x0bnone\n",
        None), ("quorum none\n\x7f\n", None),
    ],
)  # fmt: skip
def test_other_policies_are_refused_and_the_line_is_named(text: str, line: int | None) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_policy(text.encode())
    assert caught.value.where == (None if line is None else f"policy line {line}")


def test_a_nested_witness_counts_once() -> None:
    # The rule that a name stands in one group only: otherwise X1 alone would meet "2 of g, h".
    with pytest.raises(MalformedError):
        Policy(
            (),
            (PolicyWitness("X1", vkey(1)), PolicyWitness("X2", vkey(2))),
            (PolicyGroup("g", 1, ("X1",)), PolicyGroup("h", 1, ("X1", "X2")), PolicyGroup("q", 2, ("g", "h"))),
            "q",
        )


def test_one_key_under_two_names_or_types_is_one_witness() -> None:
    same = vkey(1, name="a.example"), vkey(1, name="b.example")
    with pytest.raises(MalformedError):
        Policy((), (PolicyWitness("A", same[0]), PolicyWitness("B", same[1])))
    with pytest.raises(MalformedError):
        Policy((PolicyLog(vkey(1, ED25519, "a.example")), PolicyLog(vkey(1, ED25519, "b.example"))))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Policy(quorum="nobody"),
        lambda: Policy((), (PolicyWitness("a b", vkey(1)),)),
        lambda: Policy((), (PolicyWitness("", vkey(1)),)),
        lambda: Policy((), (PolicyWitness("none", vkey(1)),)),
        lambda: Policy((), (PolicyWitness("a", vkey(1), "two words"),)),
        lambda: Policy((PolicyLog(vkey(1, ED25519), ""),)),
        lambda: Policy((), (), (PolicyGroup("g", 0, ()),), "g"),
    ],
)
def test_a_policy_that_no_file_could_hold_is_not_built(make: object) -> None:
    assert callable(make)
    with pytest.raises(MalformedError):
        make()


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    words = st.text(
        st.characters(min_codepoint=0x21, exclude_characters="\x7f", exclude_categories=["Cs"]), min_size=1, max_size=6
    )
    names = draw(st.lists(words.filter(lambda name: name != "none"), unique=True, max_size=9))
    count = draw(st.integers(0, len(names)))
    urls = st.none() | words
    witnesses = tuple(PolicyWitness(name, vkey(n), draw(urls)) for n, name in enumerate(names[:count]))
    free = names[:count]
    groups = []
    for name in names[count:]:
        if free:
            members = tuple(draw(st.lists(st.sampled_from(free), unique=True, min_size=1)))
            groups.append(PolicyGroup(name, draw(st.integers(1, len(members))), members))
            free = [*(each for each in free if each not in members), name]
    logs = tuple(PolicyLog(vkey(n, ED25519), draw(urls)) for n in range(draw(st.integers(0, 3))))
    defined = [*names[:count], *(group.name for group in groups)]
    return Policy(logs, witnesses, tuple(groups), draw(st.sampled_from(["none", *defined])))


@given(policies())
def test_policies_round_trip(policy: Policy) -> None:
    assert parse_policy(format_policy(policy)) == policy


@given(policies(), st.data())
def test_more_witnesses_never_meet_less(policy: Policy, data: st.DataObject) -> None:
    names = [witness.name for witness in policy.witnesses]
    fewer = set(data.draw(st.lists(st.sampled_from(names)))) if names else set()
    assert policy.quorum_met(set(names))
    assert policy.quorum_met(set()) == (policy.quorum == "none")
    if policy.quorum_met(fewer):
        assert policy.quorum_met({*fewer, *names[:1]})


def test_32_of_each_line_fit_and_a_mebibyte_is_the_end() -> None:
    logs = tuple(PolicyLog(vkey(n, MLDSA44)) for n in range(32))
    witnesses = tuple(PolicyWitness(f"w{n}", vkey(n, MLDSA44)) for n in range(32))
    groups = tuple(PolicyGroup(f"g{n}", 1, (f"w{n}",)) for n in range(32))
    policy = Policy(logs, witnesses, groups, "g31")
    assert parse_policy(format_policy(policy)) == policy
    with pytest.raises(LimitError):
        parse_policy(b"#" * POLICY_MAX + b"\nquorum none\n")


def test_the_policies_of_the_vectors(vectors: Path) -> None:
    files = sorted((vectors / "bundles").glob("trust*/policy"))
    assert len(files) >= 5
    for file in files:
        data = file.read_bytes()
        policy = parse_policy(data)
        assert parse_policy(format_policy(policy)) == policy
        assert {log.vkey.type for log in policy.logs} == {ED25519, MLDSA44}
    witnessed = parse_policy((vectors / "bundles" / "trust-witness" / "policy").read_bytes())
    assert [witnessed.quorum_met(names) for names in ({"w0"}, {"w1"}, {"w0", "w1"})] == [False, False, True]
