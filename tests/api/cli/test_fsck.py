"""`fsck` as a command: what it takes, prints and exits with."""

from __future__ import annotations

import json
from pathlib import Path

from tests.api.cli.running import fail, run, succeed
from tests.ledger.making import opened
from tests.ledger.upkeep.tile_log import make_chains, write_folder, write_trust


def test_a_log_from_its_public_files(tmp_path: Path) -> None:
    with opened(make_chains(tmp_path / "data")) as ledger:
        write_folder(ledger, tmp_path / "log")
        write_trust(ledger, tmp_path / "trust")
    done = run("fsck", "--tiles", tmp_path / "log")
    assert (done.returncode, done.stdout) == (0, "")
    assert "under the keys that the log names itself" in done.stderr and "sound" in done.stderr
    done = run("fsck", "--tiles", tmp_path / "log", "--trust", tmp_path / "trust", "--json")
    assert json.loads(done.stdout) == {"sound": True, "findings": []}
    tile = tmp_path / "log" / "tile" / "entries" / "001"
    tile.write_bytes(tile.read_bytes().replace(b"evidence.anchored", b"evidence.anchoreb", 1))
    done = run("fsck", "--tiles", tmp_path / "log")
    assert done.returncode == 1
    ((where, what),) = (line.split("\t") for line in done.stdout.splitlines())
    assert where == "tile/entries/001" and "do not give the hashes" in what
    assert "no checkpoint" in fail(1, "fsck", "--tiles", tmp_path)
    assert "a folder of its tiles" in fail(1, "fsck", "--tiles", tmp_path / "nowhere")
    assert "--trust belongs to --tiles" in fail(2, "fsck", "--trust", tmp_path / "trust", "--data", tmp_path / "data")
    assert "--only belongs to DATA" in fail(2, "fsck", "--only", "log", "--tiles", tmp_path / "log")


def test_a_part_of_it(tmp_path: Path) -> None:
    succeed("init", "--origin", "ledger.test/a", "--data", tmp_path / "d")
    for part in ("file", "log", "contents", "files"):
        assert succeed("fsck", "--only", part, "--data", tmp_path / "d") == ""
    fail(2, "fsck", "--only", "everything", "--data", tmp_path / "d")
