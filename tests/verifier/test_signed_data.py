"""verifier.signed_data: the frame of a response, changed one member at a time."""

from __future__ import annotations

import pytest

from tests.verifier import certificate_forge as certs
from tests.verifier import token_forge as forge
from tests.verifier.token_forge import integer, oid, sequence, tlv
from verifier.der import DerError, Node, read_der
from verifier.signed_data import MAX_CERTIFICATES, SignedData, read_response, read_signed_data
from verifier.tst_info import read_tst_info

NULL = b"\x05\x00"
SIGNER = certs.stamper(None)
ESS = forge.ess_cert_id(SIGNER.der)


def read(response: bytes) -> SignedData:
    return read_signed_data(read_response(response))


def members(node: Node) -> list[bytes]:
    return [child.raw for child in node.children()]


RESPONSE = forge.forge(forge.Recipe(SIGNER))
STATUS, TOKEN = members(read_der(RESPONSE))
SIGNED = members(read_der(TOKEN).children()[1].children()[0])
INFO = members(read_der(SIGNED[-1]).children()[0])


def response(signed: list[bytes], kind: str = "1.2.840.113549.1.7.2", after: bytes = b"") -> bytes:
    return sequence(STATUS, sequence(oid(kind), tlv(0xA0, sequence(*signed)), after))


def with_info(info: list[bytes]) -> bytes:
    return response([*SIGNED[:-1], tlv(0x31, sequence(*info))])


def test_taken_apart_and_put_together_it_is_the_same() -> None:
    assert response(SIGNED) == with_info(INFO) == RESPONSE
    assert read(RESPONSE).certificates == (SIGNER.der,)


def test_versions() -> None:
    for version, good in ((0, False), (1, True), (3, True), (5, True), (6, False)):
        changed = response([integer(version), *SIGNED[1:]])
        if good:
            assert read(changed) == read(RESPONSE)
        else:
            with pytest.raises(DerError, match="version"):
                read(changed)
    for version in (0, 2, 4):
        with pytest.raises(DerError, match="version"):
            read(with_info([integer(version), *INFO[1:]]))


REFUSED = {
    "not signed data": response(SIGNED, "1.2.840.113549.1.7.1"),
    "something after the signed data": response(SIGNED, after=NULL),
    "two tokens": sequence(STATUS, TOKEN, TOKEN),
    "no token": sequence(STATUS),
    "an unknown member of the status": sequence(sequence(integer(0), NULL), TOKEN),
    "no certificates but a number": response([*SIGNED[:3], integer(1), SIGNED[-1]]),
    "revocation lists before certificates": response([*SIGNED[:3], tlv(0xA1), *SIGNED[3:]]),
    "something after the signers": response([*SIGNED, NULL]),
    "a digest algorithm that is none": response([SIGNED[0], tlv(0x31, NULL), *SIGNED[2:]]),
    "content that is no octet string": response([*SIGNED[:2], sequence(oid(forge.TST_INFO), NULL), *SIGNED[3:]]),
    "no content": response([*SIGNED[:2], sequence(oid(forge.TST_INFO)), *SIGNED[3:]]),
    "something after the unsigned attributes": with_info([*INFO, tlv(0xA1), tlv(0xA1)]),
    "a signature that is no octet string": with_info([*INFO[:-1], NULL]),
    "a signer by nothing": with_info([INFO[0], NULL, *INFO[2:]]),
    "an attribute that is none": with_info([*INFO[:3], tlv(0xA0, NULL), *INFO[4:]]),
    "too many certificates": response([*SIGNED[:3], tlv(0xA0, *[sequence()] * (MAX_CERTIFICATES + 1)), SIGNED[-1]]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_frame_with_a_fault(case: str) -> None:
    with pytest.raises(DerError):
        read(REFUSED[case])


def test_what_is_not_signed_or_not_ours_is_passed_over() -> None:
    same = read(RESPONSE)
    assert read(response([*SIGNED[:-1], tlv(0xA1, sequence()), SIGNED[-1]])) == same
    assert read(with_info([*INFO, tlv(0xA1, sequence())])) == same
    others = tlv(0xA0, SIGNER.der, tlv(0xA1, NULL), tlv(0xA3, NULL))
    assert read(response([*SIGNED[:3], others, SIGNED[-1]])) == same


def test_signing_certificates_have_two_members_at_most() -> None:
    def with_ess(*values: bytes) -> bytes:
        return forge.forge(forge.Recipe(SIGNER, ess=(forge.attribute(forge.ESS_V2, *values),)))

    assert len(read(with_ess(sequence(sequence(ESS), sequence()))).ess_cert_ids) == 1
    for faulty in (
        sequence(sequence(ESS), sequence(), sequence()),
        sequence(sequence(ESS), NULL),
        sequence(ESS + NULL),
    ):
        with pytest.raises(DerError):
            read(with_ess(faulty))
    with pytest.raises(DerError):
        read(with_ess(sequence(sequence(sequence(forge.octets(bytes(32)), NULL)))))


def test_a_message_imprint_has_two_members() -> None:
    imprint = (forge.algorithm(forge.SHA256, NULL), forge.octets(bytes(32)))
    right, wrong = (
        sequence(integer(1), oid("1.2.3"), sequence(*imprint, more), integer(1), tlv(0x18, b"20240101000000Z"))
        for more in (b"", NULL)
    )
    assert read_tst_info(right).imprint == bytes(32)
    with pytest.raises(DerError, match="no further member"):
        read_tst_info(wrong)
