"""The check of an answer as text for people."""

from __future__ import annotations

from dataclasses import replace

from verifier.answer.answer import AnswerResult
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
        lines += [*demand_lines(answer.demand, words.sheet), "", words.sheet.not_complete, ""]
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
    return words.sheet.answer_incomplete.format(closed=closed, all=len(judged))
