"""A network and a server that fail while a file is on its way: it is recorded once, under one key."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from api.cli.client.patience import ATTEMPTS_MAX, PAUSE_MAX_S, RETRY_AFTER_MAX_S, Patience
from tests.api.cli.running import ServedLedger, run, succeed
from tests.fakes.gateway import Gateway

LARGE_BYTES = 200 * 1024**2
DIES_AT_BYTES = 20 * 1024**2


def anchored_numbers(party: Mapping[str, str], case: str) -> list[str]:
    lines = (line.split("\t") for line in succeed("case", "show", case, env=party).splitlines())
    return [line[1] for line in lines if line[0] == "entry" and line[3] == "evidence.anchored"]


@pytest.mark.parametrize("fault", ["lose_answer", "cut_upload", "be_busy"])
@pytest.mark.parametrize("options", [[], ["--hash-only"]], ids=["file", "hash-only"])
def test_a_second_attempt_has_the_same_key_and_one_entry(
    fault: str, options: list[str], served: ServedLedger, party: Mapping[str, str], case: str, work: Path
) -> None:
    (work / "a.bin").write_bytes(b"a" * 1_000_000)
    with Gateway(served.port) as gateway:
        getattr(gateway, fault)()
        done = run("anchor", "a.bin", "--case", case, *options, "--server", gateway.url, env=party, cwd=work)
    assert done.returncode == 0, done.stderr
    assert "trying again" in done.stderr
    assert len(gateway.keys) == 2
    assert gateway.keys[0] == gateway.keys[1]
    assert done.stdout.splitlines() == anchored_numbers(party, case)
    assert (work / f"{done.stdout.strip()}.receipt.json").exists()


def test_each_file_has_a_key_of_its_own(served: ServedLedger, party: Mapping[str, str], case: str, work: Path) -> None:
    for name in ("a", "b"):
        (work / name).write_bytes(b"the same bytes")
    with Gateway(served.port) as gateway:
        numbers = succeed("anchor", "a", "b", "a", "--case", case, "--server", gateway.url, env=party, cwd=work)
    assert len(set(gateway.keys)) == 3
    assert all(1 <= len(key) <= 64 for key in gateway.keys)
    assert numbers.splitlines() == anchored_numbers(party, case)


def test_a_server_that_dies_in_the_middle_of_an_upload_and_comes_back(tmp_path: Path, work: Path) -> None:
    with (work / "large.bin").open("wb") as file:
        file.truncate(LARGE_BYTES)  # a sparse file: read, sent and stored as zeros
    with ServedLedger.make(tmp_path / "data") as served:
        party = served.access(served.token("aigul"))
        case = succeed("case", "open", "title", env=party)
        done: list[object] = []
        upload = threading.Thread(
            target=lambda: done.append(run("anchor", "large.bin", "--case", case, env=party, cwd=work))
        )
        upload.start()
        wait_for_incoming(served.data / "blobs")
        served.kill()
        assert not done
        served.start()
        upload.join()
        (outcome,) = done
        assert outcome.returncode == 0, outcome.stderr  # type: ignore[attr-defined] # a CompletedProcess
        assert "trying again" in outcome.stderr  # type: ignore[attr-defined]
        assert outcome.stdout.splitlines() == anchored_numbers(party, case)  # type: ignore[attr-defined]
        assert served.stop() < 10
        assert succeed("fsck", "--data", served.data) == ""


def wait_for_incoming(blobs: Path) -> None:
    deadline = time.monotonic() + 60
    while sum(path.stat().st_size for path in blobs.rglob("*") if path.is_file()) < DIES_AT_BYTES:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    patience = Patience()
    while patience.ask("no connection", 10_000 if len(waited) == 3 else None):
        assert len(waited) < 100
    assert len(waited) == ATTEMPTS_MAX - 1
    assert waited[3] == RETRY_AFTER_MAX_S
    assert max(waited[:3] + waited[4:]) <= PAUSE_MAX_S
    assert waited[0] < waited[1] < waited[2]
