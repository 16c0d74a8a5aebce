"""The sandbox: what the process that reads may not do, and what its caller gets whatever happens in there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ledger.extract import exiftool, sandbox
from ledger.extract.errors import ExtractError, OutOfTimeError
from ledger.extract.formats import FORMATS
from ledger.extract.sandbox import exiftool_path, extract, probe
from tests.ledger.extract import pictures
from tests.ledger.extract.reading import SAMPLES, read_here

NEEDS_EXIFTOOL = pytest.mark.skipif(exiftool_path() is None, reason="exiftool is not installed")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(pictures.jpeg(pictures.camera_exif()))
    return path


def confined(tmp_path: Path, code: str) -> dict[str, Any]:
    """Run `code` in a process that shut itself in as a worker does; it leaves what it found in `found`."""
    script = (
        "import json, os, sys\n"
        "from ledger.extract.confine import confine\n"
        "held = confine(5, 512 * 1024 * 1024, frozenset())\n"
        "found = {}\n"
        "def attempt(name, act):\n"
        "    try:\n        found[name] = act()\n"
        "    except Exception as error:\n        found[name] = type(error).__name__\n"
        f"{code}\n"
        "print(json.dumps({'landlock': held.landlock, 'namespace': held.network_namespace, **found}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    return dict(json.loads(done.stdout))


def test_a_photograph_through_the_sandbox_reads_as_it_does_here(photo: Path) -> None:
    before = photo.read_bytes()
    found = extract(photo, "image/jpeg", "photo.jpg")
    here = read_here(before)
    fields = {name.removeprefix("extracted."): value for name, value in found.fields.items()}
    apart = {"exiftool", "exiftool_version"}
    assert {k: v for k, v in fields.items() if k not in apart} == {k: v for k, v in here.items() if k not in apart}
    assert (found.failure, found.extractor) == (None, "evidence-ledger/jpeg")
    assert "pillow" in found.extractor_version
    assert photo.read_bytes() == before


@NEEDS_EXIFTOOL
def test_exiftool_adds_what_it_knows_in_one_object(photo: Path) -> None:
    found = extract(photo, "image/jpeg", "photo.jpg").fields
    tags = found["extracted.exiftool"]
    assert isinstance(tags, dict)
    assert tags["IFD0:Make"] == "Pinhole Works"
    assert found["extracted.exiftool_version"]
    assert not [name for name in tags if name.startswith("System:") or "SourceFile" in name]
    film = extract(SAMPLES / "old.avi", "video/x-msvideo", "old.avi")
    assert (film.failure, film.fields["extracted.format"]) == (None, "other")
    assert str(film.fields["extracted.software"]).startswith("Lavf")


def test_without_exiftool_the_names_are_the_same(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_EXIFTOOL_PATH", "/nonexistent")
    found = extract(photo, "image/jpeg", "photo.jpg")
    assert tuple(sorted(found.fields)) == FORMATS["jpeg"].names
    assert found.failure is None
    assert found.fields["extracted.exiftool"] is found.fields["extracted.exiftool_version"] is None
    assert found.fields["extracted.device_serial"] == "SN-0042"
    assert probe().exiftool is None


def tool(folder: Path, shell: str) -> str:
    """A program in exiftool's place."""
    script = folder / "exiftool"
    script.write_text(f"#!/bin/sh\n{shell}\n", encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def test_an_exiftool_that_answers_without_end_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match="too long"):
        exiftool._run(tool(tmp_path, "exec yes"), (), None)
    with pytest.raises(ExtractError, match="no answer"):
        exiftool._run(tool(tmp_path, "exit 1"), (), None)


def test_an_exiftool_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    begun = time.monotonic()
    try:
        with pytest.raises(OutOfTimeError):
            exiftool._run(tool(tmp_path, "exec sleep 600"), (), None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - begun < 5


def test_the_machine_says_which_walls_hold() -> None:
    found = probe()
    assert found.exiftool is None or found.exiftool[0].isdigit()
    assert found.landlock is (subprocess_landlock() > 0)


def subprocess_landlock() -> int:
    code = "from ledger.extract import landlock; print(landlock.version())"
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def test_a_reader_gets_no_network(tmp_path: Path) -> None:
    code = (
        "import socket\n"
        "attempt('socket', lambda: socket.socket().close())\n"
        "attempt('lookup', lambda: socket.getaddrinfo('localhost', 80))\n"
    )
    found = confined(tmp_path, code)
    assert (found["socket"], found["lookup"]) == ("RefusedError", "RefusedError")


def test_a_parser_that_was_taken_over_has_no_network_either(tmp_path: Path) -> None:
    """Past Python's audit hook: the system calls themselves, as native code would make them."""
    code = (
        "import ctypes, struct\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "from ledger.extract import confine as room\n"
        "room._watch = lambda programs: None\n"
        "held = room.confine(5, 512 * 1024 * 1024, frozenset())\n"
        "handle = libc.socket(2, 1, 0)\n"
        "address = struct.pack('=H', 2) + struct.pack('!H', 9) + bytes([127, 0, 0, 1]) + bytes(8)\n"
        "found = {'connected': libc.connect(handle, address, 16) == 0, 'error': ctypes.get_errno()}\n"
    )
    script = f"import json\n{code}\nprint(json.dumps({{'walls': held.network_namespace or held.landlock, **found}}))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    found = json.loads(done.stdout)
    if not found["walls"]:
        pytest.skip("neither user namespaces nor landlock on this machine")
    # ENETUNREACH in an empty namespace, EACCES from Landlock: never ECONNREFUSED, which loopback would answer.
    assert found["connected"] is False
    assert found["error"] in (101, 13)


def test_a_reader_opens_no_file_but_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "keys"
    secret.write_text("seed", encoding="utf-8")
    found = confined(tmp_path, f"attempt('read', lambda: open({str(secret)!r}).read())")
    if not found["landlock"]:
        pytest.skip("no landlock on this machine")
    assert found["read"] == "PermissionError"


def test_a_reader_writes_deletes_and_starts_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("kept", encoding="utf-8")
    code = (
        f"path = {str(kept)!r}\n"
        "import subprocess, shutil\n"
        "attempt('write', lambda: open(path, 'w'))\n"
        "attempt('create', lambda: open(path + '2', 'xb'))\n"
        "attempt('low', lambda: os.open(path, os.O_WRONLY | os.O_TRUNC))\n"
        "attempt('remove', lambda: os.remove(path))\n"
        "attempt('rename', lambda: os.rename(path, path + '3'))\n"
        "attempt('folder', lambda: os.mkdir(path + '4'))\n"
        "attempt('program', lambda: subprocess.run(['/bin/true']))\n"
        "attempt('shell', lambda: os.system('true'))\n"
        "attempt('native', lambda: __import__('ctypes').CDLL(None))\n"
        "attempt('kill', lambda: os.kill(os.getppid(), 0))\n"
    )
    found = confined(tmp_path, code)
    del found["landlock"], found["namespace"]
    assert set(found.values()) == {"RefusedError"}
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert kept.read_text(encoding="utf-8") == "kept"


def test_a_reader_has_an_empty_environment_and_a_session_of_its_own(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVIDENCE_LEDGER_TOKEN", "secret")
    show = [
        sys.executable,
        "-I",
        "-c",
        "import os; os.write(1, repr((dict(os.environ), os.getsid(0) == os.getpid())).encode())",
    ]
    monkeypatch.setattr(sandbox, "_WORKER", show)
    seen = sandbox._run({}, 10.0).decode()
    assert "secret" not in seen
    assert seen.endswith("True)")


HANG = "import os, time; os.fork(); time.sleep(600)"
BEHAVIOURS = {
    "hangs, with a child": (HANG, "out of time"),
    "answers nothing": ("pass", "the reader ended without an answer"),
    "kills itself": ("import os; os.kill(os.getpid(), 9)", "the reader ended without an answer"),
    "answers without end": ("while True: print('x' * 65536)", "the reader's answer is too long"),
    "answers no JSON": ("print('hello')", "the reader's answer is malformed"),
    "answers other names": (
        'print(\'{"extracted.format": "jpeg"}\')',
        "the reader's answer has other names than its format",
    ),
    "closes its output and stays": (
        "import os, time; os.close(1); time.sleep(600)",
        "the reader ended without an answer",
    ),
}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_whatever_the_reader_does_the_caller_gets_the_whole_list(
    photo: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    code, reason = BEHAVIOURS[behaviour]
    monkeypatch.setattr(sandbox, "_WORKER", [sys.executable, "-I", "-c", code])
    begun = time.monotonic()
    found = extract(photo, "image/jpeg", "photo.jpg", time_limit_s=1.0)
    assert time.monotonic() - begun < 5
    assert found.failure == f"jpeg: {reason}"
    assert tuple(sorted(found.fields)) == FORMATS["jpeg"].names
    assert found.fields["extracted.created_at"] is None


def test_a_hanging_reader_takes_its_children_with_it(
    photo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = tmp_path / "child"
    code = (
        f"import os, time\npid = os.fork()\nopen({str(note)!r}, 'w').write(str(pid)) if pid else None\ntime.sleep(600)"
    )
    monkeypatch.setattr(sandbox, "_WORKER", [sys.executable, "-I", "-c", code])
    assert extract(photo, "image/jpeg", "photo.jpg", time_limit_s=1.0).failure == "jpeg: out of time"
    child = int(note.read_text(encoding="utf-8"))
    for _ in range(50):
        if not alive(child):
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child outlived its worker")


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def test_a_reader_that_runs_out_of_time_answers_what_it_has(tmp_path: Path) -> None:
    chat = tmp_path / "chat.txt"
    chat.write_bytes(b"13.10.2026, 14:05 - A: x\n" + b"\n" * 100_000_000)
    begun = time.monotonic()
    found = extract(chat, "text/plain", "WhatsApp Chat with B.txt", time_limit_s=3.0)
    assert time.monotonic() - begun < 5
    # The worker's own answer: the parent alone would not know that this text is a chat.
    assert found.failure == "chat: out of time"
    assert found.fields["extracted.chat_name"] == "B"


def test_memory_is_bounded(tmp_path: Path) -> None:
    chat = tmp_path / "result.json"
    chat.write_bytes(b'{"type": "personal_chat", "messages": [' + b"[]," * 10_000_000 + b"[]]}")
    found = extract(chat, "application/json", "result.json", memory_bytes=256 * 1024 * 1024)
    assert found.failure in ("chat: out of memory", "text: the reader ended without an answer")


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "empty"])
def test_what_is_no_file_is_recorded(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "evidence"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "empty":
        path.touch()
    found = extract(path, "image/png", "evidence")
    assert found.failure is not None
    assert tuple(sorted(found.fields)) == FORMATS["png"].names


def test_the_evidence_can_be_read_only(photo: Path) -> None:
    photo.chmod(0o400)
    digest = hashlib.sha256(photo.read_bytes()).digest()
    state = photo.stat()
    assert extract(photo, "image/jpeg", "photo.jpg").failure is None
    assert hashlib.sha256(photo.read_bytes()).digest() == digest
    assert photo.stat().st_mtime_ns == state.st_mtime_ns


def test_the_server_loads_no_parser(tmp_path: Path) -> None:
    code = (
        "import sys; import ledger.extract.sandbox; "
        "print([n for n in ('PIL', 'pypdf', 'tinytag', 'olefile', 'asn1crypto', 'cryptography') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "[]"


def test_keys_given_with_a_message_reach_the_reader(tmp_path: Path) -> None:
    import base64

    vectors = json.loads((SAMPLES / "dkim.json").read_text(encoding="utf-8"))
    path = tmp_path / "message.eml"
    path.write_bytes(base64.b64decode(vectors["messages"][0]["message"]))
    found = extract(path, "message/rfc822", "message.eml", dkim_keys=vectors["keys"]).fields["extracted.dkim"]
    assert isinstance(found, dict) and isinstance(found["items"], list)
    [signature] = found["items"]
    assert isinstance(signature, dict) and signature["outcome"] == "verified"
