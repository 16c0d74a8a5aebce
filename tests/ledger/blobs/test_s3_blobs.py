"""S3Blobs on a real object store: the contract on a plain bucket and on one with locks, and what only a bucket does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.blobs.contract import BlobStore
from ledger.blobs.s3_address import S3Address, parse_s3_address
from ledger.blobs.s3_blobs import S3Blobs
from tests.contracts.blob_store import MIB, BlobStoreContract
from tests.object_store import ObjectStore


def everything(client: Any, address: S3Address) -> list[tuple[str, str]]:
    """Kind and key of all versions, delete markers and unfinished uploads of a store."""
    place = {"Bucket": address.bucket, "Prefix": address.prefix}
    found = []
    for page in client.get_paginator("list_object_versions").paginate(**place):
        found += [("version", each["Key"].removeprefix(address.prefix)) for each in page.get("Versions", ())]
        found += [("marker", each["Key"].removeprefix(address.prefix)) for each in page.get("DeleteMarkers", ())]
    for page in client.get_paginator("list_multipart_uploads").paginate(**place):
        found += [("upload", each["Key"].removeprefix(address.prefix)) for each in page.get("Uploads", ())]
    return found


class S3Contract(BlobStoreContract):
    memory_bytes = 28 * MIB  # parts of 5 MiB: one gathered, two on their way, and what the connection copies
    locks = False
    more = ""

    @pytest.fixture
    def store(self, object_store: ObjectStore, tmp_path: Path) -> Iterator[BlobStore]:
        self.client = object_store.client
        self.address = parse_s3_address(object_store.url(self.more, locks=self.locks))
        store = S3Blobs(self.address, tmp_path / "blobs")
        yield store
        store.close()

    def damage(self, store: BlobStore, sha256: bytes, data: bytes) -> None:
        key = f"{self.address.prefix}blobs/{sha256.hex()}"
        self.client.put_object(Bucket=self.address.bucket, Key=key, Body=data)

    def kept(self, store: BlobStore) -> int:
        return len(everything(self.client, self.address))


class TestPlainBucket(S3Contract):
    pass


class TestBucketWithVersions(S3Contract):
    locks = True
