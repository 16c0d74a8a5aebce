"""The object store gone, silent, busy, cut off, without our bucket, without our rights; processes killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.blobs import s3_blobs, s3_client
from ledger.blobs.s3_address import parse_s3_address
from ledger.blobs.s3_blobs import S3Blobs
from ledger.blobs.s3_incoming import PART_BYTES
from ledger.errors import CorruptError, NotFoundError, UnavailableError
from tests.contracts.blob_store import MIB, get, put, stored_blob
from tests.fakes.line import Line
from tests.ledger.blobs.test_s3_blobs import everything
from tests.object_store import ACCESS_KEY, SECRET_KEY, ObjectStore

LARGE = 2 * PART_BYTES + 7


@pytest.fixture
def line(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr(s3_client, "READ_SECONDS", 1)  # read when a client is made
    monkeypatch.setattr(s3_client, "ATTEMPTS", 2)
    with Line(object_store.ports["s3.port"]) as line:
        yield line


@pytest.fixture
def url(object_store: ObjectStore, line: Line) -> str:
    return object_store.url().replace(str(object_store.ports["s3.port"]), str(line.port))


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[S3Blobs]:
    store = S3Blobs(parse_s3_address(url), tmp_path / "blobs")
    yield store
    store.close()


def left(object_store: ObjectStore, url: str) -> list[tuple[str, str]]:
    return everything(object_store.client, parse_s3_address(url))


@pytest.mark.parametrize("fault", ["refused", "silent"])
def test_a_store_that_is_gone_is_unavailable_soon_and_works_when_it_is_back(
    store: S3Blobs, line: Line, object_store: ObjectStore, url: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_blobs, "TROUBLE_SECONDS", 0.5)
    kept = put(store, b"kept")
    setattr(line, fault, True)
    begun = time.monotonic()
    for act in (lambda: put(store, b"new"), lambda: get(store, kept.sha256), lambda: store.exists(kept.sha256)):
        with pytest.raises(UnavailableError, match="does not answer") as caught:
            act()
        assert caught.value.retry_after > 0
    assert time.monotonic() - begun < 90
    assert "does not answer" in str(store.trouble())
    setattr(line, fault, False)
    line.cut()
    assert put(store, b"new") == stored_blob(b"new")
    assert get(store, kept.sha256) == b"kept"
    time.sleep(0.6)
    assert store.trouble() is None


def test_a_store_that_goes_in_the_middle_of_a_blob_leaves_nothing(
    store: S3Blobs, line: Line, object_store: ObjectStore, url: str
) -> None:
    data = os.urandom(LARGE)
    with pytest.raises(UnavailableError), store.receive() as writer:
        writer.write(data[: PART_BYTES + 1])
        line.refused = True
        line.cut()
        writer.write(data[PART_BYTES + 1 :])
        writer.finish()
    assert [kind for kind, _ in left(object_store, url)] == ["upload"]  # it could not be given up
    line.refused = False
    assert not store.exists(stored_blob(data).sha256)
    store.tend()
    assert left(object_store, url) == []
    assert put(store, data) == stored_blob(data)


def test_a_store_that_is_busy_now_and_then_is_asked_again(store: S3Blobs, line: Line) -> None:
    line.busy = 1
    assert put(store, b"patience") == stored_blob(b"patience")
    line.cut()
    line.busy = 50
    with pytest.raises(UnavailableError, match="503"):
        put(store, b"too busy")
    line.busy = 0
    assert put(store, b"too busy") == stored_blob(b"too busy")


@pytest.mark.parametrize("size", [1000, LARGE])
@pytest.mark.parametrize("request_line", [b"PUT /", b"POST /"])
def test_what_was_done_though_its_answer_was_lost_is_not_done_twice(
    store: S3Blobs, line: Line, object_store: ObjectStore, url: str, size: int, request_line: bytes
) -> None:
    data = os.urandom(size)
    line.lose_answers_of = request_line
    assert put(store, data) == stored_blob(data)
    assert get(store, stored_blob(data).sha256) == data
    store.tend()
    assert left(object_store, url) == [("version", f"blobs/{stored_blob(data).sha256.hex()}")]


def test_a_download_goes_on_where_it_was_cut(store: S3Blobs, line: Line) -> None:
    data = os.urandom(3 * MIB)
    blob = put(store, data)
    with store.open(blob.sha256) as stream:
        assert stream.read(10) == data[:10]
        line.cut()
        assert stream.read(MIB) == data[10 : MIB + 10]
        line.cut_after = 100_000
        assert stream.read() == data[MIB + 10 :]


def test_a_blob_that_changed_while_it_is_read_is_not_read_on(
    store: S3Blobs, object_store: ObjectStore, url: str
) -> None:
    data = os.urandom(3 * MIB)
    blob, address = put(store, data), parse_s3_address(url)
    with store.open(blob.sha256) as stream:
        assert stream.read(10) == data[:10]
        object_store.client.put_object(
            Bucket=address.bucket, Key=f"{address.prefix}blobs/{blob.sha256.hex()}", Body=os.urandom(3 * MIB)
        )
        stream.seek(2 * MIB)
        with pytest.raises(CorruptError, match="overwritten"):
            stream.read(10)


def test_without_its_bucket_no_blob_is_said_to_be_missing(object_store: ObjectStore, tmp_path: Path) -> None:
    address = parse_s3_address(f"s3://no-such-bucket?endpoint={object_store.endpoint}&region=eu-1")
    store = S3Blobs(address, tmp_path / "blobs")
    name = stored_blob(b"x").sha256
    for act in (lambda: put(store, b"x"), lambda: put(store, bytes(LARGE)), lambda: store.open(name),
                lambda: store.exists(name), lambda: store.remove(name), store.tend):  # fmt: skip
        with pytest.raises(UnavailableError, match="no such bucket"):
            act()
    assert store.trouble() == "the store of blobs: reaching the bucket: there is no such bucket"
    store.close()


@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", None])
def test_refused_credentials_are_said_and_never_shown(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    wrong: str | None,
) -> None:  # fmt: skip
    caplog.set_level("DEBUG")
    if wrong is None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    else:
        monkeypatch.setenv(wrong, "mistyped-1b6d")
    monkeypatch.setattr(s3_client, "boto_session", s3_client.boto_session.__wrapped__)
    url = object_store.url()
    store = S3Blobs(parse_s3_address(url), tmp_path / "blobs")
    said = []
    for act in (lambda: put(store, b"x"), lambda: put(store, bytes(LARGE)), lambda: store.exists(bytes(32))):
        with pytest.raises(UnavailableError, match=r"refuses it to these credentials|no credentials") as caught:
            act()
        said.append(str(caught.value))
    said += [str(store.trouble()), caplog.text]
    assert "credentials" in said[-2]
    for secret in (ACCESS_KEY, SECRET_KEY, "mistyped-1b6d", "Signature="):
        assert not any(secret in each for each in said)
    store.close()


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from ledger.blobs.s3_address import parse_s3_address
    from ledger.blobs.s3_blobs import S3Blobs
    from ledger.blobs.s3_client import S3Client
    at, left = {at!r}, {left}
    real = getattr(S3Client, at)
    def killing(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    store = S3Blobs(parse_s3_address(sys.argv[1]), Path(sys.argv[2]))
    setattr(S3Client, at, killing)
    with store.receive() as writer:
        writer.write(bytes(range(256)) * 45_000)
        writer.finish()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("at", "left_calls"),
    [
        ("create_upload", 0),
        ("upload_part", 0),
        ("upload_part", 1),
        ("complete", 0),
        ("create_upload", 1),  # the provisional object is complete
        ("copy_part", 1),
        ("complete", 1),
        ("head", 1),
        ("delete", 0),
        ("put", 9),  # never: killed after the last step
    ],
)
def test_a_process_killed_at_any_step_leaves_a_whole_blob_or_none(
    object_store: ObjectStore, tmp_path: Path, at: str, left_calls: int
) -> None:
    url, folder = object_store.url(locks=True), tmp_path / "blobs"
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED.format(at=at, left=left_calls)), url, folder],
        capture_output=True, text=True, timeout=60, cwd=Path(__file__).resolve().parents[3],
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL, child.stderr
    data = bytes(range(256)) * 45_000
    blob = stored_blob(data)
    elsewhere = S3Blobs(parse_s3_address(url), tmp_path / "another-machine")
    before = left(object_store, url)
    elsewhere.tend()  # knows nothing of that process: what may be on its way is left alone
    incoming = [each for each in before if each[1].startswith("incoming/")]
    assert [each for each in left(object_store, url) if each[1].startswith("incoming/")] == incoming
    store = S3Blobs(parse_s3_address(url), folder)
    store.tend()
    whole = [("version", f"blobs/{blob.sha256.hex()}")]
    assert left(object_store, url) in ([], whole)
    assert put(store, data) == blob
    assert store.check(blob.sha256) == blob
    assert left(object_store, url) == whole
    for each in (store, elsewhere):
        each.close()


def test_programs_get_a_copy_that_is_gone_afterwards(store: S3Blobs, tmp_path: Path) -> None:
    blob = put(store, b"evidence" * 100_000)
    with store.local(blob.sha256) as path:
        assert path.stat().st_size == blob.size
    assert not path.exists()
    with pytest.raises(NotFoundError), store.local(bytes(32)):
        pass
    assert list((tmp_path / "blobs" / "scratch").iterdir()) == []
