"""Challenges and admissions, custody, revealing, channels, copies: what the record shows of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.custody import Transfer
from ledger.casework.people import Actor
from ledger.config import Settings
from ledger.entry.canonical_json import serialise
from ledger.errors import ConflictError, ForbiddenError, NotFoundError
from ledger.submit.errors import UnacceptableError
from ledger.upkeep.fsck import fsck
from tests.ledger.casework.parties import (
    CLERK,
    NOTARY,
    OPPONENT,
    PARTNER,
    SEALED_NAME,
    SECRET_PLACE,
    STRANGER,
    THIRD,
    anchor_photo,
    kinds,
    lodge,
    open_case,
)
from tests.ledger.making import ALICE, JUDGE, anchor_file, make_log, opened


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    settings = make_log(tmp_path_factory.mktemp("challenges") / "data")
    with opened(settings) as found:
        yield found
        assert list(fsck(settings)) == []


@pytest.fixture(scope="module")
def case(ledger: Ledger) -> str:
    return open_case(ledger)


@pytest.fixture
def photo(ledger: Ledger, case: str) -> str:
    return anchor_photo(ledger, case)


def test_a_challenge_is_answered_and_ruled_on_and_shown(ledger: Ledger, photo: str) -> None:
    assert ledger.evidence(CLERK, photo).standing == "not challenged"
    made = ledger.desk.challenge(OPPONENT, photo, ["time", "content"], ["declared.gps"], "I was elsewhere")
    assert (made.heads, made.fields, made.state) == (("content", "time"), ("declared.gps",), "open")
    day = made.time[:10]
    assert ledger.evidence(CLERK, photo).standing == f"challenged on {day} by opponent, 1 fields, open"
    assert ledger.desk.answer_challenge(PARTNER, made.challenge, "the phone knows").state == "answered"
    ruled = ledger.desk.rule_challenge(JUDGE, made.challenge, "dismissed", "the phone does know")
    assert [event.kind for event in ruled.events] == ["challenge.answered", "challenge.ruled"]
    admitted = ledger.desk.admit(THIRD, photo)
    assert ledger.evidence(CLERK, photo).standing == (
        f"challenged on {day} by opponent, 1 fields, ruled: dismissed; admitted on {day} by third"
    )
    assert ledger.desk.challenges(NOTARY, photo) == [ruled, admitted]
    with pytest.raises(ConflictError, match="its state is admitted"):
        ledger.desk.answer_challenge(ALICE, admitted.challenge, "thank you")
    with pytest.raises(ConflictError, match="its state is dismissed"):
        ledger.desk.rule_challenge(JUDGE, made.challenge, "upheld", "no, wait")


@pytest.mark.parametrize("actor", [ALICE, PARTNER, JUDGE, NOTARY, CLERK], ids=lambda actor: actor.name)
def test_only_another_side_challenges_and_admits(ledger: Ledger, photo: str, actor: Actor) -> None:
    with pytest.raises(ForbiddenError):
        ledger.desk.challenge(actor, photo, ["time"], [], "g")
    with pytest.raises(ForbiddenError):
        ledger.desk.admit(actor, photo)


@pytest.mark.parametrize(
    ("heads", "fields", "grounds"),
    [
        ([], [], "g"),
        (["style"], [], "g"),
        (["time"], ["extracted.none"], "g"),
        (["time"], [], ""),
        (["time"], "x", "g"),
    ],
)
def test_what_is_no_challenge_is_refused(
    ledger: Ledger, photo: str, heads: list[str], fields: list[str], grounds: str
) -> None:
    with pytest.raises(UnacceptableError):
        ledger.desk.challenge(OPPONENT, photo, heads, fields, grounds)
    assert ledger.desk.challenges(ALICE, photo) == []


def test_a_strangers_challenge_number_tells_nothing(ledger: Ledger, photo: str) -> None:
    made = ledger.desk.challenge(OPPONENT, photo, ["copy"], [], "g").challenge
    for number in (made, photo, "EL-9999999999-51"):
        with pytest.raises(NotFoundError, match="no such challenge, or you are not a member of its case"):
            ledger.desk.answer_challenge(STRANGER, number, "t")


# --- custody ---------------------------------------------------------------------------------------------------------


def test_a_transfer_is_on_record_with_its_particulars(ledger: Ledger, case: str, photo: str) -> None:
    transfer = Transfer("court archive", "alice", "2026-11-21T09:00:00.000Z", "Astana", "for examination", "order 7")
    ledger.desk.transfer_custody(NOTARY, photo, transfer)
    act = ledger.timeline(OPPONENT, case, 0, 1_000)[-1]
    assert act.kind == "custody.transferred" and act.opened["custody.from"] == "alice"
    assert (act.opened["custody.changes"], act.opened["submitter.name"]) == (None, "notary")
    for wrong in (Transfer(""), Transfer("x", at="yesterday"), Transfer("x", place="\x00")):
        with pytest.raises(UnacceptableError):
            ledger.desk.transfer_custody(ALICE, photo, wrong)


def test_what_is_revealed_opens_to_all_members(ledger: Ledger, photo: str) -> None:
    with pytest.raises(ForbiddenError):
        ledger.desk.reveal(OPPONENT, photo, ["declared.gps"])
    with pytest.raises(ForbiddenError, match="sealed"):
        ledger.desk.reveal(ALICE, photo, ["declared.witness"])
    with pytest.raises(UnacceptableError):
        ledger.desk.reveal(ALICE, photo, ["declared.nothing"])
    ledger.desk.reveal(ALICE, photo, ["declared.gps", "file"])
    for viewer in (OPPONENT, THIRD, CLERK, JUDGE):
        view = ledger.evidence(viewer, photo)
        assert view.opened["declared.gps"] == SECRET_PLACE and "declared.author" in view.closed and view.has_file


def test_reading_is_on_record_where_the_operator_has_it_recorded(tmp_path: Path) -> None:
    settings = make_log(tmp_path / "data")
    for record in (False, True):
        with opened(settings_with(settings, record)) as ledger:
            case = open_case(ledger)
            number = anchor_photo(ledger, case)
            ledger.evidence(PARTNER, number)
            ledger.evidence(OPPONENT, number)
            ledger.bundle(OPPONENT, number, False)
            ledger.file(JUDGE, number).stream.close()
            read = [each.opened for each in ledger.timeline(ALICE, case, 0, 100) if each.kind == "evidence.read"]
            seen = [(each["custody.to"], each["custody.what"]) for each in read]
            assert seen == ([("opponent", "view"), ("opponent", "bundle"), ("judge", "file")] if record else [])
            assert b"evidence.read" not in b"".join(ledger.bundle(ALICE, number, False).chunks)
            assert (b"evidence.read" in b"".join(ledger.case_bundle(ALICE, case).chunks)) == record
    assert list(fsck(settings)) == []


def settings_with(settings: Settings, record: bool) -> Settings:
    return replace(settings, record_reads=record)


# --- copies, links, channels -----------------------------------------------------------------------------------------


def test_the_other_sides_copy_is_compared_where_both_digests_are_open(ledger: Ledger, case: str) -> None:
    mine = anchor_photo(ledger, case, data=b"the same bytes")
    theirs = anchor_photo(ledger, case, OPPONENT, b"the same bytes")
    other = anchor_file(ledger, case, b"other", said=serialise({"relations": {"corroborates": [mine]}})).number
    assert ledger.evidence(CLERK, mine).copies == (f"same bytes as number {theirs}",)
    assert ledger.evidence(ALICE, mine).copies == (
        f"same bytes as number {theirs}", f"different bytes as number {other}",
    )  # fmt: skip
    sealed = serialise({"policy": {"file.sha256": "sealed"}})
    hidden = anchor_file(ledger, case, b"the same bytes", said=sealed, actor=THIRD).number
    assert hidden not in str(ledger.evidence(OPPONENT, mine).copies)
    assert ledger.evidence(OPPONENT, hidden).copies == ()
    assert f"same bytes as number {mine}" in ledger.evidence(THIRD, hidden).copies


def test_links_are_committed_with_the_leaf_they_name(ledger: Ledger, case: str, photo: str) -> None:
    said = serialise({"relations": {"supersedes": [photo], "series": [photo, photo]}})
    later = anchor_file(ledger, case, b"better", said=said).number
    view = ledger.evidence(ALICE, later)
    leaf_hash = ledger.evidence(ALICE, photo).leaf_hash
    assert view.opened["relation.supersedes"] == [{"leaf": leaf_hash, "number": photo}]
    assert {(each.relation, each.number, each.mine) for each in view.links} == {
        ("supersedes", photo, True), ("series", photo, True),
    }  # fmt: skip
    assert {(each.relation, each.mine) for each in ledger.evidence(PARTNER, photo).links} == {
        ("supersedes", False), ("series", False),
    }  # fmt: skip
    assert ledger.evidence(OPPONENT, photo).links == ()  # relation.* is on demand like any field
    ledger.desk.disclose(ALICE, lodge(ledger, later, "relation.*").demand)
    assert len(ledger.evidence(OPPONENT, photo).links) == 2


def test_a_link_goes_nowhere_but_to_evidence_of_the_same_case(ledger: Ledger, case: str, photo: str) -> None:
    elsewhere = anchor_file(ledger, ledger.open_case(ALICE, "another").case, b"x").number
    before = kinds(ledger, case)
    for number in (elsewhere, "EL-9999999999-51", "EL-0000000000-98", lodge(ledger, photo, "declared.gps").demand):
        with pytest.raises(UnacceptableError, match="expected evidence of this case") as caught:
            anchor_file(ledger, case, b"y", said=serialise({"relations": {"supersedes": [number]}}))
        assert caught.value.where == "statement.relations.supersedes"
    assert kinds(ledger, case)[len(before) :] == ["metadata.demanded"]


def test_a_declared_channel_is_a_presumption(ledger: Ledger, case: str) -> None:
    said = serialise({"metadata": {"kind": "email", "sender": "Opponent <Opp@Firm.example>"}})
    number = anchor_file(ledger, case, b"From: opp", "mail.eml", said).number
    assert str(ledger.evidence(ALICE, number).sender).startswith("sender address: not declared;")
    with pytest.raises(ForbiddenError):
        ledger.desk.declare_channels(CLERK, case, [{"address": "x", "kind": "email"}])
    for wrong in ([], [{"address": "x"}], [{"address": "x", "kind": "pigeon"}], [{"address": "", "kind": "email"}]):
        with pytest.raises(UnacceptableError):
            ledger.desk.declare_channels(OPPONENT, case, wrong)
    ledger.desk.declare_channels(OPPONENT, case, [{"address": "opp@firm.example", "kind": "email"}])
    sender = str(ledger.evidence(ALICE, number).sender)
    assert "declared by opponent on " in sender and "presumption, rebuttable; not proof of the person" in sender
    assert ledger.evidence(OPPONENT, number).sender is None  # who does not see the field is told nothing of it


def test_an_undisclosed_name_is_told_by_nothing(ledger: Ledger, photo: str) -> None:
    assert SEALED_NAME not in str(ledger.desk.challenge(OPPONENT, photo, ["author"], ["declared.witness"], "who?"))
