"""What was opened once and is not open to this reader was withheld, never refused; and a report says what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifier.fake_ledger import FakeLedger, Reply
from tests.verifier.page_reader import read_page
from tests.verifier.programs import Program
from verifier.sheet.all_words import SHEET_WORDS
from verifier.sheet.style import STYLE

AUTHOR, CREATED = "extracted.author", "extracted.created_at"


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


@pytest.mark.parametrize("later", ["refuse", "uphold-refusal"])
def test_what_was_opened_and_is_withheld_is_not_refused(ledger: FakeLedger, program: Program, later: str) -> None:
    demand = ledger.demand([AUTHOR, CREATED])
    ledger.answer(demand, "partly", [AUTHOR])
    if later == "refuse":
        ledger.refuse(demand)
    else:
        ledger.rule(demand, later)
    run = program.answer(ledger, demand)
    assert (run.status, run.states) == (0, {AUTHOR: "opened", CREATED: "refused"})
    ledger.opened.discard(AUTHOR)
    run = program.answer(ledger, demand)
    assert (run.status, run.states) == (3, {AUTHOR: "closed", CREATED: "refused"})
    assert "says it was opened" in run.json["answers"][AUTHOR]["reason"]


def test_an_order_outweighs_what_an_answer_says(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR, CREATED])
    ledger.answer(demand, "partly", [AUTHOR])
    ledger.rule(demand, "disclose", [AUTHOR])
    ledger.opened.discard(AUTHOR)
    assert program.answer(ledger, demand).states == {AUTHOR: "ordered", CREATED: "closed"}


@pytest.mark.parametrize("language", ["en", "kk", "ru"])
def test_that_replies_may_be_missing_is_said(ledger: FakeLedger, program: Program, language: str) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.refuse(demand)
    page = ledger.folder / "answer.html"
    ledger.lie = lambda path, reply: Reply(b"", 404) if path.startswith("/tile/") else reply
    run = program.answer(ledger, demand, "--lang", language, "--report", page, as_json=False)
    words = SHEET_WORDS[language]
    missing = words.not_shown.format(size=len(ledger.log.leaves))
    assert run.status == 3 and missing in run.out
    text = read_page(page).text
    assert text.index(words.demands) < text.index(missing) < text.index(words.not_complete)


def test_an_admission_without_grounds_hides_nothing(ledger: FakeLedger, program: Program) -> None:
    ledger.act("authenticity.admitted", challenge__fields=[], challenge__grounds=None)
    path, page = ledger.folder / "input", ledger.folder / "report.html"
    path.write_bytes(ledger.bundle())
    words = SHEET_WORDS["en"]
    unknown = f"{words.labels['grounds']}: {words.unknown}"
    run = program("verify", path, "--trust", ledger.trust, "--report", page)
    assert words.challenge_states["admitted"] in run.out and unknown not in run.out
    assert "–" in read_page(page).row_of(words.labels["grounds"], 2)
    ledger.act("authenticity.admitted", closed=["challenge.grounds"], challenge__fields=[], challenge__grounds=None)
    path.write_bytes(ledger.bundle())
    assert unknown in program("verify", path, "--trust", ledger.trust).out


def test_no_column_is_squeezed_by_a_long_word_in_another() -> None:
    """Seen in a browser: with widths by content, a digest left the names beside it one letter a line."""
    assert "table-layout: fixed" in STYLE and ".mark { display: inline-block; border-width: 1px; padding" in STYLE
    assert "nowrap" not in STYLE.partition(".mark {")[2]
