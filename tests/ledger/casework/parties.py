"""A case and its people, for tests of casework."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.casework.views import DemandView
from ledger.entry.canonical_json import serialise
from tests.ledger.making import ALICE, JUDGE, anchor_file

PARTNER = Actor("partner", "counsel")
OPPONENT = Actor("opponent", "party")
OPPONENTS_COUNSEL = Actor("oc", "counsel")
THIRD = Actor("third", "party")
NOTARY = Actor("notary", "notary")
CLERK = Actor("clerk", "clerk")
EXPERT = Actor("expert", "expert")
STRANGER = Actor("eve", "party")
OPERATOR = Actor("root", "operator")

ROLES = {
    PARTNER: "party", OPPONENT: "opposing", OPPONENTS_COUNSEL: "opposing", THIRD: "third", NOTARY: "notary",
    CLERK: "clerk", EXPERT: "expert", JUDGE: "court",
}  # fmt: skip

SECRET_PLACE = "51.128889 north, 71.42 east"
SEALED_NAME = "Witness Zhanar Protected"
SAID = {
    "metadata": {
        "author": "Xanthippe Qurmanova",
        "gps": SECRET_PLACE,
        "camera.serial": "SN-4711",
        "witness": SEALED_NAME,
    },
    "policy": {"declared.witness": "sealed"},
}
PHOTO = b"\xff\xd8\xff\xe0 a photograph of a door"

ON_DEMAND = {"declared.author", "declared.gps", "declared.camera.serial", "system.policy"}

Result = TypeVar("Result")


def open_case(ledger: Ledger, *, without: tuple[Actor, ...] = ()) -> str:
    """A case of Alice's with everybody in it but those left out."""
    case = ledger.open_case(ALICE, "Alice v. opponent").case
    for actor, role in ROLES.items():
        if actor not in without:
            ledger.add_member(ALICE, case, actor.name, actor.role, role)
    return case


def anchor_photo(ledger: Ledger, case: str, actor: Actor = ALICE, data: bytes = PHOTO) -> str:
    """The number of a photograph with metadata, one of them sealed."""
    return anchor_file(ledger, case, data, "door.jpg", serialise(SAID), actor).number


def lodge(ledger: Ledger, number: str, *fields: str, actor: Actor = OPPONENT, object_: str = "fields") -> DemandView:
    """A demand for these fields, or for all."""
    wanted = list(fields) if fields else ("all" if object_ == "fields" else [])
    return ledger.desk.demand(actor, number, fields=wanted, object=object_, grounds="the picture looks cut")


def kinds(ledger: Ledger, case: str) -> list[str]:
    """The kinds of a case's entries, in order."""
    return [entry.kind for entry in ledger.timeline(ALICE, case, 0, 1_000)]


def outcome(call: Callable[[], Result]) -> Result | Exception:
    """What a call returns or raises, for threads."""
    try:
        return call()
    except Exception as error:  # compared by the test that asked
        return error
