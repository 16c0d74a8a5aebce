"""A ledger that is served for a whole module, a party, and a case of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.api.cli.running import ServedLedger


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedLedger]:
    with ServedLedger.make(tmp_path_factory.mktemp("ledger") / "data") as ledger:
        yield ledger


@pytest.fixture(scope="module")
def party(served: ServedLedger) -> Mapping[str, str]:
    """The environment of the account `aigul`, a party."""
    return served.access(served.token("aigul"))


@pytest.fixture
def case(party: Mapping[str, str]) -> str:
    """The id of a new case, opened by `aigul`."""
    answer = httpx.post(
        f"{party['EVIDENCE_LEDGER_SERVER']}/api/v1/cases",
        headers={"Authorization": f"Bearer {party['EVIDENCE_LEDGER_TOKEN']}"},
        json={"title": "A. against B."},
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case"])


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty folder to run commands in."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder
