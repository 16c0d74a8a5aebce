"""The real program with its files in a bucket: killed in the middle of an upload, and its store gone in the middle."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from ledger.blobs.s3_address import parse_s3_address
from tests.api.cli.running import ServedLedger, fail, run, succeed
from tests.fakes.line import Line
from tests.ledger.blobs.test_s3_blobs import everything
from tests.object_store import SECRET_KEY, ObjectStore

VERIFY = Path(sys.executable).with_name("evidence-verify")
LARGE_BYTES = 100 * 1024**2


@pytest.fixture
def line(object_store: ObjectStore) -> Iterator[Line]:
    with Line(object_store.ports["s3.port"]) as line:
        yield line


@pytest.fixture
def url(object_store: ObjectStore, line: Line) -> str:
    address = object_store.url("&retain_days=30", locks=True)
    return address.replace(str(object_store.ports["s3.port"]), str(line.port))


@pytest.fixture
def served(url: str, tmp_path: Path) -> Iterator[ServedLedger]:
    data = tmp_path / "data"
    succeed("init", "--data", data, "--origin", "ledger.test/evidence", "--blobs", url)
    with ServedLedger(data) as ledger:
        yield ledger


@pytest.fixture
def party(served: ServedLedger) -> Mapping[str, str]:
    return served.access(served.token("aigul"))


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_ledger_killed_in_the_middle_of_an_upload_goes_on(
    object_store: ObjectStore, served: ServedLedger, party: Mapping[str, str], url: str, tmp_path: Path
) -> None:
    def stored() -> list[tuple[str, str]]:
        return everything(object_store.client, parse_s3_address(url))

    case = succeed("case", "open", "A. against B.", env=party)
    (tmp_path / "small.txt").write_bytes(b"a contract of five pages")
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(LARGE_BYTES)
    small = succeed("anchor", "small.txt", "--case", case, env=party, cwd=tmp_path)
    outcomes: list[subprocess.CompletedProcess[str]] = []
    upload = threading.Thread(
        target=lambda: outcomes.append(run("anchor", "large.bin", "--case", case, env=party, cwd=tmp_path))
    )
    upload.start()
    wait_until(lambda: "upload" in [kind for kind, _ in stored()])
    served.kill()
    assert not outcomes
    assert "upload" in [kind for kind, _ in stored()]
    served.start()
    upload.join()
    assert outcomes[0].returncode == 0, outcomes[0].stderr
    assert "trying again" in outcomes[0].stderr
    large = outcomes[0].stdout.strip()
    # What the killed process left is gone, though nobody came back for it.
    wait_until(lambda: [kind for kind, name in stored() if not name.startswith("blobs/")] == [])
    assert [kind for kind, _ in stored()] == ["version", "version"]
    assert succeed("fsck", "--data", served.data) == ""
    succeed("trust", "--data", served.data, "--out", tmp_path / "trust")
    for number, file in ((small, "small.txt"), (large, "large.bin")):
        bundle = tmp_path / f"{number}.zip"
        succeed("bundle", number, "-o", bundle, env=party)
        verdict = subprocess.run(
            [VERIFY, bundle, "--trust", tmp_path / "trust"], capture_output=True, text=True, check=False
        )
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
        assert bundle.stat().st_size > (tmp_path / file).stat().st_size
    # A bucket's bytes are looked at: one flipped, and it is named.
    address = parse_s3_address(url)
    key = next(name for _, name in stored() if object_store.client.head_object(
        Bucket=address.bucket, Key=address.prefix + name)["ContentLength"] < 100)  # fmt: skip
    object_store.client.put_object(Bucket=address.bucket, Key=address.prefix + key, Body=b"A contract of five pages")
    damaged = run("fsck", "--data", served.data)
    assert damaged.returncode == 1 and key.removeprefix("blobs/") in damaged.stdout
    assert SECRET_KEY not in (served.data / "serve.log").read_text() + (served.data / "config.toml").read_text()


def test_a_store_that_goes_in_the_middle_of_an_upload_is_503_and_no_entry(
    served: ServedLedger, party: Mapping[str, str], line: Line, tmp_path: Path
) -> None:
    case = succeed("case", "open", "A. against B.", env=party)
    before = succeed("case", "show", case, env=party)

    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="statement"\r\n\r\n{}\r\n'
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        for chunk in range(30):
            if chunk == 15:
                line.refused = True
                line.cut()
            yield bytes(1024 * 1024)
        yield b"\r\n--b--\r\n"

    answer = httpx.post(
        f"{served.url}/api/v1/cases/{case}/evidence", content=body(), timeout=120, trust_env=False,
        headers={
            "Authorization": f"Bearer {party['EVIDENCE_LEDGER_TOKEN']}",
            "Content-Type": "multipart/form-data; boundary=b",
        },
    )  # fmt: skip
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert "does not answer" in answer.text
    wait_until(lambda: not served.ready(), 30)  # one answer is good for some seconds
    ready = httpx.get(f"{served.url}/readyz", timeout=30, trust_env=False)
    assert ready.status_code == 503 and "the store of blobs" in ready.text
    assert succeed("case", "show", case, env=party) == before
    line.refused = False
    wait_until(served.ready)
    (tmp_path / "a.bin").write_bytes(bytes(30 * 1024 * 1024))
    succeed("anchor", "a.bin", "--case", case, env=party, cwd=tmp_path)
    assert succeed("fsck", "--data", served.data) == ""
    assert "Traceback" not in (served.data / "serve.log").read_text()


def test_a_log_is_not_made_where_its_bucket_does_not_work(object_store: ObjectStore, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make = ("init", "--data", data, "--origin", "ledger.test/evidence", "--blobs")
    assert "no such bucket" in fail(1, *make, f"s3://no-such-bucket?endpoint={object_store.endpoint}&region=eu-1")
    assert "Object Lock" in fail(1, *make, object_store.url("&retain_days=30"))
    said = fail(1, *make, f"s3://key:hushhush@plain?endpoint={object_store.endpoint}")
    assert "credentials" in said and "hushhush" not in said
    assert not (data / "config.toml").exists()
    succeed(*make, object_store.url())
