"""DESIGN §6: the arrows that import-linter cannot draw. The layers themselves stand in pyproject.toml.

A layers contract lets a room reach past its neighbour; the design does not. Nor can a contract say which libraries a
pure room may use.
"""

from __future__ import annotations

import sys

import pytest

from tests.architecture.sources import ROOT, imports, modules, shown

PURE = {"ledger.entry", "ledger.merkle", "ledger.note"}
GROUND = {"ledger.errors", "ledger.config", "ledger.clock", "ledger.garbage", "ledger.metrics"}
CONTRACTS = {"ledger.store.contracts", "ledger.blobs.contract"}
BASE = {"ledger.store", "ledger.blobs", "ledger.keys"}

# Room → rooms it may import beyond itself, the pure rooms, the ground and the contracts of store and blobs.
MAY_IMPORT: dict[str, set[str]] = {
    "ledger.entry": set(),
    "ledger.merkle": set(),
    "ledger.note": set(),
    "ledger.store": set(),
    "ledger.blobs": set(),
    "ledger.keys": {"ledger.blobs.durable_file"},  # a key half written is a log that cannot be signed again
    "ledger.commit": BASE,
    "ledger.attest": BASE,
    "ledger.prove": BASE,
    "ledger.notify": BASE,
    "ledger.submit": {"ledger.commit", "ledger.extract"} | BASE,
    "ledger.casework": {"ledger.submit"} | BASE,
    # upkeep makes the development authority at init, and reads logged tokens in fsck.
    "ledger.upkeep": {"ledger.casework", "ledger.commit", "ledger.prove", "ledger.attest"} | BASE,
}
# One factory knows which database and which blob store it is; the flow sees their contracts.
FLOW = ["commit", "attest", "prove", "notify", "submit", "casework"]
CONCRETE = ("ledger.store.sql_", "ledger.store.engine", "ledger.store.schema", "ledger.blobs.directory_blobs",
            "ledger.blobs.s3_blobs")  # fmt: skip

PURE_LIBRARIES = {"cryptography", "merkletools", "rfc8785", "orjson"}
# A pure room gets bytes and gives values: no socket, file, database, clock, process or thread.
IMPURE_STDLIB = {"asyncio", "ftplib", "http", "io", "multiprocessing", "os", "pathlib", "select", "shutil", "signal",
                 "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time",
                 "urllib"}  # fmt: skip


def within(name: str, rooms: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_it_may(room: str) -> None:
    allowed = MAY_IMPORT[room] | PURE | GROUND | {room} | (set() if room in PURE else CONTRACTS)
    wrong = [
        f"{shown(path, line)} imports {name}"
        for path in modules(room.replace(".", "/"))
        for line, name in imports(path)
        if within(name, {"ledger", "api", "verifier"}) and not within(name, allowed)
    ]
    assert not wrong


def test_extract_imports_nothing_of_the_ledger() -> None:
    wrong = [
        f"{shown(path, line)} imports {name}"
        for path in modules("ledger/extract")
        for line, name in imports(path)
        if within(name, {"ledger", "api", "verifier"}) and not within(name, {"ledger.extract"})
    ]
    assert not wrong


@pytest.mark.parametrize("room", FLOW)
def test_the_flow_knows_contracts_and_no_concrete_store(room: str) -> None:
    wrong = [
        f"{shown(path, line)} imports {name}"
        for path in modules(f"ledger/{room}")
        for line, name in imports(path)
        if name.startswith(CONCRETE)
    ]
    assert not wrong


@pytest.mark.parametrize("room", sorted(PURE))
def test_a_pure_room_touches_nothing_outside(room: str) -> None:
    wrong = []
    for path in modules(room.replace(".", "/")):
        for line, name in imports(path):
            top = name.split(".")[0]
            allowed = top in sys.stdlib_module_names and top not in IMPURE_STDLIB
            if not (allowed or top in PURE_LIBRARIES or top == "ledger"):
                wrong.append(f"{shown(path, line)} imports {name}")
    assert not wrong


def test_the_verifier_needs_the_standard_library_and_cryptography_alone() -> None:
    wrong = [
        f"{shown(path, line)} imports {name}"
        for path in modules("verifier")
        for line, name in imports(path)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names and top not in {"cryptography", "verifier"}
    ]
    assert not wrong


def test_every_room_of_the_ledger_has_its_row() -> None:
    rooms = {f"ledger.{path.parent.name}" for path in (ROOT / "ledger").glob("*/__init__.py")}
    assert rooms <= MAY_IMPORT.keys() | {"ledger.extract"}
