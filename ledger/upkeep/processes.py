"""The same work on piece after piece, by processes on every core; a short one is done here and at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from ledger.upkeep.forks import Forks, can_fork

if TYPE_CHECKING:
    from ledger.upkeep.spawned import Spawned

Tool = TypeVar("Tool")
Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Processes(Generic[Tool]):
    """`make` gives what the work needs: a function of a module, or a `partial` of one. `count`: 0 does all work here.

    A context manager. Processes are started anew at the first use; after `fork` they are copies of this one, which are
    up at once.
    """

    def __init__(self, make: Callable[[], Tool], tool: Tool, count: int) -> None:
        self._make = make
        self._tool = tool
        self._count = count
        self._crew: Forks | Spawned[Tool] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._crew is not None:
            self._crew.close()

    def fork(self) -> None:
        """Copy this process, unless other threads run in it. To be called while nothing is open here that a copy could
        harm, as it could a database's connection.
        """
        if self._count > 1 and can_fork():
            self._crew = Forks(self._make, self._count)

    def map(self, work: Callable[[Tool, Piece], Result], pieces: Sequence[Piece]) -> Iterator[Result]:
        """What `work` gives for each piece, in order; nobody waits for the processes to come up. Raises what it raises;
        UnavailableError where a process died.
        """
        if self._count < 2 or len(pieces) < 2:
            return (work(self._tool, piece) for piece in pieces)
        if self._crew is None:
            from ledger.upkeep.spawned import Spawned  # what it imports takes longer than a short log

            self._crew = Spawned(self._make, self._tool, self._count)
        return self._crew.map(work, pieces)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
