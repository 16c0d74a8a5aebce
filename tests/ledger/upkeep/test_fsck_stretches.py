"""However the log is cut, and whoever derives the pieces, the same is found."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.config import Settings
from ledger.errors import ConfigError, UnavailableError
from ledger.upkeep.finding import Finding
from ledger.upkeep.forks import Forks
from ledger.upkeep.fsck import fsck
from ledger.upkeep.processes import Processes
from ledger.upkeep.spawned import Spawned
from ledger.upkeep.spill import Spill, sort_records
from tests.ledger.making import Attacker, Copies
from tests.ledger.upkeep.tile_log import make_chains

CUTS = (256, 512, 10_000)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    url = None if request.param == "sqlite" else str(request.getfixturevalue("module_postgres_url"))
    return make_chains(tmp_path_factory.mktemp("chains") / "data", url)


@pytest.fixture
def copies(request: pytest.FixtureRequest) -> Iterator[Copies]:
    made = Copies(lambda: request.getfixturevalue("postgres_server"))
    yield made
    made.drop()


def found(settings: Settings, stretch: int, monkeypatch: pytest.MonkeyPatch, processes: int = 1) -> set[Finding]:
    monkeypatch.setattr("ledger.upkeep.fsck.STRETCH_MIN", stretch)
    monkeypatch.setattr("ledger.upkeep.fsck.STRETCH_MAX", stretch)
    return set(fsck(settings, processes=processes))


def test_a_sound_log_is_sound_however_it_is_cut(original: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [found(original, cut, monkeypatch) for cut in CUTS] == [set()] * len(CUTS)


def test_processes_find_what_one_finds(
    original: Settings, copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(original, 256, monkeypatch, processes=2) == set()
    settings = copies.log(original, tmp_path / "data")
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        attacker.execute("UPDATE entries SET kind = 'case.opened' WHERE idx = 700")
        attacker.execute("DELETE FROM tiles WHERE idx = 3")
        attacker.execute("UPDATE evidence SET account = 'eve' WHERE idx = 900")
        attacker.execute("UPDATE openings SET secret = (SELECT secret FROM openings WHERE idx = 40) WHERE idx = 1000")
    alone = found(settings, 256, monkeypatch)
    assert {each.where for each in alone} == {
        "database", "entry 700", "table evidence", "tile 0/3", "entry 900", "entry 1000"
    }  # fmt: skip
    assert found(settings, 256, monkeypatch, processes=2) == alone
    assert found(settings, 10_000, monkeypatch) == alone
    forked: list[int] = []
    monkeypatch.setattr("ledger.upkeep.processes.Forks", lambda make, count: forked.append(count) or Forks(make, count))
    monkeypatch.setattr("ledger.upkeep.processes.can_fork", lambda: True)  # whatever threads the tests have
    monkeypatch.setattr("ledger.upkeep.fsck.STRETCH_MAX", 256)
    assert set(fsck(settings, processes=2, may_fork=True)) == alone and forked == [2]


def test_a_short_log_starts_no_process_that_takes_longer_than_it(
    original: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    monkeypatch.setattr(
        "ledger.upkeep.fsck.Processes", lambda make, tool, count: counts.append(count) or Processes(make, tool, 0)
    )
    monkeypatch.setattr("ledger.upkeep.fsck.STRETCH_MIN", 256)
    for beside_threads in (True, False):
        monkeypatch.setattr("ledger.upkeep.fsck.can_fork", lambda forks=not beside_threads: forks)
        assert list(fsck(original, ["log"], may_fork=True)) == []
    assert list(fsck(original, ["contents"])) == []
    assert counts[0] == 0 and counts[1] == counts[2] > 0


@pytest.mark.parametrize("original", ["sqlite"], indirect=True)
@pytest.mark.parametrize("at", [255, 256, 257, 512, 1_000, 1_300])
def test_a_broken_link_is_found_within_a_stretch_and_between_two(
    original: Settings, copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    settings = copies.log(original, tmp_path / "data")
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        leaf = attacker.value("SELECT leaf FROM entries WHERE idx = :at", {"at": at})
        place = leaf.index(b'"prev":"') + 12
        changed = leaf[:place] + (b"1" if leaf[place : place + 1] == b"0" else b"0") + leaf[place + 1 :]
        attacker.execute("UPDATE entries SET leaf = :leaf WHERE idx = :at", {"leaf": changed, "at": at})
    wrong = [found(settings, cut, monkeypatch) for cut in CUTS]
    assert wrong[0] == wrong[1] == wrong[2]
    assert Finding(f"entry {at}", "its prev is not the leaf hash of its chain's entry before") in wrong[0]
    assert Finding(f"tile 0/{at // 256}", "its hashes are not the entries'") in wrong[0] or at >= 1_280


def test_two_entries_with_one_secret(
    original: Settings, copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both open, for both commitments were made with it: the salts of equal names are equal."""
    settings = copies.log(original, tmp_path / "data")
    monkeypatch.setattr("ledger.upkeep.contents_piece.blake2b", _OneDigest)
    assert {each.what for each in fsck(settings)} == {"its secret is another entry's too: salts repeat"}


class _OneDigest:
    def __init__(self, secret: bytes, *, digest_size: int, key: bytes) -> None:
        self._size = digest_size

    def digest(self) -> bytes:
        return bytes(self._size)


def test_what_is_looked_at_can_be_chosen(original: Settings, copies: Copies, tmp_path: Path) -> None:
    settings = copies.log(original, tmp_path / "data")
    with Attacker(settings.database) as attacker:
        attacker.drop_triggers()
        attacker.execute("UPDATE chains SET acts = acts + 1 WHERE length = (SELECT max(length) FROM chains)")
        attacker.execute("UPDATE evidence SET account = 'eve' WHERE idx = 900")
    seen: list[tuple[str, int, int]] = []
    log = list(fsck(settings, ["log"], lambda *step: seen.append(step)))
    assert log and all(each.where.startswith("chain ") for each in log)
    assert seen[0][:2] == ("log", 0) and seen[-1][1] == seen[-1][2] > 1_400
    assert [each.where for each in fsck(settings, ["contents"])] == ["entry 900"]
    assert list(fsck(settings, ["files"])) == list(fsck(settings, ["file"])) == []


# --- processes -----------------------------------------------------------------------------------------------------


def _tool() -> str:
    return "tool"


def _join(tool: str, piece: int) -> tuple[str, int, int]:
    return tool, piece, os.getpid()


def _fail(_tool: str, piece: int) -> int:
    if piece == 3:
        raise ConfigError("work: piece 3 is bad", "3")
    return piece


def _die(_tool: str, _piece: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_pieces_come_back_in_order_from_other_processes() -> None:
    with Processes(_tool, "tool", 2) as processes:
        came = list(processes.map(_join, range(9)))
        assert isinstance(processes._crew, Spawned)
        for each in processes._crew._up:
            each.result()
        again = list(processes.map(_join, range(9)))
    for each in came, again:
        assert [(tool, piece) for tool, piece, _ in each] == [("tool", piece) for piece in range(9)]
    assert {process for *_, process in came[:1]} == {os.getpid()}, "nobody waits for them to come up"
    assert os.getpid() not in {process for *_, process in again}


def test_a_short_piece_of_work_is_done_here() -> None:
    with Processes(_tool, "tool", 1) as processes:
        assert {process for *_, process in processes.map(_join, range(3))} == {os.getpid()}
    with Processes(_tool, "tool", 4) as processes:
        assert [process for *_, process in processes.map(_join, [1])] == [os.getpid()]


def test_what_a_piece_raises_arrives_whole_and_ends_the_work() -> None:
    with Processes(_tool, "tool", 2) as processes, pytest.raises(ConfigError, match="piece 3 is bad") as caught:
        list(processes.map(_fail, range(100)))
    assert caught.value.where == "3"


def test_a_process_that_dies_is_told() -> None:
    with Processes(_tool, "tool", 2) as processes:
        list(processes.map(_join, range(2)))
        assert isinstance(processes._crew, Spawned)
        for each in processes._crew._up:
            each.result()
        with pytest.raises(UnavailableError, match="a process died"):
            list(processes.map(_die, range(4)))


# --- records on a disk ---------------------------------------------------------------------------------------------


def test_records_come_back_sorted_whether_they_went_to_a_file_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [os.urandom(24) for _ in range(3_000)]
    for memory in (1, 1 << 20):
        monkeypatch.setattr("ledger.upkeep.spill.IN_MEMORY", memory)
        with Spill(24) as spill:
            spill.add(sort_records(records[:1_000]))
            spill.add(sort_records(records[1_000:]))
            assert [record for part in spill.parts() for record in part] == sorted(records)
