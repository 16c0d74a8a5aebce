"""What a token must be to be believed, fault by fault. FORMATS §8 and RFC 3161."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from asn1crypto import cms, core, tsp
from hypothesis import given
from hypothesis import strategies as st

from ledger.attest import second_opinion
from ledger.attest.rfc3161_token import MAX_RESPONSE_BYTES, TimestampInfo, check_response, parse_response
from ledger.attest.signer_path import check_path
from ledger.errors import ConfigError, LedgerError, MalformedError, SignatureError, UnavailableError
from tests.fakes.certificate_maker import CODE_SIGNING, TIME_STAMPING, Identity, make_issuer, make_signer, new_key
from tests.fakes.token_maker import POLICY, make_refusal, make_response

DATA = b"log.example\n7\nAAAA\n"
NONCE = 0x1234_5678_9ABC_DEF0
GEN_TIME_MS = 1_795_252_502_123
ROOT = make_issuer("Root")
INTERMEDIATE = make_issuer("Intermediate", ROOT)
SIGNER = make_signer(ROOT)
DEEP_SIGNER = make_signer(INTERMEDIATE)
STRANGER_ROOT = make_issuer("Stranger's root")
STRANGER = make_signer(STRANGER_ROOT, common_name="Stranger")


def check(response: bytes, *anchors: Identity, nonce: int | None = None, policy: str | None = None) -> TimestampInfo:
    return check_response(response, DATA, nonce, policy, [each.certificate for each in anchors or (ROOT,)])


def changed(response: bytes, change: Callable[[Any], None]) -> bytes:
    """Change the SignedData of a finished response; nothing is signed again."""
    parsed = tsp.TimeStampResp.load(response).copy()
    change(parsed["time_stamp_token"]["content"])
    return bytes(parsed.dump(force=True))


# --- what is taken ---


def test_a_sound_token_says_what_it_says() -> None:
    info = check(make_response(SIGNER, DATA, nonce=NONCE), nonce=NONCE, policy=POLICY)
    assert info.gen_time_ms == GEN_TIME_MS
    assert info.gen_time == datetime(2026, 11, 21, 9, 15, 2, tzinfo=UTC)
    assert (info.policy, info.serial, info.nonce) == (POLICY, 4711, NONCE)
    assert (info.imprint_algorithm, info.imprint) == ("sha256", hashlib.sha256(DATA).digest())
    assert info.signer == SIGNER.certificate
    assert info.signer_ends_ms == int(SIGNER.certificate.not_valid_after_utc.timestamp() * 1000)


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048", "ed25519"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_each_key_and_digest_that_counts_is_taken(kind: str, digest: str) -> None:
    signer = make_signer(ROOT, kind=kind)
    sound = make_response(signer, DATA, digest=digest, attributes={"ess_algorithm": digest})
    check(sound)
    with pytest.raises(SignatureError, match="signature"):
        check(make_response(signer, DATA, digest=digest, signing_key=new_key(kind, 1)))


def test_status_1_is_taken_and_2_is_not() -> None:
    check(make_response(SIGNER, DATA, status=1))
    for status in range(2, 6):
        with pytest.raises(UnavailableError, match="status"):
            check(make_response(SIGNER, DATA, status=status))


def test_an_anchor_may_be_the_root_an_intermediate_or_the_signer() -> None:
    response = make_response(DEEP_SIGNER, DATA, certificates=[INTERMEDIATE.certificate, DEEP_SIGNER.certificate])
    for anchors in ([ROOT], [INTERMEDIATE], [DEEP_SIGNER], [STRANGER_ROOT, ROOT]):
        check(response, *anchors)
    with pytest.raises(SignatureError, match="path"):
        check(response, STRANGER_ROOT)
    with pytest.raises(ConfigError, match="to trust"):
        check_response(response, DATA, None, None, [])


def test_foreign_certificates_beside_the_signers_change_nothing() -> None:
    check(make_response(SIGNER, DATA, certificates=[STRANGER.certificate, SIGNER.certificate]))


# --- time ---

ACCURACIES = [
    ("20261121091502.123Z", None, 1_000_000, -1000, 1000),
    ("20261121091502.123Z", {"seconds": 1}, 1_000_000, -1000, 1000),
    ("20261121091502.123Z", {"millis": 20}, 20_000, -20, 20),
    ("20261121091502.123Z", {"micros": 1}, 1, -1, 1),
    ("20261121091502.123Z", {"seconds": 2, "millis": 3, "micros": 4}, 2_003_004, -2004, 2004),
    ("20261121091502.123Z", {"seconds": 0}, 0, 0, 0),
    ("20261121091502.123Z", {}, 0, 0, 0),
    ("20261121091502.1234Z", {}, 0, 0, 1),
    ("20261121091502.123000001Z", {}, 0, 0, 1),
    ("20261121091502.1239Z", {"micros": 100}, 100, 0, 1),
    ("20261121091502.1239Z", {"micros": 101}, 101, 0, 2),
]


@pytest.mark.parametrize(("gen_time", "accuracy", "microseconds", "earliest", "latest"), ACCURACIES)
def test_rounding_only_widens_the_bracket(
    gen_time: str, accuracy: dict[str, int] | None, microseconds: int, earliest: int, latest: int
) -> None:
    info = check(make_response(SIGNER, DATA, gen_time=gen_time, accuracy=accuracy))
    assert info.accuracy_us == microseconds
    assert (info.gen_time_ms, info.earliest_ms, info.latest_ms) == (
        GEN_TIME_MS,
        GEN_TIME_MS + earliest,
        GEN_TIME_MS + latest,
    )


@pytest.mark.parametrize(
    "gen_time",
    [
        "20261121091502.120Z",  # RFC 3161: no trailing zeros
        "20261121091502.Z",
        "20261121091502,5Z",
        "202611210915Z",
        "20261121091502",
        "20261121091502+0000",
        "20261121091502.1234567891Z",
        "20261131091502Z",
        "20261121246060Z",
        "20261121091560Z",
        "00001121091502Z",
        "2026112109150²Z".encode().decode("ascii", "ignore") + "Z",
        "",
    ],
)
def test_a_gen_time_in_another_form_is_refused(gen_time: str) -> None:
    with pytest.raises(MalformedError):
        parse_response(make_response(SIGNER, DATA, gen_time=gen_time))


@pytest.mark.parametrize(
    "accuracy", [{"seconds": -1}, {"millis": 0}, {"millis": 1000}, {"micros": 1000}, {"seconds": 1 << 70}]
)
def test_an_accuracy_that_cannot_be_is_refused(accuracy: dict[str, int]) -> None:
    with pytest.raises(MalformedError, match=r"accuracy|years"):
        parse_response(make_response(SIGNER, DATA, accuracy=accuracy))


@given(st.integers(0, 4_000_000_000_000_000), st.integers(0, 5), st.integers(1, 999) | st.none(), st.integers(1, 999))
def test_the_bracket_holds_gen_time_and_is_less_than_two_milliseconds_too_wide(
    micros: int, seconds: int, millis: int | None, small: int
) -> None:
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC)
    fraction = f".{micros % 1_000_000:06d}".rstrip("0").rstrip(".")
    accuracy = {"seconds": seconds, "micros": small} | ({} if millis is None else {"millis": millis})
    info = parse_response(
        make_response(SIGNER, DATA, gen_time=f"{moment:%Y%m%d%H%M%S}{fraction}Z", accuracy=accuracy)
    ).unverified
    assert info.accuracy_us == seconds * 1_000_000 + (millis or 0) * 1000 + small
    assert 0 <= micros - info.accuracy_us - info.earliest_ms * 1000 < 1000
    assert 0 <= info.latest_ms * 1000 - micros - info.accuracy_us < 1000


@pytest.mark.parametrize("gen_time", ["20191231235959Z", "20600101000001Z"])
def test_a_time_outside_the_certificates_is_refused(gen_time: str) -> None:
    with pytest.raises(SignatureError, match="path"):
        check(make_response(SIGNER, DATA, gen_time=gen_time))


@pytest.mark.parametrize("which", ["signer", "intermediate", "root"])
def test_each_certificate_of_the_path_must_be_valid_at_gen_time(which: str) -> None:
    def ends(name: str) -> datetime:
        return datetime(2026 if name == which else 2059, 1, 1, tzinfo=UTC)

    root = make_issuer("R", ends=ends("root"))
    intermediate = make_issuer("I", root, ends=ends("intermediate"))
    signer = make_signer(intermediate, ends=ends("signer"))
    inside = [signer.certificate, intermediate.certificate]
    check(make_response(signer, DATA, certificates=inside, gen_time="20251121091502Z"), root)
    with pytest.raises(SignatureError, match="path"):
        check(make_response(signer, DATA, certificates=inside), root)


# --- whose word it is: one fault each ---

SIGNED_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another imprint": ({"imprint": bytes(32)}, "imprint"),
    "an imprint in SHA-512": ({"imprint_algorithm": "sha512"}, "imprint"),
    "an imprint in SHA-1": ({"imprint_algorithm": "sha1"}, "imprint"),
    "another nonce": ({"nonce": NONCE + 1}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "another policy": ({"policy": "1.2.3"}, "policy"),
    "a stranger's key": ({"signing_key": STRANGER.key}, "signature"),
    "another digest in the signature": (
        {"change": lambda f: f["signer_infos"][0].update(signature_algorithm={"algorithm": "sha512_ecdsa"})},
        "signature",
    ),
    "SHA-1 as digest": ({"digest": "sha1", "signature_digest": "sha256"}, "sha1"),
    "SHA-1 in the signature": ({"signature_digest": "sha1"}, "SHA-2"),
    "an algorithm of another kind of key": (
        {"change": lambda f: f["signer_infos"][0].update(signature_algorithm={"algorithm": "sha256_rsa"})},
        "SHA-2",
    ),
    "a contentType of other content": ({"attributes": {"content_type": "data"}}, "contentType"),
    "a messageDigest of other content": ({"attributes": {"message_digest": bytes(32)}}, "messageDigest"),
    "no contentType": ({"attributes": {"without": "content_type"}}, "content_type"),
    "no messageDigest": ({"attributes": {"without": "message_digest"}}, "message_digest"),
    "messageDigest twice": ({"attributes": {"twice": "message_digest"}}, "once"),
    "ESSCertIDv2 twice": ({"attributes": {"twice": "signing_certificate_v2"}}, "once"),
    "no ESSCertID": ({"attributes": {"ess": None}}, "signing_certificate_v2"),
    "ESSCertID of version 1": ({"attributes": {"ess": "v1"}}, "signing_certificate_v2"),
    "ESSCertIDv2 of a stranger": ({"attributes": {"ess_certificate": STRANGER.certificate}}, "ESSCertIDv2"),
    "ESSCertIDv2 in SHA-1": ({"attributes": {"ess_algorithm": "sha1"}}, "sha1"),
    "ESSCertIDv2 with another serial": ({"attributes": {"ess_serial": 1}}, "serial"),
    "a second digest listed": (
        {"change": lambda f: f.update(digest_algorithms=[{"algorithm": "sha256"}, {"algorithm": "sha512"}])},
        "only digest",
    ),
}


@pytest.mark.parametrize(("fault", "said"), SIGNED_FAULTS.values(), ids=list(SIGNED_FAULTS))
def test_a_token_with_one_fault_is_refused_for_it(fault: dict[str, Any], said: str) -> None:
    sound: dict[str, Any] = {"nonce": NONCE}
    check(make_response(SIGNER, DATA, **sound), nonce=NONCE, policy=POLICY)
    with pytest.raises(SignatureError, match=said):
        check(make_response(SIGNER, DATA, **(sound | fault)), nonce=NONCE, policy=POLICY)


def test_a_stated_serial_that_is_the_signers_is_taken() -> None:
    check(make_response(SIGNER, DATA, attributes={"ess_serial": SIGNER.certificate.serial_number}))


def inside(fields: dict[str, Any]) -> dict[str, Any]:
    """The one SignerInfo of a SignedData to be."""
    only: dict[str, Any] = fields["signer_infos"][0]
    return only


OTHER_KIND = cms.CertificateChoices("other", {"other_cert_format": "1.2.3", "other_cert": core.Null()})
MANY = [cms.CertificateChoices({"certificate": cms.Certificate.load(make_issuer(f"{n}").der)}) for n in range(16)]

SHAPES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no signer": (lambda f: f.update(signer_infos=[]), "exactly one signer"),
    "two signers": (
        lambda f: f["signer_infos"].append(inside(f) | {"signature": b"other"}),
        "exactly one signer",
    ),
    "SignedData of another version": (lambda f: f.update(version="v1"), "SignedData v3"),
    "SignerInfo of another version": (lambda f: inside(f).update(version="v3"), "SignerInfo v1"),
    "content that is no TSTInfo": (lambda f: f["encap_content_info"].update(content_type="data"), "TSTInfo inside"),
    "a signer named by key": (
        lambda f: inside(f).update(sid=cms.SignerIdentifier("subject_key_identifier", bytes(20))),
        "issuer and serial number",
    ),
    "a signer that is not inside": (
        lambda f: inside(f)["sid"]["issuer_and_serial_number"].update(serial_number=1),
        "inside once, got 0",
    ),
    "no certificates": (lambda f: f.pop("certificates"), "1 to 16 certificates"),
    "too many certificates": (lambda f: f["certificates"].extend(MANY), "1 to 16 certificates"),
    "its certificate twice": (lambda f: f["certificates"].append(f["certificates"][0]), "one twice"),
    "a certificate of another kind": (lambda f: f["certificates"].append(OTHER_KIND), "another kind"),
    "content with bytes after it": (
        lambda f: f["encap_content_info"].update(
            content=core.ParsableOctetString(bytes(f["encap_content_info"]["content"]) + b"\x00")
        ),
        "nothing after it",
    ),
    "no signed attributes": (lambda f: inside(f).pop("signed_attrs"), "content_type|signature"),
}


@pytest.mark.parametrize(("change", "said"), SHAPES.values(), ids=list(SHAPES))
def test_another_shape_is_refused(change: Callable[[dict[str, Any]], None], said: str) -> None:
    with pytest.raises((MalformedError, SignatureError), match=said):
        check(make_response(SIGNER, DATA, change=change))


def test_content_of_another_version_or_with_a_critical_extension_is_refused() -> None:
    extension = {"extn_id": "1.2.3", "extn_value": b"\x05\x00"}
    check(make_response(SIGNER, DATA, extensions=[extension | {"critical": False}]))
    with pytest.raises(MalformedError, match="critical"):
        check(make_response(SIGNER, DATA, extensions=[extension | {"critical": True}]))
    with pytest.raises(MalformedError, match="v1"):
        check(make_response(SIGNER, DATA, version=2))


@pytest.mark.parametrize("response", [b"", b"\x05\x00", b"\x30\x00", make_response(SIGNER, DATA) + b"\x00"])
def test_what_is_no_whole_response_is_refused(response: bytes) -> None:
    with pytest.raises(MalformedError):
        check(response)


def test_a_bare_token_and_a_granted_response_without_one_are_refused() -> None:
    response = tsp.TimeStampResp.load(make_response(SIGNER, DATA))
    with pytest.raises(MalformedError):
        check(response["time_stamp_token"].dump())
    with pytest.raises(MalformedError, match="token"):
        check(make_refusal(status=0))
    with pytest.raises(UnavailableError, match=r"bad_request.*'no'"):
        check(make_refusal())


def test_a_refusals_text_cannot_fill_the_log() -> None:
    with pytest.raises(UnavailableError) as caught:
        check(make_refusal(text="\x1b[31m\n" * 4000))
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_a_response_longer_than_a_leaf_can_hold_is_refused() -> None:
    padding = {"extn_id": "1.2.3", "critical": False, "extn_value": bytes(MAX_RESPONSE_BYTES - 2000)}
    check(make_response(SIGNER, DATA, extensions=[padding]))
    longer = padding | {"extn_value": bytes(MAX_RESPONSE_BYTES)}
    with pytest.raises(MalformedError, match="at most"):
        check(make_response(SIGNER, DATA, extensions=[longer]))


# --- certificates ---

SIGNERS: dict[str, tuple[dict[str, Any], str]] = {
    "RSA-1024": ({"kind": "rsa1024"}, "RSA of 2048"),
    "EC of 224 bits": ({"kind": "p224"}, "EC of 256"),
    "a key usage that is not critical": ({"critical": False}, "timeStamping alone|path"),
    "no extended key usage": ({"purposes": ()}, "timeStamping alone"),
    "code signing": ({"purposes": (CODE_SIGNING,)}, "timeStamping alone"),
    "timestamps and code signing": ({"purposes": (TIME_STAMPING, CODE_SIGNING)}, "timeStamping alone"),
    "a key that signs certificates only": ({"signs": False}, "allows signing"),
}


@pytest.mark.parametrize(("fault", "said"), SIGNERS.values(), ids=list(SIGNERS))
def test_a_signer_unfit_for_timestamps_is_refused(fault: dict[str, Any], said: str) -> None:
    """The extended key usage is the hole that rfc3161-client repaired in 1.0.1 and, for the leaf chosen, in 1.0.6."""
    response = make_response(make_signer(ROOT, **fault), DATA)
    with pytest.raises(SignatureError, match=said):
        check(response)


ISSUERS: dict[str, Callable[[], Identity]] = {
    "is no authority": lambda: make_issuer("I", ROOT, authority=False),
    "may not sign certificates": lambda: make_issuer("I", ROOT, may_certify=False),
    "is limited to code signing": lambda: make_issuer("I", ROOT, purposes=(CODE_SIGNING,)),
    "is a timestamp signer itself": lambda: SIGNER,
    "claims the root's name with its own key": lambda: make_issuer("Root"),
}


@pytest.mark.parametrize("make", ISSUERS.values(), ids=list(ISSUERS))
def test_an_issuer_that_may_not_issue_is_refused(make: Callable[[], Identity]) -> None:
    good = make_issuer("I", ROOT, purposes=(TIME_STAMPING,))
    signer = make_signer(good)
    check(make_response(signer, DATA, certificates=[signer.certificate, good.certificate]))
    issuer = make()
    signer = make_signer(issuer)
    with pytest.raises(SignatureError, match="path"):
        check(make_response(signer, DATA, certificates=[signer.certificate, issuer.certificate]))


def test_a_path_without_its_middle_is_refused() -> None:
    with pytest.raises(SignatureError, match="path"):
        check(make_response(DEEP_SIGNER, DATA))


# --- the holes that rfc3161-client repaired ---


def test_an_honest_token_of_another_authority_is_refused() -> None:
    """Repaired in 1.0.3: the path was checked, but not that the token was signed by what the path led to."""
    response = make_response(STRANGER, DATA)
    check(response, STRANGER_ROOT)
    with pytest.raises(SignatureError, match="path"):
        check(response, ROOT)
    both = make_response(STRANGER, DATA, certificates=[SIGNER.certificate, STRANGER.certificate])
    with pytest.raises(SignatureError, match="path"):
        check(both, ROOT)


def test_an_honest_token_cannot_be_renamed_to_another_authority() -> None:
    """Repaired in 1.0.6: certificates put around a token made another authority its signer."""
    twin = make_signer(ROOT, common_name="Stranger", serial=STRANGER.certificate.serial_number)
    own = cms.Certificate.load(twin.der)

    def rename(signed_data: Any) -> None:
        signed_data["certificates"] = [cms.CertificateChoices({"certificate": own})]
        signed_data["signer_infos"][0]["sid"] = {
            "issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}
        }

    with pytest.raises(SignatureError, match="ESSCertIDv2"):
        check(changed(make_response(STRANGER, DATA), rename), ROOT)


def test_a_certificate_with_the_signers_name_and_serial_makes_the_signer_unclear() -> None:
    twin_root = make_issuer("Root")
    twin = make_signer(twin_root, serial=SIGNER.certificate.serial_number)
    with pytest.raises(MalformedError, match="once"):
        check(make_response(SIGNER, DATA, certificates=[twin.certificate, SIGNER.certificate]))


def test_a_token_signed_by_nobody_is_refused_by_rfc3161_client_too() -> None:
    response = make_response(SIGNER, DATA)
    second_opinion.ask(response, DATA, SIGNER.certificate, [ROOT.certificate])
    wrong = make_response(SIGNER, DATA, signing_key=STRANGER.key)
    for bad, data, signer, anchor in (
        (wrong, DATA, SIGNER, ROOT),
        (response, b"other data", SIGNER, ROOT),
        (response, DATA, STRANGER, ROOT),
        (response, DATA, SIGNER, STRANGER_ROOT),
    ):
        with pytest.raises(SignatureError, match="rfc3161-client"):
            second_opinion.ask(bad, data, signer.certificate, [anchor.certificate])


def test_a_second_opinion_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own check passes; were rfc3161-client not asked, this token on other data would be taken."""
    asked = second_opinion.ask
    monkeypatch.setattr(
        second_opinion, "ask", lambda der, _, signer, anchors: asked(der, b"other data", signer, anchors)
    )
    with pytest.raises(SignatureError, match="rfc3161-client"):
        check(make_response(SIGNER, DATA))


def test_a_path_is_not_searched_for_ever() -> None:
    issuers = [ROOT]
    for depth in range(9):
        issuers.append(make_issuer(f"I{depth}", issuers[-1]))
    signer = make_signer(issuers[-1])
    others = [each.certificate for each in issuers[1:]]
    with pytest.raises(SignatureError, match="path"):
        check_path(signer.certificate, others, [ROOT.certificate], datetime(2026, 1, 1, tzinfo=UTC))


# --- bytes ---


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_byte_flipped_is_noticed(flip: int) -> None:
    sound = make_response(SIGNER, DATA, nonce=NONCE, accuracy={"seconds": 1})
    check(sound, nonce=NONCE)
    unnoticed = []
    for position in range(len(sound)):
        bent = sound[:position] + bytes([sound[position] ^ flip]) + sound[position + 1 :]
        try:
            check(bent, nonce=NONCE)
            unnoticed.append(position)
        except LedgerError:
            continue
    # The status' last byte: 0 and 1 both mean granted, and no signature covers it.
    status = [len(sound) - len(tsp.TimeStampResp.load(sound)["time_stamp_token"].dump()) - 1]
    assert unnoticed == (status if flip == 0x01 else [])


SOUND = make_response(SIGNER, DATA, nonce=NONCE)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(st.data())
def test_no_bytes_raise_anything_but_our_errors(data: st.DataObject) -> None:
    sound = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(sound) - 1))
        sound[position] = data.draw(st.integers(0, 255))
    try:
        info = check(bytes(sound))
    except LedgerError:
        return
    assert info.imprint == hashlib.sha256(DATA).digest()
