"""Python's search for cycles among objects, which neither a check nor a commit leaves behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """For at most a second's work on thousands of values: it would look at all of them again and again, to a sixth of
    the time. It stands still in all threads; of several that ask for it at once, the first that is done lets it go on.
    """
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()
