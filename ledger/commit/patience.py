"""How a thread waits for the writer: as a rule by standing still. One that has many requests under way goes on with the
others meanwhile, and says here how (`have_patience`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeAlias, TypeVar

_Outcome = TypeVar("_Outcome")

Begin: TypeAlias = Callable[[], Future[_Outcome]]
"""Begins what is to be waited for: it may be begun later than asked, together with what others wait for."""

Patience: TypeAlias = Callable[[Begin[Any], float], Any]
"""Begins and waits for at most so many seconds. Gives or raises the outcome, raises what beginning raises, and
TimeoutError.
"""

_of_thread: Final = threading.local()


def have_patience(patience: Patience) -> None:
    """From now on this thread waits in this way."""
    _of_thread.patience = patience


def outcome_of(begin: Begin[_Outcome], seconds: float) -> _Outcome:
    """The outcome of what `begin` begins, waited for in this thread's way. See `Patience` for what is raised."""
    patience: Patience | None = getattr(_of_thread, "patience", None)
    if patience is None:
        return begin().result(seconds)
    outcome: _Outcome = patience(begin, seconds)
    return outcome
