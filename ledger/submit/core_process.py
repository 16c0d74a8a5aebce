"""The other end of ledger.submit.cores: takes tasks until its input ends, and answers each."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from typing import Final

from ledger.submit.core_channel import Channel, pack_message

_GARBAGE_SEARCHED: Final = 50_000
"""Objects made before Python looks for garbage in circles, of which a line leaves none and a bad line a few. At its own
700 it looks with every tenth line, for a twentieth of the time.
"""


def serve(channel: Channel) -> None:
    """Answer `(function, piece)` with `(result,)`, or `()` where it raised: who asked does it again and sees why."""
    while True:
        function, piece = channel.receive()
        try:
            answer: tuple[object, ...] = (function(piece),)
        except Exception:  # told by doing it again, where somebody can be told
            answer = ()
        channel.send(pack_message(answer))


def main() -> None:
    """Ends with its input; a stop of the whole group is for the process that started us to carry out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]) if len(sys.argv) > 1 else None)
    with suppress(EOFError, BrokenPipeError):
        cores, sys.path[:] = channel.receive()
        if cores is not None:
            with suppress(OSError):  # fewer are left to us than there were
                os.sched_setaffinity(0, cores)
        from ledger.submit import batch_lines  # noqa: F401  (what it will be asked for is loaded before it says so)

        gc.freeze()
        gc.set_threshold(_GARBAGE_SEARCHED)
        channel.send(pack_message("up"))
        serve(channel)


if __name__ == "__main__":
    main()
