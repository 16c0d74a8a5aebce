"""docs/permissions.md is what happens: every call, made by everybody, is answered as its table says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import RESOURCES, operations
from api.public.description import make_description
from tests.api.courtroom import API, COLUMNS, Courtroom
from tests.api.service import running_service

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
ROW = re.compile(r"\| `(GET|POST|PUT|PATCH|DELETE) (\S+)` \|(.+)\|")


def table() -> dict[tuple[str, str], list[str]]:
    """Method and path → the statuses, in the columns' order."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [match for line in lines if (match := ROW.fullmatch(line))]
    return {(match[1], match[2]): [cell.strip() for cell in match[3].split("|")] for match in rows}


TABLE = table()
EVERY = {
    (each.method, each.path.removeprefix(API)): each for each in operations((*RESOURCES, make_description(RESOURCES)))
}


MEMBERS_ONLY = [key for key, operation in EVERY.items() if not operation.is_public]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Courtroom]:
    with running_service(tmp_path_factory.mktemp("courtroom"), {"extract": False}) as service:
        yield Courtroom(service)


def test_the_page_has_every_call_and_no_other() -> None:
    assert TABLE.keys() == EVERY.keys()
    heads = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| call |")]
    assert heads == [f"| call | {' | '.join(COLUMNS)} |"]


@pytest.mark.parametrize(("method", "path"), TABLE, ids=lambda value: str(value))
def test_everybody_is_answered_as_the_page_says(room: Courtroom, method: str, path: str) -> None:
    assert answered(room, method, path) == dict(zip(COLUMNS, TABLE[method, path], strict=True))


@pytest.mark.parametrize(
    ("method", "path"),
    # What hangs on the case is another matter; and who was the opponents' colleague cannot ask to be let in as theirs.
    [(m, p) for m, p in MEMBERS_ONLY if not p.startswith("/cases") and p != "/evidence/{number}/standing"],
    ids=lambda value: str(value),
)
def test_the_right_belongs_to_both_sides_alike(room: Courtroom, method: str, path: str) -> None:
    """The other side submits, and who opened the case is the opponent: the same table, with the sides changed."""
    expected = dict(zip(COLUMNS, TABLE[method, path], strict=True))
    expected |= dict.fromkeys(("opener", "own side"), expected["opposing"]) | {"opposing": expected["opener"]}
    room.submitter, room.opponent = "bekova", "aigul"
    try:
        assert answered(room, method, path) == expected
    finally:
        room.submitter, room.opponent = "aigul", "bekova"


def answered(room: Courtroom, method: str, path: str) -> dict[str, str]:
    """The status that each column gets."""
    found = {}
    call = room.call(method, path)
    for column, who in COLUMNS.items():
        status = room.service.call(who, call.method, call.path, **call.rest).status_code
        found[column] = str(status)
        if status < 400 and method != "GET":
            call = room.call(method, path)  # it is done: the next one has something of his own to do it with
    return found
