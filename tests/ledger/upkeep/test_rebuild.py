"""Tables made again are the tables that were, content for content, before and after erasures; fsck sees the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.config import Settings
from ledger.entry.canonical_json import serialise
from ledger.errors import ConfigError, CorruptError
from ledger.store.schema import PROJECTIONS
from ledger.store.sql_store import SqlStore
from ledger.upkeep.fsck import fsck
from ledger.upkeep.rebuild import rebuild
from tests.ledger.casework.parties import (
    NOTARY,
    OPPONENT,
    STRANGER,
    THIRD,
    anchor_photo,
    lodge,
    open_case,
)
from tests.ledger.making import ALICE, JUDGE, Attacker, anchor_file, make_log, opened, statement

ORDER = "order 5 of the district court"
TABLES = tuple(table.name for table in PROJECTIONS)


def busy_log(data: Path, database: str | None = None) -> Settings:
    """A log in which everything has happened once."""
    settings = make_log(data, database)
    with opened(settings) as ledger:
        case = open_case(ledger, without=(JUDGE,))
        number = anchor_photo(ledger, case)
        ledger.anchor_batch(ALICE, case, [statement(n) for n in range(20)], "k")
        own = anchor_photo(ledger, case, OPPONENT, b"another file")
        code = ledger.desk.renew_access(ALICE, number)
        ledger.desk.ask_standing(JUDGE, number, code, "third")
        asked = [ledger.desk.ask_standing(STRANGER, number, code, "third").standing for _ in range(1)]
        ledger.desk.rule_standing(JUDGE, str(asked[0]), "admit", "concerned")
        demands = [lodge(ledger, number, "declared.*", "extracted.x").demand for _ in range(6)]
        demands.append(lodge(ledger, own, object_="file", actor=THIRD).demand)
        ledger.desk.disclose(ALICE, demands[0])
        ledger.desk.refuse(ALICE, demands[1], "no")
        ledger.desk.rule(JUDGE, demands[1], "disclose", "yes", ["declared.gps"])
        ledger.desk.rule(JUDGE, demands[2], "uphold-refusal", "private")
        ledger.desk.disclose(ALICE, demands[3], answer="not_held")
        ledger.desk.disclose(OPPONENT, demands[6])
        made = ledger.desk.challenge(OPPONENT, number, ["time"], [], "g").challenge
        ledger.desk.rule_challenge(JUDGE, made, "upheld", "r")
        ledger.desk.admit(THIRD, number, ["declared.author"])
        said = serialise({"relations": {"supersedes": [number], "answers": [demands[3]]}})
        later = anchor_file(ledger, case, b"later", said=said).number
        ledger.desk.disclose(ALICE, demands[3], answer="produced_later", produced=later)
        ledger.desk.reveal(ALICE, number, ["declared.author"])
        ledger.desk.remove_member(JUDGE, case, NOTARY.name, "not needed")
        ledger.desk.remove_member(JUDGE, case, THIRD.name, "by mistake")
        ledger.add_member(ALICE, case, THIRD.name, THIRD.role, "third")
        for n in range(3):
            ledger.open_case(ALICE, f"case {n}")
    return settings


def content(settings: Settings) -> dict[str, list[object]]:
    """Every derived table, row by row, and the chains' ends."""
    store = SqlStore.open(settings.database)
    try:
        found: dict[str, list[object]] = {table: list(store.projected(table)) for table in TABLES}
        return {**found, "chains": list(store.chain_heads())}
    finally:
        store.close()


def test_what_is_rebuilt_is_what_was_before_and_after_erasures(tmp_path: Path, database_url: str) -> None:
    settings = busy_log(tmp_path / "data", database_url)
    before = content(settings)
    assert all(before[table] for table in TABLES if table != "erasures")
    assert rebuild(settings).erased == 0
    assert content(settings) == before
    assert list(fsck(settings)) == []
    with opened(settings) as ledger:
        numbers = [f"EL-{row.index:010}" for row in before["evidence"]]  # type: ignore[attr-defined]
        seen = [ledger.evidence(ALICE, view.number) for view in ledger.timeline(ALICE, case_of(before), 0, 100)
                if view.kind == "evidence.anchored"]  # fmt: skip
        assert len(numbers) == len(seen)
        first, second, *_, last = (view.number for view in seen)
        ledger.erase(JUDGE, first, ["declared.gps", "file"], ORDER)
        ledger.erase(JUDGE, second, "all", ORDER)
        ledger.erase(JUDGE, last, ["relation.supersedes", "submitter.name"], ORDER)
        codes = ledger._store.access(int(first[3:13]))
    after = content(settings)
    assert after["evidence"] != before["evidence"] and after["links"] != before["links"]
    assert rebuild(settings).erased == 3
    assert content(settings) == after
    with opened(settings) as ledger:
        assert ledger._store.unfinished_erasures() == []
        assert ledger._store.access(int(first[3:13])) == codes is not None  # what is not derived stays
        assert ledger.cases(ALICE, -1, 10)[0].case == case_of(before)
    assert content(settings) == after
    assert list(fsck(settings)) == []


def case_of(rows: dict[str, list[object]]) -> str:
    return str(rows["evidence"][0].chain)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return busy_log(tmp_path_factory.mktemp("rebuild") / "data")


ATTACKS = {
    "acts": "DELETE FROM acts WHERE kind = 'demand.refused'",
    "a demand's state": "UPDATE demands SET state = 'disclosed' WHERE state = 'ordered'",
    "a term": "UPDATE demands SET due_at = due_at + 1",
    "a disclosure slipped in": "INSERT INTO disclosures (idx, entry, demand, names) "
    "SELECT 1, max(entry), max(demand), 'declared.gps' FROM disclosures",
    "a disclosure widened": "UPDATE disclosures SET names = 'declared.witness' "
    "WHERE idx = (SELECT min(idx) FROM disclosures)",
    "a challenge taken out": "DELETE FROM challenges WHERE state = 'upheld'",
    "a request granted": "UPDATE standings SET state = 'refused'",
    "a link": "UPDATE links SET target = 0",
    "an erasure that nobody ordered": "INSERT INTO erasures (idx, chain, entry, names, done) "
    "SELECT idx, chain, idx, 'declared.gps', true FROM entries WHERE kind = '' LIMIT 1",
    "a removed member back": "UPDATE members SET removed = NULL",
    "a member removed": "UPDATE members SET removed = 5 WHERE account = 'alice'",
    "a file that is said to be here": "UPDATE evidence SET stored = true",
    "a file that is said to be gone": "UPDATE evidence SET stored = false",
    "a submitter": "UPDATE evidence SET account = 'opponent'",
    "a row of an entry that does not exist": "INSERT INTO acts (idx, chain, kind) "
    "SELECT 99999, chain, kind FROM acts LIMIT 1",
    "a case": "UPDATE cases SET opener = 'eve'",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_table_that_was_tampered_with_is_found_and_made_again(settings: Settings, attack: str) -> None:
    before = content(settings)
    with Attacker(settings.database) as attacker:
        assert attacker.execute(ATTACKS[attack]) > 0
    assert list(fsck(settings)) != []
    rebuild(settings)
    assert content(settings) == before
    assert list(fsck(settings)) == []


def test_a_rebuild_beside_a_server_is_refused_on_sqlite(settings: Settings) -> None:
    before = content(settings)
    with opened(settings), pytest.raises(ConfigError, match="another process writes"):
        rebuild(settings)
    assert content(settings) == before


def test_a_rebuild_from_openings_that_are_not_its_own_changes_nothing(tmp_path: Path) -> None:
    settings = busy_log(tmp_path / "data")
    before = content(settings)
    with Attacker(settings.database) as attacker:
        attacker.execute(
            "UPDATE openings SET fields = :fields WHERE idx = (SELECT max(idx) FROM demands)",
            {"fields": serialise({"demand.object": "fields"})},
        )
    with pytest.raises(CorruptError, match="rebuild the tables"):
        rebuild(settings)
    assert content(settings) == before
