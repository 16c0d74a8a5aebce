"""What boto3, the service and the connection below raise, in the ledger's words.

An error names the act and the service's error code, and never its message or a key: those can hold access keys and the
digests of what was erased.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from ledger.errors import ConflictError, LedgerError, NotFoundError, UnavailableError

RETRY_SOON_SECONDS: Final = 10
RETRY_LATER_SECONDS: Final = 60
"""Missing buckets and refused credentials are put right by people."""

ABSENT: Final = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "404"})
_CONFLICT: Final = frozenset({"PreconditionFailed", "412"})
_REFUSED: Final = frozenset({
    "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AllAccessDisabled",
    "AccountProblem", "RequestTimeTooSkewed",
})  # fmt: skip


class RefusedError(UnavailableError):
    """The service refused the call: credentials, rights, or a lock on what was to be deleted."""


@contextmanager
def s3_errors(act: str, where: str) -> Iterator[None]:
    """Raises NotFoundError, ConflictError (a condition did not hold), RefusedError, UnavailableError."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise _answered(act, where, error.response) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        what = f"{act}: no credentials were found in the environment"
        raise RefusedError(what, where, RETRY_LATER_SECONDS) from error
    except (BotoCoreError, HTTPClientError, HTTPError, OSError) as error:
        what = f"{act}: the store does not answer ({type(error).__name__})"
        raise UnavailableError(what, where, RETRY_SOON_SECONDS) from error


def no_bucket(act: str, where: str) -> UnavailableError:
    return UnavailableError(f"{act}: there is no such bucket", where, RETRY_LATER_SECONDS)


def _answered(act: str, where: str, answer: Mapping[str, Any]) -> LedgerError:
    code = str(answer.get("Error", {}).get("Code", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _CONFLICT:
        return ConflictError(f"{act}: there is one already", where)
    if code == "NoSuchBucket":
        return no_bucket(act, where)
    if code in ABSENT:
        return NotFoundError(f"{act}: expected it in the store, found none", where)
    if code in _REFUSED or status in (401, 403):
        return RefusedError(f"{act}: the store refuses it to these credentials ({code})", where, RETRY_LATER_SECONDS)
    return UnavailableError(f"{act}: the store failed ({code or status})", where, RETRY_SOON_SECONDS)
