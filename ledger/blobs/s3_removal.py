"""Removing blobs from a bucket that keeps versions, and may keep locked ones for years.

A delete marker takes the blob out of sight at once; then each version behind it is deleted for good, and the marker
last, for its name is the digest. A version under a lock stays, and with it a note under `removals/`, so that somebody
comes back for it when the lock ends. Bytes anchored again meanwhile are a new version, in front of the marker, and are
left alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from ledger.blobs.contract import Retained
from ledger.blobs.s3_address import RetainMode
from ledger.blobs.s3_client import S3Client, Version
from ledger.blobs.s3_errors import RefusedError
from ledger.blobs.s3_incoming import checksum_of
from ledger.blobs.s3_names import S3Names
from ledger.errors import ConflictError, NotFoundError

_NOTE_BYTES = 64
_ON_HOLD = datetime.max.replace(tzinfo=UTC)
"""A legal hold ends when somebody lifts it: we look again at each round."""


class Removal:
    """Removes blobs; safe to repeat and to cut short."""

    def __init__(self, client: S3Client, names: S3Names, mode: RetainMode) -> None:
        self._client = client
        self._names = names
        self._mode = mode

    def remove(self, sha256: bytes) -> None:
        """Out of sight when this returns, and gone for good unless a lock is on it. Raises UnavailableError."""
        key = self._names.blob(sha256)
        versions = list(self._client.versions(key))
        if versions and not any(each.marker and each.latest for each in versions):
            self._client.delete(key)
        # A crash here leaves a marker before bytes: whoever was erasing does it again.
        self._purge(sha256)

    def retained(self) -> Iterator[Retained]:
        """What was removed and is still under a lock."""
        for key, _ in self._client.keys(self._names.removals):
            sha256 = self._names.sha256_of(key)
            if sha256 is not None and (found := self.until(sha256)) is not None:
                yield found

    def until(self, sha256: bytes) -> Retained | None:
        """The same of one blob."""
        try:
            return Retained(sha256, _ms(self._read(self._names.removal(sha256))))
        except NotFoundError:
            return None

    def finish_due(self) -> None:
        """Delete what was removed and whose lock has ended."""
        for key, _ in list(self._client.keys(self._names.removals)):
            sha256 = self._names.sha256_of(key)
            until = self._read(key)
            if sha256 is not None and (until == _ON_HOLD or until <= datetime.now(UTC)):
                self._purge(sha256)

    def delete_all(self, key: str) -> None:
        """Every version and marker of one of our own small objects."""
        for each in list(self._client.versions(key)):
            if each.key == key:
                self._client.delete(key, each.version)

    def _purge(self, sha256: bytes) -> None:
        """Delete what lies behind the delete marker, then the marker."""
        key = self._names.blob(sha256)
        versions = [each for each in self._client.versions(key) if each.key == key]
        markers = [each for each in versions if each.marker]
        removed = max((each.written for each in markers), default=None)
        locks = [
            lock
            for each in versions
            if removed is not None and not each.marker and not each.latest and each.written <= removed
            if (lock := self._delete(each)) is not None
        ]
        if locks:
            self._note(sha256, max(locks))
            return
        for marker in markers:
            self._client.delete(key, marker.version)
        self.delete_all(self._names.removal(sha256))

    def _delete(self, version: Version) -> datetime | None:
        """Delete one version, or say until when it is locked. Raises RefusedError where no lock explains a refusal."""
        try:
            self._client.delete(version.key, version.version)
            return None
        except RefusedError:
            if self._mode == "GOVERNANCE" and self._bypass(version):
                return None
            held = self._client.head(version.key, version.version)
            if held.on_hold:
                return _ON_HOLD
            if held.locked_until is not None and held.locked_until > datetime.now(UTC):
                return held.locked_until
            raise

    def _bypass(self, version: Version) -> bool:
        """An erasure is a court's order: where the operator gave us the right to pass over a lock, it is used."""
        try:
            self._client.delete(version.key, version.version, bypass=True)
        except RefusedError:
            return False
        return True

    def _note(self, sha256: bytes, until: datetime) -> None:
        key = self._names.removal(sha256)
        text = until.isoformat().encode("ascii")
        try:
            if self._read(key) == until:
                return
            self.delete_all(key)
        except NotFoundError:
            pass
        try:
            self._client.put(key, text, checksum_of(text))
        except ConflictError:
            return  # another process noted it in this very moment

    def _read(self, key: str) -> datetime:
        try:
            return datetime.fromisoformat(self._client.read(key, _NOTE_BYTES).decode("ascii"))
        except ValueError:  # not ours, or damaged: we look again at each round
            return _ON_HOLD


def _ms(until: datetime) -> int | None:
    return None if until == _ON_HOLD else int(until.timestamp() * 1000)
