"""What a process did to the files below a folder, in order and with every byte, as strace saw it.

Recorded is the real program with the real SQLite: nothing is put between it and the system. An operation counts as done
from the moment that it was asked for until it returned; a sync covers what had returned before it was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = "openat,pwrite64,write,writev,fdatasync,fsync,link,rename,unlink,mkdir,ftruncate"
OPTIONS = ("-xx", "-s", "65536")
"""For strace: all bytes of all strings, in hex."""

_LINE = re.compile(r"(\d+) +([a-z0-9]+)\((.*)\) += (-?\d+)")
_UNFINISHED = re.compile(r"(\d+) +([a-z0-9]+)\((.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. ([a-z0-9]+) resumed>(.*)\) += (-?\d+)")
_HEX = r"((?:\\x[0-9a-f]{2})*)"
_DESCRIPTOR = re.compile(rf"\d+<{_HEX}>")
_STRING = re.compile(rf'"{_HEX}"')


@dataclass(frozen=True)
class Operation:
    """One call that succeeded. `began`, `ended`: positions in the record. `path` and `to` as the process named them;
    `data` was written at `offset` (None: at the end of what was written before), or `offset` is the new length.
    """

    call: str
    path: str
    began: int
    ended: int
    data: bytes = b""
    offset: int | None = None
    to: str = ""


def read_record(lines: Sequence[str], folder: Path) -> list[Operation]:
    """The operations on `folder` and what is below it, in the order in which they returned."""
    found = []
    for call, words, began, ended, result in _calls(lines):
        operation = _operation(call, words, began, ended) if result >= 0 else None
        if operation is not None and (operation.path + "/").startswith(f"{folder}/"):
            found.append(operation)
    return found


def _calls(lines: Sequence[str]) -> Iterator[tuple[str, str, int, int, int]]:
    begun: dict[str, tuple[int, str]] = {}
    for at, line in enumerate(lines):
        if whole := _LINE.match(line):
            yield whole[2], whole[3], at, at, int(whole[4])
        elif part := _UNFINISHED.match(line):
            begun[part[1]] = (at, part[3])
        elif (rest := _RESUMED.match(line)) and rest[1] in begun:
            began, words = begun.pop(rest[1])
            yield rest[2], words + rest[3], began, at, int(rest[4])


def _operation(call: str, words: str, began: int, ended: int) -> Operation | None:
    strings = [_decode(each) for each in _STRING.findall(words)]
    on = _DESCRIPTOR.match(words)
    path = "" if on is None else _decode(on[1]).decode()
    if call in ("fdatasync", "fsync"):
        return Operation(call, path, began, ended)
    if call in ("write", "writev"):
        return Operation("write", path, began, ended, b"".join(strings))
    if call == "pwrite64":
        return Operation("write", path, began, ended, strings[0], int(words.rpartition(", ")[2]))
    if call == "ftruncate":
        return Operation(call, path, began, ended, offset=int(words.rpartition(", ")[2]))
    named = [each.decode() for each in strings]
    if call in ("link", "rename"):
        return Operation(call, named[0], began, ended, to=named[1])
    if call in ("unlink", "mkdir"):
        return Operation(call, named[0], began, ended)
    if call == "openat" and "O_CREAT" in words:
        assert "O_TRUNC" not in words, f"the model knows no truncation at opening: {named}"
        return Operation("create", named[0], began, ended)
    return None


def _decode(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
