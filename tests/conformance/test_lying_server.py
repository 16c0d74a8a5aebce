"""`evidence-verify answer` against a real ledger whose operator lies to the reader: each lie refused, with its step.

The proxy has all that an operator has: the log's entries, openings of other entries, a second history under the same
keys. It packs every bundle anew within the profile, so that step 1 never does another step's work.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.quarrel import (
    AUTHOR,
    DEMANDED,
    NEVER,
    NOTE,
    OTHER,
    PLACE,
    REASON,
    RULING,
    VERSION,
    Quarrel,
    lodge,
    quarrelling,
)
from tests.conformance.served import API, Members, members_of
from tests.fakes.lying_proxy import Answer, Lie, honest
from tests.verifier.zip_forge import again, bundle
from verifier.answer.answer import AnswerResult
from verifier.answer.text import answer_text
from verifier.check import Outcome
from verifier.receipt_number import index_of
from verifier.server import Unreachable
from verifier.sheet.report import answer_page
from verifier.verify import verify

PROGRAM = Path(sys.executable).with_name("evidence-verify")
STATES = {
    AUTHOR: "opened", NEVER: "never committed", NOTE: "refused", OTHER: "refused", PLACE: "refused", VERSION: "absent",
}  # fmt: skip
Change = Callable[[Quarrel, Members], Members]


@pytest.fixture(scope="module")
def quarrel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quarrel]:
    with quarrelling(tmp_path_factory.mktemp("quarrel")) as running:
        yield running


@pytest.fixture(autouse=True)
def honest_again(quarrel: Quarrel) -> Iterator[None]:
    yield
    quarrel.proxy.lie = honest


def folder(number: str) -> str:
    return f"entries/{index_of(number)}/"


def place(members: Members, number: str, name: str) -> str:
    """The member in which an entry's bundle has, or would have, a field's opening."""
    names = ["@names", *json.loads(members[f"{folder(number)}fields/0.json"])[2]]
    return f"{folder(number)}fields/{names.index(name)}.json"


def jcs(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def reopened(number: Callable[[Quarrel], str], name: str, at: int, value: Any) -> Change:
    """One of the three items of an opening made another."""

    def change(quarrel: Quarrel, members: Members) -> Members:
        member = place(members, number(quarrel), name)
        items = json.loads(members[member])
        assert items[at] != value
        items[at] = value
        return {**members, member: jcs(items)}

    return change


def of_evidence(quarrel: Quarrel) -> str:
    return quarrel.number


def of_demand(quarrel: Quarrel) -> str:
    return quarrel.demand


def of_refusal(quarrel: Quarrel) -> str:
    return quarrel.refusal


def without(number: Callable[[Quarrel], str], *names: str) -> Change:
    """An entry withheld; or of it only these fields."""

    def change(quarrel: Quarrel, members: Members) -> Members:
        gone = {place(members, number(quarrel), name) for name in names}
        kept = {member: data for member, data in members.items() if member not in gone}
        if not names:
            kept = {member: data for member, data in members.items() if not member.startswith(folder(number(quarrel)))}
        assert len(kept) < len(members)
        return kept

    return change


def swapped(quarrel: Quarrel, members: Members) -> Members:
    """Two right openings, each at the other's position."""
    first, second = place(members, quarrel.number, AUTHOR), place(members, quarrel.number, VERSION)
    return {**members, first: members[second], second: members[first]}


def shifted(quarrel: Quarrel, members: Members) -> Members:
    """A right opening at a position that is committed to another, closed name."""
    member = place(members, quarrel.number, AUTHOR)
    moved = {name: data for name, data in members.items() if name != member}
    return {**moved, place(members, quarrel.number, PLACE): members[member]}


def counted(quarrel: Quarrel, members: Members) -> Members:
    member = f"{folder(quarrel.number)}leaf.json"
    leaf = json.loads(members[member])
    leaf["fields"]["count"] -= 1
    return {**members, member: jcs(leaf)}


def shortened(quarrel: Quarrel, members: Members) -> Members:
    member = f"{folder(quarrel.number)}hashes"
    return {**members, member: members[member][:-65]}


def borrowed(quarrel: Quarrel, members: Members) -> Members:
    """The same name of the other piece: a right opening of the wrong entry."""
    theirs = members_of(quarrel.town.bundle("aigul", quarrel.other))
    member = place(members, quarrel.number, PLACE)
    return {**members, member: theirs[place(theirs, quarrel.other, PLACE)]}


def unrelated(quarrel: Quarrel, members: Members) -> Members:
    """The name of who demanded in the place of the name of who submitted."""
    member = place(members, quarrel.number, "submitter.name")
    return {**members, member: members[place(members, quarrel.demand, "submitter.name")]}


def other_leaf(quarrel: Quarrel, members: Members) -> Members:
    """The other piece, all of it right but for its place in the log."""
    theirs = members_of(quarrel.town.bundle("bekova", quarrel.other))
    own, foreign = folder(quarrel.number), folder(quarrel.other)
    proof = {f"{own}proof.tlog-proof": members[f"{own}proof.tlog-proof"]}
    moved = {name.replace(foreign, own): data for name, data in theirs.items() if name.startswith(foreign)}
    return {**{name: data for name, data in members.items() if not name.startswith(own)}, **moved, **proof}


def other_leaf_and_proof(quarrel: Quarrel, members: Members) -> Members:
    changed = other_leaf(quarrel, members)
    theirs = members_of(quarrel.town.bundle("bekova", quarrel.other))
    return {**changed, f"{folder(quarrel.number)}proof.tlog-proof": theirs[f"{folder(quarrel.other)}proof.tlog-proof"]}


def answer_of_the_other(quarrel: Quarrel, members: Members) -> Members:
    """An answer that the second history gave, beside the first one's entries."""
    theirs = members_of(quarrel.second.bundle("bekova", quarrel.number))
    at = f"entries/{index_of(quarrel.demand) + 1}/"
    mine = {name: data for name, data in members.items() if not name.startswith(at)}
    added = {name: data for name, data in theirs.items() if name.startswith(at) and not name.endswith("tlog-proof")}
    assert added
    return {**mine, **added, f"{at}proof.tlog-proof": members[f"{at}proof.tlog-proof"]}


def one_signature(quarrel: Quarrel, members: Members) -> Members:
    """The post-quantum signature stripped, in all proofs alike."""
    proofs = {name: data for name, data in members.items() if name.endswith("tlog-proof")}
    return {**members, **{name: data[: data.rindex("— ".encode())] for name, data in proofs.items()}}


LIES: dict[str, tuple[Change, set[int]]] = {
    "a changed value": (reopened(of_evidence, AUTHOR, 2, "М. Әділ"), {4}),
    "a value said to be absent": (reopened(of_evidence, AUTHOR, 2, None), {4}),
    "an absent value invented": (reopened(of_evidence, VERSION, 2, "2"), {4}),
    "a changed salt": (reopened(of_evidence, AUTHOR, 1, "AAAAAAAAAAAAAAAAAAAAAA=="), {4}),
    "another name": (reopened(of_evidence, AUTHOR, 0, PLACE), {4}),
    "a name that was never committed": (reopened(of_evidence, AUTHOR, 0, NEVER), {4}),
    "a name taken off the list": (reopened(of_evidence, "@names", 2, [AUTHOR]), {4}),
    "two positions swapped": (swapped, {4}),
    "another position": (shifted, {4}),
    "another count in the leaf": (counted, {4, 5}),
    "another count of hashes": (shortened, {4}),
    "another entry's field of that name": (borrowed, {4}),
    "another entry's field": (unrelated, {4}),
    "another leaf": (other_leaf, {5}),
    "another leaf with its own proof": (other_leaf_and_proof, {5}),
    "the demand's entry withheld": (without(of_demand), {5}),
    "what the demand is about withheld": (without(of_demand, "relation.entry"), {1, 5}),
    "less was demanded": (reopened(of_demand, "demand.fields", 2, [AUTHOR]), {4, 5}),
    "another reason": (reopened(of_refusal, "answer.reason", 2, "none"), {4}),
    "an answer out of another history": (answer_of_the_other, {5, 9}),
    "a signature stripped": (one_signature, {6}),
}


def bundled(quarrel: Quarrel, change: Change) -> Lie:
    """The evidence's bundle changed, everything else as it is."""

    def lie(path: str, answer: Answer) -> Answer:
        if "/bundle" not in path:
            return answer
        return Answer(again(change(quarrel, members_of(answer.body))), answer.media)

    return lie


def stated(**said: Any) -> Lie:
    """The server's words about the demand changed."""

    def lie(path: str, answer: Answer) -> Answer:
        if "/demands/" not in path:
            return answer
        return Answer(jcs({**json.loads(answer.body), **said}), answer.media)

    return lie


def failed(found: AnswerResult) -> set[int]:
    return {check.step for check in found.result.checks if check.outcome is Outcome.FAILED}


def states(found: AnswerResult) -> dict[str, str]:
    return {judged.name: judged.state.value for judged in found.demand.answers} if found.demand is not None else {}


def test_the_truth(quarrel: Quarrel) -> None:
    for held in (None, quarrel.before, quarrel.after):
        found = quarrel.check(bundle=held)
        assert (found.verdict.exit_status, failed(found), states(found)) == (0, set(), STATES)
        assert found.result.contradictions == ()


@pytest.mark.parametrize(("change", "steps"), LIES.values(), ids=LIES.keys())
def test_a_lie_is_refused_with_its_step(quarrel: Quarrel, change: Change, steps: set[int]) -> None:
    quarrel.proxy.lie = bundled(quarrel, change)
    found = quarrel.check()
    assert (found.verdict.exit_status, failed(found)) == (1, steps)
    assert states(found) == {} and found.to_json()["demands"] == [], "nothing is judged of a lie"


@pytest.mark.parametrize("name", ["another count in the leaf", "another leaf", "another leaf with its own proof"])
def test_another_leaf_than_in_the_bundle_at_hand_is_a_fork(quarrel: Quarrel, name: str) -> None:
    change, steps = LIES[name]
    quarrel.proxy.lie = bundled(quarrel, change)
    found = quarrel.check(bundle=quarrel.before)
    assert (found.verdict.exit_status, failed(found), states(found)) == (1, steps | {6}, {})


@dataclass(frozen=True)
class Withheld:
    """What the operator keeps back or says, and what the reader still learns of the names that were not opened."""

    lie: Callable[[Quarrel], Lie]
    changed: dict[str, str]
    contradicted: set[str]


CLOSED = dict.fromkeys((NOTE, OTHER, PLACE), "closed")
WITHHELD: dict[str, Withheld] = {
    "a refusal shown as nothing": Withheld(lambda quarrel: bundled(quarrel, without(of_refusal)), CLOSED, {"state"}),
    "a refusal that names no demand": Withheld(
        lambda quarrel: bundled(quarrel, without(of_refusal, "relation.demand")), CLOSED, {"state"}
    ),
    "an opened value withheld": Withheld(
        lambda quarrel: bundled(quarrel, without(of_evidence, AUTHOR)), {AUTHOR: "closed"}, set()
    ),
    "what was demanded withheld": Withheld(
        lambda quarrel: bundled(quarrel, without(of_demand, "demand.fields")), {}, {"fields"}
    ),
}


@pytest.mark.parametrize("case", WITHHELD.values(), ids=WITHHELD.keys())
def test_what_is_withheld_is_never_an_answer(quarrel: Quarrel, case: Withheld) -> None:
    quarrel.proxy.lie = case.lie(quarrel)
    found = quarrel.check(bundle=quarrel.before)
    assert failed(found) == set()
    assert found.verdict.exit_status == 3
    assert states(found) == ({**STATES, **case.changed} if case.changed else {})
    said = "".join(found.result.contradictions)
    assert {name for name in ("state", "fields", "grounds") if f"another {name} " in said} == case.contradicted


@pytest.mark.parametrize("state", ["disclosed", "ordered", "upheld", "asked"])
def test_a_state_without_an_entry_is_a_contradiction(quarrel: Quarrel, state: str) -> None:
    quarrel.proxy.lie = stated(state=state)
    found = quarrel.check()
    assert states(found) == STATES and found.to_json()["demand"]["state"] == "refused"  # type: ignore[index,call-overload]  # it is an object
    assert any("another state" in text for text in found.result.contradictions)
    unanswered = lodge(quarrel.town, quarrel.number)
    found = quarrel.check(unanswered)
    assert found.verdict.exit_status == 3 and states(found) == {**STATES, **CLOSED}


def test_the_number_of_other_evidence(quarrel: Quarrel) -> None:
    quarrel.proxy.lie = stated(number=quarrel.other)
    assert failed(quarrel.check()) == {5}
    quarrel.proxy.paths.clear()
    found = quarrel.check(bundle=quarrel.before)
    assert failed(found) == {5} and len(quarrel.proxy.paths) == 1, "nothing is fetched for another's number"
    quarrel.proxy.lie = stated(number=quarrel.number)
    assert failed(quarrel.check(quarrel.foreign)) == {5}, "a demand on other evidence"
    quarrel.proxy.lie = stated(demand=quarrel.foreign)
    assert failed(quarrel.check()) == {5}


def test_a_demand_of_other_evidence_in_the_bundle(quarrel: Quarrel) -> None:
    theirs = members_of(quarrel.town.bundle("bekova", quarrel.other))
    foreign = {name: data for name, data in theirs.items() if name.startswith(folder(quarrel.foreign))}

    def lie(path: str, answer: Answer) -> Answer:
        if "/demands/" in path:
            return Answer(jcs({**json.loads(answer.body), "number": quarrel.number}), answer.media)
        return bundled(quarrel, lambda _, members: {**members, **foreign})(path, answer)

    quarrel.proxy.lie = lie
    found = quarrel.check(quarrel.foreign)
    assert failed(found) == {1, 5} and states(found) == {}


@pytest.mark.parametrize("which", ["another number", "the case"])
def test_another_bundle_than_asked(quarrel: Quarrel, which: str) -> None:
    case = quarrel.town.get("bekova", f"demands/{quarrel.demand}")["case"]
    path = f"cases/{case}/bundle" if which == "the case" else f"evidence/{quarrel.other}/bundle?file=false"
    given = quarrel.town.call("bekova", "GET", f"{API}/{path}")
    quarrel.proxy.lie = lambda path, answer: Answer(given.content, answer.media) if "/bundle" in path else answer
    found = quarrel.check()
    assert failed(found) == {5} and states(found) == {}


def test_a_bundle_made_after_a_fork(quarrel: Quarrel) -> None:
    """A second history signed with the log's own keys: whoever holds a bundle of the first one sees it."""
    for held in (quarrel.after,):
        found = quarrel.check(url=quarrel.second.served.url, bundle=held)
        detail = next(check.detail for check in found.result.checks if check.step == 6)
        assert (found.verdict.exit_status, failed(found)) == (1, {6}) and "a fork" in detail
        assert states(found) == {} and found.to_json()["contradictions"] == []
    # The tiles of the first history do not help: the second one's tree is not in them.
    given = quarrel.second.bundle("bekova", quarrel.number)
    quarrel.proxy.lie = lambda path, answer: Answer(given, answer.media) if "/bundle" in path else answer
    found = quarrel.check(bundle=quarrel.after)
    assert found.verdict.exit_status == 1 and failed(found) == {6}


def test_a_reply_that_is_not_the_protocols(quarrel: Quarrel) -> None:
    lies = (
        Answer(b"{}"),
        Answer(b'{"demand":"x","demand":"y"}'),
        Answer(b"\xff"),
        Answer(b"[]"),
        Answer(b"", status=302),
        Answer(b'{"title":"no","status":410}', "application/problem+json", 410),
    )
    for answer in lies:
        quarrel.proxy.lie = lambda path, real, answer=answer: answer if "/demands/" in path else real
        with pytest.raises(Unreachable):
            quarrel.check()
    assert run(quarrel, "--json").returncode == 2
    broken = {Answer(b"PK\x03\x04", "application/zip"): 1, Answer(b"nothing", "application/zip"): 2}
    for answer, status in broken.items():
        quarrel.proxy.lie = lambda path, real, answer=answer: answer if "/bundle" in path else real
        assert run(quarrel, "--json").returncode == status


def run(quarrel: Quarrel, *options: str | Path, demand: str = "") -> subprocess.CompletedProcess[str]:
    """The program itself, as bekova runs it."""
    words = ["answer", demand or quarrel.demand, "--server", quarrel.proxy.url, "--trust", quarrel.trust, *options]
    environment = {"EVIDENCE_LEDGER_TOKEN": quarrel.town.tokens["bekova"], "PATH": "/usr/bin", "LC_ALL": "C"}
    done = subprocess.run(
        [PROGRAM, *words], env=environment, capture_output=True, timeout=60, encoding="utf-8", check=False
    )
    assert "Traceback" not in done.stderr and quarrel.town.tokens["bekova"] not in done.stdout + done.stderr
    return done


def test_the_program_itself(quarrel: Quarrel) -> None:
    done = run(quarrel)
    assert done.returncode == 0 and done.stdout.startswith("VERIFIED") and REASON in done.stdout
    for name, step in (("a changed value", 4), ("the demand's entry withheld", 5)):
        quarrel.proxy.lie = bundled(quarrel, LIES[name][0])
        done = run(quarrel, "--json")
        failures = [check["step"] for check in json.loads(done.stdout)["checks"] if check["outcome"] == "FAILED"]
        assert (done.returncode, failures) == (1, [step])
        assert run(quarrel).stdout.startswith("NOT VERIFIED")
    quarrel.proxy.lie = bundled(quarrel, without(of_refusal))
    assert run(quarrel).returncode == 3


def test_every_outcome_and_the_same_from_the_saved_bundle(quarrel: Quarrel, tmp_path: Path) -> None:
    """Offline from then on: the saved bundle and the reader's trust say what the check of the answer said."""
    town = quarrel.town
    case = town.get("aigul", f"evidence/{quarrel.number}")["case"]
    number = town.anchor("aigul", case, b"%PDF-1.7", "a.pdf", {
        "metadata": {"author": "Ж. Серік", "place": "Астана", "note": "x", "other": "y", "last": "z"},
        "policy": {NOTE: "sealed"},
    })["number"]  # fmt: skip
    fields = ["declared.*", "extracted.author", NEVER, "requisite.*"]
    demand, waiting = lodge(town, number, fields), lodge(town, number, ["declared.last"])
    town.post("aigul", f"demands/{demand}/disclosure", {"fields": [AUTHOR, "extracted.author"]})
    town.post("aigul", f"demands/{demand}/refusal", {"reason": REASON})
    ruling = {"order": "disclose", "reason": RULING, "fields": [NOTE]}
    town.post("sot", f"demands/{demand}/ruling", ruling)
    town.post("sot", f"evidence/{number}/erasure", {"fields": [OTHER], "order": "ruling 7 of this court"})
    found = quarrel.check(demand)
    assert states(found) == {
        AUTHOR: "opened", "declared.last": "refused", NOTE: "opened", OTHER: "erased", PLACE: "refused",
        NEVER: "never committed", "requisite.*": "never committed", "extracted.author": "absent",
    }  # fmt: skip
    assert found.verdict.exit_status == 0
    later = quarrel.check(waiting)
    assert later.verdict.exit_status == 3 and states(later) == {"declared.last": "closed"}

    withheld_order(quarrel, number, demand)
    saved = tmp_path / "saved.evidence.zip"
    saved.write_bytes(town.bundle("bekova", number))
    offline = verify(saved, quarrel.trust).to_json()["demands"]
    answers = {each["id"]: each["answers"] for each in offline}  # type: ignore[union-attr,index,call-overload]  # objects
    assert answers == {demand: found.to_json()["answers"], waiting: later.to_json()["answers"]}
    shown = subprocess.run(
        [PROGRAM, saved, "--trust", quarrel.trust, "--json"], capture_output=True, timeout=60, check=False
    )
    assert json.loads(shown.stdout)["demands"] == offline


def withheld_order(quarrel: Quarrel, number: str, demand: str) -> None:
    """The court's order, and what it opened, kept from the reader: the log's leaves show that it is there, so nothing
    is called refused for good, and the entry is named.
    """
    events = quarrel.town.get("bekova", f"demands/{demand}")["events"]
    order = next(event["number"] for event in events if event["kind"] == "demand.ruled")

    def change(_: Quarrel, members: Members) -> Members:
        return without(lambda _: number, NOTE)(quarrel, without(lambda _: order)(quarrel, members))

    quarrel.proxy.lie = bundled(quarrel, change)
    found = quarrel.check(demand)
    assert failed(found) == set() and states(found)[NOTE] == "refused"
    assert found.verdict.exit_status == 3 and not found.is_whole
    unshown = found.to_json()["unshown"]
    assert [each["number"] for each in unshown] == [order]  # type: ignore[union-attr,index,call-overload]  # objects
    assert any("another state" in text for text in found.result.contradictions)
    for code, sentence in (("en", "not proven"), ("ru", "не доказано"), ("kk", "дәлелдемейді")):
        told = answer_text(found, code).partition("1  ")[0]
        assert sentence in told and sentence in answer_page(found, code)
    quarrel.proxy.lie = honest


def test_a_forged_saved_bundle_is_refused_offline(quarrel: Quarrel, tmp_path: Path) -> None:
    members = reopened(of_evidence, AUTHOR, 2, "М. Әділ")(quarrel, members_of(quarrel.after.read_bytes()))
    forged = tmp_path / "forged.evidence.zip"
    forged.write_bytes(again(members))
    assert verify(forged, quarrel.trust).verdict.exit_status == 1
    members.pop("bundle.json")
    forged.write_bytes(bundle(members, number=quarrel.other))
    assert verify(forged, quarrel.trust).verdict.exit_status == 1


def test_the_demand_covers_what_it_should() -> None:
    assert set(DEMANDED) == set(STATES)


def program(quarrel: Quarrel, who: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Any command of the program, as somebody runs it."""
    environment = {"EVIDENCE_LEDGER_TOKEN": quarrel.town.tokens[who], "PATH": "/usr/bin", "LC_ALL": "C"}
    return subprocess.run(
        [PROGRAM, *words, "--server", quarrel.proxy.url],
        env=environment, capture_output=True, timeout=60, encoding="utf-8", check=False,
    )  # fmt: skip


def test_a_demanded_file_is_held_against_the_commitment(quarrel: Quarrel, tmp_path: Path) -> None:
    letter = tmp_path / "letter.html"
    words = ("demand", quarrel.before, "--object", "file", "--grounds", "Show it.", "--letter", letter)
    lodged = program(quarrel, "bekova", *words)
    demand = lodged.stdout.strip()
    assert lodged.returncode == 0 and demand in letter.read_text(encoding="utf-8")
    assert run(quarrel, demand=demand).returncode == 3
    quarrel.town.post("aigul", f"demands/{demand}/disclosure", {})
    got = quarrel.town.call("bekova", "GET", f"{API}/evidence/{quarrel.number}/file").content
    file = tmp_path / "photo.jpg"
    for data, status, step in ((got, 0, "PASSED"), (got[:-1] + b"x", 1, "FAILED")):
        file.write_bytes(data)
        done = run(quarrel, "--file", file, "--json", demand=demand)
        assert (done.returncode, json.loads(done.stdout)["checks"][2]["outcome"]) == (status, step)
    assert run(quarrel, demand=demand).returncode == 3, "it is open, and not at hand"


def test_lodging_with_a_server_that_answers_about_something_else(quarrel: Quarrel) -> None:
    words = ("demand", quarrel.number, "--fields", AUTHOR, "--grounds", "x")
    for said in ({"number": quarrel.other}, {"demand": quarrel.number}):
        quarrel.proxy.lie = lambda path, answer, said=said: Answer(
            jcs({**json.loads(answer.body), **said}), answer.media, answer.status
        )
        done = program(quarrel, "bekova", *words)
        assert (done.returncode, done.stdout) == (1, "") and "Traceback" not in done.stderr
    quarrel.proxy.lie = lambda path, answer: Answer(answer.body, answer.media, 200)
    assert program(quarrel, "bekova", *words).returncode == 2


def test_standing_is_asked_for_with_the_code(quarrel: Quarrel) -> None:
    code = quarrel.town.post("aigul", f"evidence/{quarrel.other}/access")["access"]
    wrong = program(quarrel, "zhanna", "standing", quarrel.other, "--code", code[::-1])
    assert wrong.returncode == 2 and code not in wrong.stderr
    asked = program(quarrel, "zhanna", "standing", quarrel.other, "--code", code.lower(), "--role", "third")
    assert asked.returncode == 0 and asked.stdout.startswith("EL-")
    quarrel.town.post("aigul", f"standing/{asked.stdout.strip()}/ruling", {"order": "admit", "reason": "the insurer"})
    assert quarrel.town.get("zhanna", f"evidence/{quarrel.other}")["number"] == quarrel.other
    quarrel.proxy.lie = lambda path, answer: Answer(b'{"standing":null,"state":"asked"}', answer.media, 201)
    assert program(quarrel, "root", "standing", quarrel.other, "--code", code).returncode in (1, 2)
