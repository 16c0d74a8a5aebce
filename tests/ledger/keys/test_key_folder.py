"""Keys at rest: readable by their owner alone, drawn once, and refused when they are something else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ledger.errors import ConfigError
from ledger.keys.key_folder import ED25519_FILE, MLDSA44_FILE, KeyFolder
from tests.ledger.making import ORIGIN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    KeyFolder(tmp_path / "keys").create_log_keys()
    return tmp_path / "keys"


def test_nobody_else_reads_them(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} == {ED25519_FILE, MLDSA44_FILE}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_they_are_drawn_once_and_each_is_another(folder: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    KeyFolder(folder).create_log_keys()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    KeyFolder(tmp_path / "others").create_log_keys()
    others = {path.read_bytes() for path in (tmp_path / "others").iterdir()}
    assert len({*before.values(), *others}) == 4


def test_a_crash_between_the_two_is_mended(folder: Path) -> None:
    (folder / MLDSA44_FILE).unlink()
    first = (folder / ED25519_FILE).read_bytes()
    KeyFolder(folder).create_log_keys()
    assert (folder / ED25519_FILE).read_bytes() == first
    ed25519, mldsa = KeyFolder(folder).log_signers(ORIGIN)
    assert ed25519.verifier_key.name == mldsa.verifier_key.name == ORIGIN


def test_the_same_files_give_the_same_keys(folder: Path) -> None:
    one, two = (KeyFolder(folder).log_signers(ORIGIN) for _ in range(2))
    assert [each.verifier_key for each in one] == [each.verifier_key for each in two]


@pytest.mark.parametrize("content", [b"", b"AAAA\n", b"\xff\xff\n", b"A" * 43 + b"!\n", b"A" * 100_000])
def test_what_is_no_seed_is_refused(folder: Path, content: bytes) -> None:
    (folder / ED25519_FILE).write_bytes(content)
    with pytest.raises(ConfigError, match="read a key") as told:
        KeyFolder(folder).log_signers(ORIGIN)
    assert told.value.where == str(folder / ED25519_FILE)
    assert "AAAA" not in str(told.value)  # a damaged key is a key all the same: it is not shown


def test_a_missing_file_is_told(folder: Path) -> None:
    (folder / MLDSA44_FILE).unlink()
    with pytest.raises(ConfigError, match=rf"{MLDSA44_FILE}: read a key"):
        KeyFolder(folder).log_signers(ORIGIN)


def test_a_written_key_is_not_written_over(folder: Path) -> None:
    with pytest.raises(ConfigError, match="is there already"):
        KeyFolder(folder).write(ED25519_FILE, b"other")
