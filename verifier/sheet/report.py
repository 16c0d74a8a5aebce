"""The report of a verification, and that of the check of an answer: one page each."""

from __future__ import annotations

from datetime import UTC, datetime

from verifier import __version__
from verifier.answer.answer import AnswerResult
from verifier.answer.text import answer_headline, completeness
from verifier.check import Outcome
from verifier.printable import printable
from verifier.report import headline
from verifier.result import Result, Verdict
from verifier.sheet import casework
from verifier.sheet.all_words import Language, language
from verifier.sheet.fields import declared, fact_table
from verifier.sheet.frame import english, mark, page, section, table
from verifier.sheet.markup import Markup, tag
from verifier.sheet.summary import bounds, contradictions, missing, not_proven, verdict, verified

_OUTCOMES = {
    Outcome.PASSED: ("✔", "good"),
    Outcome.FAILED: ("✖", "bad"),
    Outcome.NOT_CHECKED: ("?", "open"),
}


def report_page(result: Result, code: str, at: datetime | None = None) -> str:
    """The page of a verification, in the language `code`; `at`: the verifier's time, aware, now if None."""
    words = language(code)
    subject = printable(result.number or result.case or "–")
    complete = result.case is not None
    return page(
        code,
        words.sheet.report_title.format(number=subject),
        subject,
        verdict(result, headline(result, words.report)),
        verified(result, words),
        declared(result, words) if result.case is None else Markup(),
        missing(result, words, complete=complete),
        not_proven(words),
        casework.demands(result, result.casework.demands, words, complete=complete),
        casework.challenges(result, words, complete=complete),
        casework.erasures(result, words),
        *_tail(result, words, at),
    )


def answer_page(answer: AnswerResult, code: str, at: datetime | None = None) -> str:
    """The page of the check of an answer, in the language `code`."""
    words = language(code)
    sentence = answer_headline(answer, words)
    if answer.verdict is Verdict.VERIFIED:  # whose time it is follows in a second sentence
        sentence = f"{sentence} {headline(answer.result, words.report)}"
    return page(
        code,
        words.sheet.answer_title.format(number=answer.id),
        answer.id,
        verdict(answer.result, sentence),
        _answered(answer, words),
        verified(answer.result, words),
        declared(answer.result, words),
        missing(answer.result, words, complete=answer.is_whole),
        not_proven(words),
        casework.challenges(answer.result, words, complete=answer.is_whole),
        casework.erasures(answer.result, words),
        *_tail(answer.result, words, at),
    )


def _answered(answer: AnswerResult, words: Language) -> Markup:
    if answer.demand is None:
        return Markup()
    notes = completeness(answer, words)
    return casework.answered(answer.result, answer.demand, notes, words, so_far=not answer.is_whole)


def _tail(result: Result, words: Language, at: datetime | None) -> list[Markup]:
    made = (at or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    note = words.sheet.made_by.format(version=__version__, time=made)
    return [
        _entries(result, words),
        contradictions(result, words),
        _checks(result, words),
        fact_table(result, words),
        tag("footer", tag("p", note)),
    ]


def _checks(result: Result, words: Language) -> Markup:
    labels = words.sheet.labels
    rows = [
        [
            f"{check.step}. {words.report.steps[check.step - 1]}",
            mark(*_icon(check.outcome, words)),
            english(check.detail),
        ]
        for check in result.checks
    ]
    return section(words.sheet.checks, table([labels["step"], labels["outcome"], labels["detail"]], rows, words.sheet))


def _icon(outcome: Outcome, words: Language) -> tuple[str, str, str]:
    icon, manner = _OUTCOMES[outcome]
    return icon, words.report.outcomes[outcome], manner


def _entries(result: Result, words: Language) -> Markup:
    if result.case is None:
        return Markup()
    labels = words.sheet.labels
    rows = [
        [
            str(entry.index),
            tag("code", entry.kind),
            labels["says"].format(time=entry.time),
            bounds(entry.not_before, entry.not_after, words) or "–",
        ]
        for entry in result.entries
    ]
    head = [labels["entry"], labels["kind"], labels["claimed"], labels["proven"]]
    return section(words.sheet.entries, table(head, rows, words.sheet))
