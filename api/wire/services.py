"""What a view stands on. Made once, by the factory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.auth.accounts import AccountStore
from api.settings import HttpSettings
from api.wire.metrics import Metrics

if TYPE_CHECKING:
    from ledger.assembly import Ledger


@dataclass(frozen=True, slots=True)
class Services:
    """The ledger, the accounts, the settings of HTTP and its counters."""

    ledger: Ledger
    accounts: AccountStore
    settings: HttpSettings
    metrics: Metrics
