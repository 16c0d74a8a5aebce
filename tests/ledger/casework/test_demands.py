"""Demands on a real ledger: what opens, to whom, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.assembly import Ledger
from ledger.casework.demands import DEMANDS_OPEN
from ledger.casework.people import Actor
from ledger.entry.canonical_json import serialise
from ledger.errors import ConflictError, ForbiddenError, LedgerError, NotFoundError
from ledger.submit.errors import UnacceptableError
from ledger.upkeep.fsck import fsck
from tests.ledger.casework.parties import (
    CLERK,
    EXPERT,
    NOTARY,
    ON_DEMAND,
    OPPONENT,
    OPPONENTS_COUNSEL,
    PARTNER,
    PHOTO,
    SEALED_NAME,
    SECRET_PLACE,
    STRANGER,
    THIRD,
    anchor_photo,
    kinds,
    lodge,
    open_case,
)
from tests.ledger.making import ALICE, JUDGE, anchor_file, make_log, opened, statement


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    settings = make_log(tmp_path_factory.mktemp("demands") / "data")
    with opened(settings) as found:
        yield found
        assert list(fsck(settings)) == []


@pytest.fixture(scope="module")
def case(ledger: Ledger) -> str:
    return open_case(ledger)


@pytest.fixture
def photo(ledger: Ledger, case: str) -> str:
    return anchor_photo(ledger, case)


def sees(ledger: Ledger, number: str, *names: str) -> list[str]:
    """Who sees all of these fields."""
    people = (OPPONENT, OPPONENTS_COUNSEL, THIRD, NOTARY, CLERK, EXPERT, JUDGE)
    return [who.name for who in people if set(names) <= ledger.evidence(who, number).opened.keys()]


# --- what a disclosure opens -----------------------------------------------------------------------------------------


def test_what_is_disclosed_opens_to_the_side_that_demanded_and_to_the_court(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo, "declared.author", "declared.camera.*")
    assert (demand.state, demand.by, demand.number) == ("asked", OPPONENT.name, photo)
    assert sees(ledger, photo, "declared.author") == []
    answered = ledger.desk.disclose(PARTNER, demand.demand)
    assert [(event.kind, event.by) for event in answered.events] == [("metadata.disclosed", PARTNER.name)]
    assert answered.state == "disclosed"
    assert sees(ledger, photo, "declared.author", "declared.camera.serial") == [
        OPPONENT.name, OPPONENTS_COUNSEL.name, JUDGE.name,
    ]  # fmt: skip
    assert sees(ledger, photo, "declared.gps") == []
    assert SECRET_PLACE not in str(ledger.evidence(OPPONENT, photo))


def test_the_respondents_evidence_is_demanded_alike(ledger: Ledger, case: str) -> None:
    number = anchor_photo(ledger, case, OPPONENT)
    demand = lodge(ledger, number, "declared.gps", actor=ALICE)
    with pytest.raises(ForbiddenError):
        ledger.desk.disclose(ALICE, demand.demand)
    assert ledger.desk.disclose(OPPONENTS_COUNSEL, demand.demand).state == "disclosed"
    assert ledger.evidence(PARTNER, number).opened["declared.gps"] == SECRET_PLACE


def test_what_a_court_demands_for_itself_opens_to_it_alone(ledger: Ledger, photo: str) -> None:
    ledger.desk.disclose(ALICE, lodge(ledger, photo, "declared.gps", actor=JUDGE).demand)
    assert sees(ledger, photo, "declared.gps") == [JUDGE.name]


def test_of_all_the_sealed_stay_closed_and_the_answer_is_partial(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo).demand
    assert ledger.desk.disclose(ALICE, demand).state == "partly"
    view = ledger.evidence(OPPONENT, photo)
    assert view.closed == ("declared.witness",)
    with pytest.raises(ForbiddenError, match="sealed"):
        ledger.desk.disclose(ALICE, demand, fields=["declared.witness"])
    refused = ledger.desk.refuse(ALICE, demand, "the witness is protected")
    assert refused.state == "refused"
    assert SEALED_NAME not in str(ledger.evidence(OPPONENT, photo)) + str(ledger.evidence(JUDGE, photo))


def test_an_order_opens_exactly_what_it_names_sealed_fields_too(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo).demand
    ledger.desk.refuse(ALICE, demand, "none of your business")
    ruled = ledger.desk.rule(JUDGE, demand, "disclose", "relevant", ["declared.witness", "declared.gps"])
    assert ruled.state == "ordered"
    view = ledger.evidence(OPPONENT, photo)
    assert set(view.closed) == {"declared.author", "declared.camera.serial", "system.policy"}
    assert view.opened["declared.witness"] == SEALED_NAME
    assert sees(ledger, photo, "declared.witness") == [OPPONENT.name, OPPONENTS_COUNSEL.name, JUDGE.name]
    with pytest.raises(ConflictError, match="ordered"):
        ledger.desk.disclose(ALICE, demand)


def test_a_refusal_that_the_court_upholds_is_final(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo, "declared.gps").demand
    assert ledger.desk.rule(JUDGE, demand, "uphold-refusal", "private").state == "upheld"
    for act in (lambda: ledger.desk.disclose(ALICE, demand), lambda: ledger.desk.refuse(ALICE, demand, "still")):
        with pytest.raises(ConflictError, match="upheld"):
            act()
    assert sees(ledger, photo, "declared.gps") == []


def test_named_fields_leave_the_rest_to_be_refused(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo, "declared.author", "declared.gps").demand
    assert ledger.desk.disclose(ALICE, demand, fields=["declared.author"]).state == "partly"
    assert ledger.desk.refuse(ALICE, demand, "the place is private").state == "refused"
    assert ledger.desk.disclose(ALICE, demand, fields=["declared.gps"]).state == "disclosed"  # a change of mind


def test_nobody_is_shown_more_than_was_asked(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo, "declared.author").demand
    with pytest.raises(UnacceptableError, match="it was not demanded"):
        ledger.desk.disclose(ALICE, demand, fields=["declared.author", "declared.gps"])
    with pytest.raises(UnacceptableError, match="it was not demanded"):
        ledger.desk.rule(JUDGE, demand, "disclose", "r", ["declared.gps"])
    assert set(ledger.evidence(OPPONENT, photo).closed) >= ON_DEMAND


def test_what_was_never_committed_can_be_demanded_and_not_invented(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo, "extracted.device_serial", "extracted.*").demand
    with pytest.raises(UnacceptableError, match="it was never committed"):
        ledger.desk.disclose(ALICE, demand, fields=["extracted.device_serial"])
    with pytest.raises(UnacceptableError, match="was ever committed"):
        ledger.desk.rule(JUDGE, demand, "disclose", "r")
    assert ledger.desk.disclose(ALICE, demand, text="there is nothing").state == "disclosed"


# --- the file, the original, what comes later ------------------------------------------------------------------------


def test_a_disclosed_file_goes_to_the_side_that_demanded_it(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo, object_="file").demand
    with pytest.raises(ForbiddenError):
        ledger.file(OPPONENT, photo)
    assert ledger.desk.disclose(ALICE, demand).state == "disclosed"
    for who in (OPPONENT, OPPONENTS_COUNSEL):
        with ledger.file(who, photo).stream as stream:
            assert stream.read() == PHOTO
    assert PHOTO in b"".join(ledger.bundle(OPPONENT, photo, with_file=True).chunks)
    assert PHOTO not in b"".join(ledger.bundle(THIRD, photo, with_file=True).chunks)
    with pytest.raises(ForbiddenError):
        ledger.file(THIRD, photo)
    assert set(ledger.evidence(OPPONENT, photo).closed) >= ON_DEMAND  # the file, and no field


def test_an_order_opens_a_file(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo, object_="file", actor=THIRD).demand
    ledger.desk.rule(JUDGE, demand, "disclose", "it must be examined")
    ledger.file(THIRD, photo).stream.close()
    with pytest.raises(ForbiddenError):
        ledger.file(OPPONENT, photo)


def test_a_file_that_stayed_at_home_is_handed_over_in_words(ledger: Ledger, case: str) -> None:
    number = ledger.anchor(ALICE, case, statement(1), None, None, None).number
    demand = lodge(ledger, number, object_="file").demand
    with pytest.raises(UnacceptableError, match="expected a text"):
        ledger.desk.disclose(ALICE, demand)
    assert ledger.desk.disclose(ALICE, demand, text="handed over on a stick").state == "disclosed"
    with pytest.raises(NotFoundError):
        ledger.file(OPPONENT, number)


@pytest.mark.parametrize("object_", ["original", "inspection"])
def test_originals_and_inspections_are_answered_in_words(ledger: Ledger, photo: str, object_: str) -> None:
    demand = lodge(ledger, photo, object_=object_).demand
    with pytest.raises(UnacceptableError, match="expected no fields"):
        ledger.desk.disclose(ALICE, demand, fields=["declared.gps"], text="at my office")
    assert ledger.desk.disclose(ALICE, demand, answer="not_held", text="sold").state == "not_held"
    assert ledger.desk.rule(JUDGE, demand, "disclose", "produce it").state == "ordered"


def test_what_is_produced_later_is_linked_and_marked_by_its_place(ledger: Ledger, case: str, photo: str) -> None:
    demand = lodge(ledger, photo, "declared.gps")
    said = serialise({"relations": {"answers": [demand.demand]}, "metadata": {"gps": "51.1"}})
    later = anchor_file(ledger, case, b"the original", "original.jpg", said).number
    for wrong in (photo, anchor_photo(ledger, case, OPPONENT), "EL-9999999999-51", demand.demand, "nonsense"):
        with pytest.raises(UnacceptableError) as caught:
            ledger.desk.disclose(ALICE, demand.demand, answer="produced_later", produced=wrong)
        assert caught.value.where == "produced"
    assert ledger.desk.disclose(ALICE, demand.demand, answer="produced_later", produced=later).state == "produced_later"
    act = ledger.timeline(OPPONENT, case, 0, 1_000)[-1]
    assert act.kind == "metadata.disclosed" and act.opened["relation.produced"] == int(later[3:13]) > demand.index
    assert ("answers", demand.demand, True) in [
        (link.relation, link.number, link.mine) for link in ledger.evidence(ALICE, later).links
    ]


# --- who may not, and what is no demand ------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [ALICE, PARTNER, NOTARY, CLERK, EXPERT], ids=lambda actor: actor.name)
def test_neither_the_submitters_side_nor_those_on_no_side_demand(ledger: Ledger, photo: str, actor: Actor) -> None:
    with pytest.raises(ForbiddenError, match="another side than the submitter's"):
        lodge(ledger, photo, "declared.gps", actor=actor)


def test_a_stranger_hears_the_same_of_everything(ledger: Ledger, case: str, photo: str) -> None:
    demand = lodge(ledger, photo, "declared.gps").demand
    heard = set()
    for number in (photo, demand, case, "EL-0000000999-11", "EL-0000000000-98"):
        for call in (
            lambda n: ledger.desk.demand(STRANGER, n, fields="all", grounds="g"),
            lambda n: ledger.desk.demand(STRANGER, n, fields=["NOT A NAME"], grounds=""),
            lambda n: ledger.desk.challenge(STRANGER, n, ["time"], [], "g"),
            lambda n: ledger.desk.reveal(STRANGER, n, ["declared.gps"]),
            lambda n: ledger.evidence(STRANGER, n),
            lambda n: ledger.bundle(STRANGER, n, True),
        ):
            with pytest.raises(NotFoundError) as caught:
                call(number)
            heard.add(caught.value.what.partition(":")[0])
    assert heard == {"no such evidence, or you are not a member of its case"}
    for call in (
        lambda n: ledger.desk.demand_view(STRANGER, n),
        lambda n: ledger.desk.disclose(STRANGER, n),
        lambda n: ledger.desk.refuse(STRANGER, n, ""),
        lambda n: ledger.desk.rule(STRANGER, n, "disclose", ""),
    ):
        texts = set()
        for number in (demand, photo, "EL-0000000999-11"):
            with pytest.raises(NotFoundError) as caught:
                call(number)
            texts.add(caught.value.what)
        assert texts == {"no such demand, or you are not a member of its case"}
    with pytest.raises(NotFoundError):
        ledger.desk.demands(STRANGER, case)


@pytest.mark.parametrize(
    ("fields", "object_", "grounds", "where"),
    [
        ([], "fields", "g", "fields"),
        (["declared.x"] * 1_024, "fields", "g", "fields"),
        ("declared.x", "fields", "g", "fields"),
        (["Declared"], "fields", "g", "fields.Declared"),
        (["declared.*.x"], "fields", "g", "fields.declared.*.x"),
        (["*"], "fields", "g", "fields.*"),
        (["@names"], "fields", "g", "fields.@names"),
        (["declared.gps"], "file", "g", "fields"),
        ("all", "soul", "g", "object"),
        ("all", "fields", " ", "grounds"),
        ("all", "fields", "g" * 10_001, "grounds"),
        ("all", "fields", "re\u202efused", "grounds"),
        ("all", "fields", "a\x00b", "grounds"),
    ],
)
def test_what_is_no_demand_is_refused_and_nothing_is_written(
    ledger: Ledger, case: str, photo: str, fields: object, object_: str, grounds: str, where: str
) -> None:
    before = kinds(ledger, case)
    with pytest.raises(UnacceptableError) as caught:
        ledger.desk.demand(OPPONENT, photo, fields=fields, object=object_, grounds=grounds)  # type: ignore[arg-type]
    assert caught.value.where == where
    assert kinds(ledger, case) == before


def test_names_are_demanded_once_in_order(ledger: Ledger, photo: str) -> None:
    view = lodge(ledger, photo, "declared.gps", "declared.camera.*", "declared.gps")
    assert view.fields == ("declared.camera.*", "declared.gps")
    assert view.due_basis == "this ledger's configuration, 10 days; no term is set by the sources"


def test_one_account_does_not_bury_another_in_demands(ledger: Ledger, photo: str) -> None:
    made = [lodge(ledger, photo, "declared.gps").demand for _ in range(DEMANDS_OPEN)]
    with pytest.raises(ConflictError, match="wait for an answer already"):
        lodge(ledger, photo, "declared.gps")
    lodge(ledger, photo, "declared.gps", actor=THIRD)
    ledger.desk.refuse(ALICE, made[0], "asked and answered")
    lodge(ledger, photo, "declared.gps")


@pytest.mark.parametrize(
    "answer",
    [
        {"answer": "maybe"},
        {"answer": "not_held", "fields": ["declared.gps"]},
        {"fields": []},
        {"fields": "declared.gps"},
        {"text": "\x07"},
        {"answer": "disclosed", "produced": "EL-0000000000-98"},
    ],
    ids=str,
)
def test_what_is_no_answer_is_refused(ledger: Ledger, photo: str, answer: dict[str, object]) -> None:
    demand = lodge(ledger, photo, "declared.gps").demand
    with pytest.raises(UnacceptableError):
        ledger.desk.disclose(ALICE, demand, **answer)  # type: ignore[arg-type]
    assert ledger.desk.demand_view(ALICE, demand).state == "asked"


def test_demands_are_listed_in_order_for_members(ledger: Ledger, photo: str) -> None:
    case = ledger.evidence(ALICE, photo).case
    before = ledger.desk.demands(CLERK, case, limit=1_000)
    made = [lodge(ledger, photo, "declared.gps") for _ in range(3)]
    after = before[-1].index if before else -1
    assert [each.demand for each in ledger.desk.demands(CLERK, case, after, 2)] == [each.demand for each in made[:2]]
    assert ledger.desk.demands(CLERK, case, made[0].index, 9) == made[1:]


def test_a_demand_in_another_case_is_nobodys_business(ledger: Ledger, photo: str) -> None:
    demand = lodge(ledger, photo, "declared.gps").demand
    own = ledger.open_case(STRANGER, "another matter").case
    said = serialise({"relations": {"answers": [demand]}})
    with pytest.raises(UnacceptableError, match="expected a demand of this case"):
        anchor_file(ledger, own, b"x", said=said, actor=STRANGER)
    with pytest.raises(LedgerError):
        ledger.desk.disclose(STRANGER, demand)


def test_who_is_removed_before_he_is_answered_hears_what_was_recorded(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = open_case(ledger)
    demand = lodge(ledger, anchor_photo(ledger, case), "declared.gps").demand
    act = ledger.desk._acting.act

    def then_removed(decide: Any) -> Any:
        placed = act(decide)
        monkeypatch.undo()
        ledger.desk.remove_member(JUDGE, case, ALICE.name, "r")
        return placed

    monkeypatch.setattr(ledger.desk._acting, "act", then_removed)
    assert ledger.desk.refuse(ALICE, demand, "no").state == "refused"
    with pytest.raises(NotFoundError):
        ledger.desk.demand_view(ALICE, demand)
