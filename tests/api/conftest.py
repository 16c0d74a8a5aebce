"""The API on a real ledger: on SQLite for most tests, on both databases for the flows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.service import Service, running_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for a module, on SQLite: for tests that leave behind nothing that others could trip over."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def any_service(tmp_path: Path, database_url: str) -> Iterator[Service]:
    """A service of this test's own, once on SQLite and once on PostgreSQL."""
    with running_service(tmp_path / "data", {"database": database_url}) as running:
        yield running
