"""The commands of casework against a real server, as five people use them.

Run within this process: they are many, and `test_process` runs real ones.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from docx import Document

from api.cli import main
from tests.api.cli.running import ServedLedger, fail, run

People = Mapping[str, Mapping[str, str]]
Call = Callable[..., str]


@pytest.fixture(scope="module")
def people(served: ServedLedger) -> People:
    """The environments of five accounts."""
    roles = {"aigul": "party", "bekova": "counsel", "sot": "court", "zhanna": "party", "root": "operator"}
    return {name: served.access(served.token(name, role)) for name, role in roles.items()}


@pytest.fixture
def call(people: People, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, work: Path) -> Call:
    """Runs one command as somebody, in an empty folder, and gives its stdout; what it says otherwise is in `said`."""
    monkeypatch.chdir(work)

    def run_here(who: str, *words: str | Path, code: int = 0) -> str:
        for name, value in people[who].items():
            monkeypatch.setenv(name, value)
        got = main([str(word) for word in words])
        captured = capfd.readouterr()
        assert got == code, (words, captured)
        if code:
            assert captured.out == "" and captured.err.strip()
            return captured.err
        return captured.out.removesuffix("\n")

    return run_here


def opened(call: Call, who: str, number: str, work: Path) -> dict[str, object]:
    """The fields that this person's bundle opens."""
    target = work / "seen.zip"
    call(who, "bundle", number, "-o", target)
    with zipfile.ZipFile(target) as bundle:
        index = int(number[3:13])
        lines = [
            json.loads(bundle.read(name)) for name in bundle.namelist() if name.startswith(f"entries/{index}/fields/")
        ]
    return {name: value for name, _, value in lines}


def test_from_a_demand_to_a_ruling(call: Call, work: Path) -> None:
    case = call("aigul", "case", "open", "A. against B.")
    call("aigul", "case", "add-member", case, "bekova", "--role", "opposing")
    call("aigul", "case", "add-member", case, "sot", "--role", "court")
    (work / "a.txt").write_text("evidence", encoding="utf-8")
    number = call(
        "aigul",
        "anchor",
        "a.txt",
        "--case",
        case,
        "--meta",
        "author=Ә. Б.",
        "--meta",
        "place=Almaty",
        "--meta",
        "kind=document",
    )
    demand = call("bekova", "demand", number, "--fields", "declared.author, declared.place", "--grounds", "why")
    assert demand.startswith("EL-") and call("sot", "demands", case) == demand
    listed = json.loads(call("sot", "demands", case, "--json"))["items"]
    assert (listed[0]["number"], listed[0]["fields"]) == (number, ["declared.author", "declared.place"])

    waiting = call("aigul", "reminders").split("\t")
    assert waiting == [demand, number, listed[0]["due_at"], "due"]
    assert call("bekova", "reminders") == call("sot", "reminders") == ""
    assert json.loads(call("aigul", "reminders", "--json"))["items"][0]["subject"] == demand

    assert call("aigul", "disclose", demand, "--fields", "declared.place") == demand
    assert json.loads(call("aigul", "refuse", demand, "--reason", "a trade secret", "--json"))["state"] == "refused"
    assert call("sot", "reminders").split("\t") == [demand, number, "-", "waiting"]
    seen = opened(call, "bekova", number, work)
    assert seen["declared.place"] == "Almaty" and "declared.author" not in seen
    assert "403" in call("aigul", "rule", demand, "--order", "disclose", "--reason", "x", code=1)
    ruled = json.loads(call("sot", "rule", demand, "--order", "disclose", "--reason", "it matters", "--json"))
    assert ruled["state"] == "ordered"
    assert opened(call, "bekova", number, work)["declared.author"] == "Ә. Б."
    assert "its state is ordered now" in call("sot", "rule", demand, "--order", "disclose", "--reason", "x", code=1)

    challenge = call(
        "bekova", "challenge", number, "--grounds", "not his", "--head", "author", "--fields", "declared.author"
    )
    admission = call("bekova", "admit", number, "--fields", "declared.place")
    assert challenge != admission
    original = call("bekova", "demand", number, "--object", "original", "--grounds", "why")
    answer = json.loads(call("aigul", "disclose", original, "--answer", "not_held", "--text", "lost", "--json"))
    assert answer["state"] == "not_held"

    erasure = json.loads(
        call("root", "erase", number, "--fields", "declared.place", "--order", "ruling of 1 May", "--json")
    )
    assert erasure["fields"] == ["declared.place"]
    assert call("sot", "erase", number, "--fields", "declared.author", "--order", "ruling of 2 May").startswith("EL-")
    assert {"declared.author", "declared.place"}.isdisjoint(opened(call, "aigul", number, work))
    assert call("aigul", "case", "remove-member", case, "bekova", "--reason", "left the firm") == ""
    assert "404" in call("bekova", "demands", case, code=1)


def test_who_was_never_let_in_gets_standing_from_the_court(call: Call, work: Path) -> None:
    case = call("aigul", "case", "open", "A. against Zh.")
    (work / "a.txt").write_text("evidence", encoding="utf-8")
    anchored = json.loads(call("aigul", "anchor", "a.txt", "--case", case, "--json"))
    number, code = anchored["number"], anchored["access"]
    asked = call("zhanna", "standing", "ask", number, "--code", code)
    assert call("aigul", "standing", "list", case) == asked
    assert call("aigul", "standing", "refuse", asked, "--reason", "no party") == asked
    assert "404" in call("zhanna", "case", "show", case, code=1)
    assert call("sot", "standing", "ask", number, "--code", code) == case
    ruled = json.loads(call("sot", "standing", "admit", asked, "--reason", "the defendant", "--json"))
    assert ruled["state"] == "admitted"
    assert "member\tzhanna\topposing\topposing" in call("zhanna", "case", "show", case)
    assert "no evidence has this number and code" in call("root", "standing", "ask", number, "--code", "A", code=1)


def test_metadata_is_taken_here_where_the_file_stays_here(call: Call, work: Path) -> None:
    document = Document()
    document.core_properties.author = "A. Tenant"
    document.save(str(work / "statement.docx"))
    (work / "page.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    case = call("aigul", "case", "open", "title")
    number = call(
        "aigul", "anchor", "statement.docx", "--case", case, "--hash-only", "--extract", "--meta", "kind=document"
    )
    seen = opened(call, "aigul", number, work)
    assert seen["declared.extracted.author"] == "A. Tenant"
    assert seen["declared.extracted.format"] == "ooxml"
    assert not any(str(name).startswith("extracted.") for name in seen)
    later = call("aigul", "anchor", "page.png", "--case", case, "--relation", f"derived_from={number}")
    linked = opened(call, "aigul", later, work)["relation.derived_from"]
    assert [each["number"] for each in linked] == [number]  # type: ignore[attr-defined]  # a list of objects


def test_what_is_missing_is_said_on_stderr_and_a_stopped_ledger_is_rebuilt(tmp_path: Path) -> None:
    with ServedLedger.make(tmp_path / "data") as served:
        party = served.access(served.token("party"))
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        done = run("case", "open", "title", env=party)
        anchored = run("anchor", "a.png", "--case", done.stdout.strip(), env=party, cwd=tmp_path)
        assert anchored.returncode == 0 and anchored.stdout.count("\n") == 1
        assert "a picture without source cannot be examined" in anchored.stderr
        assert "process" in fail(1, "rebuild", "--data", served.data)
    rebuilt = run("rebuild", "--data", served.data, "--json")
    assert json.loads(rebuilt.stdout)["entries"] >= 3
    assert run("fsck", "--data", served.data).returncode == 0
