"""How long a command goes on trying when a server it has already reached goes away or is full."""

from __future__ import annotations

import random
import time
from typing import Final

from api.cli.output import message

# A server restarts in seconds; ten attempts with doubling pauses outlast a minute's restart, and then a person decides.
ATTEMPTS_MAX: Final = 10
FIRST_PAUSE_S: Final = 0.5
PAUSE_MAX_S: Final = 15.0
# A Retry-After beyond this is cut: a command that sleeps for an hour looks dead.
RETRY_AFTER_MAX_S: Final = 60.0


class Patience:
    """The attempts at one request. `ask` says whether another makes sense, after having waited for it."""

    def __init__(self) -> None:
        self._attempts = 1

    def ask(self, reason: str, retry_after: float | None = None) -> bool:
        """Wait for the next attempt and return True; False when there were enough. `retry_after`: seconds."""
        if self._attempts >= ATTEMPTS_MAX:
            return False
        pause = self._pause() if retry_after is None else min(retry_after, RETRY_AFTER_MAX_S)
        self._attempts += 1
        message(f"{reason}; trying again in {pause:.0f} s ({self._attempts} of {ATTEMPTS_MAX})")
        time.sleep(pause)
        return True

    def _pause(self) -> float:
        longest = min(PAUSE_MAX_S, FIRST_PAUSE_S * 2.0 ** (self._attempts - 1))
        # Clients that one restart has cut off must not all come back in the same moment.
        return float(longest * random.uniform(0.75, 1.0))  # noqa: S311 - spreads load, keeps no secret
