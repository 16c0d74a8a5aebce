"""The words of the three languages: one set of places and keys, and nothing that a report must not say."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from verifier.casework.judged import Reason, State
from verifier.report_words import WORDS
from verifier.sheet.all_words import SHEET_WORDS

# «Куә» and «свидетель» are people who testify; «цифрлік саусақ ізі» is metadata; the rest is for a court to decide.
FORBIDDEN = (
    r"\bкуә|свидетел|саусақ ізі|qualified|admissible|допустим|жол беріл|blockchain|блокчейн|presum|презумп|%s|TO" "DO"
)


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(item, f"{path}.{key}")
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from texts(item, f"{path}.{place}")
    else:
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name), f"{path}.{field.name}")


def places(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w*)\}", text))


@pytest.mark.parametrize("words", [WORDS, SHEET_WORDS], ids=["terminal", "pages"])
def test_the_languages_say_the_same_things(words: Mapping[str, Any]) -> None:
    english = dict(texts(words["en"]))
    for code in ("kk", "ru"):
        found = dict(texts(words[code]))
        assert found.keys() == english.keys()
        assert {path: places(text) for path, text in found.items()} == {
            path: places(text) for path, text in english.items()
        }
        untranslated = [path for path, text in found.items() if text == english[path] and re.search("[a-z]{4}", text)]
        assert untranslated == []


@pytest.mark.parametrize("words", [*WORDS.values(), *SHEET_WORDS.values()])
def test_nothing_is_said_that_a_report_must_not_say(words: Any) -> None:
    for path, text in texts(words):
        assert not re.search(FORBIDDEN, text, re.IGNORECASE), path


@pytest.mark.parametrize("words", SHEET_WORDS.values())
def test_each_outcome_has_its_word(words: Any) -> None:
    assert words.states.keys() == {state.value for state in State}
    assert words.reasons.keys() == {reason.value for reason in Reason}
    assert set(words.means) == set(range(1, 12))
