"""`evidence-verify demand` and `standing`: what is sent, what is printed, what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.verifier.fake_ledger import CODE, DUE, TOKEN, FakeLedger, Reply, json_reply, serving
from tests.verifier.log_forge import CHAIN, number
from tests.verifier.page_reader import read_page
from tests.verifier.programs import Program, Run
from tests.verifier.zip_forge import bundle

AUTHOR = "extracted.author"


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


def demand(program: Program, ledger: FakeLedger, evidence: str | Path, *options: str | Path) -> Run:
    with serving(ledger) as url:
        grounds = () if "--grounds" in options else ("--grounds", "no date")
        return program("demand", evidence, "--server", url, "--token", TOKEN, *grounds, *options)


def test_the_id_alone_is_printed_and_the_answer_follows(ledger: FakeLedger, program: Program) -> None:
    run = demand(program, ledger, ledger.number, "--fields", "extracted.gps.*,extracted.author,extracted.author")
    assert run.status == 0 and run.out == f"{number(4)}\n" and not run.err
    assert ledger.requests == [f"POST /api/v1/evidence/{ledger.number}/demands"]
    found = program.answer(ledger, run.out.strip())
    assert (
        found.json["demand"]["fields"] == [AUTHOR, "extracted.gps.*"] and found.json["demand"]["grounds"] == "no date"
    )


@pytest.mark.parametrize("form", ["bundle", "receipt"])
def test_the_number_comes_from_a_bundle(ledger: FakeLedger, program: Program, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"EL-0000000002-92.{form}"
    path.write_bytes(ledger.bundle() if form == "bundle" else ledger.log.receipt(ledger.evidence))
    assert demand(program, ledger, path, "--all").out == f"{number(4)}\n"
    assert program.answer(ledger, number(4)).json["demand"]["fields"] == "all"


@pytest.mark.parametrize("demanded", ["file", "original", "inspection"])
def test_other_objects(ledger: FakeLedger, program: Program, demanded: str) -> None:
    assert demand(program, ledger, ledger.number, "--object", demanded).status == 0
    assert program.answer(ledger, number(4)).json["demand"]["object"] == demanded
    assert demand(program, ledger, ledger.number, "--object", demanded, "--all").status == 2


WRONG_USES: dict[str, list[str]] = {
    "no fields": [],
    "fields and all": ["--all", "--fields", AUTHOR],
    "no name": ["--fields", "Author"],
    "an empty name": ["--fields", f"{AUTHOR},"],
    "a lone star": ["--fields", "*"],
    "no grounds": ["--all", "--grounds", " "],
    "another object": ["--all", "--object", "everything"],
}


@pytest.mark.parametrize("options", WRONG_USES.values(), ids=WRONG_USES.keys())
def test_wrong_use_sends_nothing(ledger: FakeLedger, program: Program, options: list[str]) -> None:
    run = demand(program, ledger, ledger.number, *options)
    assert run.status == 2 and not run.out and run.err and ledger.requests == []


def test_what_names_no_evidence(ledger: FakeLedger, program: Program, tmp_path: Path) -> None:
    case, broken, letter = tmp_path / "case.zip", tmp_path / "broken.zip", tmp_path / "none" / "letter.html"
    case.write_bytes(bundle(ledger.log.members(ledger.evidence), case=CHAIN))
    broken.write_bytes(b"PK\x03\x04")
    for named in ("EL-0000000002-93", "EL-2", tmp_path / "nothing", case, broken, ledger.trust / "policy"):
        assert demand(program, ledger, named, "--all").status == 2
    assert demand(program, ledger, ledger.number, "--all", "--letter", letter).status == 2
    assert demand(program, ledger, ledger.number, "--all", "--letter", tmp_path).status == 2
    assert ledger.requests == [], "nothing is lodged that cannot be finished"


ANSWERS: dict[str, tuple[dict[str, Any], int]] = {
    "another number": ({"number": "EL-0000000003-89"}, 1),
    "no number": ({"number": None}, 1),
    "an id before the evidence": ({"demand": "EL-0000000001-95"}, 1),
    "no id": ({"demand": None}, 2),
    "an id that is none": ({"demand": "EL-0000000004-87"}, 2),
}


@pytest.mark.parametrize(("changes", "status"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_that_contradicts_the_demand(
    ledger: FakeLedger, program: Program, tmp_path: Path, changes: dict[str, Any], status: int
) -> None:
    said = {"demand": number(4), "number": ledger.number, "case": "c", "due_at": DUE, **changes}
    ledger.lie = lambda path, reply: json_reply(said, 201)
    letter = tmp_path / "letter.html"
    run = demand(program, ledger, ledger.number, "--all", "--letter", letter)
    assert run.status == status and not run.out and run.err and not letter.exists()
    assert len(ledger.requests) == 1, "a demand is never sent twice"


def test_a_server_that_accepts_without_recording(ledger: FakeLedger, program: Program) -> None:
    ledger.lie = lambda path, reply: Reply(reply.body, 200)
    assert demand(program, ledger, ledger.number, "--all").status == 2


@pytest.mark.parametrize("language", ["en", "kk", "ru"])
def test_the_letter(ledger: FakeLedger, program: Program, tmp_path: Path, language: str) -> None:
    path = tmp_path / "letter.html"
    grounds = "<script>alert(1)</script> the photograph \u202ebears no date"
    options = ("--fields", "extracted.author,extracted.gps.*", "--grounds", grounds, "--lang", language)
    run = demand(program, ledger, ledger.number, *options, "--letter", path)
    assert run.status == 0 and run.out == f"{number(4)}\n"
    page = read_page(path)
    assert page.language == language and "script" not in page.tags
    for text in (number(4), ledger.number, AUTHOR, "extracted.gps.*", "<script>alert(1)</script>", "\\u{202e}"):
        assert text in page.text
    assert DUE in page.text and "2-16525/2015" in page.text and "\u202e" not in page.text
    assert list(tmp_path.glob(".*")) == [], "nothing is left beside the letter"
    plain = tmp_path / "plain.html"
    assert demand(program, ledger, ledger.number, "--object", "original", "--letter", plain).status == 0
    assert read_page(plain).language == "en"


def test_standing(ledger: FakeLedger, program: Program) -> None:
    with serving(ledger) as url:
        arguments = ["standing", ledger.number, "--server", url, "--token", TOKEN, "--code"]
        run = program(*arguments, CODE)
        assert run.status == 0 and run.out == f"{number(4)}\n"
        assert program(*arguments, CODE, "--role", "third").status == 0
        assert program(*arguments, CODE, "--role", "court").status == 2
        wrong = program(*arguments, "another")
        assert wrong.status == 2 and "the code is not right" in wrong.err
        ledger.lie = lambda path, reply: json_reply({"standing": None, "state": "admitted"}, 201)
        assert program(*arguments, CODE).out == "admitted\n"
        for said in ({"standing": number(4), "state": "admitted"}, {"standing": None, "state": "asked"}, {}):
            ledger.lie = lambda path, reply, said=said: json_reply(said, 201)  # type: ignore[misc]  # bound at once
            run = program(*arguments, CODE)
            assert run.status in (1, 2) and not run.out
        assert program("standing", "EL-1", *arguments[2:], CODE).status == 2
