from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.commit import sequencer as room
from tests.ledger.commit.rig import Rig
from tests.ledger.making import make_log


@pytest.fixture
def rig(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(room, "RECOVERY_SECONDS", 0.02)
    made = Rig(make_log(tmp_path / "data", database_url))
    yield made
    made.close()
