"""The story is a test too: a demo that has stopped being true would be worse than none."""

from __future__ import annotations

import pytest

from tests.demo import evidence_files
from tests.demo.__main__ import main
from tests.demo.story import Story


def test_the_story_comes_out_as_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(evidence_files, "RECORDING_MIB", 2)  # `make demo` tells it with the whole recording
    code = main()
    told = capsys.readouterr().out
    assert code == 0, told
    assert told.count("not verified; step") >= 15
    assert "✗" not in told


def test_a_surprise_is_told_and_ends_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    story = Story()
    story.expect("true", True)
    story.expect("the bundle is refused", False, "it was verified")
    assert story.end() == 1
    assert "the bundle is refused: it was verified" in capsys.readouterr().out
