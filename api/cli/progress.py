"""Progress of a transfer, on stderr, where a person watches it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from api.cli.output import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


_REFRESH_SECONDS: Final = 0.1


class Meter:
    """How far one transfer is. Does nothing where nobody watches."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress = progress
        self._task = task

    def advance(self, count: int) -> None:
        """`count` more bytes went through."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=count)

    def start(self, total: int | None) -> None:
        """A transfer of `total` bytes begins, maybe anew. None: nobody knows how many."""
        if self._progress is not None and self._task is not None:
            self._progress.reset(self._task, total=total)


@contextmanager
def metered(label: str) -> Iterator[Meter]:
    """A meter called `label`, shown with rate and time left while stderr is a terminal, and gone afterwards."""
    if not sys.stderr.isatty():
        yield Meter()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    # stdout stays as it is: the results on it must not be drawn into the display, which stands on stderr.
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
    ) as progress:
        yield Meter(progress, progress.add_task(printable(label, keep=""), total=None))


@contextmanager
def counted(unit: str) -> Iterator[Callable[[str, int, int], None] | None]:
    """Shows how far a long check is, as (phase, done, total), while stderr is a terminal, and is gone afterwards; a
    total of 0 is not known. None where nobody watches.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn(f"{{task.completed:,.0f}} {unit}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        auto_refresh=False,  # by a thread, beside which this process could not be copied (ledger.upkeep.forks)
    ) as progress:
        tasks: dict[str, TaskID] = {}
        shown = 0.0

        def show(phase: str, done: int, total: int) -> None:
            nonlocal shown
            if phase not in tasks:
                for task in tasks.values():
                    progress.remove_task(task)
                tasks.clear()
                tasks[phase] = progress.add_task(phase, total=total or None)
            progress.update(tasks[phase], completed=done, total=total or None)
            if time.monotonic() - shown > _REFRESH_SECONDS:
                progress.refresh()
                shown = time.monotonic()

        yield show
