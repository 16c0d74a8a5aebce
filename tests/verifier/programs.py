"""Runs of the program against a fake ledger, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.verifier.fake_ledger import TOKEN, FakeLedger, serving
from tests.verifier.log_forge import ForgedEntry, number
from verifier.cli import main


@dataclass(frozen=True)
class Run:
    """An exit status and what was printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def states(self) -> dict[str, str]:
        return {name: answer["state"] for name, answer in self.json["answers"].items()}

    @property
    def failed(self) -> list[int]:
        return [check["step"] for check in self.json["checks"] if check["outcome"] == "FAILED"]

    def detail(self, step: int) -> str:
        return str(self.json["checks"][step - 1]["detail"])


class Program:
    """The program `evidence-verify` with what it prints."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *arguments: str | Path) -> Run:
        self._capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = self._capfd.readouterr()
        assert TOKEN not in out + err, "the token is a secret of its user"
        return Run(status, out, err)

    def answer(self, ledger: FakeLedger, demand: ForgedEntry | str, *options: str | Path, as_json: bool = True) -> Run:
        """`answer` for a demand, against the ledger's server."""
        id = demand if isinstance(demand, str) else number(demand.index)
        with serving(ledger) as url:
            shown = ["--json"] if as_json else []
            return self("answer", id, "--server", url, "--token", TOKEN, "--trust", ledger.trust, *shown, *options)
