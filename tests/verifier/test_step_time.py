"""Step 8 over real tokens: the vectors' timestamps moved, mixed, left out, and seen at other times."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verifier.scene import Members, failed_steps, outcome
from tests.verifier.vectors import BUNDLES, case, moment, needs_vectors
from tests.verifier.zip_forge import again
from verifier.check import Outcome
from verifier.result import Result
from verifier.verify import verify

pytestmark = needs_vectors

OPEN = "good/entry-open.zip"
NOW = "2026-11-21T12:00:00.000Z"


def members_of(name: str) -> Members:
    with zipfile.ZipFile(case(name).path) as archive:
        return {member: archive.read(member) for member in archive.namelist()}


def run(folder: Path, members: Members, trust: str = "trust", at: str = NOW) -> Result:
    path = folder / "bundle"
    path.write_bytes(again(members))
    return verify(path, BUNDLES / trust, at=moment(at))


def part(number: int, name: str) -> str:
    return f"timestamps/{number}/{name}"


def moved(members: Members, source: str, target: str) -> Members:
    return {**members, target: members[source]}


BAD: dict[str, Callable[[Members], Members]] = {
    "the token of another": lambda members: moved(members, part(1, "token.tsr"), part(0, "token.tsr")),
    "the text of another": lambda members: moved(members, part(1, "stamped"), part(0, "stamped")),
    "the proof of another": lambda members: moved(members, part(1, "consistency"), part(0, "consistency")),
    "no proof": lambda members: {**members, part(0, "consistency"): b""},
    "a proof in capitals": lambda members: {**members, part(0, "consistency"): members[part(0, "consistency")].upper()},
    "a proof without its last line feed": lambda members: {
        **members,
        part(0, "consistency"): members[part(0, "consistency")][:-1],
    },
    "a byte after the token": lambda members: {**members, part(0, "token.tsr"): members[part(0, "token.tsr")] + b"\0"},
    "an empty token": lambda members: {**members, part(0, "token.tsr"): b""},
    "a carriage return": lambda members: {
        **members,
        part(0, "stamped"): members[part(0, "stamped")].replace(b"\n", b"\r\n"),
    },
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_bad_timestamps_fail_whether_trusted_or_not(tmp_path: Path, change: Callable[[Members], Members]) -> None:
    members = members_of(OPEN)
    changed = change(members)
    assert changed != members
    for trust in ("trust", "trust-no-tsa"):
        result = run(tmp_path, changed, trust)
        assert 8 in failed_steps(result)
        assert result.not_before is None and result.not_after is None
    (tmp_path / "bundle").write_bytes(again(changed))
    assert 8 in failed_steps(verify(tmp_path / "bundle", at=moment(NOW)))


def test_the_bracket_needs_the_recording(tmp_path: Path) -> None:
    members = members_of(OPEN)
    result = run(tmp_path, members)
    assert (result.not_before, result.not_after) == ("2024-03-02T09:01:20.000Z", "2024-03-02T09:02:50.000Z")
    assert result.independent_time
    unrecorded = {name: data for name, data in members.items() if not name.startswith("entries/3/")}
    result = run(tmp_path, unrecorded)
    assert result.verdict == "verified" and result.not_before is None and result.not_after is not None


def test_no_timestamp_covers_the_subject(tmp_path: Path) -> None:
    members = members_of(OPEN)
    earlier = {name: data for name, data in members.items() if not name.startswith(("timestamps/1/", "entries/7/"))}
    result = run(tmp_path, earlier)
    assert result.verdict == "incomplete" and outcome(result, 8) is Outcome.NOT_CHECKED
    assert result.not_after is None and result.not_before == "2024-03-02T09:01:20.000Z"
    assert not result.independent_time


def test_a_recording_of_a_token_that_is_not_there_is_not_admitted(tmp_path: Path) -> None:
    members = members_of(OPEN)
    earlier = {name: data for name, data in members.items() if not name.startswith("timestamps/1/")}
    assert failed_steps(run(tmp_path, earlier)) == [1]


@pytest.mark.parametrize(
    ("at", "verdict"),
    [("2024-03-02T08:56:00.000Z", "incomplete"), ("2024-03-02T08:59:00.000Z", "verified"), (NOW, "verified")],
)
def test_tokens_of_the_future(tmp_path: Path, at: str, verdict: str) -> None:
    result = run(tmp_path, members_of(OPEN), at=at)
    assert result.verdict == verdict
    assert (result.not_after is not None) is (verdict == "verified")


def test_renewal_needs_the_later_token(tmp_path: Path) -> None:
    name = "good/entry-renewed.zip"
    trust = str(case(name).expected["trust"])
    members = members_of(name)
    assert run(tmp_path, members, trust).verdict == "verified"
    assert run(tmp_path, members, "trust-old").verdict == "incomplete"
    before_the_end = run(tmp_path, members, "trust-old", at="2024-05-31T00:00:00.000Z")
    assert before_the_end.verdict == "verified"


def test_sixty_four_timestamps_and_no_more(tmp_path: Path) -> None:
    members = members_of("good/log-of-2.zip")
    for number in range(1, 64):
        for name in ("token.tsr", "stamped", "consistency"):
            members = moved(members, part(0, name), part(number, name))
    assert run(tmp_path, members).verdict == "verified"
    for name in ("token.tsr", "stamped", "consistency"):
        members = moved(members, part(0, name), part(64, name))
    assert failed_steps(run(tmp_path, members)) == [1]


def test_the_bundle_s_own_trust_proves_no_time(tmp_path: Path) -> None:
    members = members_of(OPEN)
    for path in sorted((BUNDLES / "trust").rglob("*")):
        if path.is_file():
            members[f"trust/{path.relative_to(BUNDLES / 'trust')}"] = path.read_bytes()
    (tmp_path / "bundle").write_bytes(again(members))
    result = verify(tmp_path / "bundle", at=moment(NOW))
    assert result.verdict == "incomplete" and not failed_steps(result)
    assert outcome(result, 8) is Outcome.NOT_CHECKED and "own copy" in result.checks[7].detail
    assert result.not_after is None and not result.independent_time and "own copy" in result.trust
    assert verify(tmp_path / "bundle", BUNDLES / "trust", at=moment(NOW)).verdict == "verified"
