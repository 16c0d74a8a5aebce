"""Two implementations written apart, asked the same: both accept, and mean the same, or both refuse.

Where they are known to differ, the difference is stated as a test of its own at the end, with which side docs/spec
takes; a difference that is not listed there fails.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry import canonical_json as ledgers_json
from ledger.entry.commitment import Commitment, commit_fields, commitment_root
from ledger.entry.disclosure import Disclosure, check_disclosure
from ledger.entry.disclosure import parse_opening as ledgers_opening
from ledger.entry.leaf import format_time, parse_time
from ledger.entry.leaf import parse_leaf as ledgers_leaf
from ledger.entry.names import check_name
from ledger.entry.receipt_number import format_number, parse_number
from ledger.entry.text_encodings import decode_base64, decode_hex
from ledger.errors import LedgerError
from ledger.merkle.consistency import check_consistency as ledgers_consistency
from ledger.merkle.hashing import tree_root
from ledger.merkle.inclusion import check_inclusion as ledgers_inclusion
from ledger.note.checkpoint_text import parse_checkpoint as ledgers_checkpoint
from ledger.note.cosignature import check_cosignature
from ledger.note.keys import parse_vkey as ledgers_vkey
from ledger.note.policy import parse_policy as ledgers_policy
from ledger.note.proof_file import parse_proof as ledgers_proof
from ledger.note.signed_note import parse_note
from tests.verifier.log_forge import (
    ED25519,
    ML_DSA,
    ORIGIN,
    WITNESS,
    WITNESS_ML_DSA,
    ForgedLog,
    consistency,
    path,
    tree,
)
from verifier import canonical_json as verifiers_json
from verifier.checkpoint import parse_checkpoint as verifiers_checkpoint
from verifier.checkpoint import parse_proof as verifiers_proof
from verifier.commitment import OpeningPart, check
from verifier.commitment import parse_opening as verifiers_opening
from verifier.cosignature import check_line
from verifier.encoding import base64_bytes, hex_hash, time_text, time_us
from verifier.errors import VerifierError
from verifier.field_name import is_field_name
from verifier.hash_list import HashList
from verifier.leaf import Fields
from verifier.leaf import parse_leaf as verifiers_leaf
from verifier.merkle import check_consistency as verifiers_consistency
from verifier.merkle import check_inclusion as verifiers_inclusion
from verifier.merkle import root_of
from verifier.policy import parse_policy as verifiers_policy
from verifier.receipt_number import index_of
from verifier.signed_note import lines_of, text_of
from verifier.signed_note import parse_vkey as verifiers_vkey

T = TypeVar("T")
REFUSED = "refused"


def asked(ask: Callable[[], T]) -> T | str:
    """What one side says: a value, or that it refuses. Any other exception is a defect, and gets out."""
    try:
        return ask()
    except (LedgerError, VerifierError):
        return REFUSED


def agree(ledger: Callable[[], T], verifier: Callable[[], T]) -> bool:
    """Assert that both say the same; whether they accepted."""
    one, two = asked(ledger), asked(verifier)
    assert one == two
    return one != REFUSED


def bent(valid: st.SearchStrategy[str], pieces: Sequence[str]) -> st.SearchStrategy[str]:
    """Valid texts, and texts with a run cut out, a piece put in, or a character changed."""

    @st.composite
    def texts(draw: st.DrawFn) -> str:
        text = draw(valid)
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, len(text)))
            end = draw(st.integers(at, min(len(text), at + 3)))
            text = text[:at] + draw(st.sampled_from([*pieces, ""])) + text[end:]
        return text

    return texts()


# --- json -----------------------------------------------------------------------------------------------------------

TEXTS = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('"\\/\b\t\n\f\r\x00\x1f\x7f\u2028é😀'))
)
INTEGERS = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.sampled_from([0, 2**53 - 1, 1 - 2**53]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
JSON_PIECES = [
    " ", "\n", "-0", "1.0", "1e2", "NaN", "Infinity", "9007199254740992", "-9007199254740992", "01", "+1", ",", ":",
    '"', "\\u0041", "\\u001F", "\\u001f", "\\/", "\\ud800", "\\n", "\\u000a", "[", "]", "{", "}", "{}", '"a":1,',
    "null", "tru", "\ufeff", "\x7f", "\x00", "é", "\u0301", "\uffff", "😀", "１",
]  # fmt: skip


DEEPEST = 17
"""Levels that the verifier reads, above every format's; the ledger's reader is told the same."""


def same_json(data: bytes) -> bool:
    """As text of the value: to Python, true is 1."""
    return agree(
        lambda: repr(ledgers_json.parse(data, where="x", max_depth=DEEPEST)), lambda: repr(verifiers_json.parse(data))
    )


@given(VALUES)
def test_canonical_json_is_written_alike(value: Any) -> None:
    data = ledgers_json.serialise(value)
    assert verifiers_json.dump(value) == data
    assert same_json(data)
    assert ledgers_json.depth(value) == verifiers_json.depth(value)


@given(bent(VALUES.map(lambda value: ledgers_json.serialise(value).decode()), JSON_PIECES))
def test_bent_json(text: str) -> None:
    same_json(text.encode())


@given(bent(VALUES.map(lambda value: json.dumps(value, ensure_ascii=True)), JSON_PIECES))
def test_json_of_another_writer(text: str) -> None:
    same_json(text.encode())


@given(VALUES, st.integers(0, 200), st.integers(0, 255))
def test_json_with_a_byte_changed(value: Any, at: int, byte: int) -> None:
    data = ledgers_json.serialise(value)
    at = min(at, len(data) - 1)
    same_json(data[:at] + bytes([byte]) + data[at + 1 :])


@pytest.mark.parametrize("levels", [15, 16, 17, 18, 64])
def test_json_nested(levels: int) -> None:
    assert same_json(b"[" * levels + b"]" * levels) is (levels <= DEEPEST)


# --- small texts ----------------------------------------------------------------------------------------------------

SMALL = [
    "",
    " ",
    "+",
    "-",
    "_",
    ".",
    "..",
    "0",
    "00",
    "９",
    "A",
    "é",
    "\n",
    "\r",
    "\t",
    "=",
    "==",
    "/",
    "\u200b",
    "\x00",
]
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z0-9_]{1,8}){0,3}", fullmatch=True)
TIMES = st.integers(-62_135_596_800_000, 253_402_300_799_999).map(format_time)


def named(name: str) -> str:
    check_name(name)
    return name


def verifiers_name(name: str) -> str:
    if not is_field_name(name):
        raise VerifierError
    return name


@given(st.one_of(bent(NAMES, SMALL), st.integers(120, 136).map(lambda size: "a" * size), st.text(max_size=4)))
def test_names(name: str) -> None:
    agree(lambda: named(name), lambda: verifiers_name(name))


@given(bent(st.integers(0, 10**10 - 1).map(format_number), [*SMALL, "98", "01", "EL-"]))
def test_receipt_numbers(text: str) -> None:
    agree(lambda: parse_number(text), lambda: index_of(text))


@pytest.mark.parametrize("index", [0, 1, 96, 97, 98, 194, 9_999_999_999])
def test_every_pair_of_check_digits(index: int) -> None:
    accepted = [agree(partial(parse_number, text), partial(index_of, text)) for text in check_pairs(index)]
    assert accepted.count(True) == 1


def check_pairs(index: int) -> list[str]:
    return [f"EL-{index:010d}-{check:02d}" for check in range(100)]


@given(bent(TIMES, [*SMALL, "24", "60", "61", "02-29", "02-30", "13", "0000", "T", "t", "Z", "z", "+00:00", ".1", ","]))
def test_times(text: str) -> None:
    agree(lambda: parse_time(text) * 1_000, lambda: time_us(text))


@given(st.integers(-62_135_596_800_000 - 5, 253_402_300_799_999 + 5))
def test_times_are_written_alike(milliseconds: int) -> None:
    written = asked(lambda: format_time(milliseconds))
    assert (time_text(milliseconds) or REFUSED) == written


@given(bent(st.binary(max_size=40).map(lambda data: decode_free(data)), SMALL))
def test_base64(text: str) -> None:
    agree(lambda: decode_base64(text, None, "x"), lambda: base64_bytes(text))


def decode_free(data: bytes) -> str:
    return base64.b64encode(data).decode()


@given(bent(st.binary(min_size=32, max_size=32).map(bytes.hex), [*SMALL, "F", "g"]))
def test_hex(text: str) -> None:
    agree(lambda: decode_hex(text, 32, "x"), lambda: hex_hash(text))


# --- leaves and commitments -----------------------------------------------------------------------------------------

HEX32 = st.binary(min_size=32, max_size=32).map(bytes.hex)
SYSTEM = {"stamped": "x", "token": "AA=="}


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    """Leaves, most of them right, some with one member wrong."""
    seq = draw(st.sampled_from([0, 1, 2**53 - 1]))
    kind = draw(st.sampled_from(["evidence.anchored", "log.opened", "timestamp.recorded", "unheard.of"]))
    leaf: dict[str, Any] = {
        "chain": draw(st.binary(min_size=16, max_size=16)).hex(),
        "kind": kind,
        "seq": seq,
        "prev": None if seq == 0 else draw(HEX32),
        "time": draw(TIMES),
        "v": 1,
    }
    public = kind in ("log.opened", "timestamp.recorded")
    if public:
        leaf["public"] = SYSTEM if kind == "timestamp.recorded" else draw(st.dictionaries(NAMES, VALUES, max_size=3))
    else:
        leaf["fields"] = {"count": draw(st.integers(1, 1024)), "root": draw(HEX32)}
    wrong: list[tuple[str, Any]] = [
        ("v", 2), ("v", True), ("v", "1"), ("seq", -1), ("seq", True), ("seq", 2**53 - 1), ("seq", 0), ("prev", None),
        ("prev", "A" * 64), ("prev", "0" * 63), ("prev", 0), ("chain", "0" * 31), ("chain", "G" * 32), ("chain", None),
        ("kind", "Log"), ("kind", "a" * 129), ("kind", "a..b"), ("kind", 1), ("kind", "evidence.anchored"),
        ("kind", "log.closed"), ("time", "2026-02-29T00:00:00.000Z"), ("time", "2026-02-28T00:00:00Z"), ("time", 0),
        ("fields", {"count": 0, "root": "0" * 64}), ("fields", {"count": 1025, "root": "0" * 64}),
        ("fields", {"count": 1, "root": "0" * 64, "x": 1}), ("fields", {"count": True, "root": "0" * 64}),
        ("fields", {"count": 1}), ("fields", []), ("public", []), ("public", {"a": [[[[[[[[1]]]]]]]]}), ("public", {}),
        ("public", {"a": [[[[[[[1]]]]]]]}), ("extra", 1), ("é", 1),
    ]  # fmt: skip
    for name, value in draw(st.lists(st.sampled_from(wrong), max_size=2)):
        leaf[name] = value
    for name in draw(st.lists(st.sampled_from(["v", "prev", "fields", "public", "seq", "time"]), max_size=1)):
        if draw(st.booleans()):
            leaf.pop(name, None)
    return leaf


def by_ledger(data: bytes) -> tuple[Any, ...]:
    leaf = ledgers_leaf(data)
    fields = None if leaf.fields is None else (leaf.fields.count, leaf.fields.root)
    return leaf.chain, leaf.kind, leaf.seq, leaf.prev, leaf.time, fields, leaf.public


def by_verifier(data: bytes) -> tuple[Any, ...]:
    leaf = verifiers_leaf(data)
    fields = None if leaf.fields is None else (leaf.fields.count, leaf.fields.root)
    return leaf.chain, leaf.kind, leaf.seq, leaf.prev, leaf.time, fields, leaf.public


def known_difference_of_leaves(leaf: dict[str, Any]) -> bool:
    """A recorded token's `public`, of which only the verifier asks its two members: tested below."""
    return leaf.get("kind") == "timestamp.recorded" and leaf.get("public") not in (None, SYSTEM)


@given(leaves())
def test_leaves(leaf: dict[str, Any]) -> None:
    if not known_difference_of_leaves(leaf):
        data = ledgers_json.serialise(leaf)
        agree(lambda: by_ledger(data), lambda: by_verifier(data))


@pytest.mark.parametrize("size", [65_535, 65_536])
def test_the_longest_leaf(size: int) -> None:
    leaf = {"chain": "0" * 32, "kind": "unheard.of", "prev": None, "public": {"x": ""}, "seq": 0, "v": 1}
    leaf["time"] = "2026-11-21T09:15:02.123Z"
    spare = size - len(ledgers_json.serialise(leaf))
    leaf["public"] = {"x": "x" * spare}
    data = ledgers_json.serialise(leaf)
    assert agree(lambda: by_ledger(data), lambda: by_verifier(data)) is (size == 65_535)


OPENING_PIECES = [*JSON_PIECES, "@names", "==", "=", "AAAA", "file.name", '"@names"', "Z"]


@given(
    bent(
        st.tuples(NAMES, st.binary(min_size=15, max_size=17), VALUES).map(
            lambda each: ledgers_json.serialise([each[0], decode_free(each[1]), each[2]]).decode()
        ),
        OPENING_PIECES,
    )
)
def test_openings(text: str) -> None:
    data = text.encode()

    def ledger() -> tuple[str, bytes, Any]:
        opening = ledgers_opening(data, "x")
        return opening.name, opening.salt, opening.value

    def verifier() -> tuple[str, bytes, Any]:
        opening = verifiers_opening(data)
        return opening.name, opening.salt, opening.value

    agree(ledger, verifier)


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.data())
def test_disclosures(fields: dict[str, Any], data: st.DataObject) -> None:
    """A disclosure of some fields, with one part swapped, dropped, bent or put elsewhere."""
    committed = commit_fields(bytes(32), fields)
    count, root, hashes = committed.commitment.count, committed.commitment.root, list(committed.hashes)
    openings = {
        place: opening
        for place, opening in enumerate(committed.openings)
        if place == 0 or data.draw(st.booleans(), label=f"open {place}")
    }
    match data.draw(st.integers(0, 6), label="fault"):
        case 1:
            openings.pop(data.draw(st.sampled_from(sorted(openings))))
        case 2:
            place = data.draw(st.integers(0, count - 1))
            openings[place] = data.draw(st.sampled_from(list(committed.openings)))
        case 3:
            hashes[data.draw(st.integers(0, count - 1))] = bytes(32)
        case 4:
            hashes.pop()
        case 5:
            openings[data.draw(st.integers(count, count + 2))] = committed.openings[-1]
        case 6:
            count = data.draw(st.integers(1, 1024))

    def ledger() -> tuple[tuple[str, ...], dict[str, Any]]:
        opened = check_disclosure(Disclosure(tuple(hashes), openings), Commitment(root, count))
        return opened.names, opened.opened

    def verifier() -> tuple[tuple[str, ...], dict[str, Any]]:
        parts = [OpeningPart(openings[place], place) for place in sorted(openings)]
        found = check(Fields(count, root), HashList(tuple(hashes)), parts, None)
        return found.names, dict(found.values)

    agree(ledger, verifier)


# --- trees ----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 70), st.data())
def test_trees_and_proofs(size: int, data: st.DataObject) -> None:
    """Roots alike; proofs, right or with one fault, accepted by both or by neither."""
    hashes = [hashlib.sha256(bytes([place])).digest() for place in range(size)]
    assert tree_root(hashes) == root_of(hashes) == tree(hashes) == commitment_root(hashes)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    proof, grown = path(index, hashes), (consistency(old, hashes) if old else [])
    fault = data.draw(st.integers(0, 5), label="fault")
    proof, grown = spoil(proof, fault, data), spoil(grown, fault, data)
    index += data.draw(st.sampled_from([0, 0, 0, 1, -1, 2**40]), label="shift")
    root = tree(hashes)

    def included(check: Callable[..., None], *arguments: Any) -> Callable[[], bool]:
        return lambda: check(*arguments) is None

    agree(
        included(
            ledgers_inclusion,
            hashes[0] if fault == 5 else hashes[min(max(index, 0), size - 1)],
            index,
            size,
            proof,
            root,
        ),
        included(
            verifiers_inclusion,
            index,
            size,
            hashes[0] if fault == 5 else hashes[min(max(index, 0), size - 1)],
            proof,
            root,
        ),
    )
    agree(
        included(ledgers_consistency, old, tree(hashes[:old]), size, root, grown),
        included(verifiers_consistency, old, tree(hashes[:old]), size, root, grown),
    )
    agree(
        included(ledgers_consistency, size, root, old, tree(hashes[:old]), grown),
        included(verifiers_consistency, size, root, old, tree(hashes[:old]), grown),
    )


def spoil(proof: list[bytes], fault: int, data: st.DataObject) -> list[bytes]:
    match fault:
        case 1:
            return proof[:-1]
        case 2:
            return [*proof, bytes(32)]
        case 3:
            return proof[::-1]
        case 4:
            return [*proof[:1], *proof]
    return proof


# --- notes, keys, policies ------------------------------------------------------------------------------------------

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


def differ(refuses: Callable[[], object], accepts: Callable[[], object]) -> None:
    """Assert that one side refuses what the other takes."""
    assert asked(refuses) == REFUSED
    assert asked(accepts) != REFUSED


def test_only_the_verifier_asks_a_recorded_token_for_its_members() -> None:
    """entry.md says what `public` of timestamp.recorded is: the verifier is right, the ledger never writes another."""
    leaf = {"chain": "0" * 32, "kind": "timestamp.recorded", "prev": None, "public": {}, "seq": 0, "v": 1}
    data = ledgers_json.serialise(leaf | {"time": "2026-11-21T09:15:02.123Z"})
    differ(lambda: by_verifier(data), lambda: by_ledger(data))


@pytest.mark.parametrize("size", [2**63, 2**64 - 1])
def test_tree_sizes_beyond_signed_integers(size: int) -> None:
    """log.md names no limit. No log of that size can exist, so nothing follows from it."""
    text = f"{ORIGIN}\n{size}\n{decode_free(bytes(32))}\n"
    differ(lambda: ledgers_checkpoint(text), lambda: verifiers_checkpoint(text.encode()))
    with pytest.raises(VerifierError):
        verifiers_checkpoint(text.replace(str(size), str(2**64)).encode())


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
