"""durable_file: whole or not at all, never over other bytes, and leftovers told from files being written."""

import os
import stat
from pathlib import Path

import pytest

from ledger.blobs.durable_file import (
    TemporaryFile,
    clean_leftovers,
    make_directory_durably,
    replace_durably,
    sync_directory,
    write_durably,
)
from ledger.errors import ConflictError, UnavailableError


def test_what_is_written_is_there_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    write_durably(tmp_path / "key", b"secret")
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_the_same_bytes_again_succeed_and_other_bytes_never(tmp_path: Path) -> None:
    write_durably(tmp_path / "tile", b"one")
    write_durably(tmp_path / "tile", b"one")
    for other in (b"two", b"", b"one and more"):
        with pytest.raises(ConflictError, match="other bytes"):
            write_durably(tmp_path / "tile", other)
    assert (tmp_path / "tile").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["tile"]


def test_replacing_takes_the_place_of_anything(tmp_path: Path) -> None:
    for data in (b"first", b"second", b"", b"x" * 3_000_000):
        replace_durably(tmp_path / "kept", data)
        assert (tmp_path / "kept").read_bytes() == data
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.parametrize("step", ["write", "sync", "replace"])
def test_a_replacement_that_fails_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    replace_durably(tmp_path / "kept", b"old")

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    target = {"write": "os.write", "sync": "ledger.blobs.durable_file._sync_content", "replace": "pathlib.Path.replace"}
    monkeypatch.setattr(target[step], fail)
    with pytest.raises(UnavailableError, match="no space left on device"):
        replace_durably(tmp_path / "kept", b"new")
    assert (tmp_path / "kept").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["kept"]


def test_content_is_synced_before_it_has_its_name_and_the_directory_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is the promise: a name that is durable before its bytes can come back with no bytes."""
    steps: list[str] = []

    def spy(target: str, step: str, real: object) -> None:
        monkeypatch.setattr(target, lambda *arguments: (steps.append(step), real(*arguments))[1])  # type: ignore[operator]

    spy("ledger.blobs.durable_file._sync_content", "content", os.fdatasync)
    spy("os.fsync", "directory", os.fsync)
    spy("os.link", "name", os.link)
    spy("pathlib.Path.replace", "name", Path.replace)
    write_durably(tmp_path / "one", b"1")
    assert steps == ["content", "name", "directory"]
    steps.clear()
    replace_durably(tmp_path / "one", b"2")
    assert steps == ["content", "name", "directory"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:7]))
    write_durably(tmp_path / "file", b"0123456789" * 10)
    assert (tmp_path / "file").read_bytes() == b"0123456789" * 10


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system takes no advice on its page cache")
def test_of_a_large_file_every_window_is_begun_at_once_and_forgotten_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10 GiB of evidence must not push the database out of memory."""
    advised: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "write", lambda _descriptor, data: len(data))
    monkeypatch.setattr(
        os, "posix_fadvise", lambda _descriptor, start, length, _advice: advised.append((start, length))
    )
    window, chunk = 8 * 1024 * 1024, bytes(3 * 1024 * 1024)
    with TemporaryFile(tmp_path) as temporary:
        for _ in range(32):  # 12 windows
            temporary.write(chunk)
    begun = [(number * window, window) for number in range(12)]
    assert [each for each in advised if advised.count(each) == 1] == begun[4:]
    assert advised.count(begun[3]) == 2
    assert sorted(advised) == sorted(begun + begun[:4])

    def refuse(*_arguments: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "posix_fadvise", refuse)
    with TemporaryFile(tmp_path) as temporary:
        temporary.write(bytes(window))


def test_leftovers_of_the_dead_go_and_files_being_written_stay(tmp_path: Path) -> None:
    dead = tmp_path / (".incoming-" + "ab" * 16)
    dead.write_bytes(b"half")
    others = [
        ".incoming-short",
        ".incoming-" + "zz" * 16,
        "incoming-" + "ab" * 16,
        ".incoming-" + "AB" * 16,
        "evidence",
    ]
    for name in others:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / (".incoming-" + "cd" * 16)).mkdir()
    with TemporaryFile(tmp_path) as living:
        living.write(b"being written")
        assert clean_leftovers(tmp_path) == 1
        assert not dead.exists()
        living.sync()
        assert living.place(tmp_path / "written")
    assert clean_leftovers(tmp_path) == 0
    assert sorted(os.listdir(tmp_path)) == sorted([*others, ".incoming-" + "cd" * 16, "written"])
    assert (tmp_path / "written").read_bytes() == b"being written"


def test_a_file_deleted_while_it_was_being_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that starts between another's create and lock takes the new file for a leftover."""
    import fcntl

    real, turns = fcntl.flock, 0

    def late(descriptor: int, operation: int) -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            assert clean_leftovers(tmp_path) == 1
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    write_durably(tmp_path / "file", b"whole")
    assert turns == 3  # late, the cleaner's, and the second attempt's
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_a_temporary_file_has_one_name_only_once(tmp_path: Path) -> None:
    with TemporaryFile(tmp_path) as temporary:
        temporary.write(b"x")
        temporary.sync()
        temporary.replace(tmp_path / "a")
        with pytest.raises(ValueError, match="its name already"):
            temporary.replace(tmp_path / "b")
    assert os.listdir(tmp_path) == ["a"]


def test_a_missing_folder_is_unavailable_with_its_name(tmp_path: Path) -> None:
    for act in (write_durably, replace_durably):
        with pytest.raises(UnavailableError) as caught:
            act(tmp_path / "no" / "file", b"x")
        assert caught.value.where == str(tmp_path / "no")
    for check in (sync_directory, clean_leftovers):
        with pytest.raises(UnavailableError):
            check(tmp_path / "no")
    with pytest.raises(UnavailableError):
        make_directory_durably(tmp_path / "no" / "deeper")


def test_a_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    make_directory_durably(tmp_path / "made")
    make_directory_durably(tmp_path / "made")
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnavailableError, match="file exists"):
        make_directory_durably(tmp_path / "file")
