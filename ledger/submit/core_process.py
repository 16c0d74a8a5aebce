"""The other end of ledger.submit.cores: takes tasks from its input until that ends, and answers each on its output."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from contextlib import suppress
from typing import BinaryIO


def serve(tasks: BinaryIO, answers: BinaryIO) -> None:
    """Answer `(function, piece)` with `(result,)`, or `()` where it raised: who asked does it again and sees why."""
    while True:
        try:
            function, piece = pickle.load(tasks)  # noqa: S301  (what the process that started us wrote)
        except EOFError:
            return
        try:
            answer: tuple[object, ...] = (function(piece),)
        except Exception:  # told by doing it again, where somebody can be told
            answer = ()
        pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def main() -> None:
    """Ends with its input; a stop of the whole group is for the process that started us to carry out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks, answers = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        cores, sys.path[:] = pickle.load(tasks)  # noqa: S301  (as above)
        if cores is not None:
            with suppress(OSError):  # fewer are left to us than there were
                os.sched_setaffinity(0, cores)
        from ledger.submit import batch_lines  # noqa: F401  (what it will be asked for is loaded before it says so)

        pickle.dump("up", answers)
        answers.flush()
        serve(tasks, answers)


if __name__ == "__main__":
    main()
