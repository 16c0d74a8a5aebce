"""Drafts: always the same fields, always a policy, never more than one entry holds."""

import hashlib
from dataclasses import replace

import pytest

from ledger.entry.commitment import commit_fields
from ledger.errors import LimitError
from ledger.submit.draft import FileFacts, draft_evidence, visibility
from ledger.submit.errors import UnacceptableError
from ledger.submit.statement import Statement

FILE = FileFacts(
    name="шарт.pdf",
    size=5,
    sha256=hashlib.sha256(b"hello").digest(),
    sha512=hashlib.sha512(b"hello").digest(),
    media_type="application/pdf",
)
ALWAYS = {
    "file.name": "шарт.pdf",
    "file.size": 5,
    "file.sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    "file.sha512": hashlib.sha512(b"hello").hexdigest(),
    "file.media_type": "application/pdf",
    "file.received": False,
    "submitter.name": "А. Серікова",
    "system.policy": {},
}


def test_the_smallest_draft_has_all_that_every_anchored_entry_has() -> None:
    draft = draft_evidence(Statement(), FILE, "А. Серікова")
    assert draft.kind == "evidence.anchored"
    assert draft.fields == ALWAYS


def test_what_is_declared_required_and_extracted_stands_apart() -> None:
    statement = Statement(
        metadata={"author": "a", "extracted.author": "b"}, requisites={"author": "c"}, policy={"extracted.*": "sealed"}
    )
    draft = draft_evidence(statement, FILE, "А. Серікова", server_fields={"extracted.author": "d"})
    assert draft.fields == ALWAYS | {
        "declared.author": "a",
        "declared.extracted.author": "b",
        "requisite.author": "c",
        "extracted.author": "d",
        "system.policy": {"extracted.*": "sealed"},
    }


@pytest.mark.parametrize(
    "name",
    [
        "file.sha256",
        "submitter.name",
        "system.policy",
        "declared.author",
        "author",
        "extracted",
        "extracted.",
        "@names",
    ],
)
def test_the_servers_parts_fill_their_own_namespaces_only(name: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        draft_evidence(Statement(), FILE, "a", server_fields={name: "forged"})
    assert caught.value.where == name


@pytest.mark.parametrize("value", [1.5, "\ud800", 2**53, [[[[[[[[[]]]]]]]]], "x" * 65_535])
def test_a_value_that_cannot_be_committed_is_refused(value: object) -> None:
    with pytest.raises(UnacceptableError) as caught:
        draft_evidence(Statement(), FILE, "a", server_fields={"extracted.a": value})  # type: ignore[dict-item]
    assert caught.value.where == "extracted.a"


@pytest.mark.parametrize("name", ["", "../x", "a\x00"])
def test_a_file_whose_name_is_none_is_refused(name: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        draft_evidence(Statement(), replace(FILE, name=name), "a")
    assert caught.value.where == "file.name"


def test_a_submitter_without_a_name_is_refused() -> None:
    with pytest.raises(UnacceptableError) as caught:
        draft_evidence(Statement(), FILE, "")
    assert caught.value.where == "submitter.name"


def test_1023_fields_are_committed_and_1024_are_refused() -> None:
    extracted = {f"extracted.f{number}": None for number in range(1_023 - len(ALWAYS))}
    draft = draft_evidence(Statement(), FILE, "a", server_fields=extracted)
    assert len(draft.fields) == 1_023
    assert commit_fields(bytes(32), draft.fields)
    with pytest.raises(UnacceptableError, match="at most 1023 fields, got 1024"):
        draft_evidence(Statement(), FILE, "a", server_fields=extracted | {"extracted.more": None})
    with pytest.raises(UnacceptableError, match="at most 8 fields, got 9"):
        draft_evidence(Statement(metadata={"a": 1}), FILE, "a", entry_fields=8)


def test_names_that_do_not_fit_the_list_of_names_are_refused_here_and_not_at_the_commit() -> None:
    """@names is one opening of at most 128 KiB: the draft and the commitment draw the same border, to the byte."""
    room = 128 * 1024 - len('["@names","",[]]') - 24 + 1 - sum(len(name) + 3 for name in ALWAYS)
    names = []
    while room >= 2 * 131:
        names.append(f"extracted.{len(names)}_".ljust(128, "x"))
        room -= 131
    half = room // 2
    names.append("extracted.y".ljust(half - 3, "y"))
    last = "extracted.z".ljust(room - half - 3, "z")
    fits = dict.fromkeys([*names, last])
    assert commit_fields(bytes(32), draft_evidence(Statement(), FILE, "a", server_fields=fits).fields)
    too_long = dict.fromkeys([*names, last + "z"])
    with pytest.raises(UnacceptableError, match="131073 bytes as an opening"):
        draft_evidence(Statement(), FILE, "a", server_fields=too_long)
    with pytest.raises(LimitError):
        commit_fields(bytes(32), ALWAYS | too_long)


def test_visibility_is_at_hand_beside_the_draft() -> None:
    assert visibility("file.name", {}) == "open"
