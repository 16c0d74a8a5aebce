from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.peers.damage import damaged_files, try_damage
from benchmarks.peers.public_log import ODD, PublicLog, public_log
from ledger.merkle.entry_bundles import parse_entry_bundle
from ledger.merkle.frontier import Frontier
from ledger.merkle.hashing import HASH_SIZE, hash_leaf
from ledger.note.checkpoint import check_checkpoint
from ledger.note.keys import parse_vkey

ENTRIES = 1_000


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLog]:
    with public_log(tmp_path_factory.mktemp("public"), ENTRIES) as log:
        yield log


def test_the_files_hold_the_published_tree_and_nothing_else(public: PublicLog) -> None:
    full, rest = divmod(public.size, 256)
    assert public.size == 1 + ENTRIES + ODD  # log.opened
    bundles = [public.tiles / f"tile/entries/{n:03}" for n in range(full)]
    bundles.append(public.tiles / f"tile/entries/{full:03}.p/{rest}")
    widths = [256] * full + [rest]
    leaves = [
        leaf
        for path, width in zip(bundles, widths, strict=True)
        for leaf in parse_entry_bundle(path.read_bytes(), width)
    ]
    keys = [parse_vkey(public.keys.with_name("keys.pub").read_text(encoding="ascii"))]
    checkpoint = check_checkpoint((public.tiles / "checkpoint").read_bytes(), keys)
    assert Frontier().append_all([hash_leaf(leaf) for leaf in leaves]).root() == checkpoint.root
    tiles = [public.tiles / f"tile/0/{n:03}" for n in range(full)] + [public.tiles / f"tile/0/{full:03}.p/{rest}"]
    assert [path.stat().st_size for path in tiles] == [width * HASH_SIZE for width in widths]
    above = public.tiles / f"tile/1/000.p/{full}"
    files = {path for path in public.tiles.rglob("*") if path.is_file()}
    assert files == {*bundles, *tiles, above, public.tiles / "checkpoint"}


def test_each_kind_of_file_is_damaged_once_and_mended(public: PublicLog) -> None:
    names = [path.relative_to(public.tiles).as_posix() for path in damaged_files(public.tiles)]
    partial = public.size % 256
    assert names == [
        "checkpoint",
        "tile/0/002",
        f"tile/0/004.p/{partial}",
        "tile/1/000.p/4",
        "tile/entries/002",
        f"tile/entries/004.p/{partial}",
    ]
    before = {name: (public.tiles / name).read_bytes() for name in names}
    differ = (
        "import pathlib, sys; root = pathlib.Path(sys.argv[1]);"
        f"before = {before!r};"
        "changed = [n for n, b in before.items() if (root / n).read_bytes() != b];"
        "sys.exit(' '.join(changed) or 0)"
    )
    command = [sys.executable, "-c", differ, public.tiles]
    trials = try_damage(public.tiles, command, lambda path: [path.as_posix()])
    assert [(trial.file, trial.status, trial.named) for trial in trials] == [(name, 1, True) for name in names]
    assert subprocess.run(command, check=False).returncode == 0
