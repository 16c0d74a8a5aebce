"""Tells the story. `make demo` runs this."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.api.cli.running import ServedLedger, run, succeed
from tests.demo.demanding import demand_both_ways
from tests.demo.evidence_files import make_all
from tests.demo.stage import Stage, wait_for_tokens
from tests.demo.story import Story, Verdict
from tests.demo.tampering import TAMPERINGS, flip_bit, read_members, write_members
from tests.fakes.openssl_authority import OpensslAuthority

ORIGIN: Final = "ledger.example/demo"


def main() -> int:
    story = Story()
    with tempfile.TemporaryDirectory(prefix="evidence-demo-") as name, _stage(story, Path(name)) as stage:
        numbers = anchor(story, stage)
        bundles = take_away(story, stage, numbers)
        ask_others(story, stage, bundles["contract.pdf"])
        keep_at_home(story, stage, numbers)
        let_in(story, stage, numbers)
        tamper(story, stage, bundles["contract.pdf"], numbers)
        demand_both_ways(story, stage)
        edit_the_database(story, stage)
    return story.end()


@contextmanager
def _stage(story: Story, folder: Path) -> Iterator[Stage]:
    story.chapter("A ledger, and a timestamp authority that is not its operator")
    with _authority(story, folder) as authority:
        data = folder / "data"
        options = ["--tsa-interval", "1"]
        if authority is not None:
            options += ["--tsa", f"independent={authority.url}"]
        succeed("init", "--data", data, "--origin", ORIGIN, *options)
        if authority is not None:
            (data / "tsa").mkdir(exist_ok=True)
            shutil.copy(authority.root_path, data / "tsa" / "independent.pem")
        with ServedLedger(data) as served:
            access = served.access(served.token("tenant"))
            succeed("trust", "--data", data, "--out", folder / "trust")
            story.tell(f"{ORIGIN} is served on {served.url}; its trust folder is handed to whoever wants to check:")
            for path in sorted((folder / "trust").rglob("*")):
                if path.is_file():
                    story.tell(f"  {path.relative_to(folder)}")
            yield Stage(folder, served, access, authority)


@contextmanager
def _authority(story: Story, folder: Path) -> Iterator[OpensslAuthority | None]:
    if shutil.which("openssl") is None:
        story.tell("openssl is not here: the embedded development authority stamps, which proves nothing of time")
        yield None
        return
    with OpensslAuthority(folder / "authority") as authority:
        story.tell("an authority of its own key stamps with `openssl ts -reply`")
        yield authority


def anchor(story: Story, stage: Stage) -> dict[str, str]:
    """Anchor every file; returns name → receipt number."""
    story.chapter("The tenant anchors six files")
    files = make_all(_made(stage.folder / "evidence"))
    case = succeed("case", "open", "Tenant against landlord", env=stage.access)
    story.tell(f"case {case}")
    numbers = {}
    for path in files:
        begun = time.monotonic()
        numbers[path.name] = succeed(
            "anchor", path, "--case", case, "--meta", "author=A. Tenant", "--out", stage.folder / "receipts",
            env=stage.access,
        )  # fmt: skip
        took = time.monotonic() - begun
        story.tell(f"{numbers[path.name]}  {path.name}  ({path.stat().st_size:,} bytes, {took:.1f} s)")
    kept = {path.name for path in (stage.folder / "receipts").iterdir()}
    story.expect("each has a receipt", kept == {f"{number}.receipt.json" for number in numbers.values()}, str(kept))
    return numbers


def take_away(story: Story, stage: Stage, numbers: Mapping[str, str]) -> dict[str, Path]:
    """Bundle and verify every file; returns name → bundle."""
    story.chapter("Each becomes a bundle, and anybody verifies it offline with the trust folder")
    wait_for_tokens(story, stage.access, list(numbers.values())[-1])
    bundles = {}
    for name, number in numbers.items():
        bundles[name] = stage.folder / "bundles" / f"{number}.evidence.zip"
        succeed("bundle", number, "-o", bundles[name], env=stage.access)
        verdict = Verdict(bundles[name], "--trust", stage.trust)
        story.expect(f"{name}: verified{_bracket(verdict)}", verdict.code == 0, verdict.shown)
    story.expect(
        "independent time is proven" if stage.authority else "no independent time is claimed",
        verdict.result.get("independent_time") is (stage.authority is not None),
        str(verdict.result.get("independent_time")),
    )
    (case,) = succeed("case", "list", env=stage.access).splitlines()
    succeed("case", "bundle", case, "-o", stage.folder / "case.zip", env=stage.access)
    verdict = Verdict(stage.folder / "case.zip", "--trust", stage.trust)
    story.expect("the whole case as one bundle: verified, its chain without a gap", verdict.code == 0, verdict.shown)
    verdict = Verdict(bundles["contract.pdf"])
    story.expect("without a trust folder of one's own: incomplete", verdict.code == 3, verdict.shown)
    return bundles


def ask_others(story: Story, stage: Stage, bundle: Path) -> None:
    """Tools that nobody here wrote."""
    story.chapter("Other people's tools agree")
    members = read_members(bundle)
    loose = _made(stage.folder / "loose")
    for name in ("timestamps/0/token.tsr", "timestamps/0/stamped", "evidence"):
        found = next(each for each in members if each.startswith(name))
        (loose / name.rpartition("/")[2]).write_bytes(members[found])
    if shutil.which("sha256sum"):
        digest = subprocess.run(["sha256sum", loose / "evidence"], capture_output=True, text=True, check=True).stdout[
            :64
        ]
        opened = [json.loads(data) for name, data in members.items() if "/fields/" in name]
        committed = next(value for name, _, value in opened if name == "file.sha256")
        story.expect(f"sha256sum: {digest[:16]}… is what was committed", digest == committed, committed)
    if stage.authority is not None:
        checked = subprocess.run(
            ["openssl", "ts", "-verify", "-in", "token.tsr", "-data", "stamped",
             "-CAfile", stage.trust / "tsa" / "independent.pem"],
            cwd=loose, capture_output=True, text=True, check=False,
        )  # fmt: skip
        story.expect("openssl ts -verify: OK", checked.returncode == 0, checked.stderr.strip())


def keep_at_home(story: Story, stage: Stage, numbers: Mapping[str, str]) -> None:
    """What is verified without the ledger ever having had the file, or without sending it along."""
    story.chapter("The file may stay at home")
    recording = stage.folder / "evidence" / "call.wav"
    receipt = stage.folder / "receipts" / f"{numbers['call.wav']}.receipt.json"
    succeed("receipt", numbers["call.wav"], "-o", receipt, env=stage.access)
    verdict = Verdict(receipt, "--trust", stage.trust, "--file", recording)
    story.expect("the receipt and the recording beside it: verified", verdict.code == 0, verdict.shown)
    (case,) = succeed("case", "list", env=stage.access).splitlines()
    diary = stage.folder / "evidence" / "diary.txt"
    diary.write_text("2 November. The ceiling came down.\n", encoding="utf-8")
    number = succeed(
        "anchor", diary, "--case", case, "--hash-only", "--out", stage.folder / "receipts", env=stage.access
    )
    wait_for_tokens(story, stage.access, number)
    succeed("receipt", number, "--out", stage.folder / "receipts", env=stage.access)
    kept = stage.folder / "receipts" / f"{number}.receipt.json"
    verdict = Verdict(kept, "--trust", stage.trust, "--file", diary)
    story.expect("a diary of which only digests were sent: verified", verdict.code == 0, verdict.shown)
    verdict = Verdict(kept, "--trust", stage.trust)
    story.expect("the same without the diary: incomplete", verdict.code == 3, verdict.shown)


def let_in(story: Story, stage: Stage, numbers: Mapping[str, str]) -> None:
    """What the other side sees before anything is disclosed."""
    story.chapter("The landlord is let in: he sees which metadata exist, and not what they say")
    landlord = stage.served.access(stage.served.token("landlord"))
    (case,) = succeed("case", "list", env=stage.access).splitlines()
    number = numbers["contract.pdf"]
    stranger = run("bundle", number, "-o", stage.folder / "none.zip", env=landlord)
    story.expect("before, he does not learn that the entry exists", "404" in stranger.stderr, stranger.stderr)
    succeed("case", "add-member", case, "landlord", "--role", "opposing", env=stage.access)
    bundle = stage.folder / "landlord.evidence.zip"
    succeed("bundle", number, "-o", bundle, env=landlord)
    verdict = Verdict(bundle, "--trust", stage.trust)
    closed = verdict.result.get("closed", [])
    story.expect(f"closed to him: {', '.join(closed)}", "declared.author" in closed, verdict.shown)
    story.expect("the file is not in his bundle: incomplete", verdict.code == 3, verdict.shown)
    verdict = Verdict(bundle, "--trust", stage.trust, "--file", stage.folder / "evidence" / "contract.pdf")
    story.expect("with the contract that lies before the court: verified", verdict.code == 0, verdict.shown)


def tamper(story: Story, stage: Stage, bundle: Path, numbers: Mapping[str, str]) -> None:
    """One bit at each place that matters; the rest is packed as an expert would."""
    story.chapter("The other side changes one bit, each time somewhere else, and packs the bundle anew")
    honest = read_members(bundle)
    forged = stage.folder / "forged.evidence.zip"
    write_members(forged, honest)
    story.expect("packed anew without a change: verified", Verdict(forged, "--trust", stage.trust).code == 0, "")
    for tampering in TAMPERINGS:
        members = dict(honest)
        tampering.change(members)
        write_members(forged, members)
        _expect_refused(story, stage, tampering.what, forged, tampering.step)
    listed = dict(honest)
    listed["bundle.json"] = flip_bit(
        listed["bundle.json"], listed["bundle.json"].index(b'"sha256":"') + 10, b"0123456789abcdef"
    )
    write_members(forged, listed, keep_list=True)
    _expect_refused(story, stage, "a digest in bundle.json", forged, 1)
    _tamper_beside(story, stage, numbers["call.wav"])


def _tamper_beside(story: Story, stage: Stage, number: str) -> None:
    """The evidence stands beside its receipt; one bit of it is another."""
    recording = stage.folder / "evidence" / "call.wav"
    middle = recording.stat().st_size // 2
    with recording.open("r+b") as file:
        file.seek(middle)
        byte = file.read(1)
        file.seek(middle)
        file.write(flip_bit(byte, 0))
    receipt = stage.folder / "receipts" / f"{number}.receipt.json"
    _expect_refused(story, stage, "one bit of the recording beside its receipt", receipt, 3, "--file", recording)
    text = receipt.read_bytes()
    forged = stage.folder / "forged.receipt.json"
    at = text.index(b'"secret":"') + 15
    forged.write_bytes(flip_bit(text, at, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    _expect_refused(story, stage, "the secret in a receipt", forged, 4)


def _expect_refused(story: Story, stage: Stage, what: str, path: Path, step: int, *options: str | Path) -> None:
    verdict = Verdict(path, "--trust", stage.trust, *options)
    detail = verdict.failed.get(step, "")
    refused = verdict.code == 1 and list(verdict.failed) == [step]
    story.expect(f"{what}: not verified; step {step}: {detail}", refused, verdict.shown)


def edit_the_database(story: Story, stage: Stage) -> None:
    """The operator's own administrator, with all rights on the database."""
    story.chapter("An administrator of the database rewrites an entry")
    stage.served.stop()
    sound = run("fsck", "--data", stage.served.data)
    story.expect("before: fsck finds nothing", sound.returncode == 0, sound.stdout)
    database = sqlite3.connect(stage.served.data / "ledger.db")
    edit = "UPDATE entries SET leaf = replace(CAST(leaf AS TEXT), '2026', '2025') WHERE kind = ''"  # evidence.anchored
    try:
        database.execute(edit)
        story.expect("the database refuses", False, "it did not")
    except sqlite3.DatabaseError as error:
        story.expect(f"the database refuses: {error}", True)
    triggers = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in triggers:
        database.execute(f'DROP TRIGGER "{name}"')
    database.execute("UPDATE entries SET seq = seq + 1000 WHERE idx = (SELECT max(idx) FROM entries)")
    database.commit()
    database.close()
    done = run("fsck", "--data", stage.served.data)
    story.expect(
        f"without the triggers it gives in, and fsck says so: {done.stdout.partition(chr(10))[0]}",
        done.returncode == 1 and bool(done.stdout),
        done.stdout + done.stderr,
    )


def _bracket(verdict: Verdict) -> str:
    before, after = verdict.result.get("not_before"), verdict.result.get("not_after")
    if not after:
        return ""
    return f", appended {f'after {before} and ' if before else ''}before {after}"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
