"""The right of the other side: what was committed is what must open, or a refusal that the court sees and overrules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.api.cli.running import run, succeed
from tests.demo.evidence_files import make_message
from tests.demo.stage import Stage, wait_for_tokens
from tests.demo.story import Story, Verdict, verifier

Access = Mapping[str, str]

AUTHOR = "extracted.author"
PLACE = "extracted.gps"
SERIAL = "extracted.device_serial"


@dataclass(frozen=True, slots=True)
class People:
    """Three people, three tokens. Nobody has the operator's word for anything."""

    tenant: Access
    neighbour: Access
    court: Access


def demand_both_ways(story: Story, stage: Stage) -> None:
    """The whole chapter."""
    people = People(
        stage.access,
        stage.served.access(stage.served.token("neighbour")),
        stage.served.access(stage.served.token("judge", "court")),
    )
    case, photo, statement = _anchor(story, stage, people)
    _let_in(story, case, photo, people)
    _see_names(story, stage, photo["number"], statement["number"], people)
    _demand_the_place(story, stage, photo["number"], people)
    _demand_the_author(story, stage, statement["number"], people)
    _demand_of_the_neighbour(story, stage, case, people)


def _anchor(story: Story, stage: Stage, people: People) -> tuple[str, dict[str, Any], dict[str, Any]]:
    story.chapter(
        "Another case: the tenant anchors a photograph and a statement against a neighbour, and lets nobody in"
    )
    case = succeed("case", "open", "Tenant against neighbour", env=people.tenant)
    bodies = []
    for name in ("Фото с места.jpg", "statement.docx"):
        path = stage.folder / "evidence" / name
        said = succeed("anchor", path, "--case", case, "--out", stage.folder / "receipts", "--json", env=people.tenant)
        bodies.append(json.loads(said))
        story.tell(
            f"{bodies[-1]['number']}  {name}  access code {bodies[-1]['access'][:5]}-…, printed on the receipt's page"
        )
    return case, bodies[0], bodies[1]


def _let_in(story: Story, case: str, photo: Mapping[str, str], people: People) -> None:
    number, code = photo["number"], photo["access"]
    refused = run("demand", number, "--all", "--grounds", "x", env=people.neighbour)
    story.expect("the neighbour cannot even learn that it exists", "404" in refused.stderr, refused.stderr)
    asked = _verifier_says("standing", number, "--code", code, env=people.neighbour)
    succeed("standing", "refuse", asked, "--reason", "I do not want him here", env=people.tenant)
    story.tell(f"with the code he asks to be let in ({asked}); the tenant refuses")
    wrong = verifier("standing", number, "--code", "A" * 26, *_server(people.court), env=people.court)
    story.expect("a court's account without the code stays outside", wrong.returncode == 2, wrong.stderr)
    said = _verifier_says("standing", number, "--code", code, env=people.court)
    story.expect("the court presents the code, and becomes the case's court", said == "admitted", said)
    succeed("standing", "admit", asked, "--reason", "He is the defendant.", env=people.court)
    shown = succeed("case", "show", case, env=people.neighbour)
    story.expect("the court admits the neighbour, whom the tenant refused", "neighbour\topposing" in shown, shown)


def _see_names(story: Story, stage: Stage, photo: str, statement: str, people: People) -> None:
    wait_for_tokens(story, people.tenant, statement)
    for number, has in ((photo, PLACE), (statement, AUTHOR)):
        verdict = Verdict(_bundle(stage, number, people.neighbour), "--trust", stage.trust)
        closed = verdict.result.get("closed", [])
        story.expect(f"{number}: {len(closed)} names, closed to him, {has} among them", has in closed, str(closed))


def _demand_the_place(story: Story, stage: Stage, number: str, people: People) -> None:
    story.chapter("The neighbour demands where the photograph was taken, with his own program; it is disclosed")
    letter = stage.folder / "demand.html"
    held = _bundle(stage, number, people.neighbour)
    demand = _verifier_says(
        "demand", number, "--fields", PLACE, "--grounds", "The kitchen may be another's.", "--letter", letter,
        env=people.neighbour,
    )  # fmt: skip
    story.tell(f"{demand}  demanded, and written as a letter of {letter.stat().st_size:,} bytes")
    answer = _answer(stage, demand, people.neighbour, held)
    story.expect("nothing has come yet: incomplete", answer.code == 3, answer.shown)
    succeed("disclose", demand, env=people.tenant)
    answer = _answer(stage, demand, people.neighbour, held)
    committed = _committed(number, people.tenant)
    same = answer.result["fields"].get(PLACE) == committed[PLACE]
    where = f"{committed[PLACE]['latitude']} {committed[PLACE]['longitude']}"
    story.expect(f"verified: {where} is what was committed before he asked", answer.code == 0 and same, answer.shown)
    story.expect("nothing else opened", _opened(answer, committed) == {PLACE}, str(_opened(answer, committed)))


def _demand_the_author(story: Story, stage: Stage, number: str, people: People) -> None:
    story.chapter("He demands the statement's author, and a device; the tenant refuses; the court orders")
    held = _bundle(stage, number, people.neighbour)
    names = f"{AUTHOR},{SERIAL}"
    demand = succeed("demand", number, "--fields", names, "--grounds", "Who wrote this?", env=people.neighbour)
    succeed("refuse", demand, "--reason", "My own affair.", env=people.tenant)
    answer = _answer(stage, demand, people.neighbour, held)
    states = {name: judged["state"] for name, judged in answer.result["answers"].items()}
    expected = {AUTHOR: "refused", SERIAL: "never committed"}
    story.expect(
        f"{AUTHOR}: refused; {SERIAL}: never committed, and cannot be invented now", states == expected, str(states)
    )
    succeed(
        "rule",
        demand,
        "--order",
        "disclose",
        "--reason",
        "The author is in dispute.",
        "--fields",
        AUTHOR,
        env=people.court,
    )
    again = run("disclose", demand, env=people.tenant)
    story.expect("the tenant cannot change what was ordered", "its state is ordered now" in again.stderr, again.stderr)
    answer = _answer(stage, demand, people.neighbour, held)
    author = answer.result["fields"].get(AUTHOR)
    story.expect(
        f"verified: the author is {author}, as committed", (answer.code, author) == (0, "A. Tenant"), answer.shown
    )
    kept = _bundle(stage, number, people.neighbour)
    file = stage.folder / "evidence" / "statement.docx"
    offline = Verdict(kept, "--trust", stage.trust, "--file", file)
    opened = offline.result["fields"].get(AUTHOR)
    story.expect("and offline, from his own bundle, for ever", (offline.code, opened) == (0, author), offline.shown)


def _demand_of_the_neighbour(story: Story, stage: Stage, case: str, people: People) -> None:
    story.chapter(
        "The right is the tenant's too: the neighbour anchors an e-mail, and the tenant demands when it was sent"
    )
    path = stage.folder / "evidence" / "neighbour.eml"
    make_message(path)
    number = succeed("anchor", path, "--case", case, "--out", stage.folder / "receipts", env=people.neighbour)
    wait_for_tokens(story, people.neighbour, number)
    mine = run("demand", number, "--all", "--grounds", "x", env=people.neighbour)
    story.expect("nobody demands of himself", "403" in mine.stderr, mine.stderr)
    demand = succeed(
        "demand", number, "--fields", "extracted.sent_at", "--grounds", "Before the flood?", env=people.tenant
    )
    succeed("disclose", demand, env=people.neighbour)
    answer = _answer(stage, demand, people.tenant)
    sent = answer.result["fields"].get("extracted.sent_at")
    story.expect(f"verified: sent {sent}", answer.code == 0 and bool(sent), answer.shown)
    listed = succeed("demands", case, env=people.court).splitlines()
    story.expect("the court has all three demands before it", len(listed) == 3, str(listed))


def _answer(stage: Stage, demand: str, access: Access, held: Path | None = None) -> Verdict:
    """What the opponent's program makes of what came back, believing nothing the server says."""
    known = [] if held is None else ["--bundle", held]
    return Verdict("answer", demand, *_server(access), "--trust", stage.trust, *known, env=access)


def _verifier_says(*words: str | Path, env: Access) -> str:
    done = verifier(*words, *_server(env), env=env)
    return done.stdout.strip() or done.stderr.strip()


def _server(access: Access) -> tuple[str, str]:
    return "--server", access["EVIDENCE_LEDGER_SERVER"]


def _bundle(stage: Stage, number: str, access: Access) -> Path:
    target = stage.folder / "received" / f"{number}.evidence.zip"
    succeed("bundle", number, "-o", target, env=access)
    return target


def _committed(number: str, access: Access) -> dict[str, Any]:
    """The submitter's own fields, from his receipt."""
    receipt = json.loads(succeed("receipt", number, env=access))
    return {name: value for name, _, value in map(json.loads, receipt["opened"])}


def _opened(answer: Verdict, committed: Mapping[str, Any]) -> set[str]:
    """The extracted fields that the opponent sees."""
    return {name for name in answer.result["fields"] if name.startswith("extracted.") and name in committed}
