"""What a disk may hold after the power failed, given what a process did and which of it had been synced.

The model promises no more than POSIX does. Data of a file is safe once a sync of that file that was asked for after the
write has returned; a name is safe once its directory was synced so. Of everything else, each sector of 512 bytes and
each name is there or not, independently of order: later writes may have arrived before earlier ones, half a write may
have, a file may have its length and none of its bytes, a name may have come and the old one not gone. Only a single
name changes as a whole.
"""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.crashes.file_record import Operation

SECTOR = 512
FORGOTTEN = ("-shm", ".writer-lock", ".lock")
"""Ends of files whose content means nothing after a restart: shared memory, and locks that end with their holder."""

How = Literal["nothing unsynced", "everything", "names without data", "data without names", "any"]
HOWS: tuple[How, ...] = (
    "nothing unsynced",
    "any",
    "names without data",
    "any",
    "data without names",
    "any",
    "everything",
)


@dataclass
class _File:
    """A file, whatever its names: what is surely there, and the writes and lengths that may be."""

    safe: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)
    appended: int = 0  # where the next write without an offset goes

    def settle(self, before: int) -> None:
        """All that had returned before this position is safe now."""
        for each in [each for each in self.pending if each.ended < before]:
            _apply(self.safe, each, lambda: True)
            self.pending.remove(each)

    def content(self, arrives: Callable[[], bool]) -> bytes:
        data = bytearray(self.safe)
        for each in self.pending:
            _apply(data, each, arrives)
        return bytes(data)


@dataclass
class Disk:
    """The files below a folder while operations are carried out. Names are paths; `safe_names` survive for sure."""

    names: dict[str, _File]
    safe_names: dict[str, _File]
    directories: set[str]
    safe_directories: set[str]
    pending: dict[str, list[tuple[int, str, _File | None]]] = field(default_factory=lambda: defaultdict(list))
    ignore_syncs: bool = False

    @classmethod
    def of(cls, folder: Path, *, ignore_syncs: bool = False) -> Disk:
        """The folder as it is, all of it safe."""
        files = {str(path): _File(bytearray(path.read_bytes())) for path in folder.rglob("*") if path.is_file()}
        directories = {str(folder), *(str(path) for path in folder.rglob("*") if path.is_dir())}
        return cls(dict(files), files, directories, set(directories), ignore_syncs=ignore_syncs)

    def carry_out(self, each: Operation) -> None:
        if each.path.endswith(FORGOTTEN) or each.path.endswith(" (deleted)"):
            return
        if each.call in ("write", "ftruncate"):
            self._change(each)
        elif each.call in ("fsync", "fdatasync"):
            self._sync(each)
        elif each.call == "mkdir":
            self.directories.add(each.path)
            self._name(each.ended, each.path, None)
        elif each.call == "create":
            if each.path not in self.names:
                self._name(each.ended, each.path, _File())
        else:
            old = self.names[each.path]
            if each.call in ("link", "rename"):
                self._name(each.ended, each.to, old)
            if each.call in ("unlink", "rename"):
                self._name(each.ended, each.path, None)

    def _change(self, each: Operation) -> None:
        file = self.names[each.path]
        if each.call == "write":
            at = file.appended if each.offset is None else each.offset
            file.appended = at + len(each.data)
            each = Operation("write", each.path, each.began, each.ended, each.data, at)
        file.pending.append(each)

    def _name(self, at: int, path: str, file: _File | None) -> None:
        self.pending[str(Path(path).parent)].append((at, path, file))
        if file is not None:
            self.names[path] = file
        else:
            self.names.pop(path, None)

    def _sync(self, each: Operation) -> None:
        if self.ignore_syncs:
            return
        if each.path in self.directories:
            kept = []
            for name in self.pending[each.path]:
                if name[0] < each.began:
                    self._settle(self.safe_names, self.safe_directories, name)
                else:
                    kept.append(name)
            self.pending[each.path] = kept
        else:
            self.names[each.path].settle(each.began)

    def _settle(self, names: dict[str, _File], directories: set[str], change: tuple[int, str, _File | None]) -> None:
        _, path, file = change
        if file is not None:
            names[path] = file
        elif path in self.directories:
            directories.add(path)
        else:
            names.pop(path, None)

    def after_power_loss(self, how: How, chance: random.Random) -> dict[str, bytes | None]:
        """One of the states in which the disk may be found: path to content, None for a directory."""

        def arrives(sure: Sequence[How], never: Sequence[How]) -> Callable[[], bool]:
            return lambda: how in sure or (how not in never and chance.random() < 0.5)

        name_arrives = arrives(("everything", "names without data"), ("nothing unsynced", "data without names"))
        data_arrives = arrives(("everything", "data without names"), ("nothing unsynced", "names without data"))
        names, directories = dict(self.safe_names), set(self.safe_directories)
        for changes in self.pending.values():
            for change in changes:
                if name_arrives():
                    self._settle(names, directories, change)
        found: dict[str, bytes | None] = {path: None for path in directories if _reachable(path, directories)}
        for path, file in names.items():
            if str(Path(path).parent) in found:
                found[path] = file.content(data_arrives)
        return found


def put(state: dict[str, bytes | None], folder: Path) -> None:
    """Make the folder what the state says, and nothing else."""
    shutil.rmtree(folder)
    for path in sorted(state):
        data = state[path]
        if data is None:
            Path(path).mkdir(mode=0o700)
        else:
            Path(path).write_bytes(data)
            Path(path).chmod(0o600)


def _reachable(path: str, directories: set[str]) -> bool:
    """Whether every directory above is there, too, up to the first that the record does not concern."""
    top = min(directories, key=len)
    return path == top or (path in directories and _reachable(str(Path(path).parent), directories))


def _apply(data: bytearray, each: Operation, arrives: Callable[[], bool]) -> None:
    assert each.offset is not None
    if each.call == "ftruncate":
        if arrives():
            del data[each.offset :]
            data.extend(bytes(each.offset - len(data)))
        return
    end = each.offset + len(each.data)
    if end > len(data) and arrives():
        data.extend(bytes(end - len(data)))  # the length came, and for now not what it counts
    at = each.offset
    while at < end:
        upto = min(end, (at // SECTOR + 1) * SECTOR)
        if arrives():
            data.extend(bytes(max(0, upto - len(data))))
            data[at:upto] = each.data[at - each.offset : upto - each.offset]
        at = upto
