"""Settings: option, environment, config.toml, default; and words for whatever cannot be."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.attest.authorities import load_anchors
from ledger.config import AuthoritySetting, Settings, load_settings
from ledger.errors import ConfigError
from tests.fakes.certificate_maker import make_issuer
from tests.ledger.making import ALICE, ORIGIN, make_log, opened


def read(data: Path, toml: str = "", environ: dict[str, str] | None = None, **options: object) -> Settings:
    data.mkdir(exist_ok=True)
    (data / "config.toml").write_text(toml, encoding="utf-8")
    return load_settings(data, options, environ or {})


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {"origin": ORIGIN}, {})
    assert settings == Settings(tmp_path, ORIGIN, f"sqlite:///{tmp_path}/ledger.db", tmp_path / "blobs", tmp_path)
    assert settings.embedded


def test_an_option_beats_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    toml = f'origin = "{ORIGIN}"\npublic_url = "file"\ntsa_interval = 1\nbehind_proxy = 1\n'
    environ = {"EVIDENCE_LEDGER_PUBLIC_URL": "env", "EVIDENCE_LEDGER_TSA_INTERVAL": "2", "EVIDENCE_LEDGER_ORIGIN": ""}
    settings = read(tmp_path, toml, environ, public_url="option")
    assert (settings.public_url, settings.tsa_interval, settings.behind_proxy) == ("option", 2, 1)
    settings = read(tmp_path, toml, environ, public_url=None, tsa=())  # not given
    assert settings.public_url == "env"


def test_authorities_come_as_a_list_or_apart_by_blanks(tmp_path: Path) -> None:
    wanted = (AuthoritySetting("one", "https://one.example/"), AuthoritySetting("two.kz", "http://two.example/tsr"))
    texts = [f"{each.name}={each.url}" for each in wanted]
    assert read(tmp_path, f'origin = "{ORIGIN}"\ntsa = {texts!r}').tsa == wanted
    environ = {"EVIDENCE_LEDGER_ORIGIN": ORIGIN, "EVIDENCE_LEDGER_TSA": " ".join(texts)}
    assert read(tmp_path, "", environ).tsa == wanted
    assert read(tmp_path, "", environ, tsa=wanted[1:]).tsa == wanted[1:]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("", "no origin"),
        ("origin = 5", "no origin"),
        ('origin = "has a blank"', "origin"),
        ('origin = "a+b"', "origin"),
        ('orgin = "a"', "unknown orgin"),
        ("origin = ", "read the settings"),
        ('origin = "a"\norigin = "b"', "read the settings"),
        ('origin = "o"\ntsa_interval = 0', "tsa_interval: read the settings: expected a whole number of at least 1"),
        ('origin = "o"\ntsa_interval = "six"', "tsa_interval"),
        ('origin = "o"\ntsa_interval = true', "tsa_interval"),
        (f'origin = "o"\ntsa_interval = "{"9" * 5000}"', "tsa_interval"),
        ('origin = "o"\nbehind_proxy = -1', "behind_proxy"),
        ('origin = "o"\nkeep_keys_days = 1.5', "keep_keys_days"),
        ('origin = "o"\npolicy = 5', "policy: read the settings: expected a text"),
        ('origin = "o"\nkept = ["x"]', "kept: read the settings: expected a text"),
        ('origin = "o"\ntsa = 5', "tsa: read the settings: expected a list"),
        ('origin = "o"\ntsa = [5]', "expected NAME=URL"),
        ('origin = "o"\ntsa = ["one"]', "expected NAME=URL"),
        ('origin = "o"\ntsa = ["../one=https://a/"]', "expected NAME=URL"),
        ('origin = "o"\ntsa = ["one=ftp://a/"]', "expected NAME=URL"),
        ('origin = "o"\ntsa = ["one=https://a/", "One=https://b/"]', "an authority's name is taken already: One"),
        ('origin = "o"\ntsa = ["Development=https://a/"]', "an authority's name is taken already: Development"),
        ('origin = "o"\nlimits = 5', "limits"),
        ('origin = "o"\n[limits]\nfile_bytes = "big"', "limits"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, toml: str, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        read(tmp_path, toml)
    assert words in str(told.value)


def test_a_limit_that_nobody_knows_is_told_at_start(tmp_path: Path) -> None:
    settings = make_log(tmp_path / "data")
    with pytest.raises(ConfigError, match="limits: read the settings: unknown file_size"):
        Ledger.open(replace(settings, limits={"file_size": 5}))
    with pytest.raises(ConfigError, match="positive integer"):
        Ledger.open(replace(settings, limits={"file_bytes": 0}))
    with opened(replace(settings, limits={"file_bytes": 5})) as ledger:
        assert ledger.limits.file_bytes == 5


def test_paths_in_the_file_start_at_its_folder(tmp_path: Path) -> None:
    settings = read(tmp_path / "d", f'origin = "{ORIGIN}"\nkept = "k"\nblobs = "/elsewhere/b"\npolicy = "p"')
    assert (settings.kept, settings.blobs, settings.policy) == (
        tmp_path / "d/k",
        Path("/elsewhere/b"),
        tmp_path / "d/p",
    )


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_stopped_data_folder_may_be_moved_or_copied(tmp_path: Path, how: str) -> None:
    data = tmp_path / "data"
    policy = data / "policy"
    data.mkdir()
    policy.write_bytes(b"quorum none\n")
    settings = make_log(data, policy=policy, kept=data / "kept", blobs=data / "files")
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Mine").case
    (shutil.move if how == "moved" else shutil.copytree)(data, tmp_path / "there")
    text = (tmp_path / "there/config.toml").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    there = load_settings(tmp_path / "there", {}, {})
    before = (data / "kept/kept-checkpoint").read_bytes() if how == "copied" else None
    with opened(there) as ledger:
        assert ledger.case(ALICE, case).title == "Mine"
        ledger.open_case(ALICE, "There")
    if before is not None:  # the copy went on by itself, and the original is as it was
        assert (data / "kept/kept-checkpoint").read_bytes() == before
        with opened(settings) as ledger:
            assert len(ledger.cases(ALICE, 0, 9)) == 1


def test_a_database_elsewhere_is_found_from_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = make_log(tmp_path / "data", "sqlite:///elsewhere.db")
    monkeypatch.chdir("/")
    assert settings.database == f"sqlite:///{tmp_path}/elsewhere.db"
    with opened(load_settings(tmp_path / "data", {}, {})):
        pass


def test_one_certificate_for_two_authorities_is_refused(tmp_path: Path) -> None:
    one, two = make_issuer("one"), make_issuer("two")
    settings = [AuthoritySetting(name, "https://a.example/") for name in ("a", "b")]
    (tmp_path / "a.pem").write_bytes(one.pem)
    (tmp_path / "b.pem").write_bytes(two.pem)
    assert set(load_anchors(tmp_path, settings)) == {"a", "b"}
    (tmp_path / "b.pem").write_bytes(two.pem + one.pem)
    with pytest.raises(ConfigError, match=r"a\.pem and b\.pem: .*each certificate once"):
        load_anchors(tmp_path, settings)
