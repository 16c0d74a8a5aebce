"""The operator's commands on real folders and beside a real server."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.api.cli.running import PROGRAM, ServedLedger, environment, fail, run, succeed


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_init_makes_a_log_that_only_its_owner_can_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    assert succeed("init", "--origin", "ledger.test/a", "--data", data) == ""
    assert {"config.toml", "keys", "blobs", "ledger.db", "kept-checkpoint"} <= {path.name for path in data.iterdir()}
    open_to_others = [path for path in data.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []
    assert "size\t1" in succeed("status", "--data", data).splitlines()
    assert succeed("fsck", "--data", data) == ""


def test_a_second_init_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    succeed("init", "--origin", "ledger.test/a", "--data", tmp_path / "d")
    before = content(tmp_path / "d")
    for origin in ("ledger.test/a", "ledger.test/b"):
        assert "already" in fail(1, "init", "--origin", origin, "--data", tmp_path / "d")
    after = content(tmp_path / "d")
    assert {name: after[name] for name in before if "db-" not in name} == {
        name: before[name] for name in before if "db-" not in name
    }
    succeed("fsck", "--data", tmp_path / "d")


@pytest.mark.parametrize("origin", ["with blank", "with+plus", "", "x" * 256])
def test_an_origin_outside_the_grammar_makes_nothing(origin: str, tmp_path: Path) -> None:
    fail(1, "init", "--origin", origin, "--data", tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_data_from_the_environment(tmp_path: Path) -> None:
    succeed("init", "--origin", "ledger.test/a", env={"EVIDENCE_LEDGER_DATA": str(tmp_path / "d")})
    assert "origin\tledger.test/a" in succeed("status", env={"EVIDENCE_LEDGER_DATA": str(tmp_path / "d")})


def test_a_stopped_ledger_may_be_moved(tmp_path: Path) -> None:
    succeed("init", "--origin", "ledger.test/a", "--data", tmp_path / "here")
    token = succeed("user", "add", "aigul", "--role", "party", "--data", tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    with ServedLedger(tmp_path / "there") as served:
        succeed("case", "open", "title", env=served.access(token))
    assert succeed("fsck", "--data", tmp_path / "there") == ""


def test_fsck_says_what_and_where(tmp_path: Path) -> None:
    succeed("init", "--origin", "ledger.test/a", "--data", tmp_path / "d")
    database = sqlite3.connect(tmp_path / "d" / "ledger.db")
    database.execute("UPDATE log_head SET root = zeroblob(32)")
    database.commit()
    database.close()
    done = run("fsck", "--data", tmp_path / "d")
    assert done.returncode == 1
    assert all(len(line.split("\t")) == 2 for line in done.stdout.splitlines())
    assert "head" in done.stdout
    body = json.loads(run("fsck", "--json", "--data", tmp_path / "d").stdout)
    assert body["sound"] is False
    assert len(body["findings"]) == len(done.stdout.splitlines())


def test_reading_and_accounts_work_beside_a_server(served: ServedLedger, party: Mapping[str, str], case: str) -> None:
    succeed("status", "--data", served.data)
    assert json.loads(succeed("status", "--json", "--data", served.data))["origin"] == "ledger.test/evidence"
    assert succeed("fsck", "--data", served.data) == ""
    assert "aigul\tparty\tactive" in succeed("user", "list", "--data", served.data).splitlines()
    assert "already" in fail(1, "user", "add", "aigul", "--role", "party", "--data", served.data)
    assert "already" in fail(1, "user", "add", "AIGUL", "--role", "party", "--data", served.data)
    body = json.loads(succeed("user", "add", "serik", "--role", "court", "--json", "--data", served.data))
    assert set(body) == {"name", "role", "id", "token"}
    succeed("case", "list", env=served.access(body["token"]))
    fail(1, "user", "disable", "nobody", "--data", served.data)
    fail(1, "token", "revoke", "000000000000", "--data", served.data)


def test_the_trust_folder_is_what_the_server_serves(served: ServedLedger, tmp_path: Path) -> None:
    previous = os.umask(0o077)
    try:
        printed = succeed("trust", "--out", tmp_path / "new" / "trust", "--data", served.data)
    finally:
        os.umask(previous)
    files = content(tmp_path / "new" / "trust")
    assert set(files) == {"policy", "tsa-operator/development.pem"}
    assert printed.splitlines() == [str(tmp_path / "new" / "trust" / name) for name in sorted(files)]
    for name, bytes_here in files.items():
        assert httpx.get(f"{served.url}/trust/{name}", trust_env=False).content == bytes_here
        assert stat.S_IMODE((tmp_path / "new" / "trust" / name).stat().st_mode) == 0o644
    assert files["policy"].count(b"\nlog ") + files["policy"].startswith(b"log ") == 2


def test_writing_the_trust_folder_again_replaces_it_and_names_strangers(served: ServedLedger, tmp_path: Path) -> None:
    succeed("trust", "--out", tmp_path / "trust", "--data", served.data)
    before = content(tmp_path / "trust")
    (tmp_path / "trust" / "policy").write_bytes(b"forged")
    (tmp_path / "trust" / "retired").write_bytes(b"# mine\n")
    done = run("trust", "--out", tmp_path / "trust", "--data", served.data)
    assert done.returncode == 0
    assert content(tmp_path / "trust") == {**before, "retired": b"# mine\n"}
    assert "retired" in done.stderr
    (tmp_path / "file").write_bytes(b"")
    assert "file" in fail(1, "trust", "--out", tmp_path / "file", "--data", served.data)


def test_a_configured_authority_stands_apart_from_the_operators(tmp_path: Path) -> None:
    data = tmp_path / "d"
    succeed("init", "--origin", "ledger.test/a", "--tsa", "other=http://127.0.0.1:9/", "--data", data)
    for words in (["serve", "--port", "0"], ["trust", "--out", tmp_path / "trust"]):
        assert "other.pem" in fail(1, *words, "--data", data)
    (data / "tsa").mkdir(exist_ok=True)
    # Any certificate serves: nothing is asked here.
    (data / "tsa" / "other.pem").write_bytes((data / "keys" / "development-root.pem").read_bytes())
    succeed("trust", "--out", tmp_path / "trust", "--data", data)
    assert set(content(tmp_path / "trust")) == {"policy", "tsa-operator/development.pem", "tsa/other.pem"}


def test_a_second_server_on_the_same_folder_is_refused(served: ServedLedger) -> None:
    text = fail(1, "serve", "--data", served.data, "--port", "0")
    assert "another process" in text
    assert served.ready()


def test_more_workers_than_sqlite_can_have_are_wrong_use(served: ServedLedger) -> None:
    assert "PostgreSQL" in fail(2, "serve", "--workers", "2", "--data", served.data)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    succeed("init", "--origin", "ledger.test/a", "--data", tmp_path / "d")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert port in fail(1, "serve", "--data", tmp_path / "d", "--port", port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_the_server_ends_within_ten_seconds_and_loses_nothing(number: signal.Signals, tmp_path: Path) -> None:
    with ServedLedger.make(tmp_path / "d") as served:
        access = served.access(served.token("aigul"))
        case = succeed("case", "open", "title", env=access)
        (tmp_path / "a").write_bytes(b"a")
        printed = succeed("anchor", "a", "--case", case, "--out", tmp_path, env=access, cwd=tmp_path)
        process = served._process
        assert process is not None
        begun = time.monotonic()
        process.send_signal(number)
        assert process.wait(15) == 0, (served.data / "serve.log").read_text()
        assert time.monotonic() - begun < 10
        served._process = None
        assert "Traceback" not in (served.data / "serve.log").read_text()
        assert succeed("fsck", "--data", served.data) == ""
        served.start()
        assert printed in succeed("case", "show", case, env=access)


def test_serve_says_where_it_listens(tmp_path: Path) -> None:
    succeed("init", "--origin", "ledger.test/a", "--data", tmp_path / "d")
    with subprocess.Popen(
        [PROGRAM, "serve", "--data", tmp_path / "d", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.removeprefix("listening on ").strip()
        assert httpx.get(f"{address}/healthz", trust_env=False).status_code == 200
        process.terminate()
        stdout, stderr = process.communicate(timeout=15)
    assert stdout == ""
    assert "Traceback" not in stderr
    assert process.returncode == 0
