"""The calls of the S3 protocol that the store of blobs makes: typed, bounded in time, failing in the ledger's words.

boto3 is met here and, for its errors, in `s3_errors`; it is an optional part of the distribution.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Protocol

from ledger.blobs.s3_address import RetainMode, S3Address
from ledger.blobs.s3_errors import ABSENT, no_bucket, s3_errors
from ledger.errors import ConfigError, ConflictError, CorruptError, NotFoundError

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20
"""How long one answer may take to begin or go on. No call of ours asks for more than a part's worth of work."""
ATTEMPTS: Final = 3
"""With backoff in between: a thread waits a minute at most for a store that is gone, then its client hears 503."""
CONNECTIONS: Final = 64
PROBE_SECONDS: Final = 2  # /readyz asks for `trouble`: it answers soon, and tries once


@dataclass(frozen=True, slots=True)
class Lock:
    """Until when an object must not be deleted by anybody who lacks the right to bypass it (COMPLIANCE: nobody)."""

    mode: RetainMode
    until: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """What the service says of one object. `checksum`: SHA-256 in base64, with `-N` where it is one of N parts' sums.

    `locked_until`: None where it is not locked; `on_hold`: a legal hold, which has no end.
    """

    size: int
    etag: str
    version: str | None
    checksum: str | None
    locked_until: datetime | None
    on_hold: bool


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key in a bucket that keeps versions; `marker`: a delete marker, which has no bytes."""

    key: str
    version: str
    latest: bool
    marker: bool
    written: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """A part that the service has: its number from 1, what the service calls it, its SHA-256 in base64."""

    number: int
    etag: str
    checksum: str


class Body(Protocol):
    """The bytes of an answer."""

    def read(self, amt: int) -> bytes: ...

    def close(self) -> None: ...


class S3Client:
    """One bucket. May be used by any number of threads. Making it asks nothing of the network."""

    def __init__(self, address: S3Address) -> None:
        self.where = str(address)
        self._bucket = address.bucket
        make = _maker(address)
        self._calls = make(READ_SECONDS, ATTEMPTS)
        self._probe = make(PROBE_SECONDS, 1)

    # --- writing ---------------------------------------------------------------------------------------------------

    def put(self, key: str, data: bytes | bytearray, checksum: str, lock: Lock | None = None) -> None:
        """Write an object at once. Raises ConflictError where the key has one: nothing is overwritten."""
        with self.errors("storing a blob"):
            self._calls.put_object(
                Bucket=self._bucket, Key=key, Body=data, ChecksumSHA256=checksum, IfNoneMatch="*", **_locked(lock)
            )

    def create_upload(self, key: str, lock: Lock | None = None) -> str:
        with self.errors("beginning to store a blob"):
            answer = self._calls.create_multipart_upload(
                Bucket=self._bucket, Key=key, ChecksumAlgorithm="SHA256", **_locked(lock)
            )
            return str(answer["UploadId"])

    def upload_part(self, key: str, upload: str, number: int, data: bytes | bytearray, checksum: str) -> Part:
        """The service compares the bytes with `checksum`, and refuses others."""
        with self.errors("storing a part of a blob"):
            answer = self._calls.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=data, ChecksumSHA256=checksum
            )
            return Part(number, str(answer["ETag"]), checksum)

    def copy_part(self, source: tuple[str, str | None], key: str, upload: str, span: range, number: int) -> str:
        """Make the bytes `span` of `source` (key, version) a part of another upload. Returns the part's ETag."""
        named = {"Bucket": self._bucket, "Key": source[0], **({"VersionId": source[1]} if source[1] else {})}
        with self.errors("placing a part of a blob"):
            answer = self._calls.upload_part_copy(
                Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, CopySource=named,
                CopySourceRange=f"bytes={span.start}-{span.stop - 1}",
            )  # fmt: skip
            return str(answer["CopyPartResult"]["ETag"])

    def complete(self, key: str, upload: str, parts: list[Part], *, once: bool) -> str | None:
        """Make an object of its parts; its version, if the bucket keeps versions.

        Raises NotFoundError where the upload is gone, ConflictError where `once` is asked for and the key has an
        object.
        """
        named = [{"PartNumber": each.number, "ETag": each.etag, "ChecksumSHA256": each.checksum} for each in parts]
        with self.errors("completing a blob"):
            answer = self._calls.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": named},
                **({"IfNoneMatch": "*"} if once else {}),
            )  # fmt: skip
            return _version(answer)

    def abort(self, key: str, upload: str) -> None:
        """Let go of an upload and its parts; succeeds where it is gone."""
        try:
            with self.errors("giving up a blob"):
                self._calls.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        except NotFoundError:
            return

    def lock(self, key: str, version: str | None, lock: Lock) -> None:
        """Lock an object that is there, or prolong its lock."""
        with self.errors("locking a blob"):
            self._calls.put_object_retention(
                Bucket=self._bucket, Key=key, Retention={"Mode": lock.mode, "RetainUntilDate": lock.until},
                **_of(version),
            )  # fmt: skip

    def delete(self, key: str, version: str | None = None, *, bypass: bool = False) -> None:
        """Delete an object; without `version`, in a bucket that keeps versions, only put a delete marker on it.

        Raises RefusedError where a lock is on the version.
        """
        more: dict[str, Any] = {**_of(version), **({"BypassGovernanceRetention": True} if bypass else {})}
        with self.errors("removing a blob"):
            self._calls.delete_object(Bucket=self._bucket, Key=key, **more)

    # --- reading ---------------------------------------------------------------------------------------------------

    def head(self, key: str, version: str | None = None) -> Held:
        """What is under a key. Raises NotFoundError, which names no key."""
        with self.errors("looking for a blob"):
            answer = self._calls.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED", **_of(version))
            return Held(
                int(answer["ContentLength"]), str(answer["ETag"]), _version(answer), answer.get("ChecksumSHA256"),
                answer.get("ObjectLockRetainUntilDate"), answer.get("ObjectLockLegalHoldStatus") == "ON",
            )  # fmt: skip

    def get(self, key: str, held: Held, start: int = 0) -> Body:
        """The bytes of exactly the object that `held` describes, from `start` on.

        Raises CorruptError where other bytes came into its place since.
        """
        more = _of(held.version) or {"IfMatch": held.etag}
        try:
            with self.errors("reading a blob"):
                answer = self._calls.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-", **more)
                body: Body = answer["Body"]
                return body
        except ConflictError as error:
            raise CorruptError("reading a blob: it was overwritten while it was read", self.where) from error

    def read(self, key: str, limit: int) -> bytes:
        """The first `limit` bytes of a small object of our own."""
        with self.errors("reading a note"):
            body = self._calls.get_object(Bucket=self._bucket, Key=key)["Body"]
            try:
                return bytes(body.read(limit))
            finally:
                body.close()

    def versions(self, prefix: str) -> Iterator[Version]:
        """All versions and delete markers of the keys that begin with `prefix`; `null` versions where none are kept."""
        for page in self._pages("list_object_versions", prefix):
            for kind in ("Versions", "DeleteMarkers"):
                for each in page.get(kind, ()):
                    yield Version(
                        each["Key"], each["VersionId"], each["IsLatest"], kind == "DeleteMarkers",
                        each["LastModified"],
                    )  # fmt: skip

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """The keys that begin with `prefix`, and when each was written."""
        for page in self._pages("list_objects_v2", prefix):
            for each in page.get("Contents", ()):
                yield each["Key"], each["LastModified"]

    def uploads(self, prefix: str) -> Iterator[tuple[str, str, datetime]]:
        """Uploads that nobody has completed or given up: key, upload, and when it began."""
        for page in self._pages("list_multipart_uploads", prefix):
            for each in page.get("Uploads", ()):
                yield each["Key"], each["UploadId"], each.get("Initiated") or datetime.now(UTC)

    def probe(self) -> None:
        """Ask for the bucket, once and soon. Raises UnavailableError."""
        with self.errors("reaching the bucket"):
            try:
                self._probe.head_bucket(Bucket=self._bucket)
            except self._probe.exceptions.ClientError as error:
                if error.response["Error"].get("Code") in ABSENT:
                    raise no_bucket("reaching the bucket", self.where) from error
                raise

    def lock_settings(self) -> tuple[bool, bool]:
        """Whether the bucket was made for locks on objects, and whether it locks each of its own accord."""
        with self.errors("asking for the bucket's locks"):
            try:
                answer = self._probe.get_object_lock_configuration(Bucket=self._bucket)
            except self._probe.exceptions.ClientError as error:
                if error.response["Error"].get("Code") == "ObjectLockConfigurationNotFoundError":
                    return False, False
                raise
            found = answer.get("ObjectLockConfiguration", {})
            return found.get("ObjectLockEnabled") == "Enabled", "Rule" in found

    def _pages(self, call: str, prefix: str) -> Iterator[Mapping[str, Any]]:
        pages = iter(self._calls.get_paginator(call).paginate(Bucket=self._bucket, Prefix=prefix))
        while True:
            with self.errors("listing blobs"):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def errors(self, act: str) -> AbstractContextManager[None]:
        """Turn what `act` raises below us into the ledger's errors."""
        return s3_errors(act, self.where)


@cache
def boto_session() -> Any:
    """One for the process: it reads large tables of the protocol. It finds the credentials, once and for all."""
    try:
        import boto3
    except ImportError as error:
        raise ConfigError("open the store of blobs: boto3 is needed: install evidence-ledger[s3]", "blobs") from error
    for name in ("boto3", "botocore", "urllib3"):  # at DEBUG they write signatures and headers
        logging.getLogger(name).setLevel(logging.WARNING)
    return boto3.session.Session()


def _maker(address: S3Address) -> Callable[[int, int], Any]:
    """Makes clients that wait so many seconds for an answer, and attempt a call so often."""
    session = boto_session()
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    def make(read_seconds: int, attempts: int) -> Any:
        config = Config(
            connect_timeout=min(CONNECT_SECONDS, read_seconds),
            read_timeout=read_seconds,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=CONNECTIONS,
            # Our own SHA-256 goes with each part; a checksum of the library's choice beside it would be read by nobody.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if address.endpoint else "auto"},
        )
        try:
            return session.client("s3", endpoint_url=address.endpoint, region_name=address.region, config=config)
        except (BotoCoreError, ValueError) as error:
            raise ConfigError(f"open the store of blobs: {type(error).__name__}", "blobs") from error

    return make


def _locked(lock: Lock | None) -> dict[str, Any]:
    return {} if lock is None else {"ObjectLockMode": lock.mode, "ObjectLockRetainUntilDate": lock.until}


def _of(version: str | None) -> dict[str, Any]:
    return {} if version is None else {"VersionId": version}


def _version(answer: Mapping[str, Any]) -> str | None:
    version = answer.get("VersionId")
    return None if version is None else str(version)
