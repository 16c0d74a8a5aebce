"""The check of an answer as text for people."""

from __future__ import annotations

from dataclasses import replace

from verifier.answer.answer import AnswerResult
from verifier.casework.judged import State
from verifier.printable import MAX_NAMES
from verifier.receipt_number import number_of
from verifier.report import text_report
from verifier.report_casework import demand_lines
from verifier.result import Verdict
from verifier.sheet.all_words import Language, language


def answer_text(answer: AnswerResult, code: str) -> str:
    """The answer in one sentence, each name's state, and the verification that this rests on."""
    words = language(code)
    lines = [answer_headline(answer, words), ""]
    result = answer.result
    if answer.demand is not None:
        lines += [*demand_lines(answer.demand, words.sheet, so_far=not answer.is_whole), ""]
        lines += [*completeness(answer, words), ""]
        others = tuple(other for other in result.casework.demands if other.act.index != answer.demand.act.index)
        result = replace(result, casework=replace(result.casework, demands=others))
    return "\n".join([*lines, text_report(result, code)])


def answer_headline(answer: AnswerResult, words: Language) -> str:
    """What the check of an answer came to, in one sentence."""
    if answer.verdict is Verdict.NOT_VERIFIED:
        return words.sheet.answer_not_verified
    if answer.verdict is Verdict.VERIFIED:
        return words.sheet.answer_verified
    judged = answer.demand.answers if answer.demand is not None else ()
    closed = sum(not found.state.is_settled for found in judged)
    sentence = words.sheet.answer_incomplete.format(closed=closed, all=len(judged))
    if answer.reading is not None and answer.reading.unshown:
        return f"{sentence} {words.sheet.answer_unshown.format(count=len(answer.reading.unshown))}"
    if not answer.is_whole and any(found.state is State.REFUSED for found in judged):
        return f"{sentence} {words.sheet.answer_so_far}"
    return sentence


def completeness(answer: AnswerResult, words: Language) -> list[str]:
    """What is known of entries that the answer does not show, a sentence each."""
    reading = answer.reading
    if reading is None or not reading.size:
        return [words.sheet.not_complete]
    if reading.is_whole:
        return [words.sheet.log_read.format(size=reading.size)]
    shown = reading.unshown[:MAX_NAMES]
    lines = [words.sheet.unshown.format(number=number_of(each.index), kind=each.kind) for each in shown]
    if len(reading.unshown) > MAX_NAMES:
        lines.append(words.sheet.more.format(count=len(reading.unshown) - MAX_NAMES))
    return lines or [words.sheet.not_shown.format(size=reading.size)]
