"""What an operator may write as the address of a bucket, and that nothing of it is repeated when it is refused."""

import sys
from pathlib import Path

import pytest

from ledger.blobs import s3_client
from ledger.blobs.opening import open_blobs
from ledger.blobs.s3_address import S3Address, parse_s3_address
from ledger.config import load_settings
from ledger.errors import ConfigError


def test_an_address_is_read() -> None:
    assert parse_s3_address("s3://evidence") == S3Address("evidence")
    assert parse_s3_address("s3://evidence/") == S3Address("evidence")
    whole = "s3://evidence/court/2026/?endpoint=https://s3.example:9000/&region=eu-1&retain_days=3650&retain_mode=governance"
    found = parse_s3_address(whole)
    assert found == S3Address("evidence", "court/2026/", "https://s3.example:9000", "eu-1", 3650, "GOVERNANCE")
    assert str(found) == "s3://evidence/court/2026"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3:evidence",
        "s3://",
        "http://evidence",
        "s3://ev",
        "s3://Evidence",
        "s3://AKIAEXAMPLE:hushhush@evidence",
        "s3://evidence/a//b",
        "s3://evidence/a b",
        "s3://evidence/?endpoint",
        "s3://evidence/?secret_key=hushhush",
        "s3://evidence/?region=a&region=b",
        "s3://evidence/?region=EU 1",
        "s3://evidence/?endpoint=ftp://s3.example",
        "s3://evidence/?endpoint=https://",
        "s3://evidence/?endpoint=https://user:hushhush@s3.example",
        "s3://evidence/?endpoint=https://s3.example/path",
        "s3://evidence/?retain_days=-1",
        "s3://evidence/?retain_days=+1",
        "s3://evidence/?retain_days=36501",
        "s3://evidence/?retain_days=",
        "s3://evidence/?retain_mode=COMPLIANCE",
        "s3://evidence#hushhush",
    ],
)
def test_everything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_s3_address(text)
    assert "hushhush" not in str(caught.value)


def test_without_boto3_whoever_asks_for_a_bucket_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_client, "boto_session", s3_client.boto_session.__wrapped__)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"install evidence-ledger\[s3\]"):
        s3_client.S3Client(S3Address("evidence"))
    settings = load_settings(tmp_path, {"origin": "ledger.example/court"}, {})
    settings.blobs.mkdir(parents=True)
    open_blobs(settings).close()  # a directory needs none of it
