"""The store of blobs that the operator's settings name."""

from ledger.blobs.content_locks import ContentLocks
from ledger.blobs.contract import BlobStore
from ledger.blobs.directory_blobs import DirectoryBlobs
from ledger.config import Settings


def open_blobs(settings: Settings, locks: ContentLocks | None = None) -> BlobStore:
    """Open it. `locks`: for object storage that front ends on several machines write to.

    Raises ConfigError for an address that cannot be or where boto3 is not installed, UnavailableError for a folder that
    cannot be used. An object store that is down is opened all the same; `trouble` tells.
    """
    if settings.blobs_url is None:
        return DirectoryBlobs(settings.blobs)
    # boto3 is an optional part: only who stores in a bucket needs it.
    from ledger.blobs.s3_address import parse_s3_address
    from ledger.blobs.s3_blobs import S3Blobs

    return S3Blobs(parse_s3_address(settings.blobs_url), settings.blobs, locks)
