"""Fixtures for every room: the two databases, the vectors, and the rule about missing tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.object_store import ObjectStore, environment, running_object_store
from tests.postgres import PostgresServer, running_postgres

ROOT = Path(__file__).resolve().parent.parent
TOOLS_REQUIRED = os.environ.get("EVIDENCE_REQUIRE_TOOLS", "0") not in ("", "0")

# The machines that run this are slow and shared: no deadline. A gate must not fail by luck, so examples repeat from run
# to run; `pytest --hypothesis-profile=explore` draws new ones.
settings.register_profile("gate", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("gate")


LONGEST = (
    "tests/clusters/", "tests/crashes/", "tests/ledger/blobs/test_s3_", "tests/demo/", "tests/benchmarks/",
    "tests/conformance/test_rollbacks.py", "tests/conformance/test_flips.py", "tests/verifier/test_flip.py",
    "tests/conformance/", "tests/ledger/store/test_query_plans.py", "tests/ledger/upkeep/", "tests/api/serve/",
    "tests/api/cli/",
)  # fmt: skip
"""Files that take longest are begun first: a whole file goes to one worker, which must not be left alone with it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((at for at, name in enumerate(LONGEST) if item.nodeid.startswith(name)), len(LONGEST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the run, started when the first test asks."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of a PostgreSQL database of this test's own."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The same for a whole module: for tests that only read, or that share a ledger too costly to make for each."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def object_store_server() -> Iterator[ObjectStore]:
    """One object store for the run, started when the first test asks. Skips where it is not installed."""
    with running_object_store() as store:
        yield store


@pytest.fixture
def object_store(object_store_server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The same, with its credentials in this test's environment."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    return object_store_server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file of this test's own; the file does not exist yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; the test runs once on SQLite and once on PostgreSQL."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(name))


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of test vectors that nobody here wrote: EVIDENCE_VECTORS, or `shared/vectors` beside the checkout."""
    folder = Path(os.environ.get("EVIDENCE_VECTORS") or ROOT.parent / "shared" / "vectors")
    if not folder.is_dir():
        pytest.skip(f"vectors: no folder {folder}; name one in EVIDENCE_VECTORS")
    return folder


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """With EVIDENCE_REQUIRE_TOOLS=1 a skip fails: CI must not turn green because a tool was not there.

    The vectors are exempt, since they are not part of the project: a skip that names them stays one.
    """
    if not (TOOLS_REQUIRED and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if "vectors" not in reason.lower():
        report.outcome = "failed"
        report.longrepr = f"EVIDENCE_REQUIRE_TOOLS is set, yet this was skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    _forbid_skip(report)
    return report
