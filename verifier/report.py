"""The result as text for people (docs/spec/verification.md, "The program")."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from verifier.canonical_json import Json
from verifier.printable import MAX_NAMES, printable
from verifier.report_casework import casework_lines
from verifier.report_words import WORDS, Words
from verifier.result import Contents, EntryResult, Result, Verdict

LANGUAGES = tuple(WORDS)


def text_report(result: Result, language: str) -> str:
    """The result in words: the verdict, a line a step, what is open, closed and contradicted, and what is not proven.

    `language` is one of LANGUAGES.
    """
    words = WORDS[language]
    lines = [headline(result, words), ""]
    subject = result.number if result.number is not None else result.case
    if subject is not None:
        lines.append(f"{words.subject}: {printable(subject)}")
    lines += [f"{words.trust}: {result.trust}", ""]
    for check in result.checks:
        name, outcome = words.steps[check.step - 1], words.outcomes[check.outcome]
        lines.append(f"{check.step:>2}  {name} – {outcome}: {printable(check.detail)}")
    lines += _contents(_without_erased(result), words, "")
    for entry in result.entries:
        lines += _entry(entry, words)
    lines += casework_lines(result.casework, language, complete=result.case is not None)
    if result.contradictions:
        lines += ["", f"{words.contradictions}:", *(f"  {printable(text)}" for text in result.contradictions)]
    lines += ["", f"{words.not_proven_heading}:", *(f"  {text}" for text in words.not_proven), ""]
    return "\n".join(lines)


def headline(result: Result, words: Words) -> str:
    """The verdict in one sentence."""
    if result.verdict is Verdict.NOT_VERIFIED:
        return words.not_verified
    if result.verdict is Verdict.INCOMPLETE:
        return words.incomplete
    independent = result.independent_time or result.independent_witnesses
    if result.case is not None:
        return words.verified_case_proven if independent else words.verified_case_claimed
    claimed = result.claimed_time or "–"
    if not independent:
        return words.verified_claimed.format(claimed=claimed)
    return words.verified_proven.format(
        bounds="".join(f", {bound}" for bound in _bounds(result.not_before, result.not_after, words)), claimed=claimed
    )


def _bounds(not_before: str | None, not_after: str | None, words: Words) -> Iterator[str]:
    if not_before is not None:
        yield words.not_before.format(time=not_before)
    if not_after is not None:
        yield words.not_after.format(time=not_after)


def _entry(entry: EntryResult, words: Words) -> list[str]:
    title = words.entry.format(index=entry.index, kind=entry.kind, seq=entry.seq)
    times = [words.says.format(time=entry.time), *_bounds(entry.not_before, entry.not_after, words)]
    return ["", f"{title}: {'; '.join(times)}", *_contents(entry.contents, words, "  ")]


def _without_erased(result: Result) -> Contents:
    """What the subject shows, without names that were erased: those are told as erasures, not as merely closed."""
    erased = result.casework.erased(result.index)
    return replace(result.contents, closed=[name for name in result.contents.closed if name not in erased])


def _contents(contents: Contents, words: Words, indent: str) -> list[str]:
    lines: list[str] = []
    filled = [(name, value) for name, value in contents.fields.items() if value is not None]
    if filled:
        lines += ["", f"{indent}{words.open}:"]
        lines += [f"{indent}  {printable(name)}: {_value(value)}" for name, value in filled]
    for heading, names in ((words.absent, contents.absent), (words.closed, contents.closed)):
        if names:
            shown = ", ".join(printable(name) for name in names[:MAX_NAMES])
            more = f" … (+{len(names) - MAX_NAMES})" if len(names) > MAX_NAMES else ""
            lines.append(f"{indent}{heading}: {shown}{more}")
    return lines


def _value(value: Json) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
