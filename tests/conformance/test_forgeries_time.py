"""Attacks on time: forks, liars below the quorum, the operator's clock dressed up, renewal, tokens of the future."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conformance.forge import (
    Authority,
    Forgery,
    accept,
    evidence_with,
    honest,
    judge,
    outcome,
    record_token,
    refuse,
    stamped,
    started,
    trust,
    trust_files,
    unproven,
    whole_case,
)
from tests.fakes.certificate_maker import CODE_SIGNING, TIME_STAMPING, Identity, make_issuer, make_signer
from tests.fakes.token_maker import make_response
from tests.verifier.log_forge import ForgedEntry, ForgedLog, anchored_fields
from verifier.check import Outcome
from verifier.trust import BadTrust, Trust, parse_trust
from verifier.verify import Verdict

NOT_BEFORE, NOT_AFTER = "2026-11-21T08:59:59.000Z", "2026-11-21T09:20:01.000Z"


def later(forged: Forgery, *tokens: bytes) -> Forgery:
    """Tokens over the log's newest tree."""
    forged.stamps = [stamped(forged.log, each.token, int(each.text.split(b"\n")[1])) for each in forged.stamps]
    forged.stamps += [stamped(forged.log, token, len(forged.log.leaves)) for token in tokens]
    return forged


def test_the_honest_bracket(authority: Authority, believed: Trust) -> None:
    result = accept(honest(authority).bundle(), believed)
    assert (result.not_before, result.not_after) == (NOT_BEFORE, NOT_AFTER)
    assert result.independent_time


def test_the_operators_clock_as_an_independent_authority(authority: Authority) -> None:
    """The embedded development authority's certificate in trust/tsa, or as the operator's: it proves no time."""
    development = Authority("Development", development=True)
    data = honest(development).bundle()
    unproven(judge(data, trust(development)))
    unproven(judge(data, trust(authority, operator=[development])))
    plain = Authority("Plain")  # without the policy it is told apart by the folder alone
    unproven(judge(honest(plain).bundle(), trust(authority, operator=[plain])))
    for hidden in ({"policy": plain.policy}, {}):  # the policy in the certificate alone, or in the token alone
        signer = development if hidden else plain
        faults: dict[str, Any] = hidden or {"policy": development.policy}
        forged = honest(signer)
        forged.stamps = [stamped(forged.log, signer.stamp(forged.log.text(), "09:20:00", **faults), 4)]
        forged.entries = forged.entries[:1]
        unproven(judge(forged.bundle(), trust(signer)))


def test_nobody_believed(authority: Authority) -> None:
    unproven(judge(honest(authority).bundle(), trust(Authority("Another"))))
    result = judge(honest(authority).bundle(), trust())
    assert result.verdict is Verdict.VERIFIED and not result.independent_time  # no authority: time is not required
    assert result.not_after is None


def test_trust_from_the_bundle(authority: Authority) -> None:
    """The operator packs a trust folder that believes itself."""
    forged = honest(authority)
    forged.more |= {f"trust/{name}": data for name, data in trust_files(authority).items()}
    result = judge(forged.bundle(), None)
    unproven(result)
    assert {outcome(result, step) for step in (6, 7, 8)} == {Outcome.NOT_CHECKED}
    assert not result.independent_witnesses and "operator" in result.trust
    assert all("operator's own copy" in c.detail for c in result.checks if c.step in (6, 7, 8))
    unproven(judge(honest(authority).bundle(), None))  # no copy, no trust
    other = trust(Authority("Another"))
    assert judge(forged.bundle(), other).trust == "the reader's trust folder"
    unproven(judge(forged.bundle(), other))  # with trust of one's own, the copy is not read


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"imprint": bytes(32)}, id="an imprint of something else"),
        pytest.param({"imprint_algorithm": "sha512"}, id="another digest than SHA-256"),
        pytest.param({"status": 2}, id="a refusal with a token in it"),
        pytest.param({"signing_key": make_issuer("thief").key}, id="somebody else's signature"),
        pytest.param({"attributes": {"message_digest": bytes(32)}}, id="attributes of another content"),
        pytest.param({"attributes": {"without": "message_digest"}}, id="no message digest"),
        pytest.param({"attributes": {"content_type": "data"}}, id="another content type"),
        pytest.param({"attributes": {"ess_certificate": make_issuer("other").certificate}}, id="another's certificate"),
        pytest.param({"version": 2}, id="another TSTInfo"),
    ],
)
def test_a_bad_token_fails_even_beside_good_ones(authority: Authority, believed: Trust, faults: dict[str, Any]) -> None:
    forged = honest(authority)
    later(forged, authority.stamp(forged.log.text(), "09:21:00", **faults))
    refuse(forged.bundle(), believed, 8)


@pytest.mark.parametrize("change", [lambda t: t + b"\0", lambda t: t[:-1], lambda _: b"", lambda t: b"\x30\x80" + t])
def test_bytes_around_a_token(authority: Authority, believed: Trust, change: Any) -> None:
    forged = honest(authority)
    forged.stamps[-1].token = change(forged.stamps[-1].token)
    refuse(forged.bundle(), believed, 8)


def test_a_token_over_something_else(authority: Authority, believed: Trust) -> None:
    forged = honest(authority)
    text = forged.log.text()
    for other in (
        text.replace(b"log.test", b"log.tesT"),  # another origin
        ForgedLog(leaves=[]).text(0),  # an empty tree, which everything contains
        text + b"more\n",
        text[:-1],
        b"",
    ):
        forged.stamps[-1].token, forged.stamps[-1].text = authority.stamp(other, "09:20:00"), other
        forged.stamps[-1].proof = []
        refuse(forged.bundle(), believed, 8)


@pytest.mark.parametrize(
    "signer",
    [
        pytest.param({"purposes": (TIME_STAMPING, CODE_SIGNING)}, id="a key for more than time"),
        pytest.param({"purposes": (CODE_SIGNING,)}, id="a key for code"),
        pytest.param({"purposes": ()}, id="a key for nothing"),
        pytest.param({"critical": False}, id="a purpose that is not critical"),
        pytest.param({"kind": "rsa1024"}, id="a short key"),
        pytest.param({"kind": "p224"}, id="a small curve"),
        pytest.param({"signs": False}, id="a key that may not sign"),
        pytest.param({"begins": datetime(2026, 11, 22, tzinfo=UTC)}, id="a certificate not valid yet"),
        pytest.param({"ends": datetime(2026, 11, 20, tzinfo=UTC)}, id="a certificate that had ended"),
    ],
)
def test_the_believed_root_certified_something_unfit(
    authority: Authority, believed: Trust, signer: dict[str, Any]
) -> None:
    forged = honest(authority)
    unfit = make_signer(authority.root, **signer)
    token = make_response(unfit, forged.log.text(), gen_time="20261121092000Z", accuracy={"seconds": 1})
    forged.entries, forged.stamps = forged.entries[:1], [stamped(forged.log, token, len(forged.log.leaves))]
    unproven(judge(forged.bundle(), believed))


def test_a_signer_that_certifies_itself_an_authority(authority: Authority, believed: Trust) -> None:
    """Intermediates in the bundle are believed for nothing: a signer is no issuer, a look-alike root is no anchor."""
    forged = honest(authority)
    impostors = [
        make_signer(Identity(authority.signer.certificate, authority.signer.key)),  # issued by a mere signer
        make_signer(make_issuer("Independent authority root")),  # issued by a root of the same name
    ]
    for impostor in impostors:
        token = make_response(impostor, forged.log.text(), gen_time="20261121092000Z", accuracy={"seconds": 1})
        stamps = [stamped(forged.log, token, len(forged.log.leaves))]
        more = {**forged.more, "certs/0.pem": authority.signer.pem, "certs/1.pem": authority.root.pem}
        unproven(judge(Forgery(forged.log, forged.entries[:1], forged.about, stamps, more).bundle(), believed))


@pytest.mark.parametrize(("clock", "counts"), [("12:04:59", True), ("12:05:01", False)])
def test_a_token_from_the_future(authority: Authority, believed: Trust, clock: str, counts: bool) -> None:
    forged = honest(authority)
    forged.entries = forged.entries[:1]
    forged.stamps = [stamped(forged.log, authority.stamp(forged.log.text(), clock), len(forged.log.leaves))]
    result = judge(forged.bundle(), believed)
    if counts:
        assert result.not_after == "2026-11-21T12:05:00.000Z"
    else:
        unproven(result)


def test_liars_below_the_quorum_only_widen() -> None:
    """Three authorities, quorum two. One lies at will, in either direction: the bracket never leaves what two say."""
    honest_one, honest_two, liar = (Authority(name) for name in ("One", "Two", "Liar"))
    brought = trust(honest_one, honest_two, liar, quorum=2)
    for before, after in (("08:00:00", "09:20:00"), ("09:14:59", "09:15:01"), ("11:00:00", "07:00:00")):
        log = started()
        text = log.text()
        tokens = [honest_one.stamp(text, "08:58:00"), honest_two.stamp(text, "09:00:00"), liar.stamp(text, before)]
        forged = evidence_with(tokens, log)
        whole = log.text()
        later(
            forged, honest_one.stamp(whole, "09:20:00"), honest_two.stamp(whole, "09:22:00"), liar.stamp(whole, after)
        )
        result = accept(forged.bundle(), brought)
        assert result.not_before is not None and result.not_after is not None
        assert result.not_before <= "2026-11-21T08:59:59.000Z" < "2026-11-21T09:20:01.000Z" <= result.not_after
        assert result.not_before >= "2026-11-21T08:57:59.000Z" and result.not_after <= "2026-11-21T09:22:01.000Z"
        if before == "11:00:00":
            assert any("excludes" in text for text in result.contradictions)


def test_one_authority_is_no_quorum_however_many_tokens() -> None:
    one, two = Authority("One"), Authority("Two")
    forged = honest(one)
    later(forged, *(one.stamp(forged.log.text(), f"09:2{place}:00") for place in range(5)))
    unproven(judge(forged.bundle(), trust(one, two)))
    assert accept(forged.bundle(), trust(one, two, quorum=1)).independent_time


def test_one_root_under_two_names(authority: Authority) -> None:
    """The same authority twice would be its own quorum."""
    with pytest.raises(BadTrust):
        trust(authority, authority)
    second = make_signer(authority.root, common_name="second")

    files = trust_files(authority) | {"tsa/second.pem": second.pem, "tsa/quorum": b"1\n"}
    forged = honest(authority)
    token = make_response(second, forged.log.text(), gen_time="20261121092000Z", accuracy={"seconds": 1})
    forged.entries, forged.stamps = forged.entries[:1], [stamped(forged.log, token, len(forged.log.leaves))]
    unproven(judge(forged.bundle(), parse_trust(files)))  # it leads to two authorities, so to none


def test_not_before_later_than_not_after(authority: Authority, believed: Trust) -> None:
    log = started()
    forged = evidence_with([authority.stamp(log.text(), "11:00:00")], log)
    later(forged, authority.stamp(log.text(), "09:20:00"))
    refuse(forged.bundle(), believed, 8)


def test_a_recorded_token_that_is_not_proven(authority: Authority, believed: Trust) -> None:
    """Not before needs the recording entry in the log, before the evidence, and with this very token."""
    log = started()
    token = authority.stamp(log.text(), "09:00:00")
    forged = evidence_with([], log)
    text = log.text(2)
    after = record_token(log, token, text)  # recorded after the evidence
    forged.entries.append(after)
    forged.stamps = [stamped(log, token, 2), stamped(log, authority.stamp(log.text(), "09:20:00"), len(log.leaves))]
    assert accept(forged.bundle(), believed).not_before is None

    other = honest(authority)
    another = authority.stamp(other.log.text(2), "09:00:00")  # as good as the recorded one, and not recorded
    other.stamps[0].token = another
    refuse(other.bundle(), believed, 1)  # nothing admits the entry that records something else
    other.entries = other.entries[:1]
    assert accept(other.bundle(), believed).not_before is None

    forged = honest(authority)
    forged.entries[1] = ForgedEntry(0, forged.entries[1].leaf)
    refuse(forged.bundle(), believed, 5)  # in entry 0's place
    case_chain = ForgedLog()
    subject = case_chain.append("evidence.anchored", fields=anchored_fields(b"x"))
    record_token(case_chain, token, text, chain="e" * 32)
    assert subject.index < len(case_chain.leaves) - 1


def test_claimed_times_are_contradicted_and_change_nothing(authority: Authority, believed: Trust) -> None:
    for claimed, contradicted in (
        ("2026-11-21T08:59:54.001Z", False),
        ("2026-11-21T08:59:53.999Z", True),
        ("2026-11-21T09:20:06.000Z", False),
        ("2026-11-21T09:20:06.001Z", True),
    ):
        log = started()
        forged = evidence_with([authority.stamp(log.text(), "09:00:00")], log)
        log.leaves.pop()
        log._seq["0123456789abcdef" * 2] -= 1
        log._last["0123456789abcdef" * 2] = log.leaves[1]
        forged.entries[0] = log.append("evidence.anchored", time=claimed, fields=anchored_fields(b"x"))
        later(forged, authority.stamp(log.text(), "09:20:00"))
        assert bool(accept(forged.bundle(), believed).contradictions) is contradicted


def test_a_case_needs_every_entry_covered(authority: Authority, believed: Trust) -> None:
    forged = whole_case(authority)
    forged.log.append("case.opened", "a" * 32, leaf={}, fields={"case.title": "later"})
    last = forged.log.append("metadata.demanded", fields={"demand.grounds": "late"})
    forged.entries.append(last)
    size = last.index  # stamped before the last one
    token = authority.stamp(forged.log.text(size), "09:20:00")
    forged.stamps = [stamped(forged.log, token, size)]
    result = judge(forged.bundle(), believed)
    assert result.verdict is Verdict.INCOMPLETE and not result.independent_time
    assert [entry.not_after for entry in result.entries][-1] is None


def test_sixty_four_timestamps_and_no_more(authority: Authority, believed: Trust) -> None:
    forged = honest(authority)
    later(forged, *[authority.stamp(forged.log.text(), "09:30:00")] * 62)
    accept(forged.bundle(), believed)
    forged.stamps.append(forged.stamps[-1])
    refuse(forged.bundle(), believed, 1)
