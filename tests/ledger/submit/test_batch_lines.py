"""The lines of a batch come out the same from all cores as from one thread, and so does what is wrong with them."""

from __future__ import annotations

import marshal
from collections.abc import Iterator

import pytest

from ledger.casework.projection import project
from ledger.commit.prepared import Prepared, ReplayKey, RowKind, pack, prepare, unpack
from ledger.entry.canonical_json import parse
from ledger.entry.commitment import commit_fields
from ledger.entry.receipt_frame import frame_receipt
from ledger.entry.receipt_number import format_number
from ledger.errors import LedgerError, LimitError, MalformedError
from ledger.store.case_rows import LinkRow
from ledger.store.log_rows import EvidenceRow
from ledger.submit.anchoring import access_code
from ledger.submit.batch_lines import CORES_LINES, MARSHAL_VERSION, Batch, prepare_lines
from ledger.submit.cores import Cores
from ledger.submit.errors import UnacceptableError
from ledger.submit.kinds import missing
from ledger.submit.limits import Limits
from ledger.submit.questions import questions
from tests.ledger.making import statement
from tests.ledger.submit.test_cores import until

CASE = "ab" * 16
BATCH = Batch("alice", CASE, "key", Limits(), project)
NONE = Cores(0)
LINES = [statement(n) for n in range(CORES_LINES + 3)]


@pytest.fixture(scope="module")
def cores() -> Iterator[Cores]:
    made = Cores(2)
    made.start()
    until(lambda: all(each.is_up() for each in made._free))
    yield made
    made.close()


def nothing_linked(relation: str, number: str, place: str) -> str:
    raise UnacceptableError("linking evidence: expected evidence of this case", place)


def test_all_cores_make_what_one_thread_makes(cores: Cores) -> None:
    there = prepare_lines(BATCH, LINES, nothing_linked, cores)
    here = prepare_lines(BATCH, LINES, nothing_linked, NONE)
    for mine, other in zip(here, there, strict=True):
        assert (mine.missing, mine.asks) == (other.missing, other.asks)
        one, two = mine.prepared, other.prepared
        assert (one.chain, one.kind, one.fields, one.rows) == (two.chain, two.kind, two.fields, two.rows)
        assert one.replay is not None and one.replay == two.replay
        values = parse(two.fields, where="fields")
        assert isinstance(values, dict)
        committed = commit_fields(two.secret, values)
        assert (committed.commitment, one.replay.mac(two.secret)) == (two.commitment, two.mac)
        assert other.frame == frame_receipt(committed, two.secret) != mine.frame
        assert other.access == access_code(two.secret) != mine.access
    secrets = {each.prepared.secret for each in here + there}
    assert len(secrets) == 2 * len(LINES)  # no process repeats another's randomness


def test_what_courts_miss_and_what_there_is_to_ask_comes_from_every_core(cores: Cores) -> None:
    telling = b'{"metadata":{"kind":"screenshot"},"requisites":{"made_at":"2031-01-01"},' + statement(8)[1:]
    (line, *_), (same, *_) = (prepare_lines(BATCH, [telling, *LINES], nothing_linked, each) for each in (cores, NONE))
    fields = parse(line.prepared.fields, where="fields")
    assert isinstance(fields, dict)
    assert line.missing == same.missing == missing(fields) != ()
    assert line.asks and same.asks and questions(fields, "2026-01-01T00:00:00.000Z") != ()


@pytest.mark.parametrize("at", [0, 1, CORES_LINES // 2, CORES_LINES + 2])
def test_the_first_bad_line_is_told(cores: Cores, at: int) -> None:
    lines = [*LINES[:at], b'{"sha256":"zz"}', *LINES[at + 1 :]]
    lines[-1] = b"[" if at < CORES_LINES else lines[-1]
    told: list[LedgerError] = []
    for each in (cores, Cores(0)):
        with pytest.raises(LedgerError) as raised:
            prepare_lines(BATCH, lines, nothing_linked, each)
        told.append(raised.value)
    assert type(told[0]) is type(told[1]) and told[0].args == told[1].args
    assert told[0].where is not None and told[0].where.startswith(f"line {at + 1}")


def test_links_are_looked_up_here(cores: Cores) -> None:
    linked = b'{"relations":{"series":["%s"]},' % format_number(7).encode() + statement(7)[1:]
    lines = [*LINES[:CORES_LINES], linked]
    (*_, last) = prepare_lines(BATCH, lines, lambda *_: "cd" * 32, cores)
    assert b'"relation.series":[{"leaf":"%s"' % (b"cd" * 32) in last.prepared.fields
    with pytest.raises(UnacceptableError, match="linking evidence") as raised:
        prepare_lines(BATCH, lines, nothing_linked, cores)
    assert raised.value.where is not None and raised.value.where.startswith(f"line {len(lines)}.relations")


def test_a_process_in_trouble_costs_time_and_nothing_else() -> None:
    dying = Cores(2)
    dying.start()
    until(lambda: all(each.is_up() for each in dying._free))
    for each in dying._free:
        each._process.kill()
    assert len(prepare_lines(BATCH, LINES, nothing_linked, dying)) == len(LINES)
    dying.close()


def test_too_many_lines_and_none_are_refused(cores: Cores) -> None:
    with pytest.raises(UnacceptableError, match="at least one line"):
        prepare_lines(BATCH, [], nothing_linked, cores)
    with pytest.raises(LimitError, match="at most 10000 lines, got 10001"):
        prepare_lines(BATCH, [b"{}"] * 10_001, nothing_linked, cores)


@pytest.mark.parametrize(
    "prepared",
    [
        prepare(
            CASE,
            "evidence.anchored",
            {"a": 1},
            projections=(
                EvidenceRow(0, CASE, "x", b"d" * 32, None, False),
                LinkRow(0, "series", 3),
                LinkRow(0, "s", 4),
            ),
        ),
        prepare(CASE, "case.noted", {}, replay=ReplayKey("alice", "k", b"request")),
    ],
)
def test_packing_is_undone_by_unpacking(prepared: Prepared) -> None:
    kinds: list[RowKind] = []
    packed = marshal.loads(marshal.dumps(pack(prepared, kinds), MARSHAL_VERSION))  # noqa: S302  (our own bytes)
    assert unpack(packed, CASE, prepared.kind, "alice", kinds) == prepared._replace(committed=None)


def test_an_entry_without_fields_is_not_packed() -> None:
    with pytest.raises(ValueError, match="with fields"):
        pack(Prepared(CASE, "log.opened", public={"v": [1, "x"]}), [])


def test_a_line_that_is_no_json_is_malformed(cores: Cores) -> None:
    with pytest.raises(MalformedError, match="parse json"):
        prepare_lines(BATCH, [*LINES, b"{"], nothing_linked, cores)
