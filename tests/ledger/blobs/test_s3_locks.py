"""Blobs under the service's retention lock: nobody deletes them early, and nobody forgets to delete them at last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.blobs.s3_address import S3Address, parse_s3_address
from ledger.blobs.s3_blobs import S3Blobs
from ledger.blobs.s3_incoming import PART_BYTES
from ledger.errors import UnavailableError
from tests.contracts.blob_store import get, put, stored_blob
from tests.ledger.blobs.test_s3_blobs import everything
from tests.object_store import ObjectStore

SIZES = [5, 2 * PART_BYTES + 7]


@pytest.fixture
def open_store(object_store: ObjectStore, tmp_path: Path) -> Iterator[object]:
    opened: list[S3Blobs] = []

    def open_at(url: str) -> tuple[S3Blobs, S3Address]:
        address = parse_s3_address(url)
        opened.append(S3Blobs(address, tmp_path / "blobs"))
        return opened[-1], address

    yield open_at
    for each in opened:
        each.close()


def key(address: S3Address, sha256: bytes) -> dict[str, str]:
    return {"Bucket": address.bucket, "Key": f"{address.prefix}blobs/{sha256.hex()}"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["compliance", "governance"])
def test_a_blob_is_locked_before_it_is_acknowledged(object_store, open_store, size: int, mode: str) -> None:  # type: ignore[no-untyped-def]  # fixtures
    store, address = open_store(object_store.url(f"&retain_days=30&retain_mode={mode}", locks=True))
    blob, client = put(store, bytes(size)), object_store.client
    head = client.head_object(**key(address, blob.sha256))
    assert head["ObjectLockMode"] == mode.upper()
    days = (head["ObjectLockRetainUntilDate"] - datetime.now(UTC)) / timedelta(days=1)
    assert 29.9 < days <= 30
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.delete_object(**key(address, blob.sha256), VersionId=head["VersionId"])
    assert everything(client, address) == [("version", f"blobs/{blob.sha256.hex()}")]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_removed_under_a_lock_is_out_of_sight_and_remembered(object_store, open_store, size: int) -> None:  # type: ignore[no-untyped-def]  # fixtures
    store, address = open_store(object_store.url("&retain_days=30", locks=True))
    blob = put(store, bytes(size))
    store.remove(blob.sha256)
    store.remove(blob.sha256)
    assert not store.exists(blob.sha256)
    (retained,) = store.retained()
    assert store.retained(blob.sha256) == [retained] and store.retained(bytes(32)) == []
    assert retained.sha256 == blob.sha256
    assert retained.until is not None and 29 < (retained.until / 1000 - time.time()) / 86_400 <= 30
    store.tend()
    assert store.retained() == [retained]
    # The same bytes are anchored again: the old version's end is not theirs.
    assert put(store, bytes(size)) == blob
    store.tend()
    assert store.check(blob.sha256) == blob
    kinds = [kind for kind, name in everything(object_store.client, address) if name.startswith("blobs/")]
    assert sorted(kinds) == ["marker", "version", "version"]


def test_what_was_removed_is_deleted_when_its_lock_ends(object_store, open_store) -> None:  # type: ignore[no-untyped-def]  # fixtures
    store, address = open_store(object_store.url(locks=True))
    gone, again = put(store, b"gone"), put(store, b"again")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    for blob in (gone, again):
        object_store.client.put_object_retention(
            **key(address, blob.sha256), Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until}
        )
        store.remove(blob.sha256)
    assert put(store, b"again") == again
    assert len(store.retained()) == 2
    while datetime.now(UTC) < until + timedelta(seconds=1):
        store.tend()
        time.sleep(0.5)
    store.tend()
    assert store.retained() == []
    assert everything(object_store.client, address) == [("version", f"blobs/{again.sha256.hex()}")]
    assert get(store, again.sha256) == b"again"


def test_where_the_operator_may_pass_over_a_lock_an_erasure_does(object_store, open_store) -> None:  # type: ignore[no-untyped-def]  # fixtures
    url = object_store.url("&retain_days=30&retain_mode=governance", locks=True)
    store, address = open_store(url)
    blob = put(store, b"ordered away")
    store.remove(blob.sha256)
    assert store.retained() == []
    assert everything(object_store.client, address) == []


def test_a_lock_is_prolonged_by_the_next_anchoring_and_never_shortened(object_store, open_store) -> None:  # type: ignore[no-untyped-def]  # fixtures
    url = object_store.url("&retain_days=30", locks=True)
    ends = []
    for days in (30, 60, 10):
        store, address = open_store(url.replace("retain_days=30", f"retain_days={days}"))
        blob = put(store, b"again and again")
        ends.append(object_store.client.head_object(**key(address, blob.sha256))["ObjectLockRetainUntilDate"])
    assert ends[1] - ends[0] > timedelta(days=29)
    assert ends[2] == ends[1]


def test_a_bucket_that_cannot_lock_is_trouble_and_takes_nothing(object_store, open_store) -> None:  # type: ignore[no-untyped-def]  # fixtures
    store, _ = open_store(object_store.url("&retain_days=30"))
    assert "made without Object Lock" in store.trouble()
    for size in SIZES:
        with pytest.raises(UnavailableError):
            put(store, bytes(size))
        assert not store.exists(stored_blob(bytes(size)).sha256)


def test_a_bucket_that_locks_everything_is_trouble(object_store, open_store) -> None:  # type: ignore[no-untyped-def]  # fixtures
    url = object_store.url("&retain_days=30", locks=True).replace("with-locks", "locks-by-default")
    object_store.client.create_bucket(Bucket="locks-by-default", ObjectLockEnabledForBucket=True)
    store, _ = open_store(url)
    assert store.trouble() is None
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    object_store.client.put_object_lock_configuration(
        Bucket="locks-by-default", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    store, _ = open_store(url)
    assert "by default" in store.trouble()


def test_bytes_put_over_a_locked_blob_are_found_and_the_blob_is_still_there(object_store, open_store) -> None:  # type: ignore[no-untyped-def]  # fixtures
    store, address = open_store(object_store.url("&retain_days=30", locks=True))
    blob, client = put(store, b"evidence"), object_store.client
    over = client.put_object(**key(address, blob.sha256), Body=b"forged")["VersionId"]
    with pytest.raises(Exception, match="expected bytes of sha256"):
        store.check(blob.sha256)
    client.delete_object(**key(address, blob.sha256), VersionId=over)
    assert store.check(blob.sha256) == blob
