"""Where a store of blobs lies, as the operator writes it, and how long it must keep what it gets.

    s3://evidence/court?endpoint=https://s3.example&region=eu-1&retain_days=3650&retain_mode=compliance

Credentials have no place here: they come from the environment, a profile or the machine's role, as for any AWS
program, so that they stand in no configuration, log or message of ours.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

from ledger.errors import ConfigError

SCHEME: Final = "s3"
RETAIN_DAYS_MAX: Final = 36_500
"""A hundred years: what is under COMPLIANCE until then can be deleted by nobody, a slip of the keyboard included."""

RetainMode = Literal["COMPLIANCE", "GOVERNANCE"]

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"(?:[A-Za-z0-9!_.*'()-]+/)*")
_REGION: Final = re.compile(r"[a-z0-9-]{1,32}")
_KNOWN: Final = frozenset({"endpoint", "region", "retain_days", "retain_mode"})


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket, a prefix of keys in it (empty, or ending in `/`), and how it is reached.

    `endpoint`: None for AWS itself. `retain_days`: how long each blob is locked from its last anchoring on; 0: not.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    retain_days: int = 0
    retain_mode: RetainMode = "COMPLIANCE"

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def parse_s3_address(text: str) -> S3Address:
    """Read an address. Raises ConfigError, which does not repeat what was written: it may hold a secret by mistake."""
    try:
        parts = urlsplit(text)
        asked = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise _refused("expected s3://BUCKET/PREFIX?NAME=VALUE&…") from error
    if parts.scheme != SCHEME or parts.fragment:
        raise _refused("expected s3://BUCKET/PREFIX?NAME=VALUE&…")
    if "@" in parts.netloc:
        raise _refused("expected no credentials in it: they come from the environment (AWS_ACCESS_KEY_ID, …)")
    if not _BUCKET.fullmatch(parts.netloc):
        raise _refused("expected a bucket's name: 3 to 63 of a-z 0-9 . -")
    options = dict(asked)
    if len(options) != len(asked) or options.keys() - _KNOWN:
        raise _refused(f"expected each of {', '.join(sorted(_KNOWN))} at most once, and nothing else")
    prefix = parts.path.strip("/")
    prefix = f"{prefix}/" if prefix else ""
    if not _PREFIX.fullmatch(prefix):
        raise _refused("expected a prefix of letters, digits and !_.*'()- between single slashes")
    return S3Address(
        parts.netloc,
        prefix,
        _endpoint(options.get("endpoint")),
        _region(options.get("region")),
        _days(options.get("retain_days", "0")),
        _mode(options.get("retain_mode", "compliance")),
    )


def _endpoint(text: str | None) -> str | None:
    if text is None:
        return None
    parts = urlsplit(text)
    plain = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")
    if not plain or "@" in parts.netloc or parts.query or parts.fragment:
        raise _refused("expected endpoint=https://HOST[:PORT], without credentials or path")
    return f"{parts.scheme}://{parts.netloc}"


def _region(text: str | None) -> str | None:
    if text is not None and not _REGION.fullmatch(text):
        raise _refused("expected region=NAME, of a-z 0-9 -")
    return text


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= RETAIN_DAYS_MAX):
        raise _refused(f"expected retain_days= a whole number of at most {RETAIN_DAYS_MAX}")
    return int(text)


def _mode(text: str) -> RetainMode:
    if text == "compliance":
        return "COMPLIANCE"
    if text == "governance":
        return "GOVERNANCE"
    raise _refused("expected retain_mode=compliance or retain_mode=governance")


def _refused(expected: str) -> ConfigError:
    return ConfigError(f"read the address of the store of blobs: {expected}", "blobs")
