"""The worker shuts itself in, before it looks at one byte of the file.

Layers, so that a hole in one parser or in one layer is not enough:

1. limits of the kernel: processor time, address space, file size 0, few descriptors, few processes, no core dump;
2. a user and network namespace of its own, without any interface (`unshare -Un`): no packet can leave;
3. Landlock: no file can be opened but Python's and exiftool's own (`landlock`);
4. an audit hook of Python: sockets, writing, deleting, other programs are refused with a clear error.

What the machine does not offer (containers often forbid 2, old kernels lack 3) is left out and reported by `probe`;
1 and 4 always hold. 4 alone does not stop native code of a parser that was taken over: hence the rest.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.extract import landlock

DESCRIPTORS: Final = 64
"""Open files at once: the evidence, pipes, Python's own modules while they load."""

PROCESSES: Final = 4
"""Processes and threads in the worker's own user namespace: the worker and exiftool. Without that namespace the limit
would count the server's threads, and is not set.
"""

_NEW_USER: Final = 0x10000000
_NEW_NETWORK: Final = 0x40000000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

# Where a system keeps programs, libraries and what they need to start; nothing of anybody's own.
_SYSTEM: Final = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/perl",
                  "/etc/alternatives", "/dev/urandom")  # fmt: skip
_REFUSED: Final = ("socket.", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod",
                   "os.chown", "os.truncate", "os.utime", "os.exec", "os.system", "os.kill",
                   "os.killpg", "shutil.", "ftplib.", "http.", "smtplib.", "urllib.", "ctypes.dlopen",
                   "ctypes.dlsym", "pty.", "signal.pthread_kill", "webbrowser.")  # fmt: skip
_STARTING: Final = ("subprocess.Popen", "os.posix_spawn")  # the second from Python 3.13 on
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, slots=True)
class Confinement:
    """What holds this worker: whether it has a network namespace of its own, and Landlock."""

    network_namespace: bool
    landlock: bool


class RefusedError(OSError):
    """A reader tried what no reader has to do."""


def confine(cpu_s: int, memory_bytes: int, programs: frozenset[str], evidence: int | None = None) -> Confinement:
    """Shut this process in for good. `programs`: absolute paths that it may start (exiftool), confined as it is;
    `evidence`: the descriptor of the file that may be opened again, since exiftool seeks in files alone.
    """
    _end_with_parent()
    namespace = _leave_network()
    held = landlock.restrict(_readable(), [Path("/dev/null")], evidence)
    _limit(cpu_s, memory_bytes, own_namespace=namespace)
    _watch(programs)
    return Confinement(namespace, held)


def _end_with_parent() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _leave_network() -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    return bool(library.unshare(_NEW_USER | _NEW_NETWORK) == 0)


def _readable() -> list[Path]:
    """Python's own folders and this room. Not the folder that holds the room: it may hold a DATA with keys."""
    room = Path(__file__).resolve().parent
    own = [room, room.parent / "__init__.py"]
    folders = [sys.prefix, sys.base_prefix, *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib"))]
    return [*own, *(Path(path) for path in (*folders, *_SYSTEM))]


def _limit(cpu_s: int, memory_bytes: int, own_namespace: bool) -> None:
    limits = {
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: DESCRIPTORS,
        resource.RLIMIT_CORE: 0,
    }
    if own_namespace:
        limits[resource.RLIMIT_NPROC] = PROCESSES
    for which, limit in limits.items():
        _, hard = resource.getrlimit(which)
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(which, (bound, bound))


def _watch(programs: frozenset[str]) -> None:
    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED) or (event == "open" and _writes(arguments)):
            raise RefusedError(f"a reader tried {event}")
        if event in _STARTING and os.fsdecode(arguments[0]) not in programs:
            raise RefusedError("a reader tried to start a program")

    sys.addaudithook(refuse)


def _writes(arguments: tuple[Any, ...]) -> bool:
    path, mode, flags = arguments[:3]
    if path == os.devnull or isinstance(path, int):
        return False  # a descriptor that is open already grants what it grants
    return bool(isinstance(flags, int) and flags & _WRITING) or (
        isinstance(mode, str) and any(c in mode for c in "wax+")
    )


def as_json(confinement: Confinement) -> Mapping[str, bool]:
    """For `probe`, which names what the machine does not offer."""
    return {"landlock": confinement.landlock, "network_namespace": confinement.network_namespace}
