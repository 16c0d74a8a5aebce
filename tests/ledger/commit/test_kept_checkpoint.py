"""The kept file moves forwards only, and is whole whenever it is read."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ledger.blobs import durable_file
from ledger.commit import kept_checkpoint
from ledger.commit.kept_checkpoint import FILE_NAME, KeptCheckpoint
from ledger.commit.note_slots import FILE_SIZE, SLOT_SIZE, checkpoint_of, newest_note, parse_slots
from ledger.commit.writer_lock import WriterLock
from ledger.errors import ConfigError, RolledBackError, UnavailableError
from ledger.merkle.hashing import EMPTY_ROOT
from ledger.note.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from ledger.note.keys import Ed25519Signer, MLDSA44Signer
from ledger.note.signed_note import Signature, SignedNote, format_note
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


# --- in place, two slots --------------------------------------------------------------------------------------------


def test_it_is_written_in_place_slot_by_slot(tmp_path: Path) -> None:
    kept = KeptCheckpoint(tmp_path)
    kept.advance(note(0))
    file = (tmp_path / FILE_NAME).stat().st_ino
    for size in range(1, 6):
        kept.advance(note(size))
        slots = parse_slots((tmp_path / FILE_NAME).read_bytes())
        assert slots is not None and [checkpoint_of(each).size for each in slots if each] == sorted(
            (size, size - 1), key=lambda n: n % 2
        )
    stat = (tmp_path / FILE_NAME).stat()
    assert (stat.st_ino, stat.st_size) == (file, FILE_SIZE)


def test_what_another_process_wrote_in_between_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is remembered, and read again: the file is several processes'."""
    one, other = KeptCheckpoint(tmp_path), KeptCheckpoint(tmp_path)
    for size in range(0, 40, 4):
        one.advance(note(size))
        one.advance(note(size + 1))
        other.advance(note(size + 2))
        other.advance(note(size + 3))
        one.advance(note(size + 2))
        with pytest.raises(RolledBackError):
            one.advance(note(size + 3, b"r" * 32))
        assert one.read() == other.read() and checkpoint_of(one.read() or b"").size == size + 3
    monkeypatch.setattr(kept_checkpoint, "_parse", lambda _: pytest.fail("the same bytes are parsed once"))
    one.advance(note(40))
    one.advance(note(41))


def test_a_torn_write_leaves_the_one_before(tmp_path: Path) -> None:
    """Every length at which a write may be cut off, and blocks of 512 bytes that arrive in any order."""
    kept, path = KeptCheckpoint(tmp_path), tmp_path / FILE_NAME
    notes = [note(size) for size in (3, 4, 5)]
    for each in notes[:2]:
        kept.advance(each)
    before = path.read_bytes()
    kept.advance(notes[2])
    after = path.read_bytes()
    changed = [at for at in range(FILE_SIZE) if before[at] != after[at]]
    assert changed and changed[-1] < SLOT_SIZE  # the second slot, of size 4, was left alone
    order = random.Random(4)
    for _ in range(300):
        cut = order.randrange(changed[0] + 1, changed[-1] + 1)
        arrived = {n for n in range(SLOT_SIZE // 512) if order.random() < 0.5}
        blocks = (after if n in arrived else before for n in range(FILE_SIZE // 512))
        mixed = b"".join(whole[n * 512 : (n + 1) * 512] for n, whole in enumerate(blocks))
        for torn in (after[:cut] + before[cut:], mixed):
            path.write_bytes(torn)
            found = kept.read()
            assert found in (notes[1], notes[2])
            assert (found == notes[2]) == (torn[: changed[-1] + 1] == after[: changed[-1] + 1])
    path.write_bytes(after[: changed[-1]] + before[changed[-1] :])
    kept.advance(notes[2])
    assert kept.read() == notes[2]


@pytest.mark.parametrize("first", [0, 1])
def test_two_damaged_slots_are_no_fresh_start(tmp_path: Path, first: int) -> None:
    kept, path = KeptCheckpoint(tmp_path), tmp_path / FILE_NAME
    kept.advance(note(5))
    kept.advance(note(6))
    data = bytearray(path.read_bytes())
    for slot in (first, 1 - first):
        data[slot * SLOT_SIZE + 200] ^= 1
        path.write_bytes(data)
        if slot == first:
            assert kept.read() == newest_note(bytes(data))
            assert checkpoint_of(newest_note(bytes(data))).size == (6 if first == 0 else 5)
    with pytest.raises(ConfigError, match="read the kept checkpoint: it is malformed"):
        kept.read()
    with pytest.raises(ConfigError, match="keep a checkpoint: the kept one is malformed"):
        kept.advance(note(7))
    assert path.read_bytes() == data


def test_a_file_of_an_earlier_version_is_read_and_goes_on(tmp_path: Path) -> None:
    kept, path = KeptCheckpoint(tmp_path), tmp_path / FILE_NAME
    old = note(5)
    path.write_bytes(old)
    assert kept.read() == old
    with pytest.raises(RolledBackError):
        kept.advance(note(5, b"r" * 32))
    kept.advance(note(4))
    assert path.read_bytes() == old
    kept.advance(note(6))
    assert len(path.read_bytes()) == FILE_SIZE and checkpoint_of(kept.read() or b"").size == 6


def test_a_note_with_many_cosignatures_is_kept_whole(tmp_path: Path) -> None:
    kept = KeptCheckpoint(tmp_path)
    kept.advance(note(4))
    text = format_checkpoint(Checkpoint(ORIGIN, 5, bytes(32)))
    long = format_note(
        SignedNote(text, tuple(Signature("witness.example/w", b"%04d" % n, b"s" * 3_000) for n in range(90)))
    )
    kept.advance(long)
    assert kept.read() == long == newest_note((tmp_path / FILE_NAME).read_bytes())
    kept.advance(note(6))
    assert len((tmp_path / FILE_NAME).read_bytes()) == FILE_SIZE


@pytest.mark.parametrize("size", [0, 5])
@pytest.mark.parametrize("fault", ["sync", "write", "in part"])
def test_what_the_disk_did_not_take_is_not_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, fault: str
) -> None:
    kept = KeptCheckpoint(tmp_path)
    kept.advance(note(size))
    true_write, written = os.pwrite, 0

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def half(descriptor: int, data: bytes, at: int) -> int:
        nonlocal written
        written += 1
        return true_write(descriptor, data[: len(data) // 2] if written == 1 else data, at)

    with monkeypatch.context() as faulty:
        if fault == "sync":
            faulty.setattr(durable_file, "_sync_content", refuse)
        else:
            faulty.setattr(os, "pwrite", refuse if fault == "write" else half)
        with pytest.raises(UnavailableError, match=r"a checkpoint|syncing a file"):
            kept.advance(note(9))
    assert checkpoint_of(kept.read() or b"").size == size
    kept.advance(note(9))
    assert checkpoint_of(kept.read() or b"").size == 9
    slots = parse_slots((tmp_path / FILE_NAME).read_bytes())
    assert slots is not None and None not in slots  # the good one was never written over


def test_what_another_wrote_is_made_durable_before_it_is_relied_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process may be killed between its write and its flush: who finds the note there must not take it as flushed."""
    KeptCheckpoint(tmp_path).advance(note(9))
    synced: list[int] = []
    monkeypatch.setattr(durable_file, "_sync_content", synced.append)
    for size in (8, 9):
        KeptCheckpoint(tmp_path).advance(note(size))
    assert len(synced) == 2


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
