"""One transaction: every acceptable submission whole, in order; the others not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.commit.batch import Sequenced, StaleError, commit_batch
from ledger.commit.prepared import Prepared, ReplayKey, new_chain
from ledger.entry.leaf import parse_leaf
from ledger.errors import ConflictError, CorruptError, ErasedError, LedgerError, RolledBackError
from ledger.merkle.hashing import hash_leaf, tree_root
from ledger.merkle.open_tiles import OpenTiles
from ledger.store.contracts import LogStore
from ledger.store.log_rows import EvidenceRow
from ledger.store.sql_store import SqlStore
from tests.ledger.making import Attacker, note_entry

NOW = 1_800_000_000_000
CASE, OTHER = new_chain(), new_chain()


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    made = SqlStore.create(database_url)
    yield made
    made.close()


def keyed(chain: str, key: str, request: bytes = b"request", account: str = "alice") -> Prepared:
    return note_entry(chain, replay=ReplayKey(account, key, request))


def commit(store: LogStore, *submissions: list[Prepared], edge: OpenTiles | None = None) -> list[object]:
    return list(commit_batch(store, submissions, edge, NOW)[1])


def indexes(outcome: object) -> list[int]:
    assert isinstance(outcome, list), outcome
    return [each.index for each in outcome]


def check_log(store: LogStore, size: int) -> None:
    """Head, leaves, chains and tiles agree, by RFC 6962's own definition of the root."""
    head = store.head()
    leaves = store.leaves(0, size)
    assert head.size == size == store.last_index() + 1
    assert head.root == tree_root([hash_leaf(leaf) for leaf in leaves])
    ends: dict[str, tuple[int, bytes]] = {}
    for index, leaf in enumerate(leaves):
        parsed = parse_leaf(leaf)
        length, prev = ends.get(parsed.chain, (0, None))
        assert (parsed.seq, parsed.prev) == (length, prev), index
        ends[parsed.chain] = (length + 1, hash_leaf(leaf))
    assert {each.chain: (each.length, each.leaf_hash) for each in store.chain_heads()} == ends


def test_submissions_of_a_batch_stand_in_order_on_their_chains(store: SqlStore) -> None:
    outcomes = commit(store, [note_entry(CASE)], [note_entry(OTHER), note_entry(CASE)], [note_entry(CASE)])
    assert [indexes(each) for each in outcomes] == [[0], [1, 2], [3]]
    assert [each.seq for outcome in outcomes for each in outcome] == [0, 0, 1, 2]  # type: ignore[attr-defined]  # lists
    assert all(each.size == 4 for outcome in outcomes for each in outcome)  # type: ignore[attr-defined]  # lists
    check_log(store, 4)
    assert indexes(commit(store, [note_entry(CASE)])[0]) == [4]
    check_log(store, 5)


def test_a_tree_of_many_batches_has_its_full_tiles(store: SqlStore) -> None:
    edge = None
    for count in (1, 254, 2, 300, 211, 1):
        edge, outcomes = commit_batch(store, [[note_entry(CASE)] for _ in range(count)], edge, NOW)
        assert all(isinstance(each, list) for each in outcomes)
    check_log(store, 769)
    assert [(tile.level, tile.index) for tile in store.tiles()] == [(0, 0), (0, 1), (0, 2)]


def test_one_refused_submission_takes_no_other_with_it(store: SqlStore) -> None:
    stale = note_entry(CASE, expected_acts=7)
    outcomes = commit(store, [note_entry(CASE)], [note_entry(OTHER), stale, keyed(CASE, "k")], [note_entry(CASE)])
    assert isinstance(outcomes[1], StaleError)
    assert [indexes(outcomes[0]), indexes(outcomes[2])] == [[0], [1]]
    assert store.chain_head(OTHER) is None  # nothing of the refused one, neither before nor behind what was refused
    assert store.replay("alice", "k") is None
    check_log(store, 2)


def test_chains_go_on_where_they_stood_before_a_refused_submission(store: SqlStore) -> None:
    commit(store, [note_entry(CASE)])
    row = EvidenceRow(0, CASE, "alice", b"d" * 32, 5, False)
    more = [note_entry(CASE), note_entry(OTHER), note_entry(CASE, projections=(row,))]
    refused = [*more, note_entry(CASE, expected_acts=9)]
    outcomes = commit(store, [note_entry(CASE)], refused, [note_entry(CASE), note_entry(OTHER)])
    assert isinstance(outcomes[1], StaleError)
    assert [indexes(outcomes[0]), indexes(outcomes[2])] == [[1], [2, 3]]
    check_log(store, 4)
    heads = {head.chain: (head.length, head.acts) for head in store.chain_heads()}
    assert heads == {CASE: (3, 3), OTHER: (1, 1)}
    assert store.count_rows(4)["evidence"] == (0, 0)


def test_a_batch_of_refusals_changes_nothing(store: SqlStore) -> None:
    before = store.head()
    assert isinstance(commit(store, [note_entry(CASE, expected_acts=1)])[0], StaleError)
    assert store.head() == before


def test_an_act_is_stale_after_acts_and_not_after_evidence(store: SqlStore) -> None:
    evidence = [note_entry(CASE, kind="evidence.anchored")]
    commit(store, [note_entry(CASE, expected_acts=0)], evidence, evidence)
    outcomes = commit(
        store, evidence, [note_entry(CASE, expected_acts=1)], [note_entry(CASE, expected_acts=1)], evidence
    )
    assert isinstance(outcomes[2], StaleError) and "there are 2 now" in outcomes[2].what
    assert [indexes(outcomes[n]) for n in (0, 1, 3)] == [[3], [4], [5]]
    head = store.chain_head(CASE)
    assert head is not None and (head.length, head.acts) == (6, 2)


# --- idempotency ---------------------------------------------------------------------------------------------------


def test_a_key_used_twice_in_a_batch_is_one_entry(store: SqlStore) -> None:
    outcomes = commit(store, [keyed(CASE, "k")], [keyed(CASE, "k")], [keyed(CASE, "l"), keyed(CASE, "l")])
    assert [indexes(each) for each in outcomes] == [[0], [0], [1, 1]]
    assert [each.replayed for outcome in outcomes for each in outcome] == [False, True, False, True]  # type: ignore[attr-defined]  # lists
    check_log(store, 2)


def test_a_key_used_again_later_is_the_same_entry(store: SqlStore) -> None:
    first = commit(store, [keyed(CASE, "k")])
    again = commit(store, [keyed(CASE, "k")], [keyed(CASE, "k", account="bob")])
    assert [indexes(each) for each in (*first, *again)] == [[0], [0], [1]]
    assert again[0][0] == Sequenced(0, -1, "", b"", 2, True)  # type: ignore[index]  # a list
    check_log(store, 2)


@pytest.mark.parametrize("where", ["the same batch", "another batch"])
def test_a_key_with_other_content_is_refused(store: SqlStore, where: str) -> None:
    first, second = [keyed(CASE, "k", b"one")], [keyed(CASE, "k", b"two")]
    outcomes = (
        commit(store, first, second) if where == "the same batch" else commit(store, first) + commit(store, second)
    )
    assert indexes(outcomes[0]) == [0]
    assert isinstance(outcomes[1], ConflictError) and "with other content" in outcomes[1].what
    check_log(store, 1)


def test_a_refused_submission_leaves_its_keys_unused(store: SqlStore) -> None:
    refused, fine = [keyed(CASE, "k", b"one"), note_entry(CASE, expected_acts=9)], [keyed(CASE, "k", b"two")]
    outcomes = commit(store, refused, fine)
    assert isinstance(outcomes[0], LedgerError)
    assert indexes(outcomes[1]) == [0]


def test_a_replayed_key_of_an_erased_entry_is_refused(store: SqlStore, database_url: str) -> None:
    commit(store, [keyed(CASE, "k")])
    with Attacker(database_url) as anybody:
        anybody.execute("DELETE FROM openings")
    (outcome,) = commit(store, [keyed(CASE, "k")])
    assert isinstance(outcome, ErasedError) and outcome.number == "EL-0000000000-98"


def test_a_batch_of_replays_does_not_move_the_head(store: SqlStore) -> None:
    commit(store, [keyed(CASE, "k")])
    before = store.head()
    commit(store, [keyed(CASE, "k")])
    assert store.head() == before


# --- the right edge ------------------------------------------------------------------------------------------------


def test_what_another_process_appended_is_taken_in(store: SqlStore) -> None:
    ours, _ = commit_batch(store, [[note_entry(CASE)]], None, NOW)
    for _ in range(3):
        commit(store, [note_entry(CASE) for _ in range(100)])  # another process: it reads its edge anew
    ours, _ = commit_batch(store, [[note_entry(CASE)]], ours, NOW)
    assert ours.size == 302
    check_log(store, 302)


@pytest.mark.parametrize("attack", ["shorter", "same size", "longer"])
def test_a_head_that_does_not_continue_ours_is_never_built_on(store: SqlStore, database_url: str, attack: str) -> None:
    edge, _ = commit_batch(store, [[note_entry(CASE)] for _ in range(4)], None, NOW)
    with Attacker(database_url) as attacker:
        attacker.drop_triggers()
        if attack == "shorter":
            small = OpenTiles().append([hash_leaf(leaf) for leaf in store.leaves(0, 3)])
            attacker.execute("DELETE FROM entries WHERE idx = 3")
            attacker.execute(
                "UPDATE log_head SET size = 3, root = :root, frontier = :frontier",
                {"root": small.root, "frontier": small.frontier.to_bytes()},
            )
        elif attack == "same size":
            attacker.execute("UPDATE log_head SET root = :root", {"root": bytes(32)})
        else:
            commit(store, [note_entry(CASE)])
            attacker.execute("UPDATE entries SET leaf = :leaf WHERE idx = 4", {"leaf": b"{}"})
    before = store.head()
    with pytest.raises(RolledBackError, match="rolled back or forked while it was open"):
        commit_batch(store, [[note_entry(CASE)]], edge, NOW)
    assert store.head() == before


def test_tiles_that_do_not_give_the_head_are_never_built_on(store: SqlStore, database_url: str) -> None:
    commit(store, [note_entry(CASE) for _ in range(3)])
    with Attacker(database_url) as attacker:
        attacker.drop_triggers()
        attacker.execute("UPDATE entries SET leaf = :leaf WHERE idx = 2", {"leaf": b"{}"})
    with pytest.raises(CorruptError, match="does not give the head's root at size 3"):
        commit(store, [note_entry(CASE)])


def test_the_projections_get_the_entrys_index(store: SqlStore) -> None:
    row = EvidenceRow(0, CASE, "alice", bytes(32), 5, True)
    commit(store, [note_entry(CASE), note_entry(CASE, projections=(row,))])
    assert store.evidence(1) == row._replace(index=1)
