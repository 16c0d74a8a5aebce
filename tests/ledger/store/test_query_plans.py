"""12,000 entries in one case, 12,000 cases: no call of a member reads a table from end to end, on either database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text

from ledger.assembly import Ledger
from ledger.config import Settings
from ledger.entry.commitment import Commitment
from ledger.entry.leaf import Leaf, format_leaf
from ledger.entry.receipt_number import format_number
from ledger.store import schema
from ledger.store.engine import is_sqlite
from ledger.store.evidence_mark import mark_of
from ledger.workers import lapse_due
from tests.ledger.casework.parties import OPPONENT, STRANGER, anchor_photo, lodge, open_case
from tests.ledger.making import ALICE, JUDGE, make_log, opened

MANY = 12_000
FIRST = 1_000_000
SMALL = 500  # rows; a table below that is read whole with good reason
STRANGE = b"\xee" * 16  # a case of nobody here
TIME = "2026-11-21T09:00:00.000Z"
Crowded = tuple[Ledger, str, str]
FIELDS = b'{"file.name":"n.txt","file.sha256":"00","submitter.name":"alice","system.policy":{}}'


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, str, str]]:
    """A ledger, Alice's case of 12,000 entries, and a piece of evidence in it; she has as many other cases."""
    url = None if request.param == "sqlite" else str(request.getfixturevalue("module_postgres_url"))
    settings: Settings = make_log(tmp_path_factory.mktemp("plans") / "data", url)
    with opened(settings) as ledger:
        case = open_case(ledger)
        number = anchor_photo(ledger, case)
        with ledger.engine.connect() as connection:
            connection = connection.execution_options(evidence_writer=True)
            with connection.begin():
                fill(connection, ledger, case, int(number[3:13]))
        with ledger.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
        yield ledger, case, number


def fill(connection: Connection, ledger: Ledger, case: str, evidence: int) -> None:
    """Rows as casework leaves them, without their tree: nothing here proves anything."""
    chain, head = bytes.fromhex(case), ledger._store.chain_head(case)
    assert head is not None
    commitment = Commitment(bytes(32), 4)
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in schema.metadata.tables.values()}
    for n in range(MANY):
        at, seq = FIRST + n, head.length + n
        kind = {0: "metadata.demanded", 1: "demand.refused"}.get(n % 5, "evidence.anchored")
        leaf = format_leaf(Leaf(case, kind, bytes(32), seq, TIME, commitment))
        placed = {"idx": at, "chain": chain, "entry": at}
        rows["entries"].append({"idx": at, "chain": chain, "seq": seq, "kind": kind, "leaf": leaf})
        rows["openings"].append({"idx": at, "secret": n.to_bytes(32, "big"), "fields": FIELDS, "kept": None})
        if kind == "evidence.anchored":
            rows["evidence"].append(evidence_at(at, chain, digest_of(n)))
            rows["links"].append({"idx": at, "relation": "series", "target": at - 1})
            rows["disclosures"].append({"idx": at, "entry": at, "demand": FIRST, "names": "x.y"})
            rows["challenges"].append({**placed, "account": "a", "state": "open"})
            rows["standings"].append({**placed, "account": f"a{n}", "role": "third", "state": "refused"})
            rows["erasures"].append({**placed, "names": "x.y", "done": True})
        elif kind == "metadata.demanded":
            demand = {"account": "opponent", "object": "fields", "state": "refused", "due_at": 2 * 10**12 + n}
            rows["demands"].append({**placed, **demand})
            rows["acts"].append({**placed, "kind": kind, "subject": None})
        else:
            rows["acts"].append({**placed, "kind": kind, "subject": at - 1})
        strange = {"idx": 4 * FIRST + n, "chain": STRANGE, "seq": n, "kind": schema.COMMON_KIND, "leaf": leaf}
        rows["entries"].append(strange)
        rows["evidence"].append(evidence_at(4 * FIRST + n, STRANGE, digest_of(8)))
        other = n.to_bytes(16, "big")
        rows["chains"].append({"chain": other, "length": 1, "acts": 1, "idx": 2 * FIRST + n, "leaf_hash": bytes(32)})
        rows["cases"].append({"chain": other, "title": f"case {n}", "opener": "alice", "idx": 2 * FIRST + n})
        rows["members"].append({"chain": other, "account": "alice", "role": "party", "side": "party",
                                "idx": 2 * FIRST + n, "case_idx": 2 * FIRST + n})  # fmt: skip
    for name, group in rows.items():
        if group:
            connection.execute(insert(schema.metadata.tables[name]), group)
    connection.execute(
        text("UPDATE chains SET length = :length WHERE chain = :chain"), {"length": head.length + MANY, "chain": chain}
    )


def evidence_at(at: int, chain: bytes, digest: bytes) -> dict[str, Any]:
    marked = {"mark": mark_of(digest, chain), "sha256": digest}
    return {"idx": at, "account": "alice", "size": 1, "stored": False, **marked}


def digest_of(n: int) -> bytes:
    return sha256(b"%d" % n).digest()


CALLS = {
    "timeline, in the middle": lambda ledger, case, number: ledger.timeline(ALICE, case, MANY // 2, 100),
    "timeline, the end": lambda ledger, case, number: ledger.timeline(OPPONENT, case, MANY - 10, 100),
    "evidence": lambda ledger, case, number: ledger.evidence(OPPONENT, number),
    "other evidence": lambda ledger, case, number: ledger.evidence(ALICE, format_number(FIRST + 8)),
    "look-up, of nobody's": lambda ledger, case, number: ledger.lookup(ALICE, "ff" * 32),
    "cases": lambda ledger, case, number: ledger.cases(ALICE, 2 * FIRST + MANY // 2, 50),
    "case": lambda ledger, case, number: ledger.case(ALICE, case),
    "look-up": lambda ledger, case, number: ledger.lookup(ALICE, digest_of(7).hex()),
    "demand, disclose": lambda ledger, case, number: ledger.desk.disclose(
        ALICE, lodge(ledger, number, "declared.gps").demand
    ),
    "demand, order": lambda ledger, case, number: ledger.desk.rule(
        JUDGE, lodge(ledger, number, "declared.gps").demand, "disclose", "r"
    ),
    "demands": lambda ledger, case, number: ledger.desk.demands(ALICE, case, FIRST + MANY // 2, 20),
    "reminders of a party": lambda ledger, case, number: ledger.desk.reminders(ALICE),
    "reminders of a court": lambda ledger, case, number: ledger.desk.reminders(JUDGE),
    "reminders of a stranger": lambda ledger, case, number: ledger.desk.reminders(STRANGER),
    "challenge": lambda ledger, case, number: ledger.desk.challenge(OPPONENT, number, ["time"], [], "g"),
    "requests": lambda ledger, case, number: ledger.desk.standings(ALICE, case, FIRST + MANY // 2, 20),
    "terms": lambda ledger, case, number: lapse_due(ledger._store, ledger.desk, ledger._clock),
    "anchoring": lambda ledger, case, number: anchor_photo(ledger, case),
    "unfinished erasures": lambda ledger, case, number: ledger._store.unfinished_erasures(),
    "a file's other entries": lambda ledger, case, number: ledger._store.stored_like(bytes(32)),
    "channels": lambda ledger, case, number: ledger._store.acts_of_kind(case, "channel.declared", 100),
    "requests of one account": lambda ledger, case, number: ledger._store.standings_of(case, "a8"),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_call_reads_a_table_from_end_to_end(crowded: Crowded, call: str) -> None:
    ledger, case, number = crowded
    with statements(ledger) as seen:
        CALLS[call](ledger, case, number)
    assert seen
    wrong = [(plan, statement) for statement, parameters in seen for plan in scans(ledger, statement, parameters)]
    assert wrong == []


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that reads or changes rows, also those which go past SQLAlchemy: on SQLite as the database itself
    reports them, their values filled in.
    """
    seen: list[tuple[str, Any]] = []
    drivers: list[sqlite3.Connection] = []

    def remember(statement: str, parameters: Any = ()) -> None:
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE")):
            seen.append((statement, parameters))

    def trace(driver: sqlite3.Connection, *_: Any) -> None:
        driver.set_trace_callback(remember)
        drivers.append(driver)

    def before(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many:
            remember(statement, parameters)

    name, listener = ("checkout", trace) if is_sqlite(ledger.engine) else ("before_cursor_execute", before)
    event.listen(ledger.engine, name, listener)
    ledger.engine.dispose()  # so that connections kept for short reads are made anew, and traced
    try:
        yield seen
    finally:
        event.remove(ledger.engine, name, listener)
        for driver in drivers:
            driver.set_trace_callback(None)


def scans(ledger: Ledger, statement: str, parameters: Any) -> list[str]:
    """The parts of a statement's plan that read a large table whole, or sort more than a page."""
    with ledger.engine.connect() as connection:
        if is_sqlite(ledger.engine):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            lines = [str(row[3]) for row in rows]
            read = [line for line in lines if line.startswith("SCAN")]
        else:
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all()
            lines = [str(row[0]) for row in rows]
            read = [line for line in lines if "Seq Scan on" in line]
        return [line for line in read if rows_of(connection, table_of(line)) > SMALL]


LOOKUPS = {
    "timeline": lambda ledger, case, number: ledger.timeline(ALICE, case, MANY // 2, 50),
    "what a stranger anchored often": lambda ledger, case, number: ledger.lookup(OPPONENT, digest_of(8).hex()),
    "another digest": lambda ledger, case, number: ledger.lookup(OPPONENT, digest_of(7).hex()),
    "of nobody": lambda ledger, case, number: ledger.lookup(OPPONENT, "ff" * 32),
    "in one case": lambda ledger, case, number: ledger._store.evidence_like(case, digest_of(8), 50),
    "the file": lambda ledger, case, number: ledger._store.stored_like(digest_of(8)),
}


ON_POSTGRESQL = pytest.mark.parametrize("crowded", ["postgresql"], indirect=True)  # SQLite does not say what it read


@ON_POSTGRESQL
@pytest.mark.parametrize("call", LOOKUPS)
def test_a_look_up_on_postgresql_reads_what_it_finds(crowded: Crowded, call: str) -> None:
    """Of digests it has no statistics: a guess would make it walk an index of all rows and sift them."""
    ledger, case, number = crowded
    with statements(ledger) as seen:
        found = LOOKUPS[call](ledger, case, number)
    assert seen and (found or call in ("of nobody", "the file"))
    assert {said: read for said, values in seen if (read := rows_read(ledger, said, values)) > SMALL} == {}


@ON_POSTGRESQL
def test_a_walk_through_an_index_is_counted(crowded: Crowded) -> None:
    ledger, *_ = crowded
    assert rows_read(ledger, "SELECT idx FROM evidence WHERE size = 9 ORDER BY idx LIMIT 1", ()) > SMALL


def rows_read(ledger: Ledger, statement: str, parameters: Any) -> int:
    """Rows that all nodes of PostgreSQL's plan gave or sifted out."""
    with ledger.engine.connect() as connection:
        told = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    return sum(map(_rows_of_node, _nodes(told[0]["Plan"])))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)


def _rows_of_node(node: dict[str, Any]) -> int:
    sifted = sum(count for name, count in node.items() if name.startswith("Rows Removed"))
    return int((node["Actual Rows"] + sifted) * node["Actual Loops"])


def table_of(line: str) -> str:
    words = line.split()
    return words[words.index("SCAN") + 1] if line.startswith("SCAN") else words[words.index("on") + 1]


def rows_of(connection: Connection, table: str) -> int:
    if table not in schema.metadata.tables:
        return 0
    return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 (ours)


def test_the_writers_own_statements_are_seen(crowded: Crowded) -> None:
    ledger, case, _ = crowded
    with statements(ledger) as seen:
        anchor_photo(ledger, case)
    for part in ("FROM members JOIN chains", "FROM log_head", "FROM chains WHERE chain IN", "UPDATE log_head"):
        assert any(part in statement for statement, _ in seen), part


def test_the_search_finds_a_full_scan(crowded: Crowded) -> None:
    ledger, *_ = crowded
    for statement in ("SELECT * FROM demands WHERE object = 'file'", "SELECT sum(size) FROM evidence"):
        assert scans(ledger, statement, ()) != []
