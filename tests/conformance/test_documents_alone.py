"""Somebody who has only the documents: a bundle that the opponent saved, a trust folder, `evidence-verify --report`.

Each question is answered by the page alone, in each of its languages, in the section where a reader would look for it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from tests.conformance.served import PEOPLE, make_town
from tests.verifier.page_reader import Page, read_page
from verifier.sheet.all_words import SHEET_WORDS

PROGRAM = Path(sys.executable).with_name("evidence-verify")
GROUNDS, REASON = "The photograph bears no date.", "Құпия: заңмен қорғалады"
RULING, ORDER, DOUBT = "The note decides the case.", "Ruling 7 of the district court", "Not his hand."
STATEMENT = (
    '{"metadata":{"author":"Ж. Серік","place":"Астана","note":"borrowed","other":"gone","later":"unanswered"},'
    '"policy":{"declared.note":"sealed"}}'
)
FIELDS = ["declared.author", "declared.note", "declared.other", "declared.place", "extracted.dkim", "extracted.version"]


@dataclass(frozen=True)
class Documents:
    """What lies on the table: the bundle and the trust folder; and the numbers that people would name."""

    bundle: Path
    trust: Path
    number: str
    demand: str
    waiting: str
    original: str
    later: str
    refusal: str


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documents]:
    """A case is made and closed; nothing of it is left but the documents."""
    folder = tmp_path_factory.mktemp("documents")
    settings, _ = make_town(folder / "data")
    aigul, bekova, sot = (Actor(name, PEOPLE[name]) for name in ("aigul", "bekova", "sot"))
    ledger = Ledger.open(settings)
    try:
        case = ledger.open_case(aigul, "Ахметов v. Сейтқали").case
        ledger.add_member(aigul, case, "bekova", "counsel", "opposing")
        ledger.add_member(aigul, case, "sot", "court", "court")

        def anchor(statement: str) -> str:
            with ledger.receive_file() as upload:
                upload.write(b"%PDF-1.7")
                return ledger.anchor(aigul, case, statement.encode(), upload, "lease.pdf", None).number

        desk, number = ledger.desk, anchor(STATEMENT)
        demand = desk.demand(bekova, number, fields=FIELDS, grounds=GROUNDS).demand
        waiting = desk.demand(bekova, number, fields=["declared.later"], grounds="And this?").demand
        original = desk.demand(bekova, number, fields=[], object="original", grounds="Show it.").demand
        desk.disclose(aigul, demand, fields=["declared.author", "extracted.version"])
        refusal = desk.refuse(aigul, demand, REASON).events[-1].number
        desk.rule(sot, demand, "disclose", RULING, ["declared.note"])
        later = anchor("{}")
        desk.disclose(aigul, original, answer="produced_later", produced=later, text="Found in the attic.")
        desk.challenge(bekova, number, ["author"], [], DOUBT)
        ledger.erase(sot, number, ["declared.other"], ORDER)
        bundle, trust = folder / "saved.evidence.zip", folder / "trust"
        bundle.write_bytes(b"".join(ledger.bundle(bekova, number, True).chunks))
        for name, data in ledger.trust_files().items():
            (trust / name).parent.mkdir(parents=True, exist_ok=True)
            (trust / name).write_bytes(data)
    finally:
        ledger.close()
    yield Documents(bundle, trust, number, demand, waiting, original, later, refusal)


@pytest.fixture(scope="module", params=["en", "kk", "ru"])
def page(request: pytest.FixtureRequest, documents: Documents, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The report in one language."""
    report = tmp_path_factory.mktemp("page") / "report.html"
    words = [documents.bundle, "--trust", documents.trust, "--report", report, "--lang", request.param]
    done = subprocess.run([PROGRAM, *words], capture_output=True, timeout=60, check=False)
    assert done.returncode == 3, "the file is not at hand: it was not disclosed"
    return read_page(report)


def section(page: Page, heading: str, *after: str) -> str:
    """The text from a heading to the next of those that may follow."""
    start = page.text.index(heading)
    ends = [at for each in after if (at := page.text.find(each, start + len(heading))) > 0]
    return page.text[start : min(ends)]


def test_what_was_demanded(documents: Documents, page: Page) -> None:
    words = SHEET_WORDS[page.language]
    told = section(page, words.demands, words.challenges)
    for demand in (documents.demand, documents.waiting, documents.original):
        assert f"{words.labels['demand']} {demand}" in told
    first = told[told.index(documents.demand) : told.index(documents.waiting, told.index(documents.demand))]
    assert all(name in first for name in FIELDS) and GROUNDS in first and "bekova" in first
    assert "configuration" in first, "where the term comes from"
    assert words.demand_states["ordered"] in first
    assert words.objects["original"] in told[told.index(documents.original) :]


def test_what_opened(documents: Documents, page: Page) -> None:
    words = SHEET_WORDS[page.language]
    assert page.row_of("declared.author", 4)[1:3] == [f"✔ {words.states['opened']}", "Ж. Серік"]
    assert page.row_of("declared.note", 4)[1:3] == [f"✔ {words.states['opened']}", "borrowed"]
    assert page.row_of("extracted.version", 4)[1] == f"○ {words.states['absent']}"


def test_what_was_refused_and_why(documents: Documents, page: Page) -> None:
    words = SHEET_WORDS[page.language]
    expected = ["declared.place", f"✖ {words.states['refused']}", REASON, documents.refusal]
    assert page.row_of("declared.place", 4) == expected
    assert page.row_of("declared.later", 4)[1] == f"? {words.states['closed']}"
    told = section(page, words.demands, words.challenges)
    assert RULING in told and words.orders["disclose"] in told and "sot" in told


def test_what_never_existed(documents: Documents, page: Page) -> None:
    words = SHEET_WORDS[page.language]
    assert page.row_of("extracted.dkim", 4)[1:] == [f"∅ {words.states['never committed']}", "", ""]


def test_what_came_after_the_demand(documents: Documents, page: Page) -> None:
    words = SHEET_WORDS[page.language]
    told = section(page, words.demands, words.challenges)
    answer = told[told.index(documents.original) :]
    assert words.demand_states["produced_later"] in answer
    assert documents.later in answer and "Found in the attic." in answer
    assert page.row_of("original", 4)[1] == f"? {words.states['closed']}", "it is not the answer"


def test_what_was_erased_and_what_is_challenged(documents: Documents, page: Page) -> None:
    words = SHEET_WORDS[page.language]
    assert page.row_of("declared.other", 4)[1:3] == [f"▬ {words.states['erased']}", ORDER]
    assert ORDER in section(page, words.erasures, words.checks) and "gone" not in page.text
    assert DOUBT in section(page, words.challenges, words.erasures)
    assert words.challenge_states["challenged"] in section(page, words.challenges, words.erasures)


def test_what_is_only_declared(documents: Documents, page: Page) -> None:
    words = SHEET_WORDS[page.language]
    declared = section(page, words.declared_fields, words.operator_fields)
    assert "Ж. Серік" in declared and "lease.pdf" in declared and "aigul" not in declared
    assert "aigul" in section(page, words.operator_fields, words.missing)
    assert words.not_complete in section(page, words.missing, words.demands)
    shown = section(page, words.verified, words.declared)
    assert words.means[4] in shown and words.means[8] not in shown, "no independent time is claimed"
