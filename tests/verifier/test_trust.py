"""The trust folder: exactly the names that the specification has, each in its form."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.verifier.log_forge import ED25519, ML_DSA, RETIRED_ED25519, WITNESS, b64, write_trust
from tests.verifier.vectors import BUNDLES, needs_vectors
from verifier.errors import Unreadable
from verifier.trust import read_trust

ROOT = b64(bytes(32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_trust(tmp_path / "trust", ED25519, ML_DSA)


def authority(folder: Path, name: str, source: str = "trust/tsa/a.pem") -> None:
    target = folder / name
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(BUNDLES / source, target)


def test_policy_alone(folder: Path) -> None:
    trust = read_trust(folder)
    assert len(trust.policy.logs) == 2 and trust.quorum == 0 and not trust.authorities


def test_no_folder_and_no_policy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for name in ("none", "file", "empty", "\0"):
        with pytest.raises(Unreadable):
            read_trust(tmp_path / name)


@pytest.mark.parametrize(
    "name",
    [
        "Policy",
        "notes",
        ".DS_Store",
        "tsa/a.txt",
        "tsa/.pem",
        "tsa/a b.pem",
        "tsa/sub/a.pem",
        "tsb/a.pem",
        "tsa/a.PEM",
        "tsa-operator/quorum",
    ],
)
def test_other_names_are_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("quorum none\n")
    with pytest.raises(Unreadable):
        read_trust(folder)


def test_a_folder_in_place_of_a_file(folder: Path) -> None:
    (folder / "retired").mkdir()
    with pytest.raises(Unreadable):
        read_trust(folder)


def test_a_huge_file_is_refused(folder: Path) -> None:
    (folder / "retired").write_bytes(b"#" * (2**20) + b"\n")
    with pytest.raises(Unreadable):
        read_trust(folder)


@needs_vectors
def test_authorities_and_quorum(folder: Path) -> None:
    authority(folder, "tsa/a.pem")
    assert read_trust(folder).quorum == 1
    authority(folder, "tsa/b.pem", "trust-two-tsa/tsa/b.pem")
    assert read_trust(folder).quorum == 2
    for text, quorum in (("1\n", 1), ("2\n", 2)):
        (folder / "tsa" / "quorum").write_text(text)
        assert read_trust(folder).quorum == quorum
    for text in ("0\n", "3\n", "1", "1\n\n", "01\n", "one\n", " 1\n", "1\r\n", ""):
        (folder / "tsa" / "quorum").write_bytes(text.encode())
        with pytest.raises(Unreadable):
            read_trust(folder)


@needs_vectors
@pytest.mark.parametrize("second", ["tsa/b.pem", "tsa-operator/development.pem"])
def test_the_same_certificate_twice_is_refused(folder: Path, second: str) -> None:
    authority(folder, "tsa/a.pem")
    authority(folder, second)
    with pytest.raises(Unreadable, match="twice"):
        read_trust(folder)


@needs_vectors
def test_the_same_certificate_twice_in_a_file_is_refused(folder: Path) -> None:
    authority(folder, "tsa/a.pem")
    path = folder / "tsa" / "a.pem"
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(Unreadable, match="twice"):
        read_trust(folder)


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_pem_that_is_none(folder: Path, text: str) -> None:
    (folder / "tsa").mkdir()
    (folder / "tsa" / "a.pem").write_text(text)
    with pytest.raises(Unreadable):
        read_trust(folder)


def test_quorum_without_authorities_is_refused(folder: Path) -> None:
    (folder / "tsa").mkdir()
    (folder / "tsa" / "quorum").write_text("1\n")
    with pytest.raises(Unreadable):
        read_trust(folder)


def test_retired(folder: Path) -> None:
    (folder / "retired").write_text(f"# c\n\n{RETIRED_ED25519.vkey} 9 {ROOT}\n")
    (known,) = read_trust(folder).retired
    assert (known.size, known.root) == (9, bytes(32))
    key = RETIRED_ED25519.vkey
    for line in (
        f"{key} 0 {ROOT}",
        f"{key} 09 {ROOT}",
        f"{key} 9",
        f"{key} 9 AAAA",
        f"x {key} 9 {ROOT}",
        f"{key}x 9 {ROOT}",
    ):
        (folder / "retired").write_text(line + "\n")
        with pytest.raises(Unreadable):
            read_trust(folder)


def test_maps(folder: Path) -> None:
    (folder / "maps").write_text(f"{WITNESS.vkey}\nquorum 1\n")
    assert len(read_trust(folder).monitors) == 1
    for text in ("quorum 2\n", "quorum 1\nquorum 1\n", "hello\n", "quorum x\n", f"log {WITNESS.vkey}\n"):
        (folder / "maps").write_text(f"{WITNESS.vkey}\n{text}")
        with pytest.raises(Unreadable):
            read_trust(folder)
