"""What only a real process shows: pipes, signals, terminals, completion."""

from __future__ import annotations

import errno
import os
import pty
import signal
import socket
import subprocess

import pytest

from tests.api.cli.running import PROGRAM, environment, succeed


def test_nobody_reading_the_result_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [PROGRAM, "completion", "bash"], stdout=writer, stderr=subprocess.PIPE, env=environment()
    ) as process:
        os.close(writer)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_a_full_disk_under_stdout_is_a_failure_in_words() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [PROGRAM, "completion", "bash"], stdout=full, stderr=subprocess.PIPE, env=environment(), check=False
        )
    assert done.returncode == 1
    assert os.strerror(errno.ENOSPC).lower() in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_ctrl_c_ends_a_command_without_a_traceback() -> None:
    """The server accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [PROGRAM, "case", "list", "--server", address, "--token", "elt_x"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), preexec_fn=_heed_interrupts,
        ) as process:  # fmt: skip
            connection, _ = silent.accept()
            connection.recv(10)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
            connection.close()
    assert process.returncode == 1
    assert stdout == b""
    assert stderr.decode().strip() == "evidence-ledger: interrupted"


def _heed_interrupts() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_colours_and_progress_stay_away_from_pipes() -> None:
    assert "\x1b" not in succeed("--help", env={"FORCE_COLOR": "1"})


def test_help_fits_a_terminal() -> None:
    try:
        pid, descriptor = pty.fork()
    except OSError as error:
        pytest.skip(f"no terminal to be had here: {error}")
    if pid == 0:
        os.execve(PROGRAM, [str(PROGRAM), "--help"], environment())  # noqa: S606 - the child of the fork becomes it
    shown = b""
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(descriptor)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"Usage: evidence-ledger" in shown


def test_the_shell_completes_commands_and_options() -> None:
    def completed(line: str, position: int) -> set[str]:
        env = {"_EVIDENCE_LEDGER_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(position)}
        return {found.partition(",")[2] for found in succeed(env=env).splitlines()}

    assert {"case", "anchor", "serve"} <= completed("evidence-ledger ", 1)
    assert completed("evidence-ledger case o", 2) == {"open"}
    assert "--hash-only" in completed("evidence-ledger anchor --h", 2)
