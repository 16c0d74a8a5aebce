"""Limits: the contract's figures, and none that the formats cannot hold."""

import pytest

from ledger.entry.commitment import commit_fields, opening_bytes
from ledger.errors import ConfigError, LimitError
from ledger.submit.limits import ENTRY_FIELDS, FILE_NAME_BYTES, NAME_BYTES, OPENING_BYTES, VALUE_BYTES, Limits


def test_the_defaults_are_the_contracts() -> None:
    assert Limits() == Limits(
        file_bytes=10_737_418_240,
        statement_bytes=262_144,
        statement_fields=256,
        entry_fields=1_023,
        value_bytes=65_536,
        batch_lines=10_000,
    )
    assert (NAME_BYTES, FILE_NAME_BYTES) == (128, 255)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("file_bytes", 0),
        ("file_bytes", -1),
        ("file_bytes", 2**53),
        ("statement_bytes", 0),
        ("statement_fields", True),
        ("entry_fields", 1_024),
        ("value_bytes", 65_537),
        ("value_bytes", 1.5),
        ("batch_lines", "10000"),
    ],
)
def test_a_limit_that_cannot_work_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        Limits(**{name: value})  # type: ignore[arg-type]
    assert caught.value.where == name


def test_the_longest_value_under_the_longest_name_still_has_an_opening() -> None:
    longest = "\x00" * ((VALUE_BYTES - 2) // 6)  # six canonical bytes each
    assert len(opening_bytes("a" * NAME_BYTES, bytes(16), longest)) < OPENING_BYTES


def test_the_most_fields_of_an_entry_are_those_that_the_commitment_takes() -> None:
    fields = {f"f{number}": None for number in range(ENTRY_FIELDS)}
    commit_fields(bytes(32), fields)
    with pytest.raises(LimitError):
        commit_fields(bytes(32), fields | {"one_more": None})
