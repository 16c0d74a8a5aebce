"""What a reader needs first: the verdict, what was verified, what is missing, what nothing here proves."""

from __future__ import annotations

from collections.abc import Iterator

from verifier.check import Outcome
from verifier.result import Result, Verdict
from verifier.sheet.all_words import Language
from verifier.sheet.frame import MAX_ROWS, bullets, english, more, name, section, value
from verifier.sheet.markup import Markup, join, tag

_VERDICTS = {
    Verdict.VERIFIED: ("✔", "good"),
    Verdict.NOT_VERIFIED: ("✖", "bad"),
    Verdict.INCOMPLETE: ("?", "open"),
}

# Without these nothing in the documents is known to be what the log's entries recorded.
_GROUNDS = (1, 2, 4, 5, 6)


def verdict(result: Result, sentence: str) -> Markup:
    """The verdict in one sentence, with an icon and a border of its own kind."""
    icon, manner = _VERDICTS[result.verdict]
    return tag("p", tag("span", icon, aria_hidden="true"), f" {sentence}", class_=f"verdict {manner}", role="status")


def bounds(not_before: str | None, not_after: str | None, words: Language) -> str:
    """The proven ends of a bracket in words; empty where neither is proven."""
    found = [words.report.not_before.format(time=not_before)] if not_before is not None else []
    found += [words.report.not_after.format(time=not_after)] if not_after is not None else []
    return ", ".join(found)


def verified(result: Result, words: Language) -> Markup:
    """What each passed step means. After a failure nothing is listed: no part of a refuted whole is to be relied on."""
    if result.verdict is Verdict.NOT_VERIFIED:
        return section(words.sheet.verified, tag("p", words.report.not_verified))
    means = [words.sheet.means[check.step] for check in result.checks if check.outcome is Outcome.PASSED]
    proven = bounds(result.not_before, result.not_after, words)
    means += [f"{words.sheet.labels['proven']}: {proven}."] if proven else []
    return section(words.sheet.verified, bullets(means) or tag("p", words.sheet.nothing_verified))


def reservation(result: Result, words: Language) -> Markup:
    """That what follows is only what the documents say, where the log or a commitment is not vouched for."""
    outcomes = {check.step: check.outcome for check in result.checks}
    if all(outcomes[step] is Outcome.PASSED for step in _GROUNDS):
        return Markup()
    return tag("p", tag("strong", words.sheet.only_said))


def missing(result: Result, words: Language, *, complete: bool) -> Markup:
    """What could not be checked and why, what is closed, what was erased, what is open and empty.

    `complete`: that no act on the evidence was left out needs no reservation.
    """
    parts: list[Markup] = []
    for check in result.checks:
        if check.outcome is not Outcome.PASSED:
            label = f"{check.step}. {words.report.steps[check.step - 1]} – {words.report.outcomes[check.outcome]}: "
            parts.append(join(label, english(check.detail)))
    parts += _not_open(result, words)
    if not complete:
        parts.append(join(words.sheet.not_complete))
    return section(words.sheet.missing, bullets(parts))


def not_proven(words: Language) -> Markup:
    """What nothing here proves."""
    return section(words.report.not_proven_heading, bullets(words.report.not_proven))


def contradictions(result: Result, words: Language) -> Markup:
    """What contradicts itself without changing an outcome."""
    texts = [english(text) for text in result.contradictions[:MAX_ROWS]]
    rest = more(len(result.contradictions) - MAX_ROWS, words.sheet)
    return section(words.report.contradictions, bullets(texts), rest)


def _not_open(result: Result, words: Language) -> Iterator[Markup]:
    erased = result.casework.erased(result.index)
    for erased_name, erasure in sorted(erased.items()):
        order = value(erasure.order, words.sheet) if erasure.order is not None else words.sheet.unknown
        yield join(name(erased_name), f": {words.sheet.states['erased']} ({erasure.act.number}: ", order, ")")
    closed = [found for found in result.contents.closed if found not in erased]
    for label, names in (
        (words.sheet.labels["closed"], closed),
        (words.sheet.labels["absent"], result.contents.absent),
    ):
        if names:
            listed = Markup(", ".join(name(found) for found in names))
            yield join(f"{label}: ", listed)
