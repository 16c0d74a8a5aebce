"""Evidence is found by its mark, whatever else begins alike, and however often somebody anchors one digest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from ledger.store.evidence_mark import NEAR_MAX, mark_of
from ledger.store.log_rows import CaseRow, EvidenceRow, MemberRow
from ledger.store.sql_store import SqlStore
from tests.contracts.log_store import entry, put
from tests.ledger.making import Attacker

# Bytes that a text could not hold, and a chain that begins like another.
DIGEST = b"\x00\x27\xff" + bytes(range(29))
ALIKE = DIGEST[:3] + bytes(29)
MINE, TWIN, THEIRS = "0027ff80" + "0" * 24, "0027ff80" + "1" * 24, "80" * 16
MANY = 3 * NEAR_MAX


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    made = SqlStore.create(database_url)
    yield made
    made.close()


def fill(store: SqlStore, chain: str, account: str, first: int, digests: list[bytes]) -> list[EvidenceRow]:
    """A case of one member, and evidence in it, from the index `first` on."""
    entries = [entry(first + n, chain, n) for n in range(len(digests) + 1)]
    found = [EvidenceRow(first + 1 + n, chain, account, each, 5, False) for n, each in enumerate(digests)]
    member = MemberRow(chain, account, "party", "party", first)
    put(store, *entries, rows=[CaseRow(chain, "t", account, first), member, *found])
    return found


@pytest.mark.parametrize("alike", [[], [DIGEST] * MANY, [ALIKE] * MANY], ids=["alone", "the same", "alike"])
def test_it_is_found_in_ones_own_cases_alone(store: SqlStore, alike: list[bytes]) -> None:
    theirs = fill(store, THEIRS, "eve", 0, alike)
    twins = fill(store, TWIN, "eve", 1_000, [DIGEST, ALIKE])
    mine = fill(store, MINE, "alice", 2_000, [ALIKE, DIGEST, DIGEST])
    assert store.evidence_by_digest(DIGEST, "alice", 9) == mine[1:]
    assert store.evidence_by_digest(DIGEST, "alice", 1) == mine[1:2]
    assert store.evidence_by_digest(DIGEST, "bob", 9) == []
    assert store.evidence_by_digest(DIGEST, "eve", 9) == [*(e for e in theirs if e.sha256 == DIGEST), twins[0]][:9]
    assert store.evidence_like(MINE, DIGEST, 9) == mine[1:]
    assert store.evidence_like(MINE, DIGEST, 1) == mine[1:2]
    assert store.evidence_like(TWIN, DIGEST, 9) == twins[:1]
    assert store.evidence_like("0c" * 16, DIGEST, 9) == []


def test_where_many_begin_alike_ones_own_cases_are_asked(store: SqlStore, database_url: str) -> None:
    fill(store, THEIRS, "eve", 0, [DIGEST] * MANY)
    mine = fill(store, MINE, "alice", 2_000, [DIGEST])
    asked: list[str] = []
    event.listen(
        store.engine,
        "before_cursor_execute",
        lambda _c, _cursor, said, *_: asked.append(said) if "mark" in said or "members" in said else None,
    )
    assert store.evidence_by_digest(DIGEST, "alice", 9) == mine
    assert len(asked) == 3
    with Attacker(database_url) as attacker:
        attacker.execute("DELETE FROM evidence WHERE account = 'eve'")
    asked.clear()
    assert store.evidence_by_digest(DIGEST, "alice", 9) == mine
    assert len(asked) == 2


def test_an_erased_digest_has_no_mark() -> None:
    chain = bytes.fromhex(MINE)
    assert mark_of(DIGEST, chain) == DIGEST[:3] + chain[:4]
    assert mark_of(None, chain) is None
