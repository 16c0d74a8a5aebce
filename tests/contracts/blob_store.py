"""The contract of `ledger.blobs.contract`, as tests. Each implementation subclasses it and runs them all.

class TestDirectoryBlobs(BlobStoreContract):
    @pytest.fixture
    def store(self, tmp_path): return DirectoryBlobs(tmp_path / "blobs")

    def damage(self, store, sha256, data): ...   # put other bytes under the name, behind the store's back

    def kept(self, store): ...                    # everything the store holds, finished or not
"""

import hashlib
import os
import threading
import tracemalloc
from abc import ABC, abstractmethod

import pytest

from ledger.blobs.contract import BlobStore, StoredBlob
from ledger.errors import CorruptError, NotFoundError

MIB = 1024 * 1024
# Sizes on both sides of the blocks that an implementation may cut a stream into.
SIZES = [0, 1, 63, 64, 65_535, 65_536, MIB - 1, MIB, MIB + 1, 5 * MIB + 7]


def stored_blob(data: bytes) -> StoredBlob:
    return StoredBlob(hashlib.sha256(data).digest(), hashlib.sha512(data).digest(), len(data))


def put(store: BlobStore, data: bytes) -> StoredBlob:
    with store.receive() as writer:
        writer.write(data)
        return writer.finish()


def get(store: BlobStore, sha256: bytes) -> bytes:
    with store.open(sha256) as stream:
        return stream.read()


class BlobStoreContract(ABC):
    memory_bytes = 16 * MIB  # what a writer and a reader may take, whatever the size of the blob

    @abstractmethod
    def damage(self, store: BlobStore, sha256: bytes, data: bytes) -> None:
        """Put `data` under a name behind the store's back."""

    @abstractmethod
    def kept(self, store: BlobStore) -> int:
        """How many files or objects there are, of any kind."""

    @pytest.mark.parametrize("size", SIZES)
    def test_a_blob_comes_back_with_its_digests_and_size(self, store: BlobStore, size: int) -> None:
        data = os.urandom(size)
        blob = put(store, data)
        assert blob == stored_blob(data)
        assert get(store, blob.sha256) == data
        assert store.size(blob.sha256) == size
        assert store.exists(blob.sha256)
        assert store.check(blob.sha256) == blob

    @pytest.mark.parametrize("chunk", [1, 1000, 65_536, MIB // 4, MIB, 3 * MIB])
    def test_chunks_of_any_size_make_the_same_blob(self, store: BlobStore, chunk: int) -> None:
        data = os.urandom(3 * MIB + 11 if chunk > 1 else 3000)
        with store.receive() as writer:
            for start in range(0, len(data), chunk):
                writer.write(data[start : start + chunk])
            assert writer.finish() == stored_blob(data)

    def test_mixed_chunks_keep_their_order(self, store: BlobStore) -> None:
        chunks = [os.urandom(size) for size in (10, 2 * MIB, 20, MIB // 4 - 1, MIB // 4, 1, 0, MIB)]
        with store.receive() as writer:
            for chunk in chunks:
                writer.write(chunk)
            blob = writer.finish()
        assert blob == stored_blob(b"".join(chunks))
        assert get(store, blob.sha256) == b"".join(chunks)

    @pytest.mark.parametrize("size", [1000, MIB])
    def test_a_buffer_may_be_used_again_at_once(self, store: BlobStore, size: int) -> None:
        buffer, expected = bytearray(size), b""
        with store.receive() as writer:
            for turn in range(8):
                buffer[:] = bytes([turn]) * size
                expected += buffer
                writer.write(memoryview(buffer))
            assert writer.finish() == stored_blob(expected)

    def test_a_blob_can_be_read_from_any_place(self, store: BlobStore) -> None:
        blob = put(store, b"0123456789")
        with store.open(blob.sha256) as stream:
            stream.seek(7)
            assert stream.read() == b"789"
            stream.seek(0)
            assert stream.read(2) == b"01"

    def test_nothing_is_there_before_finish(self, store: BlobStore) -> None:
        name = hashlib.sha256(b"not yet").digest()
        with store.receive() as writer:
            writer.write(b"not yet")
            assert writer.measure() == stored_blob(b"not yet")
            assert not store.exists(name)
            writer.finish()
            assert store.exists(name)

    def test_a_writer_left_early_leaves_nothing(self, store: BlobStore) -> None:
        before = self.kept(store)
        with store.receive() as writer:
            writer.write(os.urandom(2 * MIB))
        with pytest.raises(RuntimeError, match="client went away"), store.receive() as writer:
            writer.write(os.urandom(2 * MIB))
            raise RuntimeError("client went away")
        assert self.kept(store) == before

    def test_a_measured_or_finished_writer_takes_no_more(self, store: BlobStore) -> None:
        with store.receive() as writer:
            writer.write(b"all")
            writer.measure()
            with pytest.raises(ValueError, match="takes no more"):
                writer.write(b"more")
            writer.finish()
            with pytest.raises(ValueError, match="finished"):
                writer.finish()
        assert get(store, stored_blob(b"all").sha256) == b"all"

    def test_the_same_bytes_again_succeed_and_stay_one(self, store: BlobStore) -> None:
        first = put(store, b"twice")
        kept = self.kept(store)
        assert put(store, b"twice") == first
        assert self.kept(store) == kept
        assert get(store, first.sha256) == b"twice"

    def test_two_writers_of_one_content_both_succeed(self, store: BlobStore) -> None:
        with store.receive() as one, store.receive() as two:
            one.write(b"shared")
            two.write(b"shared")
            assert one.finish() == two.finish() == stored_blob(b"shared")
        assert get(store, stored_blob(b"shared").sha256) == b"shared"

    def test_many_writers_of_one_content_at_once_all_succeed(self, store: BlobStore) -> None:
        data, barrier = os.urandom(MIB + 1), threading.Barrier(8)
        outcomes: list[object] = []

        def write() -> None:
            try:
                with store.receive() as writer:
                    writer.write(data)
                    barrier.wait(timeout=30)
                    outcomes.append(writer.finish())
            except Exception as error:  # told to the test's own thread, which asserts on it
                outcomes.append(error)

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == [stored_blob(data)] * 8
        assert store.check(stored_blob(data).sha256) == stored_blob(data)

    @pytest.mark.parametrize("other", [b"Damaged", b"", b"damaged and longer"])
    def test_other_bytes_under_a_name_are_found_and_never_overwritten(self, store: BlobStore, other: bytes) -> None:
        blob = put(store, b"damaged")
        self.damage(store, blob.sha256, other)
        with pytest.raises(CorruptError, match=blob.sha256.hex()):
            store.check(blob.sha256)
        with pytest.raises(CorruptError, match=blob.sha256.hex()):
            put(store, b"damaged")
        assert get(store, blob.sha256) == other
        assert put(store, b"something else") == stored_blob(b"something else")

    def test_a_blob_that_is_not_there_is_said_not_to_be(self, store: BlobStore) -> None:
        name = bytes(32)
        assert not store.exists(name)
        with pytest.raises(NotFoundError):
            store.open(name)
        with pytest.raises(NotFoundError):
            store.size(name)
        with pytest.raises(NotFoundError):
            store.check(name)

    def test_removing_takes_away_that_blob_alone_and_may_be_repeated(self, store: BlobStore) -> None:
        gone, stays = put(store, b"gone"), put(store, b"stays")
        store.remove(gone.sha256)
        store.remove(gone.sha256)
        store.remove(bytes(32))
        assert not store.exists(gone.sha256)
        with pytest.raises(NotFoundError):
            store.open(gone.sha256)
        assert get(store, stays.sha256) == b"stays"
        assert put(store, b"gone") == gone
        assert get(store, gone.sha256) == b"gone"

    @pytest.mark.parametrize("name", [b"", bytes(31), bytes(33), b"../../../../etc/passwd", bytes(64)])
    def test_a_name_is_32_bytes(self, store: BlobStore, name: bytes) -> None:
        for act in (store.open, store.size, store.exists, store.check, store.remove):
            with pytest.raises(ValueError, match="32 bytes"):
                act(name)

    def test_names_that_spell_paths_stay_inside(self, store: BlobStore) -> None:
        before = self.kept(store)
        assert not store.exists(b"../../../../../../../etc/passwd\x00")
        store.remove(b"/etc/././././././././././././hos")
        assert self.kept(store) == before

    def test_memory_does_not_grow_with_the_blob(self, store: BlobStore) -> None:
        chunk = os.urandom(MIB)
        tracemalloc.start()
        try:
            with store.receive() as writer:
                for _ in range(48):
                    writer.write(bytearray(chunk))
                blob = writer.finish()
            store.check(blob.sha256)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert blob.size == 48 * MIB
        assert peak < self.memory_bytes

    def test_a_blob_is_read_by_other_programs_under_a_path(self, store: BlobStore) -> None:
        blob = put(store, b"evidence")
        with store.local(blob.sha256) as path:
            assert path.read_bytes() == b"evidence"
        with pytest.raises(NotFoundError), store.local(bytes(32)):
            pass
        assert get(store, blob.sha256) == b"evidence"

    def test_what_is_needed_stays_and_what_is_not_goes(self, store: BlobStore) -> None:
        blob = put(store, b"evidence")
        assert store.remove_unless(blob.sha256, lambda: True) is False
        assert store.exists(blob.sha256)
        assert store.remove_unless(blob.sha256, lambda: False) is True
        assert not store.exists(blob.sha256)
        assert store.remove_unless(blob.sha256, lambda: False) is True  # an erasure that was cut short

    def test_a_removal_waits_for_who_holds_the_blob_and_asks_then(self, store: BlobStore) -> None:
        """An entry that is being written needs the blob: the question comes after its commit."""
        blob = put(store, b"evidence")
        committed, waiting, gone = threading.Event(), threading.Event(), []

        def needed() -> bool:
            return committed.is_set()

        def remove() -> None:
            waiting.set()
            gone.append(store.remove_unless(blob.sha256, needed))

        remover = threading.Thread(target=remove)
        with store.holding(blob.sha256), store.holding(blob.sha256):  # many may hold it
            remover.start()
            assert waiting.wait(10)
            remover.join(0.2)
            assert remover.is_alive() and gone == []
            with store.holding(stored_blob(b"another").sha256):
                committed.set()
        remover.join(10)
        assert gone == [False]
        assert store.exists(blob.sha256)

    def test_holding_what_is_not_there_yet(self, store: BlobStore) -> None:
        sha256 = stored_blob(b"to come").sha256
        with store.holding(sha256):
            assert put(store, b"to come").sha256 == sha256
        assert get(store, sha256) == b"to come"

    def test_a_store_that_works_has_no_trouble_and_retains_nothing(self, store: BlobStore) -> None:
        blob = put(store, b"evidence")
        assert store.trouble() is None
        store.remove(blob.sha256)
        assert store.retained() == store.retained(blob.sha256) == []

    def test_tending_leaves_blobs_and_living_writers_alone(self, store: BlobStore) -> None:
        blob = put(store, b"evidence")
        with store.receive() as writer:
            writer.write(os.urandom(6 * MIB))
            store.tend()
            writer.write(b"and more")
            late = writer.finish()
        store.tend()
        assert store.check(late.sha256) == late
        assert store.check(blob.sha256) == blob
