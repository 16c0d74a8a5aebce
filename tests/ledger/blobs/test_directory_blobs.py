"""DirectoryBlobs: the contract, the files' places and modes, real faults, real kills."""

import hashlib
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.blobs.contract import BlobStore
from ledger.blobs.directory_blobs import DirectoryBlobs
from ledger.errors import CorruptError, UnavailableError
from tests.contracts.blob_store import MIB, BlobStoreContract, get, put, stored_blob


def path_of(directory: Path, sha256: bytes) -> Path:
    name = sha256.hex()
    return directory / name[:2] / name[2:4] / name


def files_in(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if not path.is_dir())


class TestDirectoryBlobs(BlobStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        self.directory = tmp_path / "blobs"
        return DirectoryBlobs(self.directory)

    def damage(self, store: BlobStore, sha256: bytes, data: bytes) -> None:
        path_of(self.directory, sha256).write_bytes(data)

    def kept(self, store: BlobStore) -> int:
        return len(files_in(self.directory))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def test_a_blob_stands_under_its_hex_and_nobody_else_may_read_it(directory: Path) -> None:
    blob = put(DirectoryBlobs(directory), b"hello")
    name = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    path = directory / "2c" / "f2" / name
    assert blob.sha256.hex() == name
    assert files_in(directory) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_nlink == 1
    for folder in (directory, directory / "incoming", directory / "2c", directory / "2c" / "f2"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_moved_store_is_the_same_store(directory: Path, tmp_path: Path) -> None:
    blob = put(DirectoryBlobs(directory), b"moved")
    directory.rename(tmp_path / "elsewhere")
    assert get(DirectoryBlobs(tmp_path / "elsewhere"), blob.sha256) == b"moved"


def test_a_link_or_folder_in_a_blobs_place_is_never_followed(directory: Path, tmp_path: Path) -> None:
    store = DirectoryBlobs(directory)
    secret = tmp_path / "secret"
    secret.write_bytes(b"linked")
    linked, folder = stored_blob(b"linked").sha256, stored_blob(b"folder").sha256
    path_of(directory, linked).parent.mkdir(parents=True)
    path_of(directory, linked).symlink_to(secret)
    path_of(directory, folder).mkdir(parents=True)
    with pytest.raises(UnavailableError):
        store.open(linked)
    with pytest.raises(CorruptError, match="regular file"):
        store.open(folder)
    assert not store.exists(linked)
    assert not store.exists(folder)
    with pytest.raises(UnavailableError):
        put(store, b"linked")
    assert path_of(directory, linked).is_symlink()


def test_an_error_says_what_and_where(directory: Path) -> None:
    store = DirectoryBlobs(directory)
    (directory / "incoming").rmdir()
    with pytest.raises(UnavailableError, match="no such file") as caught:
        put(store, b"nowhere to write")
    assert caught.value.what.startswith("creating a temporary file")
    assert caught.value.where == str(directory / "incoming")


def test_the_start_deletes_what_the_dead_left_and_nothing_else(directory: Path) -> None:
    store = DirectoryBlobs(directory)
    blob = put(store, b"stays")
    leftover = directory / "incoming" / (".incoming-" + "0a" * 16)
    leftover.write_bytes(b"half a fi")
    foreign = directory / "incoming" / "notes.txt"
    foreign.write_bytes(b"somebody's")
    with store.receive() as writer:
        writer.write(b"being written now")
        again = DirectoryBlobs(directory)
        assert not leftover.exists()
        assert foreign.exists()
        alive = writer.finish()
    assert get(again, alive.sha256) == b"being written now"
    assert get(again, blob.sha256) == b"stays"


def run_child(code: str, directory: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(directory)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[3],
        **options,  # type: ignore[call-overload]
    )


KILLED = """
    import os, signal, sys
    from pathlib import Path
    import ledger.blobs.durable_file as durable_file
    from ledger.blobs.directory_blobs import DirectoryBlobs
    at, left = {at!r}, {left}
    real = getattr(os, at)
    def killing(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    store = DirectoryBlobs(Path(sys.argv[1]))
    setattr(os, at, killing)
    if at == "fdatasync":
        durable_file._sync_content = killing
    with store.receive() as writer:
        writer.write(b"killed" * 400_000)
        writer.finish()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("write", 0),
        ("write", 1),
        ("fdatasync", 0),
        ("mkdir", 0),
        ("fsync", 0),
        ("mkdir", 1),
        ("fsync", 1),
        ("link", 0),
        ("fsync", 2),
        ("unlink", 0),
        ("getpid", 9),  # never: killed after the last step
    ],
)
def test_a_process_killed_at_any_step_leaves_a_whole_blob_or_none(directory: Path, at: str, left: int) -> None:
    child = run_child(KILLED.format(at=at, left=left), directory)
    assert child.returncode == -signal.SIGKILL, child.stderr
    data = b"killed" * 400_000
    blob = stored_blob(data)
    if path_of(directory, blob.sha256).exists():
        assert path_of(directory, blob.sha256).read_bytes() == data
    store = DirectoryBlobs(directory)
    assert [path for path in files_in(directory) if path.name != blob.sha256.hex()] == []
    assert put(store, data) == blob
    assert store.check(blob.sha256) == blob
    assert files_in(directory) == [path_of(directory, blob.sha256)]
    assert path_of(directory, blob.sha256).stat().st_nlink == 1


FULL = """
    import sys
    from pathlib import Path
    from ledger.blobs.directory_blobs import DirectoryBlobs
    from ledger.errors import UnavailableError
    store = DirectoryBlobs(Path(sys.argv[1]))
    try:
        with store.receive() as writer:
            for _ in range(64):
                writer.write(bytes(100_000))
            writer.finish()
    except UnavailableError as error:
        print(error)
        with store.receive() as writer:
            writer.write(b"small")
            print(writer.finish().sha256.hex())
"""


def test_a_file_that_may_grow_no_further_is_refused_and_leaves_nothing(directory: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB + 1, 3 * MIB + 1))

    child = run_child(FULL, directory, preexec_fn=limit)
    refused, after = child.stdout.splitlines()
    assert "writing a temporary file: file too large" in refused
    assert after == hashlib.sha256(b"small").hexdigest()
    assert files_in(directory) == [path_of(directory, bytes.fromhex(after))]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("may not mount a tmpfs; the limit on a file's size stands in for the full disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_said_to_be_full_and_is_as_empty_as_before(tiny_disk: Path) -> None:
    store = DirectoryBlobs(tiny_disk / "blobs")
    kept = put(store, b"k" * MIB)
    free = os.statvfs(tiny_disk).f_bfree
    with pytest.raises(UnavailableError, match="no space left") as caught:
        put(store, os.urandom(3 * MIB))
    assert caught.value.where is not None
    assert caught.value.retry_after > 0
    assert os.statvfs(tiny_disk).f_bfree == free
    assert store.check(kept.sha256) == kept
    small = put(store, b"fits")
    assert get(store, small.sha256) == b"fits"


class Failing:
    """Lets a system call fail with EIO at its nth use."""

    def __init__(self, real: object, nth: int) -> None:
        self.real, self.left = real, nth

    def __call__(self, *arguments: object, **options: object) -> object:
        self.left -= 1
        if self.left < 0:
            raise OSError(5, "Input/output error")
        return self.real(*arguments, **options)  # type: ignore[operator]


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "link", "write", "open"])
def test_an_input_output_error_is_unavailable_and_leaves_no_part(
    directory: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    store = DirectoryBlobs(directory)
    data = os.urandom(2 * MIB)
    with monkeypatch.context() as patch:
        if call == "fdatasync":
            patch.setattr("ledger.blobs.durable_file._sync_content", Failing(os.fdatasync, 0))
        else:
            patch.setattr(os, call, Failing(getattr(os, call), 0))
        with pytest.raises(UnavailableError, match="input/output error"):
            put(store, data)
    assert files_in(directory) == []
    assert put(store, data) == stored_blob(data)


def test_a_directory_that_did_not_sync_is_synced_by_the_retry(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applied yet reported failed: the blob has its name, the writer was told no. The retry must sync."""
    store = DirectoryBlobs(directory)
    put(store, b"makes the folders")
    store.remove(stored_blob(b"makes the folders").sha256)
    failing = Failing(os.fsync, 0)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(UnavailableError):
            put(store, b"makes the folders")
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), real(descriptor))[1])
    blob = put(store, b"makes the folders")
    assert len(synced) == 1
    assert store.check(blob.sha256) == blob


def test_a_failed_writer_can_not_be_finished(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed write the digests would be of bytes that are not in the file."""
    store = DirectoryBlobs(directory)
    with store.receive() as writer:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", Failing(os.write, 0))
            with pytest.raises(UnavailableError):
                writer.write(bytes(MIB))
        for act in (writer.measure, writer.finish):
            with pytest.raises(ValueError, match="an earlier call failed"):
                act()
    assert files_in(directory) == []


def test_without_hard_links_blobs_are_renamed_into_place(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    store = DirectoryBlobs(directory)
    monkeypatch.setattr(os, "link", refuse)
    blob = put(store, b"renamed")
    assert put(store, b"renamed") == blob
    assert files_in(directory) == [path_of(directory, blob.sha256)]
    path_of(directory, blob.sha256).write_bytes(b"other")
    with pytest.raises(CorruptError):
        put(store, b"renamed")
    assert path_of(directory, blob.sha256).read_bytes() == b"other"
