"""Which anchors a certificate path leads to (RFC 5280 §6.1, in the part that time.md asks for).

The search walks from the signer upwards and visits each certificate once, cheapest path first: a path with fewer
intermediates below an issuer satisfies every path length that a longer one does, so no other path need be tried.
Look-alike intermediates therefore cost an attacker's bundle signatures, of which there is a limit, and never
combinations of certificates.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from verifier.certificate_facts import (
    ANY_PURPOSE,
    TIME_STAMPING,
    Facts,
    UnreadableCertificate,
    facts_of,
    outline_of,
)
from verifier.der import DerError
from verifier.distinguished_name import NameKey
from verifier.errors import BadTimestamp
from verifier.signature_scheme import OutsideTheList, check_signature, listed_key, scheme_of

MAX_INTERMEDIATES_IN_PATH: Final = 8
"""Certificates between signer and anchor that are not self-issued; real authorities have one or two."""
MAX_CERTIFICATES: Final = 2048
"""Anchors and intermediates offered to one search; real bundles offer a few dozen."""
MAX_SIGNATURE_CHECKS: Final = 64
"""Signatures of certificates checked in one search. Only same-named issuers cost any; an honest path needs three."""


class _Search:
    """One search, at one time: `earliest_us` and `latest_us` enclose the instant asked for, within a microsecond."""

    def __init__(self, earliest_us: int, latest_us: int, candidates: Iterable[x509.Certificate]) -> None:
        self._earliest_us = earliest_us
        self._latest_us = latest_us
        self._checks = 0
        self._by_subject: dict[NameKey, list[x509.Certificate]] = {}
        for candidate in dict.fromkeys(candidates):
            try:
                self._by_subject.setdefault(outline_of(candidate).subject, []).append(candidate)
            except UnreadableCertificate:
                continue  # believed for nothing

    def reached(self, signer: x509.Certificate) -> set[x509.Certificate]:
        """Every certificate to which a valid path leads from `signer`, itself included; raises BadTimestamp."""
        if not (self._valid(signer) and facts_of(signer).may_sign_data):
            return set()
        settled: set[x509.Certificate] = set()
        order = 0
        waiting = [(0, order, signer)]
        while waiting:
            below, _, child = heapq.heappop(waiting)
            if child in settled:
                continue
            settled.add(child)
            for parent in self._by_subject.get(outline_of(child).issuer, ()):
                if parent not in settled and self._issued(parent, child, below):
                    order += 1
                    heapq.heappush(waiting, (below + _path_cost(parent), order, parent))
        return settled

    def _valid(self, certificate: x509.Certificate) -> bool:
        try:
            facts = facts_of(certificate)
        except UnreadableCertificate:
            return False
        in_time = facts.not_before_us <= self._earliest_us and self._latest_us <= facts.not_after_us
        return in_time and facts.unprocessed_critical is None

    def _issued(self, parent: x509.Certificate, child: x509.Certificate, below: int) -> bool:
        """Whether `parent` may have issued and did issue `child`, with `below` intermediates up to `child`."""
        if below > MAX_INTERMEDIATES_IN_PATH or not self._valid(parent) or not _may_issue(facts_of(parent), below):
            return False
        self._checks += 1
        if self._checks > MAX_SIGNATURE_CHECKS:
            # no partial answer: an anchor that was not reached yet could be the one that makes the token not count
            raise BadTimestamp(f"search a path: expected at most {MAX_SIGNATURE_CHECKS} signatures, got more")
        return _signed(parent, child)


def _may_issue(facts: Facts, below: int) -> bool:
    """CA flag, key usage, path length (RFC 5280 §4.2.1.9), and a purpose, if purposes are named (§4.2.1.12)."""
    if facts.purposes is not None and not facts.purposes & {TIME_STAMPING, ANY_PURPOSE}:
        return False
    return facts.is_ca and facts.may_sign_certificates and (facts.path_length is None or below <= facts.path_length)


def _path_cost(certificate: x509.Certificate) -> int:
    outline = outline_of(certificate)
    return 0 if outline.issuer == outline.subject else 1


def _signed(parent: x509.Certificate, child: x509.Certificate) -> bool:
    outline = outline_of(child)
    try:
        check_signature(listed_key(parent), scheme_of(outline.algorithm, None), outline.signature, outline.signed)
    except (InvalidSignature, OutsideTheList, DerError):
        return False
    return True


def anchors_reached(
    signer: x509.Certificate,
    at_us: tuple[int, int],
    anchors: Mapping[str, Sequence[x509.Certificate]],
    intermediates: Sequence[x509.Certificate],
) -> list[str]:
    """Names in `anchors`, sorted, that hold a certificate to which a valid path leads from `signer`.

    `at_us`: two numbers of microseconds since 1970 that enclose the instant of validity. An anchor also serves as an
    intermediate towards another: whether two files mean one authority must not depend on what a bundle brings along.
    Raises BadTimestamp where a limit of this file is exceeded.
    """
    trusted = [certificate for name in sorted(anchors) for certificate in anchors[name]]
    offered = len(trusted) + len(intermediates)
    if offered > MAX_CERTIFICATES:
        raise BadTimestamp(f"search a path: expected at most {MAX_CERTIFICATES} certificates, got {offered}")
    try:
        reached = _Search(*at_us, [*trusted, *intermediates]).reached(signer)
    except UnreadableCertificate:
        return []
    return sorted(name for name in anchors if not reached.isdisjoint(anchors[name]))
