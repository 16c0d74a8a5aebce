"""A disk that fills while evidence comes in, and is given room again: clear refusals, nothing lost, and on it goes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.commit import sequencer
from ledger.errors import UnavailableError
from ledger.submit.anchor_flow import Anchored
from ledger.upkeep.fsck import fsck
from tests.crashes.told import Told, check_told
from tests.ledger.making import ALICE, anchor_file, make_log, opened, statement


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("may not mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def grow(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=60m", str(place)], check=True)


def insist(act: Callable[[], Anchored]) -> Anchored:
    """Until it is answered."""
    for _ in range(1_000):
        try:
            return act()
        except UnavailableError:
            time.sleep(0.02)
    return act()


def small(ledger: Ledger, case: str, n: int) -> Anchored:
    return ledger.anchor(ALICE, case, statement(n), None, None, f"small-{n}")


def large(ledger: Ledger, case: str, n: int) -> Anchored:
    return anchor_file(ledger, case, n.to_bytes(2) * 150_000, key=f"large-{n}")


def fill(act: Callable[[int], Anchored], told: Told, name: str) -> tuple[int, UnavailableError]:
    """Until one is refused: how many were not, and with which words it was."""
    for n in range(20_000):
        try:
            told.answered(f"{name}-{n}", act(n))
        except UnavailableError as error:
            return n, error
    raise AssertionError("the disk never filled")


@pytest.mark.parametrize("where", ["everything", "database alone", "files alone"])
def test_a_disk_fills_up_and_is_given_room(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(sequencer, "RECOVERY_SECONDS", 0.02)
    data = small_disk / "data" if where == "everything" else tmp_path / "data"
    options = {"blobs": str(small_disk / "blobs")} if where == "files alone" else {}
    database = f"sqlite:///{small_disk / 'ledger.db'}" if where == "database alone" else None
    settings = make_log(data, database, **options)
    told = Told.of(settings)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Full").case
        if where != "database alone":
            count, error = fill(lambda n: large(ledger, case, n), told, "large")
            assert count > 3
            words = str(error)
            assert error.retry_after > 0
            # Where both lie on one disk, either may be the first that finds no room.
            if where == "files alone" or "the database did not confirm it" not in words:
                assert "no space left" in words
        if where != "files alone":
            # The last room goes to what is small: now the database itself cannot grow.
            (small_disk / "ballast").write_bytes(bytes(max(0, free(small_disk) - 400_000)))
            count, error = fill(lambda n: small(ledger, case, n), told, "small")
            assert count > 0 or where == "everything"  # where the large ones may have left no page of the database
            assert error.retry_after > 0
            assert "full" in error.what
            with pytest.raises(UnavailableError):
                small(ledger, case, count)
        else:
            told.answered("small-0", small(ledger, case, 0))  # digests need no room where files lie
        grow(small_disk)
        for name, act in (("small", small), ("large", large)):
            for n in range(50):
                told.answered(f"{name}-{n}", insist(lambda act=act, n=n: act(ledger, case, n)))  # type: ignore[misc]
    held = check_told(settings, told)
    assert held.lengths[case] == 1 + len(told.answers)
    assert list(fsck(settings)) == []
    assert not list((settings.blobs / "incoming").iterdir())


def test_a_full_disk_does_not_keep_a_log_from_starting(tmp_path: Path, small_disk: Path) -> None:
    """It may have been killed when nothing more fitted; the start writes little, or says that there is no room."""
    settings = make_log(small_disk / "data")
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Full").case
        first = small(ledger, case, 1)
    (small_disk / "ballast").write_bytes(bytes(free(small_disk)))
    try:
        with opened(settings) as ledger:
            assert small(ledger, case, 1).number == first.number
    except UnavailableError as error:
        assert "full" in error.what or "no space" in error.what or "disk I/O error" in error.what, error
    grow(small_disk)
    with opened(settings) as ledger:
        again = small(ledger, case, 1)
        assert (again.number, again.replayed) == (first.number, True)
    assert list(fsck(settings)) == []


def free(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize
