"""Landlock: the kernel lets this process, and what it starts, open nothing but what is listed (landlock(7)).

The file that is read comes in as an open descriptor, so the list holds what Python and exiftool themselves are made of,
and nothing that belongs to anybody: not the keys, not the database, not other evidence. From Linux 5.13; from 6.7 it
also forbids TCP, from 6.12 signals to processes outside.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

# The same numbers on every architecture (they came after the tables were joined).
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE
# How many of the rights on files each version of the interface knows; 5 added ioctl on devices.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
_FILE_RIGHTS_LATEST: Final = 16
_NET_RIGHTS: Final = 0b11  # bind and connect TCP, since version 4
_SCOPES: Final = 0b11  # abstract sockets and signals, since version 6


def version() -> int:
    """The kernel's version of the interface, 0 where there is none."""
    answer = _system_call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    return max(answer, 0)


def restrict(readable: Iterable[Path], writable: Iterable[Path], evidence: int | None = None) -> bool:
    """Let this process and its children open only what lies beneath `readable` (to read and execute), `writable`
    (devices), and the one file behind the descriptor `evidence` (to read). Returns whether the kernel does; once done
    there is no way back.
    """
    found = version()
    if not found:
        return False
    rights = (1 << _FILE_RIGHTS.get(found, _FILE_RIGHTS_LATEST)) - 1
    attributes = struct.pack("=QQQ", rights, _NET_RIGHTS if found >= 4 else 0, _SCOPES if found >= 6 else 0)
    length = 24 if found >= 6 else 16 if found >= 4 else 8
    ruleset = _system_call(_CREATE_RULESET, attributes[:length], length, 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(ruleset, path, _READ)
        for path in writable:
            _allow(ruleset, path, _READ_FILE | _WRITE_FILE)
        if evidence is not None:
            _system_call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", _READ_FILE, evidence), 0)
        _library().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return _system_call(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    with suppress(OSError):  # what is not there cannot be opened anyway
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = rights if path.is_dir() else rights & _ON_FILES
            _system_call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", allowed, descriptor), 0)
        finally:
            os.close(descriptor)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _system_call(number: int, *arguments: int | bytes | None) -> int:
    """The call's answer, −1 where it failed. Integers go as machine words: a plain int would be cut to 32 bits."""
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return int(_library().syscall(ctypes.c_long(number), *words))
