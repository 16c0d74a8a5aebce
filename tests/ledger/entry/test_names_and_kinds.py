"""The grammar of names, and which kinds are public."""

from __future__ import annotations

import pytest

from ledger.entry.kinds import CASE_KINDS, SYSTEM_KINDS, check_kind
from ledger.entry.names import NAME_MAX, check_name
from ledger.errors import LimitError, MalformedError


@pytest.mark.parametrize("name", ["a", "file.sha256", "declared.extracted.x_1", "a.0.9", "a_", "z9._", "a" * NAME_MAX])
def test_names_of_the_grammar_pass(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "@names", "A", "9a", "_a", ".a", "a.", "a..b", "a-b", "a b", "a\n", "é", "a.é", "a\x00", "aＡ", "a\u0661"],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        check_name(name)


def test_a_name_of_129_bytes_is_refused() -> None:
    with pytest.raises(LimitError) as caught:
        check_name("a" * 129)
    assert (caught.value.limit, caught.value.got) == (128, 129)


def test_the_kinds_are_apart_and_well_named() -> None:
    assert not SYSTEM_KINDS & CASE_KINDS
    assert (len(SYSTEM_KINDS), len(CASE_KINDS)) == (8, 23)
    for kind in SYSTEM_KINDS | CASE_KINDS:
        check_name(kind)


def test_a_system_kind_is_public_and_a_cases_kind_is_not() -> None:
    for kind in SYSTEM_KINDS:
        check_kind(kind, public=True)
        with pytest.raises(MalformedError):
            check_kind(kind, public=False)
    for kind in CASE_KINDS:
        check_kind(kind, public=False)
        with pytest.raises(MalformedError):
            check_kind(kind, public=True)


def test_an_unknown_kind_may_be_either() -> None:
    check_kind("something.new", public=True)
    check_kind("something.new", public=False)
