"""The kept file moves forwards only, and is whole whenever it is read."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ledger.commit.kept_checkpoint import FILE_NAME, KeptCheckpoint
from ledger.commit.writer_lock import WriterLock
from ledger.errors import ConfigError, RolledBackError, UnavailableError
from ledger.merkle.hashing import EMPTY_ROOT
from ledger.note.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.note.keys import Ed25519Signer, MLDSA44Signer
from tests.ledger.making import ORIGIN

KEYS = Ed25519Signer(ORIGIN, b"e" * 32), MLDSA44Signer(ORIGIN, b"m" * 32)


def note(size: int, root: bytes = bytes(32)) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, EMPTY_ROOT if size == 0 else root), *KEYS, 1)


def test_it_moves_forwards_only(tmp_path: Path) -> None:
    kept = KeptCheckpoint(tmp_path)
    assert kept.read() is None
    stands = b""
    for size, moves in ((0, True), (5, True), (3, False), (5, False), (6, True)):
        new = note(size)
        kept.advance(new)
        stands = new if moves else stands
        assert kept.read() == stands
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAME, f"{FILE_NAME}.lock"}


def test_the_same_size_with_another_root_convicts_and_changes_nothing(tmp_path: Path) -> None:
    kept = KeptCheckpoint(tmp_path)
    first = note(5)
    kept.advance(first)
    with pytest.raises(RolledBackError, match="keep a checkpoint of size 5: another root was signed before") as raised:
        kept.advance(note(5, b"r" * 32))
    texts = [format_checkpoint(Checkpoint(ORIGIN, 5, root)) for root in (bytes(32), b"r" * 32)]
    assert list(raised.value.evidence) == texts
    assert kept.read() == first


def test_many_threads_end_at_the_largest(tmp_path: Path) -> None:
    notes = [note(size) for size in range(24)]

    def advance(mine: list[bytes]) -> None:
        own = KeptCheckpoint(tmp_path)
        for each in mine:
            own.advance(each)

    threads = [threading.Thread(target=advance, args=(notes[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert KeptCheckpoint(tmp_path).read() == notes[-1]


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff" * 100])
def test_a_damaged_file_is_told_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigError, match="the kept one is malformed"):
        KeptCheckpoint(tmp_path).advance(note(5))
    assert (tmp_path / FILE_NAME).read_bytes() == content


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    kept = KeptCheckpoint(tmp_path / "none")
    assert kept.read() is None
    with pytest.raises(UnavailableError, match="keep a checkpoint"):
        kept.advance(note(5))
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ConfigError, match="read the kept checkpoint"):
        KeptCheckpoint(tmp_path).read()


# --- one writer on SQLite ------------------------------------------------------------------------------------------

HOLD = "import sys, pathlib; from ledger.commit.writer_lock import WriterLock\n"
HOLD += "lock = WriterLock(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    database = tmp_path / "ledger.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError, match="another process writes to this SQLite database already"):
            WriterLock(database)
        WriterLock(tmp_path / "other.db").release()  # another database beside it is nobody's business
        holder.kill()  # however it ends
        holder.wait()
    lock = WriterLock(database)
    with pytest.raises(ConfigError):
        WriterLock(database)
    lock.release()
    lock.release()
    WriterLock(database).release()


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="start: No such file"):
        WriterLock(tmp_path / "none" / "ledger.db")
