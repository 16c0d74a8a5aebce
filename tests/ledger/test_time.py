"""The operator's clock is a week off: brackets come from tokens alone, and the contradiction is told."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.config import Settings
from tests.fakes.openssl_authority import OpensslAuthority
from tests.ledger.making import ALICE, MovedClock, anchor_file, make_log, opened
from tests.ledger.prove.zip_reader import read_files
from verifier.check import Outcome
from verifier.result import Verdict
from verifier.verify import verify

WEEK_MS = 7 * 24 * 3600 * 1000
AUTHORITY = "independent"


def settings_with(data: Path, authority: OpensslAuthority) -> Settings:
    anchors = data / "tsa" / f"{AUTHORITY}.pem"
    anchors.parent.mkdir(parents=True)
    shutil.copy(authority.root_path, anchors)
    return make_log(data, tsa=[f"{AUTHORITY}={authority.url}"], tsa_interval=1)


def stamped_beyond(ledger: Ledger, index: int) -> bool:
    """Whether a token that covers the entry is recorded, signed and served."""
    (status,) = ledger._timestamping.status()
    return (status.stamped_size or 0) > index


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def bracketed(ledger: Ledger, folder: Path) -> tuple[Path, Path]:
    """A bundle whose entry stands between two tokens, and the trust folder for it."""
    ledger.start()
    until(lambda: stamped_beyond(ledger, 0))
    case = ledger.open_case(ALICE, "Time").case
    anchored = anchor_file(ledger, case)
    until(lambda: stamped_beyond(ledger, anchored.index))
    bundle = folder / "entry.evidence.zip"
    bundle.write_bytes(b"".join(ledger.bundle(ALICE, anchored.number, True).chunks))
    for name, data in ledger.trust_files().items():
        path = folder / "trust" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return bundle, folder / "trust"


@pytest.mark.parametrize("offset", [-WEEK_MS, 0, WEEK_MS])
def test_the_bracket_comes_from_tokens_alone(tmp_path: Path, offset: int) -> None:
    began = datetime.now(UTC)
    with OpensslAuthority(tmp_path / "authority") as authority:
        settings = settings_with(tmp_path / "data", authority)
        with opened(settings, clock=MovedClock(offset)) as ledger:
            bundle, trust = bracketed(ledger, tmp_path)
    result = verify(bundle, trust)
    assert result.verdict is Verdict.VERIFIED, result.checks
    assert result.independent_time
    assert result.not_before is not None and result.not_after is not None and result.claimed_time is not None
    before, after = datetime.fromisoformat(result.not_before), datetime.fromisoformat(result.not_after)
    assert before < after
    assert abs((before - began).total_seconds()) < 60 and abs((after - began).total_seconds()) < 60
    claimed = datetime.fromisoformat(result.claimed_time)
    assert (claimed - began).total_seconds() == pytest.approx(offset / 1000, abs=60)
    told = " ".join(result.contradictions)
    assert (result.claimed_time in told) == bool(offset), result.contradictions


@pytest.mark.parametrize("offset", [-WEEK_MS, WEEK_MS])
def test_a_clock_set_right_again_runs_behind_or_ahead_and_the_log_goes_on(tmp_path: Path, offset: int) -> None:
    """The chain's times go back by a week in the middle: told, and no reason to refuse anybody's evidence."""
    clock = MovedClock(offset)
    settings = make_log(tmp_path / "data")
    with opened(settings, clock=clock) as ledger:
        case = ledger.open_case(ALICE, "Time").case
        anchor_file(ledger, case)
        clock.offset_ms = 0
        anchor_file(ledger, case)
        path = tmp_path / "case.zip"
        path.write_bytes(b"".join(ledger.case_bundle(ALICE, case).chunks))
        for name, data in ledger.trust_files().items():
            (tmp_path / "trust" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "trust" / name).write_bytes(data)
    result = verify(path, tmp_path / "trust")
    assert not [check for check in result.checks if check.outcome is Outcome.FAILED]
    # Forwards in one leap is possible; backwards is not.
    assert bool(result.contradictions) == (offset > 0)


@pytest.mark.parametrize("intermediate", [False, True])
def test_the_readmes_timestamp_commands_work_as_they_stand(tmp_path: Path, intermediate: bool) -> None:
    """Pasted into a shell in the unzipped folder, with the reader's own trust folder beside it."""
    if shutil.which("openssl") is None or shutil.which("bash") is None:
        pytest.skip("bash and openssl are needed")
    with OpensslAuthority(tmp_path / "authority", intermediate=intermediate) as authority:
        settings = settings_with(tmp_path / "data", authority)
        with opened(settings) as ledger:
            bundle, trust = bracketed(ledger, tmp_path)
    result = verify(bundle, trust)
    assert result.verdict is Verdict.VERIFIED, [check for check in result.checks if check.step == 8]
    unzipped = tmp_path / "unzipped"
    for name, data in read_files(io.BytesIO(bundle.read_bytes())).items():
        (unzipped / name).parent.mkdir(parents=True, exist_ok=True)
        (unzipped / name).write_bytes(data)
    assert trust.parent == unzipped.parent  # TRUST=../trust, as the text says
    script = (unzipped / "README.txt").read_text(encoding="ascii").partition("TRUST=")
    ran = subprocess.run(
        ["bash"], input="".join(script[1:]), cwd=unzipped, capture_output=True, text=True, timeout=60, check=False
    )
    stamps = len(list((unzipped / "timestamps").iterdir()))
    assert stamps == 2
    assert (ran.stdout + ran.stderr).count("Verification: OK") == stamps, ran.stderr
    (unzipped / "timestamps/0/stamped").write_bytes(b"another text")
    again = subprocess.run(
        ["bash"], input="".join(script[1:]), cwd=unzipped, capture_output=True, text=True, timeout=60, check=False
    )
    assert (again.stdout + again.stderr).count("Verification: OK") == stamps - 1
