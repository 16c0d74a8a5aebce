"""The operator's settings: option, then environment `EVIDENCE_LEDGER_*`, then `DATA/config.toml`, then default.

`config.toml` is written by `init`. Paths in it that are not absolute start at its own folder, and `init` writes what
lies inside the folder so: a stopped DATA may be moved or copied.

    origin = "ledger.example/court"
    database = "postgresql://ledger@db/ledger"     # absent: ledger.db in this folder
    blobs = "s3://evidence/court?region=eu-1"      # absent: blobs/ in this folder
    tsa = ["authority=https://tsa.example/"]       # roots in tsa/authority.pem
    [limits]
    file_bytes = 21474836480
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ledger.errors import ConfigError, LedgerError
from ledger.note.keys import check_key_name

CONFIG_FILE: Final = "config.toml"
ENVIRONMENT_PREFIX: Final = "EVIDENCE_LEDGER_"

# Names a file `tsa/NAME.pem` and stands in public places.
_AUTHORITY: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})=(https?://\S+)")

# The embedded authority stands in `tsa-operator/` under this name; nobody else's tokens may be taken for its.
_EMBEDDED: Final = "development"

_TEXTS: Final = ("origin", "database", "blobs", "policy", "kept", "public_url")
_PATHS: Final = frozenset({"blobs", "policy", "kept"})
_OBJECT_STORE: Final = "s3://"
_NUMBERS: Final = ("tsa_interval", "behind_proxy", "keep_keys_days", "demand_days", "access_days")
_FLAGS: Final = ("record_reads", "extract", "closed", "synchronous_standby")
_DIGITS: Final = 10
_KNOWN: Final = frozenset({*_TEXTS, *_NUMBERS, *_FLAGS, "tsa", "limits"})


@dataclass(frozen=True, slots=True)
class AuthoritySetting:
    """A timestamp authority to ask: its name, and the address that takes RFC 3161 requests."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one ledger. `tsa_interval` in seconds.

    `blobs`: the folder of evidence files; with `blobs_url` they lie in object storage, and the folder holds scratch.
    `demand_days`: the term of a demand; no source sets one. `access_days`: how long an access code is good for.
    `record_reads`: whether reading evidence is an entry of its case. `extract`: whether files' own metadata are taken.
    `closed`: the log is only read any more; a successor goes on (ledger.upkeep.successor). `synchronous_standby`:
    refuse a PostgreSQL whose commits wait for no standby: an acknowledged entry is always on two machines.
    """

    data: Path
    origin: str
    database: str
    blobs: Path
    kept: Path
    policy: Path | None = None
    tsa: tuple[AuthoritySetting, ...] = ()
    tsa_interval: int = 60
    public_url: str | None = None
    behind_proxy: int = 0
    keep_keys_days: int = 90
    demand_days: int = 10
    access_days: int = 365
    record_reads: bool = False
    extract: bool = True
    closed: bool = False
    synchronous_standby: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)
    blobs_url: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether the database is SQLite: one file, one writing process."""
        return self.database.startswith(("sqlite:", "sqlite+"))


def load_settings(data: Path, options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """The settings of the ledger in `data`; an option that is None or () counts as not given.

    Raises ConfigError for an unknown key in config.toml, a value that cannot be, or no origin anywhere.
    """
    values: dict[str, Any] = _read_file(data)
    values |= _from_environment(environ)
    values |= {name: value for name, value in options.items() if value is not None and value != () and name in _KNOWN}
    origin = values.get("origin")
    if not isinstance(origin, str):
        raise ConfigError("read the settings: no origin; `evidence-ledger init --origin NAME` makes a log", str(data))
    try:
        check_key_name(origin)
    except LedgerError as error:
        raise ConfigError(f"read the settings: {error.what}", "origin") from error
    limits = values.get("limits", {})
    if not isinstance(limits, Mapping) or not all(type(each) is int for each in limits.values()):
        raise ConfigError("read the settings: expected a table of integers", "limits")
    blobs = _text(values, "blobs")
    in_object_store = blobs is not None and blobs.startswith(_OBJECT_STORE)
    return Settings(
        data=data,
        origin=origin,
        database=_text(values, "database") or f"sqlite:///{data / 'ledger.db'}",
        blobs=data / "blobs" if blobs is None or in_object_store else Path(blobs),
        kept=Path(_text(values, "kept") or data),
        policy=Path(policy) if (policy := _text(values, "policy")) else None,
        tsa=_authorities(values.get("tsa", ())),
        tsa_interval=_number(values, "tsa_interval", 60, 1),
        public_url=_text(values, "public_url"),
        behind_proxy=_number(values, "behind_proxy", 0, 0),
        keep_keys_days=_number(values, "keep_keys_days", 90, 1),
        demand_days=_number(values, "demand_days", 10, 1),
        access_days=_number(values, "access_days", 365, 1),
        record_reads=_flag(values, "record_reads", False),
        extract=_flag(values, "extract", True),
        closed=_flag(values, "closed", False),
        synchronous_standby=_flag(values, "synchronous_standby", False),
        limits=dict(limits),
        blobs_url=blobs if in_object_store else None,
    )


def _read_file(data: Path) -> dict[str, Any]:
    path = data / CONFIG_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"read the settings: {error}", str(path)) from error
    unknown = values.keys() - _KNOWN
    if unknown:
        raise ConfigError(f"read the settings: unknown {', '.join(sorted(unknown))}", str(path))
    for name in _PATHS & values.keys():
        text = _text(values, name) or ""
        values[name] = text if name == "blobs" and text.startswith(_OBJECT_STORE) else str(data / text)
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in (*_TEXTS, *_NUMBERS, *_FLAGS):
        value = environ.get(ENVIRONMENT_PREFIX + name.upper())
        if value:
            found[name] = value
    tsa = environ.get(ENVIRONMENT_PREFIX + "TSA")
    if tsa:
        found["tsa"] = tsa.split()
    return found


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is None:
        return None
    text = str(value)
    if not isinstance(value, str | Path) or not text:
        raise ConfigError("read the settings: expected a text", name)
    return text


def _number(values: Mapping[str, Any], name: str, default: int, lowest: int) -> int:
    value = values.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS:
        value = int(value)
    if type(value) is not int or value < lowest:
        raise ConfigError(f"read the settings: expected a whole number of at least {lowest}", name)
    return value


def _flag(values: Mapping[str, Any], name: str, default: bool) -> bool:
    value = values.get(name, default)
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value, value)
    if not isinstance(value, bool):
        raise ConfigError("read the settings: expected true or false", name)
    return value


def _authorities(texts: object) -> tuple[AuthoritySetting, ...]:
    found: dict[str, AuthoritySetting] = {}
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, Sequence):
        raise ConfigError("read the settings: expected a list of NAME=URL", "tsa")
    for text in texts:
        if isinstance(text, AuthoritySetting):
            setting = text
        else:
            match = _AUTHORITY.fullmatch(text) if isinstance(text, str) else None
            if match is None:
                raise ConfigError(f"read the settings: expected NAME=URL for an authority, got {text!r}", "tsa")
            setting = AuthoritySetting(match[1], match[2])
        name = setting.name.lower()  # it names a file in bundles, where names are unique also when case is ignored
        if name in found or name == _EMBEDDED:
            raise ConfigError(f"read the settings: an authority's name is taken already: {setting.name}", "tsa")
        found[name] = setting
    return tuple(found.values())
