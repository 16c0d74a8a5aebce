"""Every bundle and receipt of the shared vectors comes to what expected.json says: by the library and the program."""

from __future__ import annotations

import json

import pytest

from tests.verifier.vectors import Case, cases, needs_vectors
from verifier.cli import main
from verifier.errors import Unreadable
from verifier.verify import verify

pytestmark = needs_vectors

OUTCOMES = {"not verified": "FAILED", "incomplete": "NOT_CHECKED"}
EXITS = {"verified": 0, "not verified": 1, "exit 2": 2, "incomplete": 3}


def test_the_vectors_are_all_there() -> None:
    assert len(cases()) >= 54


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_verdict_step_and_bracket(case: Case) -> None:
    verdict = case.expected["verdict"]
    if verdict == "exit 2":
        with pytest.raises(Unreadable):
            verify(case.path, case.trust, file=case.file, at=case.at)
        return
    result = verify(case.path, case.trust, file=case.file, at=case.at).to_json()
    assert result["verdict"] == verdict
    outcomes = {check["step"]: check["outcome"] for check in result["checks"]}
    assert list(outcomes) == list(range(1, 12))
    if case.steps:
        assert OUTCOMES[verdict] in {outcomes[step] for step in case.steps}, result["checks"]
    for end in ("not_before", "not_after"):
        if end in case.expected:
            assert result[end] == case.expected[end]
    if "contradictions" in case.expected:
        assert bool(result["contradictions"]) == case.expected["contradictions"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_program_says_the_same(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--trust", str(case.trust), "--at", case.expected["at"]]
    options += ["--file", str(case.file)] if case.file else []
    assert main([str(case.path), *options, "--json"]) == EXITS[case.expected["verdict"]]
    out, err = capfd.readouterr()
    if case.expected["verdict"] == "exit 2":
        assert not out and err
        return
    assert json.loads(out)["verdict"] == case.expected["verdict"] and not err
    assert main(["verify", str(case.path), *options]) == EXITS[case.expected["verdict"]]
    assert capfd.readouterr().out


@pytest.mark.parametrize(
    "case", [case for case in cases() if case.name.startswith("good/")], ids=lambda case: case.name
)
def test_without_trust_nothing_is_verified(case: Case) -> None:
    result = verify(case.path, file=case.file, at=case.at)
    assert result.verdict == "incomplete"
    assert result.not_before is None and result.not_after is None and not result.independent_time
