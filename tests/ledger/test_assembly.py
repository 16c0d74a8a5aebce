"""One whole ledger: what its parts promise together, on both databases."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.config import Settings
from ledger.entry.canonical_json import parse
from ledger.errors import ConflictError, LimitError, MalformedError, NotFoundError, UnavailableError
from ledger.merkle.hashing import hash_leaf, tree_root
from ledger.merkle.tiles import TILE_SIZE, hashes_of_tile
from ledger.note.checkpoint import check_checkpoint
from ledger.note.keys import parse_vkey
from ledger.submit.errors import UnacceptableError
from ledger.upkeep.fsck import fsck
from tests.ledger.making import ALICE, BOB, anchor_file, make_log, opened, statement


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return make_log(tmp_path / "data", database_url)


def stored_files(settings: Settings) -> int:
    return sum(each.is_file() for each in settings.blobs.rglob("*"))


# --- idempotency ---------------------------------------------------------------------------------------------------


def test_a_key_answers_the_same_also_after_a_restart(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        first = anchor_file(ledger, case, key="k")
        again = anchor_file(ledger, case, key="k")
    with opened(settings) as ledger:
        later = anchor_file(ledger, case, key="k")
        size = ledger.status()["size"]
        # another account's key of the same name is another key
        ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
        other = anchor_file(ledger, case, key="k", actor=BOB)
    assert (first.replayed, again.replayed, later.replayed, other.replayed) == (False, True, True, False)
    assert {each.number for each in (first, again, later)} == {first.number} != {other.number}
    assert {(each.time, each.access) for each in (first, again, later)} == {(first.time, first.access)}
    assert size == first.index + 1


@pytest.mark.parametrize("other", ["bytes", "name", "statement", "case", "hash only"])
def test_a_key_with_other_content_is_a_conflict_and_stores_nothing(settings: Settings, other: str) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        second = ledger.open_case(ALICE, "Two").case
        anchor_file(ledger, case, key="k")
        before = stored_files(settings), ledger.status()["size"]
        with pytest.raises(ConflictError, match="used before, with other content"):
            if other == "bytes":
                anchor_file(ledger, case, b"others", key="k")
            elif other == "name":
                anchor_file(ledger, case, name="other.txt", key="k")
            elif other == "statement":
                anchor_file(ledger, case, said=b'{"metadata":{"a":1}}', key="k")
            elif other == "case":
                anchor_file(ledger, second, key="k")
            else:
                ledger.anchor(ALICE, case, statement(1), None, None, "k")
        assert (stored_files(settings), ledger.status()["size"]) == before
        # The same statement, spelled otherwise, is the same.
        assert anchor_file(ledger, case, said=b' {"metadata" : {}, "policy":{} } ', key="k").replayed


def test_one_key_from_many_threads_is_one_entry(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: anchor_file(ledger, case, key="k"), range(16)))
        assert len({each.number for each in answers}) == 1
        assert sum(not each.replayed for each in answers) == 1
        assert ledger.status()["size"] == 3


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "ключ", "a\n", "\x7f"])
def test_keys_are_visible_ascii(settings: Settings, key: str) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        with pytest.raises(MalformedError, match="1 to 64 visible ASCII"):
            ledger.anchor(ALICE, case, statement(), None, None, key)
        assert ledger.anchor(ALICE, case, statement(), None, None, "x" * 64).index == 2


def test_old_keys_are_forgotten_and_may_be_used_again(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        first = anchor_file(ledger, case, key="k")
        assert ledger._store.forget_replays(int(time.time() * 1000) + 1) == 1
        assert anchor_file(ledger, case, b"other", key="k").index == first.index + 1


# --- batches -------------------------------------------------------------------------------------------------------


def test_a_batch_is_all_or_nothing_and_in_order(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        before = ledger.status()["size"]
        lines = [statement(n) for n in range(20)]
        bad = [*lines[:6], lines[6].replace(b'"size":10', b'"size":-1'), *lines[7:]]
        with pytest.raises(UnacceptableError) as told:
            ledger.anchor_batch(ALICE, case, bad, "batch")
        assert (told.value.where or "").startswith("line 7")
        assert ledger.status()["size"] == before
        answers = ledger.anchor_batch(ALICE, case, lines, "batch")
        assert [each.index for each in answers] == list(range(2, 22))
        assert len({each.time for each in answers}) == 1 and len({each.access for each in answers}) == 20
        again = ledger.anchor_batch(ALICE, case, lines, "batch")
        assert [(each.index, each.replayed) for each in again] == [(each.index, True) for each in answers]
        with pytest.raises(ConflictError):
            ledger.anchor_batch(ALICE, case, [*lines[:19], statement(99)], "batch")
        longer = ledger.anchor_batch(ALICE, case, [*lines, statement(20)], "batch")  # what was cut off, and the rest
        assert [each.replayed for each in longer] == [True] * 20 + [False]
        with pytest.raises(UnacceptableError, match="at least one line"):
            ledger.anchor_batch(ALICE, case, [], None)
        with pytest.raises(LimitError):
            ledger.anchor_batch(ALICE, case, [b"{}"] * 10_001, None)
    assert list(fsck(settings)) == []


# --- submissions that are refused ----------------------------------------------------------------------------------


def test_a_refused_file_leaves_nothing(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        before = stored_files(settings), ledger.status()["size"]
        wrong = b'{"sha256": "%s"}' % sha256(b"another").hexdigest().encode()
        for said, name in ((wrong, "a.txt"), (b'{"size": 3}', "a.txt"), (b"{}", "../a"), (b"[]", "a.txt"), (b"{", "a")):
            with pytest.raises((UnacceptableError, MalformedError)):
                anchor_file(ledger, case, b"data", name, said)
        with ledger.receive_file() as upload:
            upload.write(b"left in the middle")
        assert (stored_files(settings), ledger.status()["size"]) == before


def test_the_same_file_twice_is_two_entries_and_one_blob(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        one, two = anchor_file(ledger, case), anchor_file(ledger, case)
        assert one.index + 1 == two.index and stored_files(settings) == 1
        receipts = [parse(each.receipt, where="receipt") for each in (one, two)]
        hashes = [each["hashes"] for each in receipts if isinstance(each, dict)]
        assert not set(map(str, hashes[0])) & set(map(str, hashes[1]))  # equal values, and nobody can tell


# --- what everybody sees -------------------------------------------------------------------------------------------


def test_tiles_give_the_published_root_at_every_width(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        notes = []
        for count in (1, 253, 1, 1, 300):  # sizes 3, 256, 257, 258, 558
            ledger.anchor_batch(ALICE, case, [statement(n) for n in range(count)], None)
            note = ledger.checkpoint()
            assert note is not None
            notes.append(check_checkpoint(note, [parse_vkey(key) for key in ledger.log_vkeys()]))
        assert [each.size for each in notes] == [3, 256, 257, 258, 558]
        leaves = [hash_leaf(leaf) for leaf in entries(ledger, 558)]
        for each in notes:
            hashes = b"".join(ledger.tile(0, n, width) for n, width in widths(each.size))
            assert tree_root(hashes_of_all(hashes)) == each.root
        for width in (1, 2, 46):
            assert ledger.tile(0, 2, width) == b"".join(leaves[512 : 512 + width])
        assert ledger.tile(1, 0, 2) == tree_root(leaves[:256]) + tree_root(leaves[256:512])
        assert len(ledger.tile(0, 1)) == TILE_SIZE
        for level, index, width in ((0, 2, 47), (0, 3, 1), (1, 0, 3), (1, 1, 1), (2, 0, 1), (0, 0, 0), (0, 0, 257)):
            with pytest.raises(NotFoundError):
                ledger.tile(level, index, width)
        with pytest.raises(NotFoundError):
            ledger.entry_tile(2, 47)


def widths(size: int) -> list[tuple[int, int]]:
    return [(n, min(256, size - 256 * n)) for n in range(-(-size // 256))]


def hashes_of_all(data: bytes) -> list[bytes]:
    return [each for at in range(0, len(data), TILE_SIZE) for each in hashes_of_tile(data[at : at + TILE_SIZE])]


def entries(ledger: Ledger, size: int) -> list[bytes]:
    found = []
    for index, width in widths(size):
        data = ledger.entry_tile(index, width)
        at = 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 2], "big")
            found.append(data[at + 2 : at + 2 + length])
            at += 2 + length
    return found


# --- life ----------------------------------------------------------------------------------------------------------


def test_closing_is_quick_and_a_closed_ledger_refuses(settings: Settings) -> None:
    ledger = Ledger.open(settings)
    ledger.start()
    case = ledger.open_case(ALICE, "One").case
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(anchor_file, ledger, case, b"%d" % n) for n in range(24)]
        began = time.monotonic()
        ledger.close()
        assert time.monotonic() - began < 10
    answers = [each.exception() or each.result().index for each in waiting]  # type: ignore[union-attr]  # an answer
    assert all(isinstance(each, int | UnavailableError) for each in answers), answers
    with pytest.raises(UnavailableError, match="closing"):
        ledger.open_case(ALICE, "Late")
    ledger.close()  # twice is harmless
    with opened(settings) as again:
        acknowledged = [each for each in answers if isinstance(each, int)]
        held = {entry.index for entry in again.timeline(ALICE, case, 0, 99)}
        assert set(acknowledged) <= held
    assert list(fsck(settings)) == []


def test_tokens_are_recorded_beside_the_flow_and_come_with_the_receipt(settings: Settings) -> None:
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "One").case
        anchored = anchor_file(ledger, case)
        first = parse(anchored.receipt, where="receipt")
        ledger.start()
        deadline = time.monotonic() + 20
        while not timestamps(ledger, anchored.number) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert timestamps(ledger, anchored.number) == 1
        assert isinstance(first, dict) and first["timestamps"] == []
        assert ledger.readiness() == []
    with opened(settings) as ledger:
        assert timestamps(ledger, anchored.number) == 1


def timestamps(ledger: Ledger, number: str) -> int:
    receipt = parse(ledger.receipt(ALICE, number), where="receipt", max_depth=9)
    assert isinstance(receipt, dict) and isinstance(receipt["timestamps"], list)
    return len(receipt["timestamps"])
