"""Extract a file's metadata: what the server calls at anchoring, and the client for `anchor --hash-only --extract`.

    extraction = extract(path, "image/jpeg", "photo.jpg")
    extraction.fields["extracted.created_at"]

A process of its own reads each file (`worker`, `confine`); it costs some tenths of a second and knows nothing of the
files before and after. Whatever the file does to it, `extract` returns, in time and with the format's whole list.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.extract.answer import ANSWER_BYTES, parse_answer
from ledger.extract.errors import ExtractError
from ledger.extract.fields import PREFIX
from ledger.extract.formats import format_by_type
from ledger.extract.values import Json

TIME_LIMIT_S: Final = 30.0
"""Wall time for one file. Real files take under a second; a submitter waits no longer than this for hostile ones."""

MEMORY_BYTES: Final = 768 * 1024 * 1024
"""Address space of one worker, exiftool's process apart: Python, its libraries, and the largest parts read at once."""

DKIM_KEYS: Final = 32
DKIM_KEY_CHARACTERS: Final = 4_096
"""Keys given with one message, and characters of one: an RSA key of 16,384 bits fits."""

AT_ONCE: Final = max(2, os.cpu_count() or 1)
"""Workers at a time in this process: more would only be slower, and their memory adds up."""

_WORKER: Final = [sys.executable, "-I", "-m", "ledger.extract.worker"]
_ANSWER_BEFORE_S: Final = 1.5  # the worker's own deadline lies so much earlier, to answer what it has
_EXIFTOOL_PATH: Final = "/usr/bin:/usr/local/bin"  # never the caller's PATH: what stands there is executed
_places: Final = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Extraction:
    """A file's metadata.

    fields            -- every name of the file's format, `extracted.*`, with plain JSON values, null where absent
    extractor         -- which reader, as in `extracted.extractor`
    extractor_version -- its version, as in `extracted.extractor_version`
    failure           -- null, or what could not be read and why, as in `extracted.failure`
    """

    fields: dict[str, Json]
    extractor: str
    extractor_version: str
    failure: str | None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this machine offers, for `doctor`: which of the two outer walls hold, and exiftool's version."""

    network_namespace: bool
    landlock: bool
    exiftool: str | None


def extract(
    path: Path,
    media_type: str,
    file_name: str,
    *,
    dkim_keys: Mapping[str, str] | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    memory_bytes: int = MEMORY_BYTES,
) -> Extraction:
    """The metadata of the file at `path`. Never raises for a file, whatever it holds or does; never changes it.

    media_type   -- by content, as the ledger commits it
    file_name    -- the submitter's, a hint for exports of chats
    dkim_keys    -- DNS name (`selector._domainkey.domain`) to TXT record, where the submitter gave keys with a message
    time_limit_s -- wall seconds until the worker is killed
    memory_bytes -- its address space
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        return _failed(media_type, f"the file cannot be opened ({type(error).__name__})")
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return _failed(media_type, "not a regular file")
        request = {
            **_request(time_limit_s, memory_bytes),
            "descriptor": descriptor,
            "media_type": media_type,
            "file_name": file_name,
            "dkim_keys": _bounded_keys(dkim_keys or {}),
        }
        return _extraction(parse_answer(_run(request, time_limit_s, descriptor)))
    except ExtractError as error:
        return _failed(media_type, error.reason)
    finally:
        os.close(descriptor)


def probe() -> Capabilities:
    """What confines a worker on this machine. Raises ExtractError when no worker answers at all."""
    answer = _run({**_request(TIME_LIMIT_S, MEMORY_BYTES), "probe": True}, TIME_LIMIT_S)
    try:
        found = json.loads(answer)
        version = found["exiftool"]
        return Capabilities(found["network_namespace"] is True, found["landlock"] is True, version and str(version))
    except (ValueError, KeyError, TypeError) as error:
        raise ExtractError("the worker's answer is malformed") from error


def exiftool_path() -> str | None:
    """Where exiftool is, if it is installed."""
    return shutil.which("exiftool", path=_EXIFTOOL_PATH)


def _request(time_limit_s: float, memory_bytes: int) -> dict[str, Any]:
    return {
        "probe": False,
        "exiftool": exiftool_path(),
        "deadline_s": max(time_limit_s - _ANSWER_BEFORE_S, time_limit_s / 2),
        "cpu_s": int(time_limit_s) + 1,
        "memory_bytes": memory_bytes,
    }


def _bounded_keys(keys: Mapping[str, str]) -> dict[str, str]:
    few = list(keys.items())[:DKIM_KEYS]
    return {name.lower().rstrip("."): record for name, record in few if len(record) <= DKIM_KEY_CHARACTERS}


def _run(request: Mapping[str, Any], time_limit_s: float, *descriptors: int) -> bytes:
    """The bytes that a worker answers. Raises ExtractError when it does not, in time and within ANSWER_BYTES."""
    with _places:
        deadline = time.monotonic() + time_limit_s
        try:
            process = subprocess.Popen(
                _WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", env={},
                pass_fds=descriptors, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise ExtractError(f"no worker could be started ({type(error).__name__})") from error
        with process:
            try:
                return _converse(process, json.dumps(request).encode("utf-8"), deadline)
            finally:
                # The whole group, and before it is waited for: until then its number belongs to nobody else.
                os.killpg(process.pid, signal.SIGKILL)


def _converse(process: subprocess.Popen[bytes], request: bytes, deadline: float) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise ExtractError("no worker could be started")
    try:
        process.stdin.write(request)  # some KiB: a pipe takes it whole, so this does not wait
        process.stdin.close()
    except OSError as error:
        raise ExtractError("the reader ended before it began") from error
    answer = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while ready.select(max(0.0, deadline - time.monotonic())):
            chunk = os.read(process.stdout.fileno(), 65_536)
            if not chunk:
                if not answer:
                    raise ExtractError("the reader ended without an answer")
                return bytes(answer)
            answer += chunk
            if len(answer) > ANSWER_BYTES:
                raise ExtractError("the reader's answer is too long")
    raise ExtractError("out of time")


def _extraction(fields: dict[str, Json]) -> Extraction:
    failure = fields[PREFIX + "failure"]
    return Extraction(
        fields,
        str(fields[PREFIX + "extractor"]),
        str(fields[PREFIX + "extractor_version"]),
        None if failure is None else str(failure),
    )


def _failed(media_type: str, reason: str) -> Extraction:
    """The format's whole list without values: a file that kills its reader is evidence like any other."""
    chosen = format_by_type(media_type)
    fields: dict[str, Json] = dict.fromkeys(chosen.names)
    fields |= {
        PREFIX + "format": chosen.name,
        PREFIX + "extractor": chosen.extractor,
        PREFIX + "extractor_version": str(chosen.module.VERSION),
        PREFIX + "failure": f"{chosen.name}: {reason}",
    }
    return _extraction(fields)
