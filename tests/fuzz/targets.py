"""The parsers that meet hostile bytes, what they may answer, and what they must give back unchanged."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.wire.form_reader import read_form
from ledger.attest.rfc3161_request import parse_request
from ledger.attest.rfc3161_token import parse_response
from ledger.entry import canonical_json
from ledger.entry.disclosure import parse_opening
from ledger.entry.leaf import format_leaf, parse_leaf
from ledger.errors import LedgerError
from ledger.merkle.entry_bundles import format_entry_bundle, parse_entry_bundle
from ledger.note.policy import parse_policy
from ledger.note.proof_file import parse_proof
from ledger.note.signed_note import parse_note
from ledger.submit.limits import Limits
from ledger.submit.statement import parse_statement
from tests.fuzz.seeds import BOUNDARY, Seeds
from verifier import canonical_json as their_json
from verifier import commitment, leaf
from verifier.checkpoint import parse_proof as their_proof
from verifier.errors import VerifierError
from verifier.intake import read_opened
from verifier.policy import parse_policy as their_policy
from verifier.rfc3161 import parse_response as their_response
from verifier.step_signatures import read_signed
from verifier.trust import parse_trust
from verifier.verify import verify


class DisagreedError(AssertionError):
    """Accepted by one implementation and refused by the other, or not given back as it came."""


@dataclass(frozen=True)
class Target:
    """`run` raises one of `refusals` or returns; anything else, or a hang, is a find. `seeds`: the name in Seeds."""

    name: str
    seeds: str
    run: Callable[[bytes, Seeds], object]
    refusals: tuple[type[Exception], ...]


def _ours(parse: Callable[[bytes], object]) -> Callable[[bytes, Seeds], object]:
    return lambda data, _: parse(data)


def _both(one: Callable[[bytes], object], other: Callable[[bytes], object]) -> Callable[[bytes, Seeds], object]:
    def run(data: bytes, _: Seeds) -> None:
        taken = [_accepts(one, LedgerError, data), _accepts(other, VerifierError, data)]
        if taken[0] != taken[1]:
            raise DisagreedError(f"ledger {'accepts' if taken[0] else 'refuses'}, verifier does the opposite")

    return run


def _accepts(parse: Callable[[bytes], object], refusal: type[Exception], data: bytes) -> bool:
    try:
        parse(data)
    except refusal:
        return False
    return True


def _same(parse: Callable[[bytes], bytes]) -> Callable[[bytes], None]:
    """What is accepted has one form: written again, it is the same bytes."""

    def run(data: bytes) -> None:
        if parse(data) != data:
            raise DisagreedError("accepted, and not written again as it came")

    return run


def _verify(data: bytes, seeds: Seeds) -> object:
    evidence = read_opened(io.BytesIO(data), len(data), "fuzzed")
    return verify(evidence, parse_trust(seeds.trust)).to_json()


def _form(data: bytes, _: Seeds) -> int:
    return sum(len(part) for part in read_form(io.BytesIO(data), BOUNDARY) if isinstance(part, bytes))


TARGETS: Final = {
    target.name: target
    for target in (
        Target(
            "leaf",
            "leaves",
            _both(_same(lambda data: format_leaf(parse_leaf(data))), leaf.parse_leaf),
            (),
        ),
        Target(
            "json",
            "leaves",
            _both(
                _same(lambda data: canonical_json.serialise(canonical_json.parse(data, where="fuzz"))),
                their_json.parse,
            ),
            (),
        ),
        Target(
            "opening",
            "openings",
            _both(lambda data: parse_opening(data, "fuzz"), commitment.parse_opening),
            (),
        ),
        Target("note", "notes", _ours(parse_note), (LedgerError,)),
        Target("note-verifier", "notes", _ours(read_signed), (VerifierError,)),
        Target("proof", "proofs", _ours(parse_proof), (LedgerError,)),
        Target("proof-verifier", "proofs", _ours(their_proof), (VerifierError,)),
        Target("policy", "policies", _ours(parse_policy), (LedgerError,)),
        Target("policy-verifier", "policies", _ours(their_policy), (VerifierError,)),
        Target("token", "tokens", _ours(parse_response), (LedgerError,)),
        Target("token-verifier", "tokens", _ours(their_response), (VerifierError,)),
        Target("timestamp-request", "requests", _ours(parse_request), (LedgerError,)),
        Target("statement", "statements", _ours(lambda data: parse_statement(data, Limits())), (LedgerError,)),
        Target(
            "entry-bundle",
            "tiles",
            _ours(_same(lambda data: format_entry_bundle(parse_entry_bundle(data, 2)))),
            (LedgerError,),
        ),
        Target("form", "forms", _form, (LedgerError,)),
        Target("bundle", "bundles", _verify, (VerifierError,)),
        Target("receipt", "receipts", _verify, (VerifierError,)),
    )
}
