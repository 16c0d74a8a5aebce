"""Checkpoints, keys, notes, proof files, policies and cosignatures: both implementations read them alike."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.note.checkpoint_text import parse_checkpoint as ledgers_checkpoint
from ledger.note.cosignature import check_cosignature
from ledger.note.keys import parse_vkey as ledgers_vkey
from ledger.note.policy import parse_policy as ledgers_policy
from ledger.note.proof_file import parse_proof as ledgers_proof
from ledger.note.signed_note import parse_note
from tests.conformance.agreement import SMALL, agree, bent, decode_free, differ
from tests.verifier.log_forge import (
    ED25519,
    ML_DSA,
    ORIGIN,
    WITNESS,
    WITNESS_ML_DSA,
    ForgedLog,
)
from verifier.checkpoint import parse_checkpoint as verifiers_checkpoint
from verifier.checkpoint import parse_proof as verifiers_proof
from verifier.cosignature import check_line
from verifier.encoding import base64_bytes
from verifier.errors import VerifierError
from verifier.policy import parse_policy as verifiers_policy
from verifier.signed_note import lines_of, text_of
from verifier.signed_note import parse_vkey as verifiers_vkey

LOG = ForgedLog()
TEXT = LOG.text()
NOTE_PIECES = [
    *SMALL,
    "\n\n",
    "— ",
    "—",
    "1",
    "9223372036854775807",
    "18446744073709551616",
    ORIGIN,
    "\u00a0",
    "\u2003",
    "\u3000",
]


def beyond_signed(text: str) -> bool:
    """A number above 2^63−1, which docs/spec does not limit: tested below."""
    return any(int(digits) >= 2**63 for digits in re.findall(r"[0-9]{19,}", text))


@given(bent(st.sampled_from([TEXT.decode(), f"é😀/x\n{2**63 - 1}\n{decode_free(bytes(32))}\n"]), NOTE_PIECES))
def test_checkpoints(text: str) -> None:
    def ledger() -> tuple[str, int, bytes]:
        found = ledgers_checkpoint(text)
        return found.origin, found.size, found.root

    def verifier() -> tuple[str, int, bytes]:
        found = verifiers_checkpoint(text.encode())
        return found.origin, found.size, found.root

    if not beyond_signed(text):
        agree(ledger, verifier)


@given(bent(st.sampled_from([ED25519.vkey, WITNESS.vkey, ML_DSA.vkey]), [*NOTE_PIECES, "AQ==", "+00000000+", "x"]))
def test_vkeys(text: str) -> None:
    def ledger() -> tuple[str, bytes, int, bytes]:
        key = ledgers_vkey(text)
        return key.name, key.key_id, key.type, key.public

    def verifier() -> tuple[str, bytes, int, bytes]:
        key = verifiers_vkey(text)
        if key.kind not in (1, 4, 6):
            raise VerifierError  # a type that nobody here uses is kept by the verifier alone: tested below
        return key.name, key.key_id, key.kind, key.material

    agree(ledger, verifier)


NOTE = (TEXT + b"\n" + ED25519.line(TEXT) + WITNESS.line(TEXT)).decode()


def c1_control(text: str) -> bool:
    """DEL or a control character of the second block, on which docs/spec can be read two ways: tested below."""
    return any(0x7F <= ord(char) <= 0x9F for char in text)


@given(bent(st.just(NOTE), NOTE_PIECES))
def test_notes(text: str) -> None:
    data = text.encode()

    def ledger() -> tuple[str, list[tuple[str, bytes, bytes]]]:
        note = parse_note(data)
        return note.text, [(line.name, line.key_id, line.raw) for line in note.signatures]

    def verifier() -> tuple[str, list[tuple[str, bytes, bytes]]]:
        lines = [(line.name, line.key_id, line.signature) for line in lines_of(data)]
        return text_of(data).decode(), lines

    if not c1_control(text) and not text.startswith("\n"):  # a text that is empty is no checkpoint for either
        agree(ledger, verifier)


PROOF = LOG.proof(0, NOTE.encode()).decode().replace("index 0\n", f"index 0\n{decode_free(bytes(32))}\n")


@given(bent(st.just(PROOF), [*NOTE_PIECES, "extra ", "index 1", "# "]))
def test_proof_files(text: str) -> None:
    data = text.encode()

    def ledger() -> tuple[int, tuple[bytes, ...], bytes]:
        found = ledgers_proof(data)
        parse_note(found.note)
        return found.index, found.path, found.note

    def verifier() -> tuple[int, tuple[bytes, ...], bytes]:
        found = verifiers_proof(data)
        lines_of(found.checkpoint)
        return found.index, found.hashes, found.checkpoint

    if not beyond_signed(text) and not c1_control(text):
        agree(ledger, verifier)


POLICY = "\n".join(
    [
        f"log {ED25519.vkey}", f"log {ML_DSA.vkey} https://log.test/", "# a comment", "", f"witness a {WITNESS.vkey}",
        f"witness b {WITNESS_ML_DSA.vkey} https://w.test", "group g 2 a b", "group h any g", "quorum h", "",
    ]
)  # fmt: skip
POLICY_PIECES = [
    " ", "\t", "\n", "\r", "#", "é", "\x00", "\x7f", "none", "all", "any", "0", "1", "3", "01", "+1", "a", "g",
    "quorum", "\udcff", "quorum none\n", "group i all a\n", f"log {ED25519.vkey}\n", f"witness a {WITNESS.vkey}\n",
    "witness", "9" * 300,
]  # fmt: skip


def policy_of_ledger(data: bytes) -> tuple[Any, ...]:
    policy = ledgers_policy(data)
    groups = [(each.name, each.threshold, each.members) for each in policy.groups]
    witnesses = [(each.name, each.vkey.public) for each in policy.witnesses]
    return [each.vkey.public for each in policy.logs], witnesses, groups, policy.quorum


def policy_of_verifier(data: bytes) -> tuple[Any, ...]:
    policy = verifiers_policy(data)

    def text(name: bytes) -> str:
        return name.decode("utf-8", "surrogateescape")

    groups = [(text(n), each.threshold, tuple(map(text, each.members))) for n, each in policy.groups.items()]
    witnesses = [(text(name), key.material) for name, key in policy.witnesses.items()]
    return [key.material for key in policy.logs], witnesses, groups, text(policy.quorum)


@given(bent(st.just(POLICY), POLICY_PIECES))
def test_policies(text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")  # names are octets, utf-8 or not
    agree(lambda: policy_of_ledger(data), lambda: policy_of_verifier(data))


@given(st.sets(st.sampled_from(["a", "b", "zz"])))
def test_quorums(signed: set[str]) -> None:
    for groups in (
        "group g 2 a b\ngroup h any g\nquorum h\n",
        "group g any a b\nquorum g\n",
        "quorum a\n",
        "quorum none\n",
    ):
        data = f"witness a {WITNESS.vkey}\nwitness b {WITNESS_ML_DSA.vkey}\n{groups}".encode()
        met = ledgers_policy(data).quorum_met(signed)
        assert verifiers_policy(data).is_met({name.encode() for name in signed} - {b"zz"}) is met


@pytest.mark.parametrize("signer", [WITNESS, WITNESS_ML_DSA])
@pytest.mark.parametrize("time", [1, 1_700_000_000, 2**63 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("at", [None, 0, 3, 4, 8, 11, 12, -1])
def test_cosignatures(signer: Any, time: int, at: int | None) -> None:
    """Right, or with one byte of key ID, time or signature flipped."""
    name, line = signer.name, signer.line(TEXT, time)
    if at is not None:
        raw = bytearray(base64_bytes(line.decode().split(" ")[2].rstrip("\n")))
        raw[at] ^= 1
        line = f"— {name} {decode_free(bytes(raw))}\n".encode()
    data = TEXT + b"\n" + line

    def ledger() -> bool:
        return check_cosignature(TEXT.decode(), parse_note(data).signatures[0], ledgers_vkey(signer.vkey)) >= 0

    def verifier() -> bool:
        key, found = verifiers_vkey(signer.vkey), lines_of(data)[0]
        if not found.is_of(key):
            raise VerifierError
        return check_line(found, key, verifiers_checkpoint(TEXT)) is None

    accepted = agree(ledger, verifier)
    assert accepted is (at is None and time < 2**63)


# --- where they are known to differ ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2**63, 2**64 - 1])
def test_tree_sizes_beyond_signed_integers(size: int) -> None:
    """log.md: at most 2^63 - 1."""
    text = f"{ORIGIN}\n{size}\n{decode_free(bytes(32))}\n"
    with pytest.raises(LedgerError):
        ledgers_checkpoint(text)
    with pytest.raises(VerifierError):
        verifiers_checkpoint(text.encode())
    largest = text.replace(str(size), str(2**63 - 1))
    assert ledgers_checkpoint(largest)
    assert verifiers_checkpoint(largest.encode())


def test_keys_of_types_that_nobody_here_uses() -> None:
    """log.md: kept and never satisfied. The verifier does so; the ledger, whose policy its operator wrote, refuses."""
    vkey = f"x+00000000+{decode_free(bytes([0xFF]) + bytes(32))}"
    differ(lambda: ledgers_vkey(vkey), lambda: verifiers_vkey(vkey))
    for line in (f"log {vkey}", f"witness w {vkey}", f"log {WITNESS.vkey}", f"witness w {ED25519.vkey}"):
        data = f"{line}\nquorum none\n".encode()
        differ(lambda data=data: ledgers_policy(data), lambda data=data: verifiers_policy(data))  # type: ignore[misc]  # mypy cannot type defaults of a lambda


@pytest.mark.parametrize("char", ["\x7f", "\x80", "\x9f"])
def test_control_characters_beyond_ascii(char: str) -> None:
    """In the name of an unknown key. log.md says "control characters"; C2SP signed-note means those below U+0020,
    as the ledger does. Whoever can add such a line can spoil the note anyhow."""
    data = NOTE.encode() + f"— a{char}b {decode_free(bytes(8))}\n".encode()
    differ(lambda: lines_of(data), lambda: parse_note(data))


def test_a_cosignature_without_a_time() -> None:
    """log.md sets no lower limit, so the verifier takes 0; the ledger demands a time, as C2SP tlog-witness does."""
    for signer in (WITNESS, WITNESS_ML_DSA):
        data = TEXT + b"\n" + signer.line(TEXT, 0)
        line, key = parse_note(data).signatures[0], ledgers_vkey(signer.vkey)
        mine, verifiers_key = lines_of(data)[0], verifiers_vkey(signer.vkey)
        checkpoint = verifiers_checkpoint(TEXT)
        with pytest.raises(LedgerError):
            check_cosignature(TEXT.decode(), line, key)
        check_line(mine, verifiers_key, checkpoint)
