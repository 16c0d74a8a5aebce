"""File names: names of all languages, and no paths."""

import sys
import unicodedata

import pytest

from ledger.submit.errors import UnacceptableError
from ledger.submit.file_name import _REFUSED, check_file_name


@pytest.mark.parametrize(
    "name",
    [
        "contract.pdf",
        "Шарт № 5 «Қаңтар» ңғүұқөһі.docx",
        "合同.pdf",
        "عقد.pdf",
        "e\u0301.txt",
        "👩‍⚖️.png",
        ".hidden",
        "...",
        "a..b",
        "no extension",
        "Screenshot 10:30.png",
        "..%2f..%2fpasswd",
        "-rf",
        "\u200ephoto from a phone.jpg",
        "CON",
        "a" * 255,
        "я" * 127,
    ],
)
def test_a_name_is_kept_as_it_is(name: str) -> None:
    assert check_file_name(name, where="file.name") == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "empty"),
        ("/etc/passwd", "not a path"),
        ("../../etc/passwd", "not a path"),
        ("a/b", "not a path"),
        ("folder/", "not a path"),
        ("..\\..\\boot.ini", "not a path"),
        ("\\\\server\\share", "not a path"),
        ("C:evil.exe", "drive"),
        ("c:", "drive"),
        (".", "folder"),
        ("..", "folder"),
        ("a\x00.pdf", r"U\+0000"),
        ("a\n.pdf", r"U\+000A"),
        ("a\r\nSet-Cookie: x", r"U\+000D"),
        ("a\x1b[31m.pdf", r"U\+001B"),
        ("a\x7f", r"U\+007F"),
        ("a\x85", r"U\+0085"),
        ("a\u2028b", r"U\+2028"),
        ("photo_\u202egpj.exe", r"U\+202E"),
        ("a\u2066b", r"U\+2066"),
        ("a\ud800", r"U\+D800"),
        (" a.pdf", "blanks"),
        ("a.pdf ", "blanks"),
        ("a.pdf\u00a0", "blanks"),
        (" ", "blanks"),
        ("a" * 256, "at most 255 bytes of UTF-8, got 256"),
        ("я" * 128, "got 256"),
    ],
)
def test_a_trick_is_refused_with_what_and_where(name: str, said: str) -> None:
    with pytest.raises(UnacceptableError, match=said) as caught:
        check_file_name(name, where="statement.name")
    assert caught.value.where == "statement.name"


def test_what_is_refused_is_what_the_categories_of_unicode_say() -> None:
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        breaking = unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"}
        reordering = unicodedata.bidirectional(character) in {
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
        }  # fmt: skip
        assert (_REFUSED.search(character) is not None) == (breaking or reordering or character in "/\\"), hex(point)
