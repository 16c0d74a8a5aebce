"""Which timestamps count, and the bracket they prove for an entry (docs/spec/time.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509

from verifier.certificate_facts import UnreadableCertificate, facts_of
from verifier.encoding import time_text
from verifier.errors import BadTimestamp
from verifier.rfc3161 import Token, authorities_of, uncounted_reason
from verifier.trust import Trust

# How far an authority's clock may run ahead of the verifier's.
MAX_AHEAD_US = 5 * 60 * 1_000_000
_MILLISECOND_US = 1_000


@dataclass(frozen=True)
class Stamp:
    """A timestamp that is not bad. `size`: the tree it stamped. `recorded`: the lowest index of a proven entry that
    records it, or None. `place`: its number in the evidence."""

    place: int
    token: Token
    size: int
    recorded: int | None


@dataclass(frozen=True)
class Counted:
    """A stamp that counts, and the one authority that vouches for it (a path of the trust folder)."""

    stamp: Stamp
    authority: str

    @property
    def upper_us(self) -> int:
        """genTime + accuracy, in microseconds since 1970."""
        return self.stamp.token.gen_time_us + self.stamp.token.accuracy_us

    @property
    def lower_us(self) -> int:
        """genTime − accuracy, in microseconds since 1970."""
        return self.stamp.token.gen_time_us - self.stamp.token.accuracy_us


@dataclass(frozen=True)
class Judgement:
    """The stamps that count, and for each other one (by place) the reason why it does not."""

    counted: tuple[Counted, ...]
    reasons: Mapping[int, str]


@dataclass(frozen=True)
class Bracket:
    """When an entry was appended: milliseconds since 1970, None where nothing proves that end.

    `lowers` and `uppers`: how many authorities speak for each end; `exclusions`: authorities that exclude each other.
    """

    not_before: int | None
    not_after: int | None
    lowers: int
    uppers: int
    exclusions: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether not before is later than not after."""
        return self.not_before is not None and self.not_after is not None and self.not_before > self.not_after

    def excludes(self, time_us: int, tolerance_us: int) -> bool:
        """Whether a time in microseconds lies outside the bracket by more than a tolerance."""
        early = self.not_before is not None and time_us < self.not_before * _MILLISECOND_US - tolerance_us
        late = self.not_after is not None and time_us > self.not_after * _MILLISECOND_US + tolerance_us
        return early or late


def judge(stamps: Sequence[Stamp], trust: Trust, intermediates: Sequence[x509.Certificate], now_us: int) -> Judgement:
    """Which stamps count for a reader's trust at the verifier's time, in microseconds since 1970."""
    reasons: dict[int, str] = {}
    authority: dict[int, str] = {}
    for stamp in stamps:
        found = _authority(stamp.token, trust, intermediates, now_us)
        if found.startswith("tsa/"):
            authority[stamp.place] = found
        else:
            reasons[stamp.place] = found
    counted: list[Counted] = []
    newest_first = sorted(stamps, key=lambda stamp: stamp.token.gen_time_us, reverse=True)
    for stamp in newest_first:
        if stamp.place in reasons:
            continue
        if _ended(stamp.token, now_us) and not _is_renewed(stamp, counted):
            reasons[stamp.place] = "its signer's certificate has ended and no later timestamp keeps it alive"
        else:
            counted.append(Counted(stamp, authority[stamp.place]))
    return Judgement(tuple(counted), reasons)


def bracket(index: int, counted: Iterable[Counted], quorum: int) -> Bracket:
    """The bracket of the entry with an index; `quorum` authorities must agree on each end."""
    uppers: dict[str, int] = {}
    lowers: dict[str, int] = {}
    for token in counted:
        if token.stamp.size > index:
            uppers[token.authority] = min(uppers.get(token.authority, token.upper_us), token.upper_us)
        if token.stamp.recorded is not None and token.stamp.recorded < index:
            lowers[token.authority] = max(lowers.get(token.authority, token.lower_us), token.lower_us)
    not_after = _quorum_th(sorted(uppers.values()), quorum)
    not_before = _quorum_th(sorted(lowers.values(), reverse=True), quorum)
    return Bracket(
        None if not_before is None else _shown(not_before // _MILLISECOND_US),
        None if not_after is None else _shown(-(-not_after // _MILLISECOND_US)),
        len(lowers),
        len(uppers),
        tuple(
            f"{below} excludes {above}: the one has entry {index} not before, the other not after, a time between"
            for below, lower in sorted(lowers.items())
            for above, upper in sorted(uppers.items())
            if below != above and lower > upper
        ),
    )


def _quorum_th(values: Sequence[int], quorum: int) -> int | None:
    return values[quorum - 1] if 1 <= quorum <= len(values) else None


def _shown(milliseconds: int) -> int | None:
    """The time, unless it is beyond what can be written as one: then it bounds nothing."""
    return milliseconds if time_text(milliseconds) is not None else None


def _authority(token: Token, trust: Trust, intermediates: Sequence[x509.Certificate], now_us: int) -> str:
    """The path of the one authority in `tsa/` that vouches for a token, or the reason why it does not count."""
    reason = uncounted_reason(token)
    if reason is not None:
        return reason
    if token.gen_time_us > now_us + MAX_AHEAD_US:
        return "its time lies more than 5 minutes in the future"
    try:
        names = authorities_of(token, {**trust.authorities, **trust.operator}, intermediates)
    except BadTimestamp as error:  # too many certificates to search: no ground to rely on, as with too few
        return str(error)
    if any(name in trust.operator for name in names):
        return "its authority is not independent of the operator"
    if len(names) != 1:
        return f"its certificates lead to {len(names)} authorities of the trust folder, not to one"
    return names[0]


def _end_us(token: Token) -> int | None:
    """The last instant, in microseconds since 1970, at which the signer's certificate is valid."""
    if token.signer is None:
        return None
    try:
        return facts_of(token.signer).not_after_us
    except UnreadableCertificate:
        return None


def _ended(token: Token, now_us: int) -> bool:
    end = _end_us(token)
    return end is None or now_us > end


def _is_renewed(stamp: Stamp, counted: Iterable[Counted]) -> bool:
    """Whether a token that counts was stamped over its recording entry before its signer's certificate ended."""
    end = _end_us(stamp.token)
    if end is None or stamp.recorded is None:
        return False
    return any(
        later.stamp.token.gen_time_us > stamp.token.gen_time_us
        and later.upper_us < end
        and later.stamp.size > stamp.recorded
        for later in counted
    )
