"""One independent authority and one honest bundle for all attacks: what is made once is attacked often."""

from __future__ import annotations

import pytest

from tests.conformance.forge import Authority, trust
from tests.conformance.own_ledger import Produced, produce
from verifier.trust import Trust


@pytest.fixture(scope="session")
def authority() -> Authority:
    """An authority that the reader believes."""
    return Authority("Independent authority")


@pytest.fixture(scope="session")
def believed(authority: Authority) -> Trust:
    """The reader's trust: both keys of the log, and that authority."""
    return trust(authority)


@pytest.fixture(scope="session")
def produced(tmp_path_factory: pytest.TempPathFactory) -> Produced:
    """A bundle, a receipt, a case and a trust folder of this ledger's own making."""
    return produce(tmp_path_factory.mktemp("ledger"))
