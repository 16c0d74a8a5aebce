"""`--report`: one page that somebody who has only the documents can act on, and that no document can subvert."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.fake_ledger import DUE, FakeLedger, Members
from tests.verifier.log_forge import FILE, number
from tests.verifier.page_reader import Page, read_page
from tests.verifier.programs import Program, Run
from tests.verifier.vectors import case as vector
from tests.verifier.vectors import needs_vectors
from tests.verifier.zip_forge import bundle
from verifier.report import LANGUAGES
from verifier.sheet.all_words import SHEET_WORDS
from verifier.sheet.frame import MAX_SHOWN

AUTHOR, CREATED, LAT = "extracted.author", "extracted.created_at", "extracted.gps.lat"
WHEN = "2024-03-02T09:00:00.000Z"
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</td></table></style><style>*{display:none}</style>",
    "<!-- --!> <svg/onload=alert(1)>",
    "javascript:alert(1) {number} {0} %s &lt; &#60;",
    "a\u202egnp.exe\u2066x\u200fy\x00\x1b[2J\u0085",
)


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


def report(program: Program, ledger: FakeLedger, *options: str, members: Members | None = None) -> tuple[Run, Page]:
    path, page = ledger.folder / "input", ledger.folder / "report.html"
    path.write_bytes(bundle(members or ledger.members(), number=ledger.number))
    run = program("verify", path, "--report", page, *options)
    assert [found.name for found in ledger.folder.glob(".*")] == [], "nothing is left beside the report"
    return run, read_page(page)


def story(ledger: FakeLedger) -> str:
    """A demand with every outcome; returns its id."""
    ledger.opened |= {"file.name", "file.size", "file.sha256", "file.sha512"}
    demand = ledger.demand([AUTHOR, CREATED, "extracted.gps.*", "extracted.version", "extracted.zebra"])
    ledger.answer(demand, "partly", [AUTHOR, "extracted.version"])
    ledger.refuse(demand, "a secret protected by law")
    ledger.rule(demand, "disclose", [LAT], "the secret is not one")
    ledger.erase(CREATED)
    ledger.act(
        "authenticity.challenged", challenge__heads=["author"], challenge__fields=[], challenge__grounds="not his hand"
    )
    return number(demand.index)


def test_who_has_only_the_documents_learns_what_happened(ledger: FakeLedger, program: Program) -> None:
    id = story(ledger)
    run, page = report(
        program, ledger, "--trust", str(ledger.trust), members={**ledger.members(), "evidence/2.jpeg": FILE}
    )
    assert run.status == 0
    words = SHEET_WORDS["en"]
    assert page.text.index("VERIFIED: unchanged since the operator's record, which says 2024") < page.text.index(
        "What was"
    )
    assert f"Demand {id}" in page.text and "no date is shown" in page.text and f"says {DUE}" in page.text
    assert page.row_of(AUTHOR, 4)[:3] == [AUTHOR, f"✔ {words.states['opened']}", "Serik"]
    assert words.states["absent"] in page.row_of("extracted.version", 4)[1]
    assert words.states["never committed"] in page.row_of("extracted.zebra", 4)[1]
    assert page.row_of("extracted.gps.lon", 4)[1:3] == [f"✖ {words.states['refused']}", "a secret protected by law"]
    assert page.row_of(LAT, 4)[1:3] == [f"! {words.states['ordered']}", "the secret is not one"]
    assert page.row_of(CREATED, 4)[1:3] == [f"▬ {words.states['erased']}", "order 7 of the court of Almaty"]
    assert "not his hand" in page.text and words.challenge_states["challenged"] in page.text
    for heading in (words.verified, words.declared, words.missing, words.erasures, words.checks, words.facts):
        assert heading in page.text
    assert words.not_complete in page.text and words.only_said not in page.text
    for claim in ("that the content is true;", "that no other versions were anchored elsewhere."):
        assert claim in page.text


def test_who_vouches_for_what(ledger: FakeLedger, program: Program) -> None:
    ledger.opened |= {"file.name", "file.size", "file.sha256", "file.sha512", AUTHOR}
    options = ("--trust", str(ledger.trust))
    _, page = report(program, ledger, *options, members={**ledger.members(), "evidence/2.jpeg": FILE})
    words = SHEET_WORDS["en"]
    order = [page.text.index(text) for text in (words.declared_fields, words.operator_fields, words.checked_fields)]
    assert order == sorted(order)
    declared, operator, compared = (page.text[start:end] for start, end in zip(order, [*order[1:], None], strict=True))
    assert "photo.JPEG" in declared and "Serik" in operator and "Айгүл" in operator and "file.sha256" in compared
    _, page = report(program, ledger, *options)
    assert words.checked_fields not in page.text, "nothing was at hand to compare with"


def test_digests_stand_in_groups_of_eight(ledger: FakeLedger, program: Program) -> None:
    ledger.opened |= {"file.sha256"}
    _, page = report(program, ledger)
    digest = hashlib.sha256(FILE).hexdigest()
    groups = " ".join(digest[at : at + 8] for at in range(0, 64, 8))
    assert page.row_of("SHA-256", 2)[1] == groups


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_check_has_an_icon_and_a_word(ledger: FakeLedger, program: Program, language: str) -> None:
    _, page = report(program, ledger, "--trust", str(ledger.trust), "--lang", language)
    assert page.language == language
    marks = [cell for cell in page.cells if cell[:2] in ("✔ ", "✖ ", "? ")]
    assert len(marks) == 12 and all(len(mark) > 3 for mark in marks)
    assert marks[0][0] == "?", "the file is not at hand"


def test_no_claimed_date_stands_without_says(ledger: FakeLedger, program: Program) -> None:
    story(ledger)
    _, page = report(program, ledger, "--trust", str(ledger.trust))
    for cell in page.cells:
        for part in cell.split(WHEN)[:-1]:
            assert part.endswith("says ")


def test_a_report_of_what_is_not_verified_relies_on_nothing(ledger: FakeLedger, program: Program) -> None:
    story(ledger)
    members = ledger.members()
    proof = f"entries/{ledger.evidence.index}/proof.tlog-proof"
    broken = {**members, proof: members[proof].replace(b"index 2", b"index 3")}
    run, page = report(program, ledger, "--trust", str(ledger.trust), members=broken)
    words = SHEET_WORDS["en"]
    assert run.status == 1 and "✖ NOT VERIFIED" in page.text and words.only_said in page.text
    assert words.means[4] not in page.text and words.means[6] not in page.text
    _, page = report(program, ledger)
    assert "INCOMPLETE" in page.text and words.only_said in page.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_from_outside_is_more_than_text(tmp_path: Path, program: Program, text: str, language: str) -> None:
    ledger = FakeLedger(tmp_path, file__name=text, extracted__author=text, declared__list=[{text: [text]}])
    ledger.opened |= {"file.name", AUTHOR, "declared.list"}
    demand = ledger.demand([AUTHOR, CREATED], demand__grounds=text, demand__due_basis=text, submitter__name=text)
    ledger.refuse(demand, text, submitter__name=text)
    ledger.answer(demand, text, answer__text=text)
    ledger.rule(demand, "uphold-refusal", reason=text)
    ledger.act("demand.ruled", relation__demand=demand.index, ruling__order=text, ruling__fields=[text])
    ledger.act("authenticity.challenged", challenge__heads=[text], challenge__fields=[text], challenge__grounds=text)
    ledger.act("authenticity.admitted", challenge__fields=[text], challenge__grounds=text)
    ledger.erase(LAT, text, order=text)
    ledger.demand([text], object=text)
    _, page = report(program, ledger, "--trust", str(ledger.trust), "--lang", language)
    shown = "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in text)
    assert page.text.count(shown) >= 12
    found = ledger.folder / "answer.html"
    assert program.answer(ledger, demand, "--report", found, "--lang", language).status == 0
    assert shown in read_page(found).text


def test_a_number_that_is_none_is_text_too(ledger: FakeLedger, program: Program) -> None:
    path, page = ledger.folder / "input", ledger.folder / "report.html"
    path.write_bytes(bundle(ledger.members(), number="<b>\u202e" + "x" * 100_000))
    assert program(path, "--report", page, "--trust", ledger.trust).status == 1
    assert "<b>\\u{202e}xxx" in read_page(page).text and page.stat().st_size < 50_000


def test_long_values_are_cut_and_their_length_is_said(tmp_path: Path, program: Program) -> None:
    ledger = FakeLedger(tmp_path, extracted__author="a" * 100_000)
    ledger.opened |= {AUTHOR}
    ledger.demand([AUTHOR], demand__grounds="g" * 50_000)
    _, page = report(program, ledger)
    for length in (100_000, 50_000):
        assert f"(the first {MAX_SHOWN} of {length} characters)" in page.text
    assert len(page.text) < 40_000


def test_a_thousand_acts_are_counted_and_not_all_shown(ledger: FakeLedger, program: Program) -> None:
    for _ in range(105):
        ledger.demand([AUTHOR])
    _, page = report(program, ledger)
    assert page.tags.count("h3") >= 100 and "… and 5 more" in page.text


def test_the_report_of_an_answer(ledger: FakeLedger, program: Program) -> None:
    story(ledger)
    id = number(4)
    path = ledger.folder / "answer.html"
    run = program.answer(ledger, id, "--report", path)
    page = read_page(path)
    assert run.status == 3 and "INCOMPLETE: no check failed; 1 of 6 demanded names are still closed" in page.text
    assert f"Check of the answer to the demand {id}" in page.text and page.row_of(AUTHOR, 4)[2] == "Serik"
    ledger.tamper = lambda members: {name: data for name, data in members.items() if not name.startswith("entries/4/")}
    assert program.answer(ledger, id, "--report", path).status == 1
    page = read_page(path)
    assert "NOT VERIFIED" in page.text and "does not hold the demand" in page.text
    assert SHEET_WORDS["en"].only_said in page.text and SHEET_WORDS["en"].states["opened"] not in page.text


def test_where_no_report_can_be_written_nothing_is_done(ledger: FakeLedger, program: Program) -> None:
    path = ledger.folder / "input"
    path.write_bytes(ledger.bundle())
    for place in (ledger.folder, ledger.folder / "none" / "report.html", "/dev/null", "a\0b"):
        run = program(path, "--report", place)
        assert (run.status == 2 and not run.out and "cannot be written" in run.err) or "plain file" in run.err
    assert Path("/dev/null").is_char_device()


@needs_vectors
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["case", "bracket"])
def test_reports_of_the_vectors(program: Program, tmp_path: Path, language: str, kind: str) -> None:
    name = {"case": "good/case.zip", "bracket": "good/entry-open.receipt.json"}[kind]
    found: Any = vector(name)
    path = tmp_path / "report.html"
    options = ["--trust", found.trust, "--at", found.expected["at"], "--lang", language, "--report", path]
    options += ["--file", found.file] if found.file else []
    assert program(found.path, *options).status == 0
    page = read_page(path)
    if found.expected.get("not_after"):
        assert found.expected["not_after"] in page.text
