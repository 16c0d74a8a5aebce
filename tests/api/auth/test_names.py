"""Names that look alike must not be two accounts."""

from __future__ import annotations

import pytest

from api.auth.names import NAME_MAX, ROLES, check_name, check_role, fold_name
from ledger.errors import MalformedError


@pytest.mark.parametrize(
    "name", ["alice", "Айгүл", "a", "7", "law-firm.kz", "clerk_2@court", "Ерлан-2", "x" * NAME_MAX]
)
def test_a_name_people_use_is_taken_as_it_is(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "x" * (NAME_MAX + 1), "_a", ".a", "-a", "@a", "a b", "a/b", "a\\b", "a\nb", "a\x00", "a:b", "a\u202eb",
     "a\ud800", "e\u0301cole", "аlice", "alicе", "a٣", " a", "a ", "a\u200bb"],
)  # fmt: skip
def test_a_name_that_could_mislead_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        check_name(name)


@pytest.mark.parametrize(
    ("one", "other"), [("Alice", "alice"), ("cop", "сор"), ("STRASSE", "straße"), ("АЙГҮЛ", "айгүл")]
)
def test_names_that_a_reader_takes_for_one_another_fold_to_one(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


def test_different_names_fold_to_different_texts() -> None:
    assert fold_name("alice") != fold_name("alicia")


def test_the_roles_are_the_contract_s() -> None:
    assert ROLES == ("party", "counsel", "court", "clerk", "notary", "expert", "auditor", "operator")
    for role in ROLES:
        assert check_role(role) == role
    with pytest.raises(MalformedError):
        check_role("admin")
