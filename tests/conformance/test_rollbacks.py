"""What an operator, a provider or an attacker may put back: each refused with its reason, or harmless, with the real
commands. What nobody on the machine can see is shown too: it starts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.commit.note_slots import checkpoint_of, newest_note
from ledger.entry.canonical_json import serialise
from ledger.entry.leaf import parse_leaf
from tests.api.cli.running import ServedLedger, fail, run, succeed
from tests.conformance.machines import ORIGIN, Machine, Visitor
from tests.ledger.making import Copies
from verifier.result import Verdict
from verifier.verify import verify


@pytest.fixture
def copies(request: pytest.FixtureRequest) -> Iterator[Copies]:
    made = Copies(lambda: request.getfixturevalue("postgres_server"))
    yield made
    made.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    """A log of 3 entries whose checkpoint is kept on another disk."""
    url = str(request.getfixturevalue("postgres_url")) if request.param == "postgresql" else None
    machine = Machine(tmp_path / "data", tmp_path / "other-disk", url).init()
    machine.grow(2)
    return machine


sqlite_alone = pytest.mark.parametrize("machine", ["sqlite"], indirect=True)
postgresql_alone = pytest.mark.parametrize("machine", ["postgresql"], indirect=True)


def test_a_database_rolled_back(machine: Machine, copies: Copies) -> None:
    machine.roll_back_database(lambda: machine.grow(2), copies)
    for said in (machine.refuses(), "".join(machine.findings())):
        assert "rolled back or forked: the kept checkpoint has size 5, the database only 3" in said
        assert f"{ORIGIN}\n5\n" in said and f"{ORIGIN}\n3\n" in said  # both checkpoints, as evidence


def test_a_database_that_went_another_way(machine: Machine, copies: Copies) -> None:
    """Rolled back, and grown again beyond what was signed before."""
    fork = Machine(machine.data.with_name("fork"), machine.data.with_name("fork-kept"), machine.database)
    machine.roll_back_database(lambda: machine.grow(2), copies)
    shutil.copytree(machine.data, fork.data)
    (fork.data / "config.toml").write_text(
        (fork.data / "config.toml").read_text().replace(str(machine.kept), str(fork.kept))
    )
    fork.kept.mkdir()
    three = machine.checkpoint(3)
    (fork.kept / "kept-checkpoint").write_bytes(three)
    fork.grow(4)
    if machine.database is None:
        shutil.copyfile(fork.data / "ledger.db", machine.data / "ledger.db")
    for said in (machine.refuses(), "".join(machine.findings())):
        assert "rolled back or forked: the database of size 7 does not continue the kept checkpoint of size 5" in said


@sqlite_alone
def test_a_data_folder_rolled_back_with_the_checkpoint_kept_elsewhere(machine: Machine) -> None:
    older = machine.data.with_name("snapshot")
    shutil.copytree(machine.data, older)
    machine.grow(3)
    shutil.rmtree(machine.data)
    older.rename(machine.data)
    assert "rolled back or forked: the kept checkpoint has size 6, the database only 3" in machine.refuses()


@postgresql_alone
def test_a_data_folder_alone_rolled_back_harms_nothing(machine: Machine) -> None:
    older = machine.data.with_name("snapshot")
    shutil.copytree(machine.data, older)
    machine.grow(3)
    shutil.rmtree(machine.data)
    older.rename(machine.data)
    machine.serves()


def test_a_kept_checkpoint_rolled_back_alone_harms_nothing(machine: Machine) -> None:
    kept = machine.kept / "kept-checkpoint"
    older = kept.read_bytes()
    machine.grow(2)
    newer = kept.read_bytes()
    kept.write_bytes(older)
    machine.serves()
    sizes = [checkpoint_of(newest_note(each)).size for each in (older, newer, kept.read_bytes())]
    assert sizes[0] < sizes[1] <= sizes[2], "a start keeps what was signed before it serves it"


def test_a_kept_checkpoint_deleted(machine: Machine, tmp_path: Path) -> None:
    kept, known = machine.kept / "kept-checkpoint", tmp_path / "known"
    kept.rename(known)
    said = machine.refuses()
    assert "no kept checkpoint" in said and "--accept-checkpoint" in said
    assert "no checkpoint is kept: a rollback could not be seen" in "".join(machine.findings())
    with ServedLedger(machine.data, ["--accept-checkpoint", str(known)]):
        pass
    machine.serves()


@postgresql_alone
def test_a_clone_on_the_same_database_is_one_more_front_end(machine: Machine) -> None:
    clone = Machine(machine.data.with_name("clone"), machine.kept, machine.database)
    shutil.copytree(machine.data, clone.data)
    serve_together(machine, clone)


def serve_together(one: Machine, two: Machine) -> None:
    """Two servers on one log: what either takes, both show."""
    token = one.token("aigul")
    with ServedLedger(one.data) as here, ServedLedger(two.data) as there:
        visitors = [Visitor(here, token), Visitor(there, token)]
        cases = {visitor.open_case().json()["case"] for visitor in visitors * 2}
        assert len(cases) == 4 and all(visitor.cases() == cases for visitor in visitors)
    assert one.findings() == two.findings() == []


@postgresql_alone
def test_a_front_end_joins_from_another_machine(machine: Machine, tmp_path: Path) -> None:
    there, known = (
        Machine(tmp_path / "there" / "data", tmp_path / "there" / "kept", machine.database),
        tmp_path / "known",
    )
    joining = ["init", "--data", there.data, "--origin", ORIGIN, "--database", machine.url, "--kept", there.kept]
    assert "the database has one already; another front end joins it with --join" in fail(1, *joining)
    assert "a checkpoint that you know to be true is needed: --accept-checkpoint FILE" in fail(1, *joining, "--join")
    shutil.copyfile(machine.kept / "kept-checkpoint", known)
    assert "read a key" in fail(1, *joining, "--join", "--accept-checkpoint", known)
    shutil.copytree(machine.data / "keys", there.data / "keys", dirs_exist_ok=True)
    said = run(*joining, "--join", "--accept-checkpoint", known)
    assert (said.returncode, said.stderr) == (0, f"joined the log {ORIGIN} in {there.data}\n")
    serve_together(machine, there)


@postgresql_alone
def test_who_joins_a_database_that_was_rolled_back_is_told(machine: Machine, copies: Copies, tmp_path: Path) -> None:
    machine.roll_back_database(lambda: machine.grow(2), copies)
    data = tmp_path / "there"
    shutil.copytree(machine.data / "keys", data / "keys")
    said = fail(
        1, "init", "--join", "--data", data, "--origin", ORIGIN, "--database", machine.url, "--accept-checkpoint",
        machine.kept / "kept-checkpoint",
    )  # fmt: skip
    assert "rolled back or forked: the accepted checkpoint has size 5, the database only 3" in said


@sqlite_alone
@pytest.mark.parametrize("what", ["cloned", "rolled back"])
def test_what_nobody_on_the_machine_can_see(machine: Machine, tmp_path: Path, what: str) -> None:
    """The whole folder, its kept checkpoint too. It starts, and signs a second tree: who holds a checkpoint of the
    first one sees the fork, this machine does not. docs/operations.md says so.
    """
    whole = tmp_path / "whole"
    shutil.copytree(machine.data, whole / "data")
    shutil.copytree(machine.kept, whole / "kept")
    config = whole / "data" / "config.toml"
    config.write_text(config.read_text().replace(str(machine.kept), str(whole / "kept")))
    copy = Machine(whole / "data", whole / "kept")
    machine.grow(2)
    ours = machine.checkpoint(5)
    if what == "rolled back":
        shutil.rmtree(machine.data)
    copy.grow(2)
    theirs = copy.checkpoint(5)
    copy.serves()
    if what == "cloned":
        machine.serves()
    assert ours.splitlines()[:2] == theirs.splitlines()[:2] and ours.splitlines()[2] != theirs.splitlines()[2]


# --- restore, and the successor -------------------------------------------------------------------------------------


@sqlite_alone
def test_a_restored_file_beside_a_leftover_write_ahead_log(machine: Machine, tmp_path: Path) -> None:
    """The server is killed with its log unmerged. Copied back by hand, an older file would be replayed forward."""
    succeed("backup", "--data", machine.data, "--out", tmp_path / "backup")
    token = machine.token("aigul")
    with ServedLedger(machine.data) as served:
        assert Visitor(served, token).open_case().status_code == 201
        served.kill()
    assert (machine.data / "ledger.db-wal").stat().st_size > 0
    before = (machine.data / "ledger.db-wal").read_bytes()
    restoring = ["restore", "--from", tmp_path / "backup", "--data", machine.data]
    assert "entries would be lost, and people may hold receipts for them" in fail(1, *restoring)
    assert (machine.data / "ledger.db-wal").read_bytes() == before  # a refusal touches nothing
    done = run(*restoring, "--closed")
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr
    aside = done.stderr.partition("what was in the database's place is in ")[2].splitlines()[0]
    assert Path(aside, "ledger.db-wal").read_bytes() == before
    assert machine.size() == 3  # and not what the leftover would have made of it


def test_a_log_that_lost_entries_is_closed_and_succeeded(machine: Machine, tmp_path: Path) -> None:
    """From the backup beside a server to the successor's first entry, and the receipt of an entry that nobody has any
    more. In the end the log that came from PostgreSQL lies in SQLite.
    """
    old, new = tmp_path / "old", tmp_path / "new"
    token = machine.token("aigul")
    with ServedLedger(machine.data) as served:
        visitor = Visitor(served, token)
        case = str(visitor.open_case().json()["case"])
        held = visitor.anchor(case, b"held").json()
        backed_up = int(succeed("backup", "--data", machine.data, "--out", tmp_path / "backup"))
        lost = visitor.anchor(case, b"lost").json()
        (tmp_path / "policy").write_bytes(httpx.get(f"{served.url}/trust/policy", trust_env=False).content)
    signed = machine.size()
    assert backed_up < signed
    # The machine is gone but for its keys, kept apart, and the other disk.
    shutil.copytree(machine.data / "keys", old / "keys")
    restoring = ["restore", "--from", tmp_path / "backup", "--data", old, "--kept", machine.kept]
    said = fail(1, *restoring)
    assert f"the backup has {backed_up} entries, the kept checkpoint has size {signed}" in said
    assert "--closed" in said and "--successor-of" in said and f"{ORIGIN}\n{signed}\n" in said
    assert "it is not closed" in fail(1, "init", "--data", new, "--origin", "x/2", "--successor-of", machine.data)
    done = run(*restoring, "--closed")
    assert (done.returncode, done.stdout) == (0, f"{backed_up}\n"), done.stderr
    assert f"{signed - backed_up} more were signed" in done.stderr and "it is closed; next:" in done.stderr
    bundle = read_on(old, token, case, held["number"])
    check_what_people_hold(tmp_path, held["receipt"], lost["receipt"], bundle)
    # Opened for writing again by hand, it still does not go on.
    config = old / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("closed = true\n", ""))
    assert "rolled back or forked" in fail(1, "serve", "--data", old, "--port", "0")
    config.write_text(text)
    assert "another origin" in fail(1, "init", "--data", new, "--origin", ORIGIN, "--successor-of", old)
    succeed("init", "--data", new, "--origin", "ledger.example/court-2", "--successor-of", old)
    successor = Machine(new, new)
    opened = parse_leaf(successor.leaf(0)).public
    assert opened is not None and opened["origin"] == "ledger.example/court-2"
    predecessor = opened["predecessor"]
    assert isinstance(predecessor, dict) and predecessor["held"] == backed_up
    assert str(predecessor["checkpoint"]).splitlines()[:2] == [ORIGIN, str(signed)]
    successor.grow(2)
    assert successor.findings() == []


def read_on(data: Path, token: str, case: str, number: str) -> bytes:
    """A closed log is served: read, never appended to, and nothing published. Returns an entry's bundle."""
    with ServedLedger(data) as closed:
        visitor = Visitor(closed, token)
        for refused in (visitor.anchor(case, b"lost"), visitor.open_case()):
            assert refused.status_code == 409
            assert "it is closed and only read any more; a successor goes on" in refused.json()["detail"]
        for path in ("/checkpoint", "/tile/entries/000.p/1"):
            assert httpx.get(f"{closed.url}{path}", trust_env=False).status_code == 404
        return visitor.bundle(number)


def check_what_people_hold(folder: Path, held: object, lost: object, bundle: bytes) -> None:
    """With the reader's own program and trust: both receipts, also of the entry that is lost, and the bundle."""
    trust = folder / "trust"
    trust.mkdir()
    (folder / "policy").rename(trust / "policy")
    brought = {"held.receipt.json": (held, b"held"), "lost.receipt.json": (lost, b"lost"), "b.zip": (bundle, b"held")}
    for name, (content, data) in brought.items():
        path, file = folder / name, folder / "at-hand"
        path.write_bytes(content if isinstance(content, bytes) else serialise(content))
        file.write_bytes(data)
        result = verify(path, trust, file=file)
        assert result.verdict == Verdict.VERIFIED, (name, result)
