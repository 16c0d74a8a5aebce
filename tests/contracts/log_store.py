"""The contract of `ledger.store.contracts`, as tests. Each implementation subclasses it and runs them all.

class TestSqlStore(LogStoreContract):
    @pytest.fixture
    def store(self, database_url): ...            # an empty log

    def reopened(self, store): ...                # the same log, as another process would open it
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ledger.errors import ConflictError, CorruptError, LedgerError
from ledger.store.contracts import LogStore, LogWriter
from ledger.store.log_rows import (
    CaseRow,
    ChainHead,
    EntryRow,
    EvidenceRow,
    Head,
    IdempotencyRow,
    MemberRow,
    OpeningRow,
    TileRow,
    TimestampRow,
)

CHAIN = "0a" * 16
OTHER = "0b" * 16
ROOT = bytes(range(32))


def entry(index: int, chain: str = CHAIN, seq: int | None = None, kind: str = "case.noted") -> EntryRow:
    return EntryRow(index, chain, index if seq is None else seq, kind, b"leaf %d" % index)


def opening(index: int) -> OpeningRow:
    return OpeningRow(index, bytes([index % 256]) * 32, b'{"case.title":"%d"}' % index)


def put(store: LogStore, *entries: EntryRow, **more: list[object]) -> None:
    with store.writing() as writer:
        writer.lock_head()
        writer.append(list(entries), *(more.get(name, []) for name in ("openings", "chains", "tiles")))
        writer.project(more.get("rows", []), more.get("keys", []))


def note(size: int, root: str = "cm9vdA==", signature: str = "a") -> bytes:
    return f"log.example\n{size}\n{root}\n\n— log.example {signature}\n".encode()


class LogStoreContract(ABC):
    @abstractmethod
    def reopened(self, store: LogStore) -> LogStore:
        """The same log, as another process would open it."""

    @contextmanager
    def another(self, store: LogStore) -> Iterator[LogStore]:
        other = self.reopened(store)
        try:
            yield other
        finally:
            other.close()

    # --- transactions ----------------------------------------------------------------------------------------------

    def test_an_empty_log_has_the_empty_head(self, store: LogStore) -> None:
        head = store.head()
        assert (head.size, head.frontier, store.last_index()) == (0, b"", -1)
        assert store.newest_checkpoint() is None and store.published() is None

    def test_what_is_committed_another_process_finds(self, store: LogStore) -> None:
        with store.writing() as writer:
            head = writer.lock_head()
            writer.append([entry(0)], [opening(0)], [ChainHead(CHAIN, 1, 1, 0, ROOT)], [TileRow(0, 0, b"t" * 8192)])
            writer.move_head(head, Head(1, ROOT, ROOT))
        with self.another(store) as other:
            assert other.head() == Head(1, ROOT, ROOT)
            assert other.entry(0) == entry(0)
            assert other.openings([0]) == {0: opening(0)}
            assert other.chain_head(CHAIN) == ChainHead(CHAIN, 1, 1, 0, ROOT)
            assert other.tile(0, 0) == b"t" * 8192

    def test_nothing_is_seen_before_the_commit_nor_after_a_failure(self, store: LogStore) -> None:
        with pytest.raises(ZeroDivisionError), store.writing() as writer:
            head = writer.lock_head()
            writer.append([entry(0)], [opening(0)], [], [])
            writer.move_head(head, Head(1, ROOT, ROOT))
            with self.another(store) as other:
                assert (other.head().size, other.entry(0)) == (0, None)
            raise ZeroDivisionError
        assert (store.head().size, store.entry(0), store.last_index()) == (0, None, -1)
        put(store, entry(0))  # and the lock is free again
        assert store.entry(0) == entry(0)

    def test_the_head_is_swapped_only_from_what_it_is(self, store: LogStore) -> None:
        first = store.head()
        for stale in (Head(1, first.root, b""), Head(0, bytes(32), b"")):
            with pytest.raises(CorruptError, match="it moved although it was locked"), store.writing() as writer:
                writer.lock_head()
                writer.append([entry(0)], [], [], [])
                writer.move_head(stale, Head(1, ROOT, ROOT))
        assert (store.head(), store.entry(0)) == (first, None)
        with store.writing() as writer:
            writer.move_head(writer.lock_head(), Head(1, ROOT, ROOT))
        assert store.head() == Head(1, ROOT, ROOT)

    def test_writers_take_turns_and_each_sees_the_head_of_the_one_before(self, store: LogStore) -> None:
        sizes: list[int] = []

        def write(own: LogStore) -> None:
            for _ in range(10):
                with own.writing() as writer:
                    head = writer.lock_head()
                    sizes.append(head.size)  # a second writer inside would repeat a size
                    writer.append([entry(head.size)], [], [], [])
                    writer.move_head(head, Head(head.size + 1, ROOT, ROOT))

        with self.another(store) as other:
            threads = [threading.Thread(target=write, args=(each,)) for each in (store, other, store, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sizes == list(range(40))
        assert store.head().size == 40

    def test_a_reader_does_not_wait_for_a_writer(self, store: LogStore) -> None:
        with store.writing() as writer:
            writer.lock_head()
            writer.append([entry(0)], [], [], [])
            assert store.head().size == 0
            assert store.leaves(0, 0) == []

    @pytest.mark.parametrize("twice", ["index", "place in the chain"])
    def test_an_entry_is_written_once(self, store: LogStore, twice: str) -> None:
        put(store, entry(0))
        again = EntryRow(0, OTHER, 9, "k", b"x") if twice == "index" else entry(1, seq=0)
        with pytest.raises(LedgerError, match="write to the log"):
            put(store, again)
        assert store.leaves(0, 1) == [b"leaf 0"]
        assert store.last_index() == 0

    def test_a_chains_end_moves_with_the_chain(self, store: LogStore) -> None:
        ends = [ChainHead(CHAIN, 1, 1, 0, bytes(32)), ChainHead(CHAIN, 2, 1, 1, ROOT)]
        for end in ends:
            put(store, chains=[end, ChainHead(OTHER, end.length, 0, 7, ROOT)])
        assert store.chain_head(CHAIN) == ends[1]
        assert [each.chain for each in store.chain_heads()] == [CHAIN, OTHER]
        with store.writing() as writer:
            assert writer.chain_heads([CHAIN, "0c" * 16]) == {CHAIN: ends[1]}

    # --- checkpoints -----------------------------------------------------------------------------------------------

    def test_the_first_note_of_a_size_stands(self, store: LogStore) -> None:
        assert store.save_checkpoint(3, note(3, signature="a")) == note(3, signature="a")
        assert store.save_checkpoint(3, note(3, signature="b")) == note(3, signature="a")
        assert store.checkpoint(3) == note(3, signature="a")

    def test_another_root_of_the_same_size_is_refused(self, store: LogStore) -> None:
        store.save_checkpoint(3, note(3))
        with pytest.raises(ConflictError, match="another root stands there"):
            store.save_checkpoint(3, note(3, root="b3RoZXI="))
        assert store.checkpoint(3) == note(3)

    def test_what_is_kept_is_published_and_never_moves_backwards(self, store: LogStore) -> None:
        for size, served in ((3, 3), (5, 5), (4, 5), (1, 5)):
            store.save_checkpoint(size, note(size))
            assert store.published() == (served, note(served))
            assert store.newest_checkpoint() == (5 if served == 5 else 3, note(served))
        with self.another(store) as other:
            assert other.save_checkpoint(4, note(4)) == note(4)
            assert other.published() == store.published() == (5, note(5))

    def test_one_checkpoint_of_each_256_sizes_is_kept(self, store: LogStore) -> None:
        sizes = (0, 1, 255, 256, 257, 300, 600, 511, 767, 768, 1023)
        for at, size in enumerate(sizes):
            store.save_checkpoint(size, note(size))
            with self.another(store) as other:
                other.save_checkpoint(size, note(size))
                assert other.published() == (max(sizes[: at + 1]), note(max(sizes[: at + 1])))
        assert list(store.checkpoints()) == [(size, note(size)) for size in (0, 256, 600, 768)]
        found = {size: store.checkpoint(size) for size in (*sizes, 2)}
        assert found == dict.fromkeys((*sizes, 2)) | {size: note(size) for size in (0, 256, 600, 768, 1023)}
        assert store.newest_checkpoint() == (1023, note(1023))

    def test_of_many_who_sign_at_once_one_note_stands_at_each_size(self, store: LogStore) -> None:
        """Also at the first of a tile's width, whose note is kept."""
        stood: dict[int, set[bytes]] = {size: set() for size in range(250, 262)}

        def save(own: LogStore, who: str) -> None:
            for size in stood:
                together.wait(10)
                stood[size].add(own.save_checkpoint(size, note(size, signature=who)))

        together = threading.Barrier(4)
        with self.another(store) as other:
            threads = [
                threading.Thread(target=save, args=(own, f"{n}")) for n, own in enumerate((store, other, store, other))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert {size: len(notes) for size, notes in stood.items()} == dict.fromkeys(stood, 1)
        assert [size for size, _ in store.checkpoints()] == [250, 256]
        assert {store.checkpoint(256)} == stood[256] and {store.checkpoint(261)} == stood[261]

    def test_what_is_kept_stands_when_its_size_comes_again(self, store: LogStore) -> None:
        """As at the first start after the served row was put back by hand, or its table is an older one's."""
        store.save_checkpoint(256, note(256, signature="a"))
        store.save_checkpoint(257, note(257))
        assert store.save_checkpoint(256, note(256, signature="b")) == note(256, signature="a")
        with pytest.raises(ConflictError, match="another root stands there"):
            store.save_checkpoint(256, note(256, root="b3RoZXI="))
        assert store.published() == (257, note(257))

    # --- reads -----------------------------------------------------------------------------------------------------

    def test_leaves_are_whole_ranges_or_an_error(self, store: LogStore) -> None:
        put(store, entry(0), entry(1), entry(3))
        assert store.leaves(0, 2) == [b"leaf 0", b"leaf 1"]
        assert store.leaves(2, 2) == []
        for start, end, missing in ((0, 3, 2), (1, 4, 2), (3, 5, 4), (7, 9, 7)):
            with pytest.raises(CorruptError, match=f"entry {missing} is missing"):
                store.leaves(start, end)

    def test_pages_leave_nothing_out_and_repeat_nothing(self, store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("sql_log", "sql_casework"):
            monkeypatch.setattr(f"ledger.store.{module}.SCAN_ROWS", 3)
        chains = [f"{n:032x}" for n in range(10)]
        put(
            store,
            *(entry(n) for n in range(10)),
            openings=[opening(n) for n in range(0, 10, 2)],
            chains=[ChainHead(chain, 1, 0, n, ROOT) for n, chain in enumerate(chains)],
            tiles=[TileRow(n % 2, n, bytes([n]) * 8192) for n in range(140)],
            rows=[EvidenceRow(n, CHAIN, "alice", ROOT, n, True) for n in range(10)],
        )
        assert list(store.scan()) == [(entry(n), opening(n) if n % 2 == 0 else None) for n in range(10)]
        assert [row.index for row, _ in store.scan(7)] == [7, 8, 9]
        assert store.openings(range(10)) == {n: opening(n) for n in range(0, 10, 2)}
        assert [head.chain for head in store.chain_heads()] == chains
        assert [(t.level, t.index) for t in store.tiles()] == sorted((n % 2, n) for n in range(140))
        assert [row.index for row in store.stored_evidence()] == list(range(10))
        sizes = range(0, 501 * 256, 256)
        for size in sizes:
            store.save_checkpoint(size, note(size))
        assert list(store.checkpoints()) == [(size, note(size)) for size in sizes]

    def test_a_chain_is_read_from_any_place(self, store: LogStore) -> None:
        put(store, *(entry(n, CHAIN if n % 2 else OTHER, n // 2) for n in range(10)))
        assert [e.seq for e in store.chain_entries(CHAIN, 2, 2)] == [2, 3]
        assert [e.index for e in store.chain_entries(CHAIN, 3, 99)] == [7, 9]
        assert store.chain_entries("0c" * 16, 0, 9) == []

    def test_new_entries_are_those_that_are_not_timestamps(self, store: LogStore) -> None:
        put(store, entry(0), entry(1), entry(2, kind="timestamp.recorded"))
        assert [store.other_entries_since(size) for size in (0, 1, 2, 3)] == [True, True, False, False]

    def test_rows_are_counted_below_and_beyond(self, store: LogStore) -> None:
        rows = [CaseRow(CHAIN, "t", "alice", 0), MemberRow(CHAIN, "alice", "party", "party", 0)]
        put(store, entry(0), entry(1), entry(2), openings=[opening(2)], rows=rows)
        counted = store.count_rows(2)
        assert {name: counted[name] for name in ("entries", "openings", "cases", "members", "evidence")} == {
            "entries": (2, 1), "openings": (0, 1), "cases": (1, 0), "members": (1, 0), "evidence": (0, 0),
        }  # fmt: skip
        assert store.last_index() == 2

    def test_keys_are_found_by_account_and_forgotten_by_age(self, store: LogStore) -> None:
        rows = [IdempotencyRow(who, key, 1, ROOT, at) for who, key, at in (("a", "k", 5), ("a", "l", 9), ("b", "k", 9))]
        put(store, keys=rows)
        with store.writing() as writer:
            assert dict(writer.replays("a", ["k", "l", "m"])) == {"k": rows[0], "l": rows[1]}
            assert writer.replays("c", ["k"]) == {}
        assert (store.replay("b", "k"), store.replay("b", "l")) == (rows[2], None)
        assert store.forget_replays(9) == 1
        assert [store.replay("a", "k"), store.replay("a", "l")] == [None, rows[1]]

    def test_cases_and_evidence_are_seen_by_members_alone(self, store: LogStore) -> None:
        cases = [CaseRow(f"{n:032x}", f"case {n}", "alice", n) for n in range(4)]
        rows: list[object] = [*cases]
        rows += [MemberRow(each.chain, "alice", "party", "party", each.index) for each in cases]
        rows += [MemberRow(cases[2].chain, "bob", "opposing", "opposing", 9)]
        rows += [EvidenceRow(20 + n, cases[n].chain, "alice", ROOT, 5, n == 2) for n in range(4)]
        put(store, *(entry(20 + n, cases[n].chain) for n in range(4)), rows=rows)
        assert store.cases_of("alice", 0, 2) == cases[1:3]
        assert store.cases_of("bob", -1, 9) == [cases[2]]
        assert store.cases_of("eve", -1, 9) == []
        assert store.case(cases[3].chain) == cases[3] and store.case("0c" * 16) is None
        assert [(m.account, m.side) for m in store.members(cases[2].chain)] == [("alice", "party"), ("bob", "opposing")]
        assert [row.index for row in store.evidence_by_digest(ROOT, "alice", 3)] == [20, 21, 22]
        assert store.evidence_by_digest(ROOT, "bob", 9) == [EvidenceRow(22, cases[2].chain, "alice", ROOT, 5, True)]
        assert store.evidence_by_digest(bytes(32), "alice", 9) == []
        assert store.evidence(23) == rows[-1] and store.evidence(3) is None

    def test_tokens_are_found_by_what_they_cover_and_where_they_stand(self, store: LogStore) -> None:
        rows = [TimestampRow(5, "one", 4, 100), TimestampRow(9, "one", 8, 200), TimestampRow(7, "two", 6, 150)]
        put(store, rows=rows)
        assert store.first_covering("one", 3) == rows[0]
        assert store.first_covering("one", 4) == rows[1]
        assert store.first_covering("one", 8) is None
        assert store.last_recorded_before("one", 5) is None
        assert store.last_recorded_before("one", 6) == rows[0]
        assert store.last_recorded_before("two", 99) == rows[2]
        assert (store.last_timestamp("one"), store.last_timestamp("three")) == (rows[1], None)
        assert store.authorities() == ["one", "two"]
        assert (store.timestamp(7), store.timestamp(6)) == (rows[2], None)

    @pytest.mark.parametrize("index", [0, 2**31, 2**53 - 1])
    def test_numbers_of_63_bits_fit(self, store: LogStore, index: int) -> None:
        put(store, entry(index, seq=index), rows=[EvidenceRow(index, CHAIN, "alice", ROOT, 2**53 - 1, False)])
        assert store.entry(index) == entry(index, seq=index)
        assert store.evidence(index) == EvidenceRow(index, CHAIN, "alice", ROOT, 2**53 - 1, False)

    def test_a_closed_writer_leaves_no_lock(self, store: LogStore) -> None:
        def write(writer: LogWriter) -> None:
            writer.lock_head()

        for _ in range(3):
            with store.writing() as writer:
                write(writer)
