"""The words of a language, both those of the terminal and those of the pages."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.report_words import WORDS, Words
from verifier.sheet.english import ENGLISH
from verifier.sheet.kazakh import KAZAKH
from verifier.sheet.russian import RUSSIAN
from verifier.sheet.words import SheetWords

SHEET_WORDS = {"en": ENGLISH, "kk": KAZAKH, "ru": RUSSIAN}


@dataclass(frozen=True)
class Language:
    """A language's code, the words of the text report, and those of the pages."""

    code: str
    report: Words
    sheet: SheetWords


def language(code: str) -> Language:
    """The words of `en`, `kk` or `ru`."""
    return Language(code, WORDS[code], SHEET_WORDS[code])
