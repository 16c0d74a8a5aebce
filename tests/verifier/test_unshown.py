"""What a server leaves out of an answer, together with what it opened, is found in the log, which is public."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verifier.fake_ledger import FakeLedger, Reply, problem
from tests.verifier.log_forge import CHAIN, ForgedEntry, number
from tests.verifier.page_reader import read_page
from tests.verifier.programs import Program, Run
from tests.verifier.zip_forge import bundle
from verifier.sheet.all_words import SHEET_WORDS

AUTHOR, CREATED = "extracted.author", "extracted.created_at"


@pytest.fixture
def ledger(tmp_path: Path) -> FakeLedger:
    return FakeLedger(tmp_path)


@pytest.fixture
def program(capfd: pytest.CaptureFixture[str]) -> Program:
    return Program(capfd)


def refused(ledger: FakeLedger, *names: str) -> ForgedEntry:
    """A demand that was refused, and that stays so as far as the refusal goes."""
    demand = ledger.demand([*(names or (AUTHOR,))])
    ledger.refuse(demand)
    return demand


def hide(ledger: FakeLedger, *entries: ForgedEntry) -> None:
    ledger.hidden |= {entry.index for entry in entries}


def found(run: Run) -> list[tuple[int, str]]:
    return [(each["index"], each["kind"]) for each in run.json["unshown"]]


def outcome(run: Run) -> str:
    return str(run.json["checks"][10]["outcome"])


def on(part: str, change: Callable[[Reply], Reply]) -> Callable[[str, Reply], Reply]:
    """A lie about the resources whose path has a part."""
    return lambda path, reply: change(reply) if part in path else reply


def test_an_honest_refusal(ledger: FakeLedger, program: Program) -> None:
    demand = refused(ledger)
    run = program.answer(ledger, demand)
    assert (run.status, run.states, outcome(run)) == (0, {AUTHOR: "refused"}, "PASSED")
    assert run.json["read_to"] == len(ledger.log.leaves) and run.json["unshown"] == []
    assert not any("/cases/" in path for path in ledger.requests), "nothing is missing, so nothing is looked up"


@pytest.mark.parametrize("more", [1, 251, 600])
def test_later_entries_that_do_not_bear_on_it(ledger: FakeLedger, program: Program, more: int) -> None:
    """Those of other chains, of whatever kind, and those of this case that only say who read and who came in."""
    demand = refused(ledger)
    for kind in ("demand.ruled", "opening.erased", "evidence.revealed"):
        ledger.log.append(kind, "b" * 32, fields={"relation.entry": ledger.evidence.index})
    for kind in ("evidence.read", "member.added", "metadata.demanded", "custody.transferred", "evidence.anchored"):
        ledger.log.append(kind, fields={"relation.entry": ledger.evidence.index})
    for _ in range(more):
        ledger.log.append("evidence.read", "c" * 32, fields={"a": 1})
    run = program.answer(ledger, demand)
    assert (run.status, outcome(run), run.json["unshown"]) == (0, "PASSED", [])


@pytest.mark.parametrize("in_case", [True, False], ids=["case honest", "case too"])
def test_a_hidden_order_with_what_it_opened(ledger: FakeLedger, program: Program, in_case: bool) -> None:
    demand = refused(ledger)
    ruling = ledger.rule(demand, "disclose", [AUTHOR])
    answer = ledger.answer(demand, "disclosed", [AUTHOR])
    assert program.answer(ledger, demand).states == {AUTHOR: "opened"}
    ledger.opened.discard(AUTHOR)
    ledger.states[demand.index] = "refused"
    hide(ledger, ruling, answer)
    ledger.withheld = set() if in_case else set(ledger.hidden)
    run = program.answer(ledger, demand)
    assert (run.status, run.json["verdict"], outcome(run)) == (3, "incomplete", "NOT_CHECKED")
    assert found(run) == [(ruling.index, "demand.ruled"), (answer.index, "metadata.disclosed")]
    assert [each["number"] for each in run.json["unshown"]] == [number(ruling.index), number(answer.index)]
    sentence = f"the log has an entry {ruling.index} of kind demand.ruled in this case's chain that the answer does not"
    assert f"{sentence} show" in run.detail(11)
    about = "it is about this evidence" if in_case else "that it is about other evidence is not shown either"
    assert {each["reason"] for each in run.json["unshown"]} == {about}
    text = program.answer(ledger, demand, as_json=False).out
    assert f"{AUTHOR} – refused, as far as this bundle shows" in text and not text.startswith("VERIFIED")


HIDDEN: dict[str, Callable[[FakeLedger, ForgedEntry], ForgedEntry]] = {
    "a disclosure": lambda ledger, demand: ledger.answer(demand, "partly", [AUTHOR]),
    "a second refusal": lambda ledger, demand: ledger.refuse(demand, "another reason"),
    "a ruling that upholds": lambda ledger, demand: ledger.rule(demand, "uphold-refusal"),
    "a lapse": lambda ledger, demand: ledger.lapse(demand),
    "an erasure": lambda ledger, demand: ledger.erase(AUTHOR),
    "a revelation": lambda ledger, demand: ledger.act("evidence.revealed", answer__fields=[AUTHOR]),
    "a challenge": lambda ledger, demand: ledger.act("authenticity.challenged", challenge__heads=["time"]),
    "an admission": lambda ledger, demand: ledger.act("authenticity.admitted", challenge__fields=[]),
    "an answer to a challenge": lambda ledger, demand: ledger.act("challenge.answered", relation__challenge=9),
    "a ruling on a challenge": lambda ledger, demand: ledger.act("challenge.ruled", relation__challenge=9),
    "an act of an unknown kind": lambda ledger, demand: ledger.act("demand.reopened"),
}


@pytest.mark.parametrize("act", HIDDEN.values(), ids=HIDDEN.keys())
def test_whatever_bears_on_the_answer_is_missed(
    ledger: FakeLedger, program: Program, act: Callable[[FakeLedger, ForgedEntry], ForgedEntry]
) -> None:
    demand = refused(ledger, AUTHOR, CREATED)
    hidden = act(ledger, demand)
    ledger.opened.discard(AUTHOR)
    hide(ledger, hidden)
    run = program.answer(ledger, demand)
    assert run.status == 3 and [index for index, _ in found(run)] == [hidden.index] and run.failed == []


def test_an_erasure_before_the_demand(ledger: FakeLedger, program: Program) -> None:
    erasure = ledger.erase(AUTHOR)
    demand = refused(ledger)
    assert program.answer(ledger, demand).states == {AUTHOR: "erased"}
    hide(ledger, erasure)
    run = program.answer(ledger, demand)
    assert (run.status, run.states) == (3, {AUTHOR: "refused"}) and found(run) == [(erasure.index, "opening.erased")]


def test_what_is_known_to_be_missing_makes_any_answer_incomplete(ledger: FakeLedger, program: Program) -> None:
    demand = ledger.demand([AUTHOR])
    ledger.answer(demand, "disclosed", [AUTHOR])
    ruling = ledger.act("challenge.ruled", relation__challenge=9)
    assert program.answer(ledger, demand).status == 0
    hide(ledger, ruling)
    run = program.answer(ledger, demand)
    assert (run.status, run.states) == (3, {AUTHOR: "opened"})


# ---- other evidence of the same case


def quarrel_about_the_other(ledger: FakeLedger) -> list[ForgedEntry]:
    """A demand on the other evidence, refused, ordered; an erasure there."""
    other = ledger.other.index
    demand = ledger.demand([AUTHOR], evidence=other)
    relation = {"relation__demand": demand.index, "evidence": other}
    return [
        ledger.act("demand.refused", answer__reason="no", **relation),
        ledger.act("demand.ruled", ruling__order="disclose", ruling__fields=[AUTHOR], **relation),
        ledger.act("opening.erased", other, erasure__fields=[AUTHOR], erasure__order="order 8"),
    ]


@pytest.mark.parametrize("knows_file", [True, False])
def test_acts_on_other_evidence_are_looked_up(ledger: FakeLedger, program: Program, knows_file: bool) -> None:
    demand = refused(ledger)
    quarrel_about_the_other(ledger)
    ledger.act("evidence.revealed", ledger.other.index, relation__entry=...)  # one that names no evidence at all
    ledger.knows_file = knows_file
    run = program.answer(ledger, demand)
    assert (run.status, outcome(run), run.json["unshown"]) == (0, "PASSED", [])
    asked = [path for path in ledger.requests if "/cases/" in path]
    assert len(asked) == (1 if knows_file else 2) and asked[0].endswith(f"/cases/{CHAIN}/bundle?file=false")


CLAIMS: dict[str, Callable[[dict[str, bytes], str], dict[str, bytes]]] = {
    "left out": lambda members, folder: {k: v for k, v in members.items() if not k.startswith(folder)},
    "with another leaf": lambda members, folder: {
        **members,
        f"{folder}leaf.json": members[f"{folder}leaf.json"].replace(b"demand.ruled", b"demand.rulez"),
    },
    "with another relation": lambda members, folder: {
        k: v.replace(b'",2]', b'",3]') if k.startswith(folder) else v for k, v in members.items()
    },
    "with the relation closed": lambda members, folder: {
        k: v for k, v in members.items() if not (k.startswith(folder) and v.startswith(b'["relation.entry"'))
    },
    "without hashes": lambda members, folder: {k: v for k, v in members.items() if k != f"{folder}hashes"},
}


@pytest.mark.parametrize("change", CLAIMS.values(), ids=CLAIMS.keys())
def test_that_an_act_is_about_other_evidence_must_be_proven(
    ledger: FakeLedger, program: Program, change: Callable[[dict[str, bytes], str], dict[str, bytes]]
) -> None:
    """The order that is hidden in the evidence's bundle is passed off, in the case's, as one about something else."""
    assert ledger.evidence.index == 2 and ledger.other.index == 3
    demand = refused(ledger)
    ruling = ledger.rule(demand, "disclose", [AUTHOR])
    hide(ledger, ruling)
    members = ledger.log.members(*ledger.log_entries())
    forged = change(members, f"entries/{ruling.index}/")
    assert forged != members
    lie = Reply(bundle(forged, case=CHAIN), media="application/zip")
    ledger.lie = on("/cases/", lambda _: lie)
    run = program.answer(ledger, demand)
    assert run.status == 3 and found(run) == [(ruling.index, "demand.ruled")]


@pytest.mark.parametrize(
    "reply",
    [problem(403, "not for you"), problem(400, "no"), Reply(b"PK\x03\x04", media="application/zip"), Reply(b"{")],
)
def test_a_case_that_is_not_shown(ledger: FakeLedger, program: Program, reply: Reply) -> None:
    """It would be an honest refusal if it were shown that the rest is about other evidence."""
    demand = refused(ledger)
    acts = quarrel_about_the_other(ledger)
    ledger.lie = on("/cases/", lambda _: reply)
    run = program.answer(ledger, demand)
    assert run.status == 3 and [index for index, _ in found(run)] == [entry.index for entry in acts]


# ---- an entry that is shown, and closed where it matters


@pytest.mark.parametrize("name", ["relation.demand", "ruling.order", "ruling.fields"])
def test_an_order_shown_without_what_it_orders(ledger: FakeLedger, program: Program, name: str) -> None:
    demand = refused(ledger)
    ruling = ledger.rule(demand, "disclose", [AUTHOR])
    ledger.closed[ruling.index] = {name}
    run = program.answer(ledger, demand)
    assert run.status == 3 and found(run) == [(ruling.index, "demand.ruled")]
    assert run.json["unshown"][0]["reason"] == f"it is shown without {name}"


def test_what_does_not_matter_may_be_closed(ledger: FakeLedger, program: Program) -> None:
    demand = refused(ledger)
    second = refused(ledger)
    ledger.closed[ledger.rule(second, "disclose", [AUTHOR]).index] = {"ruling.fields", "ruling.order"}
    ledger.closed[ledger.rule(demand, "uphold-refusal").index] = {"ruling.reason"}
    assert program.answer(ledger, demand).status == 0
    assert program.answer(ledger, second).status == 3


def test_what_a_bundle_alone_says_of_its_gaps(ledger: FakeLedger, program: Program) -> None:
    demand = refused(ledger)
    hide(ledger, ledger.rule(demand, "disclose", [AUTHOR]))
    ledger.refuse(demand)
    path = ledger.folder / "input"
    path.write_bytes(ledger.bundle())
    run = program("verify", path, "--trust", ledger.trust, "--json")
    # Of seq 1, the evidence, to 6, the second refusal: the other evidence and the ruling are not in the bundle.
    assert "of seq 1 to 6, 2 entries are not there; whether any follows is not shown" in run.detail(9)


@pytest.mark.parametrize("language", ["en", "kk", "ru"])
def test_pages(ledger: FakeLedger, program: Program, language: str) -> None:
    demand = refused(ledger)
    words, page = SHEET_WORDS[language], ledger.folder / "answer.html"
    size = len(ledger.log.leaves)

    def shown() -> tuple[str, str]:
        run = program.answer(ledger, demand, "--lang", language, "--report", page, as_json=False)
        return run.out, read_page(page).text

    so_far = words.so_far.format(state=words.states["refused"])
    for text in shown():
        assert words.log_read.format(size=size) in text and so_far not in text and words.not_complete not in text
    ledger.lie = on("/tile/", lambda _: problem(404, "no such tile"))
    for text in shown():
        assert words.not_shown.format(size=size) in text and so_far in text and words.answer_so_far in text
    ledger.lie = lambda _, reply: reply
    ruling = ledger.rule(demand, "disclose", [AUTHOR])
    hide(ledger, ruling)
    for text in shown():
        assert words.unshown.format(number=number(ruling.index), kind="demand.ruled") in text and so_far in text
        assert words.answer_unshown.format(count=1) in text
