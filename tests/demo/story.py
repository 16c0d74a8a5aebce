"""How the story is told, and whether it came out as told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests import warm
from tests.api.cli.running import environment

VERIFIER: Final = Path(sys.executable).with_name("evidence-verify")
WORDS: Final = {0: "verified", 1: "not verified", 3: "incomplete"}


class Story:
    """Tells what happens, and counts what is not as expected."""

    def __init__(self) -> None:
        self.surprises: list[str] = []
        self._chapter = 0

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        self._chapter += 1
        print(f"\n{self._chapter}. {title}\n", flush=True)

    def tell(self, text: str) -> None:
        """One line."""
        print(f"   {text}", flush=True)

    def expect(self, text: str, holds: bool, otherwise: str = "") -> None:
        """One line that must be true. `otherwise`: what came instead."""
        print(f"   {'✓' if holds else '✗'} {text}{'' if holds else f'  — NOT SO: {otherwise}'}", flush=True)
        if not holds:
            self.surprises.append(f"{text}: {otherwise}")

    def end(self) -> int:
        """The exit status."""
        print()
        if self.surprises:
            print(f"{len(self.surprises)} things did not come out as told:")
            for each in self.surprises:
                print(f"   {each}")
            return 1
        print("All of it came out as told.")
        return 0


def verifier(*words: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """One run of `evidence-verify`."""
    if warm.fits(environment(env)):
        return warm.run(warm.VERIFIER, words, env=environment(env), timeout=300)
    return subprocess.run(
        [VERIFIER, *words], env=environment(env), capture_output=True, encoding="utf-8", check=False, timeout=300
    )


class Verdict:
    """What `evidence-verify` says of a bundle or receipt; or, with its first words, of an answer."""

    def __init__(self, *words: str | Path, env: Mapping[str, str] | None = None) -> None:
        done = verifier(*words, "--json", env=env)
        self.code = done.returncode
        self.said = done.stderr.strip()
        self.result: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        self.word = WORDS.get(self.code, f"exit {self.code}: {self.said}")

    @property
    def failed(self) -> dict[int, str]:
        """The failed steps, with what the verifier says of each."""
        return {
            check["step"]: check["detail"] for check in self.result.get("checks", ()) if check["outcome"] == "FAILED"
        }

    @property
    def shown(self) -> str:
        """In one line: the verdict and its failed steps."""
        steps = "; ".join(f"step {step}: {detail}" for step, detail in self.failed.items())
        return f"{self.word}{f' — {steps}' if steps else ''}"
